//! Who has nothing to do with others does nothing to them.

use sametick_core::id::{RunId, SessionId, SessionKey};
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::RunRow;
use sametick_core::session::SessionRow;
use sametick_core::time::Mono;

use super::{CheckName, Failure};
use crate::books::Books;
use crate::compared::{Compared, Kind};
use crate::label::Labels;

pub(super) const SENTENCE: &str =
    "running a world with somebody unrelated in it changes nothing for the others (on a sample of seeds)";
pub(super) const FIELD: &[&str] =
    &["#67502", "#52682", "#54180", "#119083", "#132952", "#86202", "#61426", "#23470"];

/// What a bystander's being there changed for a world's own jobs.
pub(crate) fn disturbed(alone: &Books, beside: &Books, labels: &Labels<'_>) -> Option<Failure> {
    let jobs = u32::try_from(labels.scenario().jobs.len()).unwrap_or(u32::MAX);
    let (ours, theirs) = (own(alone, jobs), own(beside, jobs));
    let what = Kind::ALL.iter().find_map(|kind| ours.differs_in(*kind, &theirs, labels))?;
    let message = format!(
        "a job of somebody else, in a lane, a session and an agent of its own, was added to this world, and the others have \
         other {}",
        what.told()
    );
    Some(Failure { check: CheckName::OwnLaneOnly, at: Mono::default(), run: what.run, message })
}

/// The rows of the jobs below a number.
fn own(books: &Books, jobs: u32) -> Compared {
    let is_own = |run: RunId| run.job.0 < jobs;
    let mut own = Compared::of(books);
    own.runs.retain(|(row, _)| is_own(row.id));
    own.sessions.retain(|row| row.run.is_some_and(is_own));
    own.jobs.retain(|row| row.id.0 < jobs);
    own.events.retain(|event| is_own(event.run));
    own.ledger.retain(|row| row.job.0 < jobs);
    own.late.retain(|note| is_own(note.run));
    own.runs.iter_mut().for_each(|(row, _)| *row = run(*row));
    own.sessions.iter_mut().for_each(|row| *row = session(*row));
    own.sessions.sort_unstable_by_key(|row| (row.key, row.run));
    own.events.iter_mut().for_each(|one| *one = event(*one));
    own
}

/// Sessions are numbered as turns begin, whoever's they are: which number one has says nothing.
const ANY: SessionId = SessionId(0);

fn key(key: SessionKey) -> SessionKey {
    match key {
        SessionKey::Main { .. } | SessionKey::Base { .. } => key,
        SessionKey::Run { agent, job, .. } => SessionKey::Run { agent, job, session: ANY },
    }
}

fn run(row: RunRow) -> RunRow {
    RunRow { session: row.session.map(|_| ANY), ..row }
}

fn session(row: SessionRow) -> SessionRow {
    SessionRow { key: key(row.key), session: row.session.map(|_| ANY), ..row }
}

fn event(event: LifecycleEvent) -> LifecycleEvent {
    LifecycleEvent { key: key(event.key), session: event.session.map(|_| ANY), ..event }
}
