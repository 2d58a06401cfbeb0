//! A run that never ran leaves nothing behind.

use sametick_core::effect::Effect;
use sametick_core::run::{Outcome, Phase};

use super::{CheckName, Departure, Failure, Scene, told};

pub(super) const SENTENCE: &str =
    "a run that ends in its queue leaves it at once, starts no session and calls no turn";
pub(super) const FIELD: &[&str] = &["#43141", "#41783", "#41886", "#42635", "#77703"];

/// Wall times are whole milliseconds.
const ROUNDING_MS: u64 = 2;

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, restarted: Option<i64>) {
    judge_grants(failures, scene, restarted);
    for (change, outcome) in scene.changes.settling().filter(|(change, _)| change.after.granted_at.is_none())
    {
        let run = &change.after;
        let mut broken = |what: &str| {
            let message = format!("{} was {} in its queue, {what}", scene.labels.run(run.id), told(outcome));
            failures.push(Failure {
                check: CheckName::QueuedLeavesNoSession,
                at: scene.at,
                run: Some(run.id),
                message,
            });
        };
        if run.session.is_some() || change.session_rows(scene.books).next().is_some() {
            broken("and a session speaks of it");
        }
        if scene.look_up().events(run.id).next().is_some() {
            broken("and an event on a session's stream says so");
        }
        let elsewhere = matches!(outcome, Outcome::TimedOut(which) if which.phase != Phase::Queued);
        if elsewhere {
            broken("and its record names another phase");
        }
    }
}

/// A run that gets a slot after its queue timeout did not leave when it should have.
fn judge_grants(failures: &mut Vec<Failure>, scene: &Scene<'_>, restarted: Option<i64>) {
    for change in scene.changes.granted() {
        let (run, book) = (&change.after, change.book(scene.books));
        let (Some(granted), Some(budget)) = (book.times.granted, book.terms.budgets.queue_timeout) else {
            continue;
        };
        let queued = restarted.map_or(book.times.queued, |restarted| restarted.max(book.times.queued));
        let waited = u64::try_from(granted - queued).unwrap_or_default();
        if waited > budget.as_millis() + scene.lag.as_millis() + ROUNDING_MS {
            let name = scene.labels.run(run.id);
            let message = format!(
                "{name} got a slot after {waited} ms in its lane, though its queue timeout is {budget}"
            );
            failures.push(Failure {
                check: CheckName::QueuedLeavesNoSession,
                at: scene.at,
                run: Some(run.id),
                message,
            });
        }
    }
}

pub(super) fn judge_effect(failures: &mut Vec<Failure>, departure: &Departure<'_>) {
    let Departure { at, effect, books, labels } = *departure;
    let Effect::Start { run } = effect else { return };
    if books.is_settled(*run) && books.run(*run).is_some_and(|row| row.granted_at.is_none()) {
        let message = format!("{} ended in its queue and its turn is called all the same", labels.run(*run));
        failures.push(Failure { check: CheckName::QueuedLeavesNoSession, at, run: Some(*run), message });
    }
}
