//! What follows when a run is over: another attempt, the end of a job that is due no more, the end of its children.
//!
//! Judged from the records before and after the commit that closes the run, or settles it, or resumes its job. Where a job is declared anew in the middle of
//! that, it gets the benefit of the doubt.

use std::collections::BTreeSet;

use educe::Educe;
use sametick_core::commit::{JobRow, JobStatus};
use sametick_core::id::{JobId, RunId};
use sametick_core::job::{Budget, Job};
use sametick_core::run::{Outcome, RunRow, RunState};
use sametick_core::schedule::Schedule;
use sametick_core::time::Mono;

use super::jobs_end::passed_over;
use super::unspoken::Unspoken;
use super::{CheckName, Failure, Scene, on_again, told};
use crate::books::RunBook;
use crate::changes::RunChange;
use crate::lines::{ROUNDING_MS, span_ms};

/// Runs that others wait for.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Sequels {
    /// Runs that are not over, after the parents that wait for them.
    children: BTreeSet<(RunId, RunId)>,
    /// Jobs that somebody disabled, each with the tick that heard of it, of those that no commit has spoken of yet.
    disabled: Unspoken<JobId>,
}

impl Sequels {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.children.clear();
        self.disabled.clear();
    }

    /// A gateway begins, and knows of no command that the one before it did not speak of.
    pub(super) fn restarted(&mut self) {
        self.disabled.clear();
    }

    /// Somebody disables a job.
    pub(super) fn disabled(&mut self, job: JobId, tick: Mono) {
        self.disabled.hear(job, tick);
    }

    /// What became durable. `open` are the runs of a job that are not closed; `is_told` of one that somebody paused,
    /// disabled or resumed meanwhile.
    pub(super) fn judge<'o>(
        &mut self,
        failures: &mut Vec<Failure>,
        scene: &Scene<'_>,
        open: impl Fn(JobId) -> &'o [RunId],
        is_told: impl Fn(JobId) -> bool,
    ) {
        self.follow(scene);
        let mut broken = |check: CheckName, run: Option<RunId>, message: String| {
            failures.push(Failure { check, at: scene.at, run, message });
        };
        for run in disabled_and_waits(scene, &open) {
            let message = format!(
                "{} waits on, and its job was disabled: nothing of it is to run any more",
                scene.labels.run(run)
            );
            broken(CheckName::CommandsKept, Some(run), message);
        }
        for (before, row) in &scene.changes.jobs {
            if row.status == JobStatus::Exhausted
                && before.is_some_and(|before| before.status == JobStatus::Active)
                && !is_told(row.id)
                && is_through_for_nothing(row, scene)
            {
                let name = scene.labels.job(row.id);
                let message = format!(
                    "{name} says that it is through, and nothing ended that was for the last time it was due: whoever \
                     looks takes for failed what went well or goes on"
                );
                broken(CheckName::JobsEnd, None, message);
            }
        }
        for (before, row) in &scene.changes.jobs {
            if row.status == JobStatus::Exhausted
                && before.is_some_and(|before| before.status != JobStatus::Exhausted)
                && is_told(row.id)
                && let Some(run) = goes_on_with(row, scene, &open)
            {
                let (name, run_name) = (scene.labels.job(row.id), scene.labels.run(run));
                let ended = scene.books.run(run).and_then(|row| row.state.outcome());
                let what = match ended {
                    Some(Outcome::Ok) => "ended well",
                    Some(_) => "is tried again",
                    None => "goes on",
                };
                let message = format!(
                    "{name} says that it is through, and {run_name}, which is for the last time it was due, {what}: whoever \
                     looks takes for failed what did not fail"
                );
                broken(CheckName::JobsEnd, Some(run), message);
            }
        }
        for change in &scene.changes.runs {
            let row = &change.after;
            if let Some(late) = waits_too_long(change, scene) {
                let message = format!(
                    "{} waits {late} ms longer than the backoff that its job says: nobody tries again for so long",
                    scene.labels.run(row.id)
                );
                broken(CheckName::PolicyKept, Some(row.id), message);
            }
            if let Some(child) = change.settles().and_then(|_| self.child_of(row.id)) {
                let name = scene.labels.run(child);
                let message = format!(
                    "{} is over, and {name}, which it asked for and waited for, goes on for nobody",
                    scene.labels.run(row.id)
                );
                broken(CheckName::PolicyKept, Some(child), message);
            }
            let Some(outcome) = row.state.outcome() else { continue };
            let closes = change.closes();
            if closes && keeps_another_life(row.id, scene) && open(row.id.job).is_empty() {
                let message = format!(
                    "{}, of an older life of its job, was the last that kept the job, which goes then and is due no more, and \
                     the job is still there",
                    scene.labels.run(row.id)
                );
                broken(CheckName::JobsEnd, Some(row.id), message);
            }
            let Some((job, before, after)) = declared(row.id, scene) else { continue };
            // What is disabled and resumed in one tick shows neither in its row.
            let at_times_disabled = self.disabled.has_in(&row.id.job, scene.said.mono);
            let again = is_tried_again(change, outcome, before, after, scene)
                .filter(|again| !(*again && at_times_disabled));
            let next = scene.books.run(row.id.next_attempt());
            let written = next.is_some();
            // That may be over by now, in the same commit even, and be what the job gives up after.
            let goes_on = next.is_none_or(|next| next.state.outcome().is_none());
            // A job is given up for its last time, also where that passed without a run while another was at work.
            let gives_up = change.settles().is_some()
                && is_for_last(row, after)
                && before.status != JobStatus::Exhausted
                && after.status == JobStatus::Exhausted
                && goes_on
                // Who was asked for is no end of a job: its own last time is, whatever became of that.
                && row.id.asked == 0
                && scene.commit.ledger.iter().all(|range| range.job != row.id.job);
            // Who pauses a job that is through leaves it paused, and it says so again when it is resumed.
            let at_end = match after.status {
                JobStatus::Paused => change.settles().is_some() && !is_told(row.id.job),
                JobStatus::Active | JobStatus::Disabled | JobStatus::Exhausted => closes,
            };
            let (check, what) = if again == Some(true) && (closes && !written || gives_up) {
                (
                    CheckName::PolicyKept,
                    "which its job tries again, and no further attempt follows: nobody ever does it",
                )
            } else if at_end && !written && again == Some(false) && stays_on(row, job, after, outcome) {
                (
                    CheckName::JobsEnd,
                    "is not tried again, and was all that its job was due for: the job does not say that it is through",
                )
            } else if closes && is_through(job, before, after) && open(job.id).is_empty() {
                (CheckName::JobsEnd, "was the last of a job that goes then, and the job is still there")
            } else {
                continue;
            };
            let message = format!("{} {}, {what}", scene.labels.run(row.id), told(outcome));
            broken(check, Some(row.id), message);
        }
        self.disabled.spoken(scene.said.mono);
    }

    /// Which children are not over, as of this commit.
    fn follow(&mut self, scene: &Scene<'_>) {
        for RunChange { after: row, .. } in &scene.changes.runs {
            let Some(parent) = row.parent else { continue };
            if row.state.outcome().is_some() {
                self.children.remove(&(parent, row.id));
            } else {
                self.children.insert((parent, row.id));
            }
        }
    }

    /// A child of a run that is not over.
    fn child_of(&self, run: RunId) -> Option<RunId> {
        let (parent, child) = self.children.range((run, RunId::default())..).next()?;
        (*parent == run).then_some(*child)
    }
}

