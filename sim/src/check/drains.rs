//! A drain ends with the turn's own word, and where a turn was called at all.

use educe::Educe;
use sametick_core::effect::{Effect, Input, InputKind, Report};
use sametick_core::id::RunId;
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::Mono;

use super::alive::Alive;
use super::unspoken::Unspoken;
use super::{CheckName, Departure, Ending, Failure, Rest, Scene};
use crate::books::Books;
use crate::label::Labels;

/// Runs that were over, and whose turn has answered or stopped since, in the owner's ears.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Drains(Unspoken<RunId>);

impl Drains {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What the owner hears in a tick.
    pub(super) fn hear(&mut self, tick: Mono, inputs: &[Input], books: &Books) {
        let drains = |row: &RunRow| matches!(row.state, RunState::Settled(_)) && !row.is_closed();
        for input in inputs {
            if let InputKind::Report { run, report: Report::Completed(_) | Report::Stopped } = input.kind
                && books.run(run).is_some_and(drains)
            {
                self.0.hear(run, tick);
            }
        }
    }

    /// What becomes durable.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        if self.0.is_empty() {
            return;
        }
        let said = scene.said.mono;
        let drains = |run: &&RunId| scene.books.run(**run).is_some_and(|row| !row.is_closed());
        if let Some(run) = self.0.by(said).find(drains) {
            failures.push(Failure { at: scene.at, ..holds_on(*run, &scene.labels) });
        }
        self.0.spoken(said);
    }

    /// A world came to rest: no commit says any more that a drain is over.
    pub(super) fn judge_rest(&self, failures: &mut Vec<Failure>, rest: &Rest<'_>) {
        let first = self.0.by(rest.at).next().filter(|_| rest.ending == Ending::Rested);
        failures.extend(first.map(|run| Failure { at: rest.at, ..holds_on(*run, rest.labels) }));
    }
}

fn holds_on(run: RunId, labels: &Labels<'_>) -> Failure {
    let message = format!(
        "the turn of {} has said that it is over, and the run holds on to its slot: nobody else gets it",
        labels.run(run)
    );
    Failure { check: CheckName::SlotsReturn, at: Mono::default(), run: Some(run), message }
}

/// A turn is asked to stop: it was called, by this gateway or by one before it.
pub(super) fn judge_abort(
    failures: &mut Vec<Failure>,
    departure: &Departure<'_>,
    alive: &Alive,
    restarted: Option<i64>,
) {
    let Departure { at, effect, books, labels } = *departure;
    let Effect::Abort { run } = *effect else { return };
    let granted = books.runs.get(&run).and_then(|book| book.times.granted);
    let own = granted.is_some_and(|granted| restarted.is_none_or(|restarted| granted > restarted));
    if own && !alive.starts.contains_key(&run) {
        let message = format!(
            "the turn of {} is asked to stop and was never called: its slot waits for nobody",
            labels.run(run)
        );
        failures.push(Failure { check: CheckName::SlotsReturn, at, run: Some(run), message });
    }
}
