//! Which jobs are due, and the ledger of occurrences that did not run.
//!
//! Overlap: an occurrence that is due while a run of the job is alive (or draining) is skipped.

use crate::commit::{Commit, JobRow, LastRun, LedgerRow, Unran};
use crate::id::{JobId, RunId};
use crate::job::{CatchUp, Job};
use crate::run::{Outcome, RunRow};
use crate::time::{Now, Wall};
use crate::timers::Timers;

/// The declared jobs and when they are due.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scheduler {
    jobs: Vec<Option<JobRoom>>,
    dues: Timers<Wall, JobId>,
    changed: Vec<JobId>,
}

/// One job in memory.
#[derive(Clone, Debug)]
struct JobRoom {
    job: Job,
    row: JobRow,
    /// Runs that are queued, alive or draining: they hold the overlap fence.
    fence: u32,
    skips: Option<LedgerRow>,
    skips_changed: bool,
    changed: bool,
}

impl Scheduler {
    pub(crate) fn clear(&mut self) {
        self.jobs.clear();
        self.dues.clear();
        self.changed.clear();
    }

    /// Takes a job with the state it has.
    pub(crate) fn insert(&mut self, job: Job, row: JobRow) {
        if self.jobs.len() <= job.id.index() {
            self.jobs.resize(job.id.index() + 1, None);
        }
        if let Some(due) = row.next_due {
            self.dues.arm(due, job.id);
        }
        self.jobs[job.id.index()] =
            Some(JobRoom { job, row, fence: 0, skips: None, skips_changed: false, changed: false });
    }

    /// Takes a newly declared job, due first at `first`.
    pub(crate) fn declare(&mut self, job: Job, first: Wall) {
        self.insert(job, JobRow::new(job.id, 1, Some(first)));
        self.touch(job.id);
    }