/// Runs that were waiting and wait on, of jobs that the commit disables. Who came in it may have been asked for after that.
fn disabled_and_waits<'o>(
    scene: &Scene<'_>,
    open: impl Fn(JobId) -> &'o [RunId],
) -> impl Iterator<Item = RunId> {
    let disabled = scene.changes.jobs.iter().filter(|(before, after)| {
        let was = before.is_some_and(|before| before.status == JobStatus::Disabled);
        after.status == JobStatus::Disabled && !was
    });
    let waits = |run: &RunId| {
        let came = scene.look_up().run(*run).is_some_and(|change| change.before.is_none());
        !came && scene.books.run(*run).is_some_and(|row| row.state == RunState::Queued)
    };
    disabled.flat_map(move |(_, job)| open(job.id).iter().copied()).filter(waits)
}

/// By how many milliseconds too much a further attempt waits before it enters its lane.
fn waits_too_long(change: &RunChange, scene: &Scene<'_>) -> Option<i64> {
    let row = &change.after;
    let until = row.not_before.filter(|_| change.before.is_none() && row.id.attempt > 1)?;
    let steps = change.book(scene.books).terms.retry.backoff.0;
    let step = steps[(row.id.attempt as usize - 2).min(steps.len() - 1)];
    // It counts from when the one before let go, which was in the tick that says so, or before its end.
    let late = (until - scene.said.wall).saturating_sub(span_ms(step));
    (late > ROUNDING_MS).then_some(late)
}

/// Whether a job that is due once and did not end well goes on as if nothing had been.
fn stays_on(row: &RunRow, job: &Job, after: &JobRow, outcome: Outcome) -> bool {
    // Not where it was given a later time while this was at work.
    let once = matches!(job.schedule, Schedule::At(_)) && is_for_last(row, after);
    let follows = matches!(after.status, JobStatus::Active | JobStatus::Paused);
    once && outcome != Outcome::Ok && after.next_due.is_none() && follows
}

