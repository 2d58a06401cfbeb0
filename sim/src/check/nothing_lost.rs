//! Whatever was due has an end that somebody can read.

use sametick_core::commit::{LedgerRow, Unran};
use sametick_core::id::{JobId, RunId};
use sametick_core::time::Wall;

use super::{CheckName, Failure, Scene};
use crate::label::Labels;
use crate::lines::span_ms;

pub(super) const SENTENCE: &str = "every occurrence has one outcome in the books, ran or why not, by an independent count \
     of due times; and every settled run has its record";
pub(super) const FIELD: &[&str] = &[
    "#12440", "#13992", "#10201", "#12313", "#14658", "#10086", "#11246", "#17852", "#59056", "#59301",
    "#91979",
];

pub(super) fn passed_over(job: JobId, due: Wall, labels: &Labels<'_>) -> (CheckName, String) {
    let message = format!(
        "{} was due at {} and the books do not say what became of that: it did not run, and nobody will ever know",
        labels.job(job),
        labels.wall(due)
    );
    (CheckName::NothingLost, message)
}

pub(super) fn told_twice(job: JobId, due: Wall, labels: &Labels<'_>) -> (CheckName, String) {
    let message = format!(
        "what was due of {} at {} comes a second time, though the books say already what became of it",
        labels.job(job),
        labels.wall(due)
    );
    (CheckName::NothingLost, message)
}

pub(super) fn miscounted(
    job: JobId,
    first: Wall,
    last: Wall,
    (told, counted): (u64, u64),
    labels: &Labels<'_>,
) -> (CheckName, String) {
    let message = format!(
        "the ledger has {told} occurrences of {} from {} to {}, and by its schedule there are {counted}",
        labels.job(job),
        labels.wall(first),
        labels.wall(last)
    );
    (CheckName::NothingLost, message)
}

/// A job ends by itself, and is due after that.
pub(super) fn gone_before(job: JobId, due: Wall, labels: &Labels<'_>) -> (CheckName, String) {
    let (name, when) = (labels.job(job), labels.wall(due));
    (
        CheckName::NothingLost,
        format!(
            "{name} is through, and was due at {when}: nobody told it to stop, and what was due then never comes"
        ),
    )
}

/// What is told of a run has a record behind it, and what is told of an occurrence can be true.
/// `shown` is the latest that the wall clock showed to a tick that the commit speaks of.
pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, shown: Wall, restarted: Option<Wall>) {
    let mut broken = |run: Option<RunId>, message: String| {
        failures.push(Failure { check: CheckName::NothingLost, at: scene.at, run, message });
    };
    for (before, row) in &scene.changes.jobs {
        let last = row.last.map(|last| last.run);
        let told_before = before.and_then(|before| before.last).map(|last| last.run);
        let Some(run) = last.filter(|_| last != told_before) else { continue };
        if !scene.books.is_settled(run) {
            let name = scene.labels.run(run);
            broken(
                Some(run),
                format!(
                    "the state of its job says how {name} ended, and there is no record that it ever did"
                ),
            );
        }
    }
    for event in &scene.commit.events {
        if scene.books.run(event.run).is_none() {
            let (phase, name) = (event.phase.name(), scene.labels.run(event.run));
            broken(
                Some(event.run),
                format!("the {phase} of {name} is published, and there is no record of it"),
            );
        }
    }
    for (before, row) in &scene.changes.ledger {
        if before.is_none_or(|before| before.last != row.last)
            && row.end == Unran::Missed
            && let Some(message) = not_missed(row, scene, shown, restarted)
        {
            broken(None, message);
        }
    }
}

/// Missed is what was due too long before the tick that met it, or before the gateway was there, or what is too much or
/// too old to be caught up on then.
fn not_missed(row: &LedgerRow, scene: &Scene<'_>, shown: Wall, restarted: Option<Wall>) -> Option<String> {
    // What an edited job went by before is not in the books any more.
    if scene.commit.declared.iter().any(|job| job.id == row.job) {
        return None;
    }
    let (job, _) = scene.books.job(row.job)?;
    let late = span_ms(job.misfire_after);
    let too_late = row.last < shown.plus_millis(late.saturating_neg());
    let was_down = restarted.is_some_and(|restarted| row.last < restarted);
    (!too_late && !was_down).then(|| {
        format!(
            "{} was due at {}, a gateway was there in time, and the ledger says that it was missed",
            scene.labels.job(row.job),
            scene.labels.wall(row.last)
        )
    })
}
