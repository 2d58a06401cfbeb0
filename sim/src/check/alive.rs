//! Turns that may be at work, as seen by somebody who hears what goes into a gateway and what comes out of it.
//!
//! A turn is alive from the moment its start has left until it says itself that it is over, or until the books say
//! that it was given up: abandoned, a whole grace after it was asked to stop by somebody whom it hears. What the
//! gateway believes does not count.

use std::collections::{BTreeMap, BTreeSet};

use educe::Educe;
use sametick_core::effect::{Effect, Input, InputKind, Report};
use sametick_core::id::{JobId, RunId, SessionKey};
use sametick_core::job::{OnAbandon, Target};
use sametick_core::run::{Drain, RunRow};
use sametick_core::time::Mono;

use super::Scene;
use crate::books::{Books, RunBook};
use crate::changes::RunChange;
use crate::table::Table;

/// Wall times are whole milliseconds.
const ROUNDING_MS: u64 = 2;

/// The turns that may be at work, by what they share.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Alive {
    /// How often each turn was called.
    pub(super) starts: Table<RunId, u32>,
    /// The runs whose result was delivered.
    pub(super) delivered: BTreeSet<RunId>,
    /// When each turn last said that it is getting on.
    pub(super) progress: Table<RunId, Mono>,
    by_job: Vec<Vec<RunId>>,
    /// The jobs that have had a turn.
    jobs: Vec<JobId>,
    /// Turns that were asked to stop, each with when it was first.
    asked: Table<RunId, Mono>,
    /// Turns in sessions that runs share.
    in_session: BTreeMap<SessionKey, Vec<RunId>>,
    /// Turns that others run in such sessions, each with when it began.
    foreign: Vec<(SessionKey, u64, Mono)>,
    /// Whether the host shows what goes in. If not, the books have to be believed.
    shown: bool,
}