    pub(crate) fn job(&self, id: JobId) -> Option<&Job> {
        self.room(id).map(|room| &room.job)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = JobId> + use<> {
        let present: Vec<JobId> = self.jobs.iter().flatten().map(|room| room.job.id).collect();
        present.into_iter()
    }

    /// The job that is due first.
    pub(crate) fn first_due(&mut self) -> Option<(Wall, JobId)> {
        let jobs = &self.jobs;
        self.dues.first(|due, id| {
            jobs.get(id.index()).and_then(Option::as_ref).is_some_and(|room| room.row.next_due == Some(due))
        })
    }

    /// When the first job is due, given that [`Self::first_due`] has just been called.
    pub(crate) fn peek_due(&self) -> Option<Wall> {
        self.dues.peek()
    }

    /// Takes the occurrence that [`Self::first_due`] named: its run, or nothing when the job's
    /// fence is held. Then the ledger has it as skipped, and with it all up to `until`, through which
    /// nothing can free the fence.
    pub(crate) fn take_due(
        &mut self,
        due: Wall,
        id: JobId,
        until: Wall,
        draft: &mut Commit,
    ) -> Option<RunId> {
        self.dues.pop();
        let room = self.room_mut(id)?;
        let free = room.fence == 0;
        let (count, last) = if free { (1, due) } else { room.job.schedule.count_through(due, until) };
        room.row.next_due = room.job.schedule.next_after(last);
        let next = room.row.next_due;
        let run = RunId { job: id, generation: room.row.generation, due, attempt: 1 };
        if !free {
            room.unran(due, last, count, Unran::Overlap, draft);
        }
        if let Some(next) = next {
            self.dues.arm(next, id);
        }
        self.touch(id);
        free.then_some(run)
    }

    /// Says what becomes of the occurrences of a job that were due before `now`, while no machine
    /// ran. Returns the run of the one that is caught up on.
    pub(crate) fn catch_up(&mut self, id: JobId, now: Now, draft: &mut Commit) -> Option<RunId> {
        let room = self.room_mut(id)?;
        let due = room.row.next_due.filter(|due| *due < now.wall)?;
        let (count, last) = room.job.schedule.count_through(due, now.wall.plus_millis(-1));
        room.row.next_due = room.job.schedule.next_after(last);
        let next = room.row.next_due;
        let run = RunId { job: id, generation: room.row.generation, due: last, attempt: 1 };
        let runs = match room.job.catch_up {
            CatchUp::Skip => false,
            CatchUp::One => room.fence == 0,
        };
        let missed = if runs { count - 1 } else { count };
        if missed > 0 {
            let last_missed =
                if runs { room.job.schedule.count_through(due, last.plus_millis(-1)).1 } else { last };
            room.unran(due, last_missed, missed, Unran::Missed, draft);
        }
        if let Some(next) = next {
            self.dues.arm(next, id);
        }
        self.touch(id);
        runs.then_some(run)
    }

    /// A run of the job takes the overlap fence.
    pub(crate) fn fence(&mut self, id: JobId) {
        if let Some(room) = self.room_mut(id) {
            room.fence += 1;
        }
    }

    /// A run of the job lets the overlap fence go.
    pub(crate) fn unfence(&mut self, id: JobId) {
        if let Some(room) = self.room_mut(id) {
            debug_assert!(room.fence > 0, "a fence was let go twice");
            room.fence = room.fence.saturating_sub(1);
        }
    }

    /// A run of the job got a slot.
    pub(crate) fn granted(&mut self, run: RunId) {
        if let Some(room) = self.room_mut(run.job) {
            room.row.running = Some(run);
            self.touch(run.job);
        }
    }

    /// A run of the job is over.
    pub(crate) fn settled(&mut self, run: &RunRow, outcome: Outcome, duration_ms: u64) {
        let Some(room) = self.room_mut(run.id.job) else { return };
        if room.row.running == Some(run.id) {
            room.row.running = None;
        }
        let at = run.granted_at.unwrap_or(run.queued_at);
        room.row.last = Some(LastRun { run: run.id, outcome, at, duration_ms });
        room.row.consecutive_errors = match outcome {
            Outcome::Ok => 0,
            Outcome::Failed(_) | Outcome::TimedOut(_) | Outcome::Cancelled | Outcome::Interrupted(_) => {
                room.row.consecutive_errors.saturating_add(1)
            }
        };
        self.touch(run.id.job);
    }

    /// A marker that names a run nobody knows is taken off.
    pub(crate) fn clear_stale_marker(&mut self, id: JobId, known: impl Fn(RunId) -> bool) {
        if let Some(room) = self.room_mut(id)
            && room.row.running.is_some_and(|run| !known(run))
        {
            room.row.running = None;
            self.touch(id);
        }
    }

    /// Moves the rows that changed into the commit.
    pub(crate) fn flush(&mut self, draft: &mut Commit) {
        self.changed.sort_unstable();
        for id in self.changed.drain(..) {
            let Some(room) = self.jobs.get_mut(id.index()).and_then(Option::as_mut) else { continue };
            room.changed = false;
            draft.jobs.push(room.row);
            if let Some(skips) = room.skips.filter(|_| room.skips_changed) {
                draft.ledger.push(skips);
                room.skips_changed = false;
            }
        }
    }

    fn room(&self, id: JobId) -> Option<&JobRoom> {
        self.jobs.get(id.index())?.as_ref()
    }

    fn room_mut(&mut self, id: JobId) -> Option<&mut JobRoom> {
        self.jobs.get_mut(id.index())?.as_mut()
    }

    fn touch(&mut self, id: JobId) {
        if let Some(room) = self.jobs.get_mut(id.index()).and_then(Option::as_mut)
            && !room.changed
        {
            room.changed = true;
            self.changed.push(id);
        }
    }
}

impl JobRoom {
    /// Writes a range of occurrences into the ledger; one that continues the last extends it.
    fn unran(&mut self, first: Wall, last: Wall, count: u64, end: Unran, draft: &mut Commit) {
        let follows =
            |skips: &LedgerRow| skips.end == end && self.job.schedule.next_after(skips.last) == Some(first);
        match self.skips.as_mut().filter(|skips| follows(skips)) {
            Some(skips) => {
                skips.last = last;
                skips.count = skips.count.saturating_add(count);
            }
            None => {
                if let Some(closed) = self.skips.filter(|_| self.skips_changed) {
                    draft.ledger.push(closed);
                }
                let (job, generation) = (self.job.id, self.row.generation);
                self.skips = Some(LedgerRow { job, generation, first, last, count, end });
            }
        }
        self.skips_changed = true;
    }
}
