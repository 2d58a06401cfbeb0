//! Nothing is done twice, and nothing is tried again that its job gives up.

use sametick_core::effect::Effect;
use sametick_core::id::RunId;
use sametick_core::job::Budget;
use sametick_core::retry::{Endings, Retry};
use sametick_core::run::{Outcome, RunRow};

use super::alive::Alive;
use super::{CheckName, Departure, Failure, Scene, told};
use crate::changes::RunChange;
use crate::lines::{ROUNDING_MS, span_ms};

pub(super) const SENTENCE: &str = "an attempt at an occurrence starts at most once and its result is delivered at most \
     once, across crashes and clock steps, and another follows only when and after what its job says";
pub(super) const FIELD: &[&str] = &[
    "#42640",
    "#101988",
    "#13927",
    "#11612",
    "#69738",
    "#13613",
    "#131490",
    "hatchet PR #1377",
    "#27018",
    "#67196",
    "#102367",
    "#24041",
];

/// A turn is called, or a result is delivered.
pub(super) fn judge(failures: &mut Vec<Failure>, departure: &Departure<'_>, alive: &Alive) {
    let Departure { at, effect, labels, .. } = *departure;
    if let Effect::Deliver { run, .. } = *effect
        && alive.delivered.contains(&run)
    {
        let message = format!(
            "the result of {} is delivered a second time: whoever reads it is told twice",
            labels.run(run)
        );
        failures.push(Failure { check: CheckName::AtMostOnce, at, run: Some(run), message });
    }
    let Effect::Start { run } = *effect else { return };
    if alive.starts.contains_key(&run) {
        let message = format!(
            "the turn of {} is called a second time: whatever it does to the world it may now do twice",
            labels.run(run)
        );
        failures.push(Failure { check: CheckName::AtMostOnce, at, run: Some(run), message });
    }
}

/// A further attempt is written down, or gets its slot.
pub(super) fn judge_attempts(failures: &mut Vec<Failure>, scene: &Scene<'_>, restarted: Option<i64>) {
    let further = |run: &RunRow| run.id.attempt > 1;
    let mut broken = |run: RunId, what: String| {
        let message = format!("{} {what}", scene.labels.run(run));
        failures.push(Failure { check: CheckName::AtMostOnce, at: scene.at, run: Some(run), message });
    };
    for change in scene.changes.runs.iter().filter(|change| further(&change.after)) {
        let run = &change.after;
        let unheard_of = change.before.is_none().then(|| wrong_attempt(run, scene)).flatten();
        let early = change.is_granted().then(|| too_soon(change, scene, restarted)).flatten();
        for what in [unheard_of, early].into_iter().flatten() {
            broken(run.id, what);
        }
    }
}

/// What is wrong with an attempt that there is at all.
fn wrong_attempt(run: &RunRow, scene: &Scene<'_>) -> Option<String> {
    let before = RunId { attempt: run.id.attempt - 1, ..run.id };
    let Some(book) = scene.books.runs.get(&before) else {
        return Some("is a further attempt at something that was never tried".to_owned());
    };
    let Some(outcome) = book.row.state.outcome() else {
        return Some("is a further attempt while the one before is not over".to_owned());
    };
    if book.row.is_alive() {
        return Some("is a further attempt while the turn of the one before has not stopped".to_owned());
    }
    let Retry { attempts, on, .. } = book.terms.retry;
    if before.attempt >= attempts.max(1) {
        return Some(format!("is one attempt more than the {attempts} its job allows"));
    }
    let told = told(outcome);
    (!on_again(on, outcome)).then(|| format!("tries again what was {told}, which its job gives up then"))
}

/// Whether a job tries again what ended like this. Who ended well, was cancelled, or ran out of the time for all
/// attempts is never tried again.
pub(super) fn on_again(on: Endings, outcome: Outcome) -> bool {
    let has = |ending: Endings| on.and(ending) == on;
    match outcome {
        Outcome::Ok | Outcome::Cancelled => false,
        Outcome::TimedOut(which) => which.budget != Budget::Total && has(Endings::TIMED_OUT),
        Outcome::Interrupted(_) => has(Endings::INTERRUPTED),
        Outcome::Failed(failure) => has(Endings::failed(failure.kind)),
    }
}

/// What is wrong with when an attempt begins. A restart in between goes by the wall clock, which may have stepped.
fn too_soon(change: &RunChange, scene: &Scene<'_>, restarted: Option<i64>) -> Option<String> {
    let (run, book) = (&change.after, change.book(scene.books));
    let steps = book.terms.retry.backoff.0;
    let step = steps[(run.id.attempt as usize - 2).min(steps.len() - 1)];
    let (written, granted) = (book.times.written, book.times.granted?);
    if restarted.is_some_and(|restarted| restarted >= written) {
        return None;
    }
    let early = span_ms(step) - (granted - written);
    (early > ROUNDING_MS + span_ms(scene.lag))
        .then(|| format!("begins {early} ms before its backoff of {step} is over"))
}
