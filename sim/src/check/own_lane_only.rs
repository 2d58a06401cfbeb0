//! Who has nothing to do with others does nothing to them.

use sametick_core::commit::JobRow;
use sametick_core::id::{RunId, SessionId, SessionKey};
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::RunRow;
use sametick_core::session::SessionRow;
use sametick_core::time::Mono;

use super::{CheckName, Failure};
use crate::books::Books;
use crate::label::Labels;

pub(super) const SENTENCE: &str =
    "running a world with somebody unrelated in it changes nothing for the others (on a sample of seeds)";
pub(super) const FIELD: &[&str] =
    &["#67502", "#52682", "#54180", "#119083", "#132952", "#86202", "#61426", "#23470"];

/// What a bystander's being there changed for a world's own jobs.
pub(crate) fn disturbed(alone: &Books, beside: &Books, labels: &Labels<'_>) -> Option<Failure> {
    let jobs = u32::try_from(labels.scenario().jobs.len()).unwrap_or(u32::MAX);
    let what = difference(alone, beside, jobs, labels)?;
    let message = format!(
        "a job of somebody else, in a lane, a session and an agent of its own, was added to this world, and {what}"
    );
    Some(Failure { check: CheckName::OwnLaneOnly, at: Mono::default(), run: None, message })
}

fn difference(alone: &Books, beside: &Books, jobs: u32, labels: &Labels<'_>) -> Option<String> {
    let own = |run: RunId| run.job.0 < jobs;
    let runs = |books: &Books| {
        let mut rows: Vec<(RunRow, u32)> = books
            .runs
            .values()
            .filter(|book| own(book.row.id))
            .map(|book| (run(book.row), book.ends))
            .collect();
        rows.sort_unstable_by_key(|(row, _)| row.id);
        rows
    };
    let (ours, theirs) = (runs(alone), runs(beside));
    if let Some((row, _)) = ours.iter().zip(&theirs).find(|(one, two)| one != two).map(|(one, _)| one) {
        return Some(format!("the record of {} is another one", labels.run(row.id)));
    }
    if ours.len() != theirs.len() {
        return Some(format!("there are {} runs of the others and not {}", theirs.len(), ours.len()));
    }
    let states = |books: &Books| {
        let rows = books.jobs.iter().flatten().map(|(_, row)| *row).filter(|row| row.id.0 < jobs);
        rows.collect::<Vec<JobRow>>()
    };
    let (ours, theirs) = (states(alone), states(beside));
    if let Some((row, _)) = ours.iter().zip(&theirs).find(|(one, two)| one != two) {
        return Some(format!("the state of {} is another one", labels.job(row.id)));
    }
    let sessions = |books: &Books| {
        let rows = books.sessions.values().filter(|row| row.run.is_some_and(own)).map(|row| session(*row));
        let mut rows: Vec<SessionRow> = rows.collect();
        rows.sort_unstable_by_key(|row| (row.run, row.key));
        rows
    };
    let events = |books: &Books| {
        books.events.iter().filter(|event| own(event.run)).map(|one| event(*one)).collect::<Vec<_>>()
    };
    let ledger =
        |books: &Books| books.ledger.iter().filter(|row| row.job.0 < jobs).copied().collect::<Vec<_>>();
    let notes = |books: &Books| books.late.iter().filter(|note| own(note.run)).copied().collect::<Vec<_>>();
    let tables = [
        (sessions(alone) == sessions(beside), "the sessions of the others are not what they were"),
        (events(alone) == events(beside), "the events of the others are not what they were"),
        (ledger(alone) == ledger(beside), "other occurrences of the others were skipped"),
        (notes(alone) == notes(beside), "other late reports of the others were noted"),
    ];
    tables.iter().find(|(same, _)| !same).map(|(_, what)| (*what).to_owned())
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
