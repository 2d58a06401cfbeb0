//! A job is due when it says, and at no other time.

use sametick_core::commit::JobRow;
use sametick_core::id::JobId;
use sametick_core::time::Wall;

use super::{CheckName, Scene};
use crate::label::Labels;
use crate::oracle::{Dues, Next};

pub(super) const SENTENCE: &str =
    "occurrences are those of an independent oracle, which reads clocks minute by minute";
pub(super) const FIELD: &[&str] =
    &["#12263", "#10269", "#22703", "#10035", "#30351", "#102906", "PR #118712", "PR #118297", "croner#388"];

pub(super) fn no_such_time(
    job: JobId,
    due: Wall,
    expected: Next,
    labels: &Labels<'_>,
) -> (CheckName, String) {
    let then = match expected {
        Next::At(expected) => format!("next at {}", labels.wall(expected)),
        Next::Beyond(horizon) => format!("not before {}", labels.wall(horizon)),
        Next::Never => "never again".to_owned(),
    };
    let message = format!(
        "{} is taken to be due at {}, when its schedule says nothing of the kind; it is due {then}",
        labels.job(job),
        labels.wall(due)
    );
    (CheckName::ScheduleRight, message)
}

/// What is due later has no end yet: until then the job may be free to run.
pub(super) fn ahead(job: JobId, due: Wall, scene: &Scene<'_>) -> (CheckName, String) {
    let message = format!(
        "what is due of {} at {} has its end at {} already: whatever happens until then, it does not count",
        scene.labels.job(job),
        scene.labels.wall(due),
        scene.labels.wall(scene.said.wall)
    );
    (CheckName::ScheduleRight, message)
}

/// A job that is newly declared, or edited, goes by its schedule from then on.
pub(super) fn wrong_begin(row: &JobRow, dues: &Dues<'_>, scene: &Scene<'_>) -> Option<(CheckName, String)> {
    let after = row.last_due.map_or(scene.said.wall, |last| last.max(scene.said.wall));
    match (row.next_due, dues.after(after)) {
        (Some(due), expected) if !dues.has(due) => Some(no_such_time(row.id, due, expected, &scene.labels)),
        // What is due before the tick that declares it, and was met in it, is due no more.
        (Some(due), Next::At(expected)) if due > expected => {
            Some(no_such_time(row.id, due, Next::At(expected), &scene.labels))
        }
        _ => None,
    }
}
