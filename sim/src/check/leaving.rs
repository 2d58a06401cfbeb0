//! Jobs that have nothing left to do say so, or go; and what goes does not come back.

use sametick_core::commit::{JobRow, JobStatus, LedgerRow};
use sametick_core::id::{JobId, RunId};
use sametick_core::schedule::Schedule;

use super::{CheckName, Failure, Scene};

/// A job whose last time passed without a run.
pub(super) fn judge<'o>(failures: &mut Vec<Failure>, scene: &Scene<'_>, open: impl Fn(JobId) -> &'o [RunId]) {
    for (before, row) in &scene.changes.jobs {
        let was_due = before.is_none_or(|before| before.next_due.is_some());
        if !was_due || row.next_due.is_some() || !passed_over(row, scene) {
            continue;
        }
        let anew = scene.commit.declared.iter().any(|anew| anew.id == row.id);
        let Some((job, _)) = scene.books.job(row.id).filter(|_| !anew) else { continue };
        let once = matches!(job.schedule, Schedule::At(_));
        let what = if job.delete_after_run && open(row.id).is_empty() {
            "goes when it is done, and is still there"
        } else if once && row.status == JobStatus::Active {
            "still says that it is active"
        } else {
            continue;
        };
        let name = scene.labels.job(row.id);
        let message = format!("{name} did not run the last time it was due, is due no more, and {what}");
        failures.push(Failure { check: CheckName::PolicyKept, at: scene.at, run: None, message });
    }
}

/// Whether the books say with this commit that what was due last did not run.
fn passed_over(row: &JobRow, scene: &Scene<'_>) -> bool {
    let unran = |range: &LedgerRow| {
        (range.job, range.generation, Some(range.last)) == (row.id, row.generation, row.last_due)
    };
    scene.changes.ledger.iter().any(|(_, range)| unran(range))
}

/// A job is either declared with a commit or removed.
pub(super) fn judge_both(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for job in &scene.commit.removed {
        if scene.commit.declared.iter().any(|declared| declared.id == *job) {
            let message = format!(
                "one commit removes {} and declares it: a store that takes in what it declares last has it back, and what \
                 it did is done again",
                scene.labels.job(*job)
            );
            failures.push(Failure { check: CheckName::AtMostOnce, at: scene.at, run: None, message });
        }
    }
}