impl Alive {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.starts.clear();
        self.delivered.clear();
        self.progress.clear();
        for job in self.jobs.drain(..) {
            self.by_job[job.index()].clear();
        }
        self.asked.clear();
        self.in_session.clear();
        self.foreign.clear();
        self.shown = false;
    }

    /// The turns of a job that may be at work.
    pub(super) fn of_job(&self, job: JobId) -> &[RunId] {
        self.by_job.get(job.index()).map_or(&[], Vec::as_slice)
    }

    /// The turns in a session that may be at work.
    pub(super) fn in_session(&self, key: SessionKey) -> &[RunId] {
        self.in_session.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Whether others ran a turn in a session at an instant.
    pub(super) fn foreign_in(&self, key: SessionKey, at: Mono) -> bool {
        self.foreign.iter().any(|(other, _, began)| *other == key && *began <= at)
    }

    /// Whether others run a turn in a session, for all that anybody was told.
    pub(super) fn has_foreign(&self, key: SessionKey) -> bool {
        self.foreign.iter().any(|(other, ..)| *other == key)
    }

    /// Whether a turn said that it is getting on; nobody knows where the host does not show what goes in.
    pub(super) fn got_on(&self, run: RunId) -> Option<bool> {
        self.shown.then(|| self.progress.contains_key(&run))
    }

    /// Whether the turn of a run may be at work.
    pub(super) fn has(&self, run: RunId) -> bool {
        self.of_job(run.job).contains(&run)
    }

    /// What a gateway hears. Says whose turns are over with it. What others run is the owner's business alone.
    pub(super) fn hear(&mut self, owns: bool, inputs: &[Input], mut over: impl FnMut(RunId, &Self)) {
        self.shown = true;
        for input in inputs {
            match input.kind {
                InputKind::Report { run, report: Report::Completed(_) | Report::Stopped } => {
                    self.bury(run);
                    over(run, self);
                }
                InputKind::Report { run, report: Report::Progress } => {
                    self.progress.insert(run, input.at);
                }
                InputKind::Foreign { key, turn, began: true } if owns => {
                    self.foreign.push((key, turn, input.at));
                }
                InputKind::Foreign { key, turn, began: false } if owns => {
                    self.foreign.retain(|(other, its, _)| (*other, *its) != (key, turn));
                }
                InputKind::Report { report: Report::Ready { .. }, .. }
                | InputKind::Foreign { .. }
                | InputKind::Answer { .. }
                | InputKind::Renewal { .. }
                | InputKind::Heard { .. }
                | InputKind::Command { .. }
                | InputKind::ClockStepped => {}
            }
        }
    }

    /// A turn is asked to stop.
    pub(crate) fn asked_at(&mut self, run: RunId, at: Mono) {
        if self.has(run) {
            self.asked.entry(run).or_insert(at);
        }
    }

    /// A turn is called or asked to stop, or a result is delivered.
    pub(super) fn left(&mut self, at: Mono, effect: &Effect, books: &Books) {
        if let Effect::Abort { run } = *effect {
            self.asked_at(run, at);
        }
        if let Effect::Deliver { run, .. } = *effect {
            self.delivered.insert(run);
        }
        let Effect::Start { run } = *effect else { return };
        *self.starts.entry(run).or_default() += 1;
        // Without a grace it may be called and given up in one tick, whose commit comes first.
        let book = books.runs.get(&run);
        if self.has(run) || book.is_some_and(|book| book.row.drain == Drain::Abandoned && has_no_grace(book))
        {
            return;
        }
        if self.by_job.len() <= run.job.index() {
            self.by_job.resize(run.job.index() + 1, Vec::new());
        }
        self.jobs.push(run.job);
        self.by_job[run.job.index()].push(run);
        if let Some(key) = book.and_then(|book| shared_session(&book.row)) {
            self.in_session.entry(key).or_default().push(run);
        }
    }

    /// What became durable: turns may have been given up.
    pub(super) fn committed(&mut self, scene: &Scene<'_>) {
        for change in &scene.changes.runs {
            let row = &change.after;
            let believed = !self.shown && row.is_closed();
            let no_grace = || has_no_grace(change.book(scene.books));
            let given_up = row.drain == Drain::Abandoned && (no_grace() || self.grace_ended(change, scene));
            if believed || given_up {
                self.bury(row.id);
            }
        }
    }

    /// A gateway came back, or another took over: what others ran in the one before is not known to it.
    pub(super) fn restarted(&mut self) {
        self.foreign.clear();
    }

    /// A turn may be given up no sooner than a grace after it was asked to stop, and never where its job has slot and
    /// fences held; a late tick counts from its deadline.
    fn grace_ended(&self, change: &RunChange, scene: &Scene<'_>) -> bool {
        let (run, book) = (&change.after, change.book(scene.books));
        let Some(asked) = self.asked.get(&run.id) else { return !self.has(run.id) };
        if book.terms.on_abandon == OnAbandon::Hold {
            return false;
        }
        let grace = book.terms.budgets.abort_grace.as_millis();
        scene.said.mono.since(*asked).as_millis() + ROUNDING_MS >= grace
    }

    pub(crate) fn bury(&mut self, run: RunId) {
        if let Some(turns) = self.by_job.get_mut(run.job.index()) {
            turns.retain(|turn| *turn != run);
        }
        if !self.in_session.is_empty() {
            self.in_session.values_mut().for_each(|turns| turns.retain(|turn| *turn != run));
        }
    }
}

/// Without a grace a turn is given up in the tick that asks it to stop.
const fn has_no_grace(book: &RunBook) -> bool {
    book.terms.budgets.abort_grace.as_nanos() == 0
}

/// The session a run shares with others.
pub(super) fn shared_session(run: &RunRow) -> Option<SessionKey> {
    match run.target {
        Target::Isolated => None,
        Target::Main => Some(SessionKey::Main { agent: run.agent }),
    }
}