/// Whether a job is called exhausted by a commit in which nothing of its last time comes to an end: no run for it that did
/// not end well, and not the time itself, without one. What the books do not say at all is for others to judge.
fn is_through_for_nothing(row: &JobRow, scene: &Scene<'_>) -> bool {
    let anew = scene.commit.declared.iter().any(|declared| declared.id == row.id);
    let last = row.last_due.map(|due| RunId::scheduled(row.id, row.generation, due));
    if anew || last.is_none_or(|run| scene.books.run(run).is_none()) {
        return false;
    }
    let passed =
        scene.commit.ledger.iter().any(|range| range.job == row.id && Some(range.last) == row.last_due);
    let did_not_end_well = |change: &RunChange| {
        let run = &change.after;
        let own = run.id.generation == row.generation && is_for_last(run, row);
        own && run.state.outcome().is_some_and(|outcome| outcome != Outcome::Ok)
    };
    !passed && !scene.look_up().runs_of(row.id).any(did_not_end_well)
}

/// What may yet end well of a job's last time that did not pass without a run, or did: a run that is at work or to come, one
/// that drains and is tried again, or one that ended well.
fn goes_on_with<'o>(row: &JobRow, scene: &Scene<'_>, open: impl Fn(JobId) -> &'o [RunId]) -> Option<RunId> {
    let anew = scene.commit.declared.iter().any(|declared| declared.id == row.id);
    if anew || passed_over(row, scene) {
        return None;
    }
    let may_end_well = |run: &RunId| {
        let book = scene.books.runs.get(run);
        book.is_some_and(|book| {
            let again = |outcome| tries_again(book, outcome) && !has_no_time_left(book, scene);
            book.row.state.outcome().is_none_or(again)
        })
    };
    let is_for_last =
        |run: &RunId| run.generation == row.generation && run.asked == 0 && row.last_due == Some(run.due);
    // How it ended is read off the job's latest run.
    let ended_well = row.last.filter(|last| last.outcome == Outcome::Ok).map(|last| last.run);
    let open = open(row.id).iter().copied().filter(is_for_last).find(may_end_well);
    open.or(ended_well.filter(is_for_last))
}

/// A job that was declared before the commit and still is, in the same way, with its row before and after.
fn declared<'a>(run: RunId, scene: &Scene<'a>) -> Option<(&'a Job, JobRow, &'a JobRow)> {
    let (job, after) = scene.books.job(run.job)?;
    let anew = scene.commit.declared.iter().any(|anew| anew.id == run.job);
    let before = scene.look_up().job(run.job);
    let before = before.and_then(|(before, _)| *before).unwrap_or(*after);
    (after.generation == run.generation && !anew).then_some((job, before, after))
}

/// Whether a run's job was added again, has nothing due any more and goes then.
fn keeps_another_life(run: RunId, scene: &Scene<'_>) -> bool {
    let Some((job, after)) = scene.books.job(run.job) else { return false };
    let anew = scene.commit.declared.iter().any(|anew| anew.id == run.job);
    let before = scene.look_up().job(run.job).and_then(|(before, _)| *before).unwrap_or(*after);
    after.generation > run.generation && !anew && is_through(job, before, after)
}

/// Whether another attempt follows, by what its job says and as far as the records tell.
pub(super) fn is_tried_again(
    change: &RunChange,
    outcome: Outcome,
    before: JobRow,
    after: &JobRow,
    scene: &Scene<'_>,
) -> Option<bool> {
    let book = change.book(scene.books);
    if !tries_again(book, outcome) {
        return Some(false);
    }
    if has_no_time_left(book, scene) {
        return None;
    }
    let follows = |status| matches!(status, JobStatus::Active | JobStatus::Paused);
    let waited_for =
        |parent: RunId| scene.books.run(parent).is_some_and(|row| !matches!(row.state, RunState::Settled(_)));
    let wanted = change.after.parent.is_none_or(waited_for);
    (wanted && follows(before.status) && (follows(after.status) || after.status == JobStatus::Exhausted))
        .then_some(true)
}

/// Whether a run's terms have another attempt follow one that ends so.
fn tries_again(book: &RunBook, outcome: Outcome) -> bool {
    let retry = book.terms.retry;
    book.row.id.attempt < retry.attempts.max(1) && on_again(retry.on, outcome)
}

/// Whether no time is left for another attempt; how near that was, the records tell too little of.
fn has_no_time_left(book: &RunBook, scene: &Scene<'_>) -> bool {
    let said = i64::try_from(scene.said.mono.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
    book.ends(Budget::Total, None).is_some_and(|end| end <= said)
}

/// Whether a run is for the latest time that its job was due.
fn is_for_last(row: &RunRow, after: &JobRow) -> bool {
    row.id.asked == 0 && after.last_due == Some(row.id.due)
}

/// Whether nothing more is due of a job that goes then.
fn is_through(job: &Job, before: JobRow, after: &JobRow) -> bool {
    job.delete_after_run && before.next_due.is_none() && after.next_due.is_none()
}
