//! Results that somebody waits for: each leaves once.
//!
//! The last attempt's is owed, from the commit that says that it is the last: the one in which it ends, or, where its job
//! would try again what ended like this, the one that lets it go without another. A crash between that and the delivery
//! may lose it, as the store does not say which results are owed.

use std::collections::BTreeMap;

use educe::Educe;
use sametick_core::effect::Effect;
use sametick_core::id::RunId;
use sametick_core::time::Mono;

use super::alive::Alive;
use super::{CheckName, Departure, Ending, Failure, Rest, Scene, on_again, told};
use crate::changes::RunChange;
use crate::label::Labels;

/// The results that are owed, each with how many events were durable when that became so.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Results {
    owed: BTreeMap<RunId, u64>,
}

impl Results {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.owed.clear();
    }

    /// What became durable.
    pub(super) fn committed(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>, alive: &Alive) {
        for change in scene.changes.runs.iter().filter(|change| change.book(scene.books).terms.deliver) {
            let run = change.after.id;
            let before = RunId { attempt: run.attempt.saturating_sub(1), ..run };
            if change.before.is_none() && alive.delivered.contains(&before) {
                failures.push(not_the_last(before, scene.at, &scene.labels));
            }
            if is_decided(change, scene) && !alive.delivered.contains(&run) {
                self.owed.insert(run, scene.books.events.len() as u64);
            }
        }
    }

    /// A result leaves.
    pub(super) fn left(&mut self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        let Departure { at, effect, books, labels } = *departure;
        let Effect::Deliver { run, .. } = *effect else { return };
        self.owed.remove(&run);
        if books.run(run.next_attempt()).is_some() {
            failures.push(not_the_last(run, at, labels));
        }
    }

    /// A gateway came back: what the one before owed it may never have given.
    pub(super) fn restarted(&mut self) {
        self.owed.clear();
    }

    /// Nothing is owed where nothing can happen any more; in a world that goes on, nothing whose commit is older than one
    /// of which something left.
    pub(super) fn judge_rest(&self, failures: &mut Vec<Failure>, rest: &Rest<'_>) {
        let overdue = |events: u64| match rest.ending {
            Ending::Rested => true,
            Ending::Left => rest.heard > events,
            Ending::Behind | Ending::Unowned | Ending::Endless => false,
        };
        for (run, _) in self.owed.iter().filter(|(_, events)| overdue(**events)) {
            let outcome = rest.books.run(*run).and_then(|row| row.state.outcome()).map(told);
            let message = format!(
                "{} is over ({}) and is not tried again, and its result was never delivered: whoever waits for it waits \
                 for ever",
                rest.labels.run(*run),
                outcome.unwrap_or_default()
            );
            failures.push(Failure { check: CheckName::NothingLost, at: rest.at, run: Some(*run), message });
        }
    }
}

/// Whether it is said with this commit that the run was the last attempt.
fn is_decided(change: &RunChange, scene: &Scene<'_>) -> bool {
    let row = &change.after;
    let Some(outcome) = row.state.outcome() else { return false };
    let retry = change.book(scene.books).terms.retry;
    if row.id.attempt < retry.attempts.max(1) && on_again(retry.on, outcome) {
        let closes = row.is_closed() && change.before.is_none_or(|before| !before.is_closed());
        closes && scene.books.run(row.id.next_attempt()).is_none()
    } else {
        change.settles().is_some()
    }
}

fn not_the_last(run: RunId, at: Mono, labels: &Labels<'_>) -> Failure {
    let message = format!(
        "the result of {} is delivered, and what it did is tried again: whoever reads it hears of one thing twice",
        labels.run(run)
    );
    Failure { check: CheckName::AtMostOnce, at, run: Some(run), message }
}
