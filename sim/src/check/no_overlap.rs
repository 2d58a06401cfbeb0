//! Nobody works beside somebody who forbids it.

use sametick_core::effect::Effect;
use sametick_core::id::RunId;

use super::alive::{Alive, shared_session};
use super::{CheckName, Departure, Failure, Scene};

pub(super) const SENTENCE: &str =
    "two turns that may be at work never share a job that forbids it, nor a session";
pub(super) const FIELD: &[&str] =
    &["#137215", "#69738", "#13613", "#23470", "#86202", "#61426", "hexpm#1825", "nomad#11052"];

/// A turn is called: who else may be at work in its job or its session?
pub(super) fn judge(failures: &mut Vec<Failure>, departure: &Departure<'_>, alive: &Alive) {
    let Departure { at, effect, books, labels } = *departure;
    let Effect::Start { run } = *effect else { return };
    let Some(book) = books.runs.get(&run) else { return };
    let other = |turns: &[RunId]| turns.iter().copied().find(|turn| *turn != run);
    if book.terms.alone
        && let Some(other) = other(alive.of_job(run.job))
    {
        let message = format!(
            "the turn of {} is called while that of {} may still be at work, and their job lets no two of its runs \
             work at once: the same thing is done twice, by two who do not know of each other",
            labels.run(run),
            labels.run(other),
        );
        failures.push(Failure { check: CheckName::NoOverlap, at, run: Some(run), message });
    }
    if let Some(key) = shared_session(&book.row)
        && let Some(other) = other(alive.in_session(key))
    {
        let message = format!(
            "the turn of {} is called in session {} while that of {} may still be at work there: \
             two turns write into one conversation",
            labels.run(run),
            labels.key(key),
            labels.run(other),
        );
        failures.push(Failure { check: CheckName::NoOverlap, at, run: Some(run), message });
    }
}

/// A slot is granted: does another part of the gateway have the session?
pub(super) fn judge_grants(failures: &mut Vec<Failure>, scene: &Scene<'_>, alive: &Alive) {
    for change in scene.changes.granted() {
        let run = &change.after;
        let taken = |key| alive.foreign_in(key, scene.said.mono);
        if let Some(key) = shared_session(run).filter(|key| taken(*key)) {
            let message = format!(
                "{} gets a slot while another part of the gateway runs a turn in its session {}: \
                 two turns write into one conversation",
                scene.labels.run(run.id),
                scene.labels.key(key),
            );
            failures.push(Failure { check: CheckName::NoOverlap, at: scene.at, run: Some(run.id), message });
        }
    }
}
