//! Jobs that have nothing left to do say so, or go; and what goes does not come back. What the end of a run makes of its job
//! is in `sequel.rs`.

use sametick_core::commit::{JobRow, JobStatus, LedgerRow};
use sametick_core::id::{JobId, RunId};
use sametick_core::schedule::Schedule;

use super::sequel::is_tried_again;
use super::{CheckName, Failure, Scene, told};
use crate::changes::RunChange;

pub(super) const SENTENCE: &str = "a job that is due no more ends as it says: it is called through when what it was for last did not \
     end well, and not before; it goes where it says so, once nothing of it is open or to be tried again, and no other goes";
pub(super) const FIELD: &[&str] = &["#88197", "#12440", "nomad#11052"];

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
        failures.push(Failure { check: CheckName::JobsEnd, at: scene.at, run: None, message });
    }
}

/// What somebody asked of a job that goes, by the tick that lets it go.
#[derive(Clone, Copy, Debug)]
pub(super) struct WhatWasAsked {
    /// To remove it.
    pub(super) removed: bool,
    /// To declare it in another way, which says more of it than the books.
    pub(super) declared: bool,
    /// To pause, disable or resume it.
    pub(super) told: bool,
}

/// A job goes by itself once all is done, and only where it says so.
pub(super) fn judge_gone<'o>(
    failures: &mut Vec<Failure>,
    scene: &Scene<'_>,
    open: impl Fn(JobId) -> &'o [RunId],
    asked: impl Fn(JobId) -> WhatWasAsked,
) {
    for (job, row) in &scene.changes.gone {
        let asked = asked(job.id);
        if asked.removed {
            continue;
        }
        let given_up = || {
            let again = |change: &&RunChange| {
                let run = change.after.id;
                // The next may be over with the same commit.
                let is_last =
                    run.generation == row.generation && scene.books.run(run.next_attempt()).is_none();
                let outcome = change.after.state.outcome().filter(|_| is_last && change.closes());
                outcome.and_then(|outcome| is_tried_again(change, outcome, *row, row, scene)) == Some(true)
            };
            scene.look_up().runs_of(job.id).find(again)
        };
        let (run, what) = if let Some(run) = open(job.id).first() {
            (Some(*run), format!("and {} is not over", scene.labels.run(*run)))
        } else if !asked.declared && !job.delete_after_run {
            (None, "and it does not say that it goes once it is done".to_owned())
        } else if !asked.told
            && let Some(change) = given_up()
        {
            let (run, ended) = (change.after.id, change.after.state.outcome().map_or(String::new(), told));
            let over = scene.labels.run(run);
            (Some(run), format!("and {over} {ended}, which it tries again: nobody ever does what it was for"))
        } else {
            continue;
        };
        let message = format!("{} goes, nobody removed it, {what}", scene.labels.job(job.id));
        failures.push(Failure { check: CheckName::JobsEnd, at: scene.at, run, message });
    }
}

/// Whether the books say with this commit that what was due last did not run.
pub(super) fn passed_over(row: &JobRow, scene: &Scene<'_>) -> bool {
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
