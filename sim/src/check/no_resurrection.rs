//! What is over stays over.

use sametick_core::effect::Effect;
use sametick_core::id::RunId;
use sametick_core::session::{SessionRow, Status};

use super::{CheckName, Departure, Failure, Scene, shown};
use crate::changes::RunChange;
use crate::lines::{ROUNDING_MS, millis};

pub(super) const SENTENCE: &str = "a terminal session changes only when a newer run starts in it, and no turn is called for a run that is over";
pub(super) const FIELD: &[&str] = &["#88538", "#88583", "PR #116777", "river#1302", "oban#1496"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for (before, after) in &scene.changes.sessions {
        let over = |row: &&SessionRow| row.status.is_some_and(Status::is_terminal);
        let Some(before) = before.as_ref().filter(over) else { continue };
        // It may also have ended in this one commit. An attempt at an older occurrence may be the newer run.
        let newer = after.run.is_some_and(|run| Some(run) != before.run && starts(run, scene));
        if newer || after == before {
            continue;
        }
        let message = format!(
            "session {} was \"{}\" and is now \"{}\" though no newer run started in it",
            scene.labels.key(after.key),
            shown(before.status),
            shown(after.status),
        );
        failures.push(Failure { check: CheckName::NoResurrection, at: scene.at, run: after.run, message });
    }
}

/// A turn is to be called. One that is over before its start leaves has none.
/// A host that was replaced may not know that its successor ended the run.
pub(super) fn judge_start(failures: &mut Vec<Failure>, departure: &Departure<'_>, restarted: Option<i64>) {
    let Departure { at, effect, books, labels } = *departure;
    let Effect::Start { run } = *effect else { return };
    let Some(times) = books.runs.get(&run).map(|book| book.times) else { return };
    let is_own = restarted.is_none_or(|restarted| times.granted.is_some_and(|granted| granted > restarted));
    let settled = times.settled.filter(|_| is_own);
    // What settles in the tick at hand may do so after the start has left.
    let Some(ago) = settled.map(|settled| millis(at) - settled).filter(|ago| *ago > ROUNDING_MS) else {
        return;
    };
    let message = format!(
        "the turn of {} is called {ago} ms after the run was over: it works for nobody, and nobody stops it",
        labels.run(run)
    );
    failures.push(Failure { check: CheckName::NoResurrection, at, run: Some(run), message });
}

/// Whether a run's session goes live in this commit.
fn starts(run: RunId, scene: &Scene<'_>) -> bool {
    scene.look_up().run(run).is_some_and(RunChange::is_started)
}
