//! Which jobs are due, what becomes of each occurrence, and the state of each job.

use educe::Educe;

use crate::commit::{Commit, JobRow, JobStatus, LastRun, LedgerRow, Unran};
use crate::id::{AgentId, JobId, RunId};
use crate::job::{CatchUp, Job, Overlap};
use crate::ledger::{Occurrences, OpenRange};
use crate::live::LiveRun;
use crate::run::Outcome;
use crate::schedule::Schedule;
use crate::time::Wall;
use crate::timers::Timers;
use crate::working::{Grant, Working};

/// The declared jobs and when they are due.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Scheduler {
    jobs: Vec<Option<JobRoom>>,
    dues: Timers<Wall, JobId>,
    changed: Vec<JobId>,
    grants: u64,
}

/// One job in memory. It stays after its removal while a run of it is open, so that no run of its next
/// generation overlaps.
#[derive(Educe, Debug)]
#[educe(Clone)]
struct JobRoom {
    job: Job,
    row: JobRow,
    removed: bool,
    /// Runs that wait, are at work, or drain.
    open: u32,
    /// Those of them that wait.
    waiting: u32,
    /// Those of them that have a slot and have not settled.
    working: Working,
    unran: OpenRange,
    changed: bool,
}

/// What an overlap policy says of one more run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admits {
    /// It runs, or waits to.
    Yes,
    /// It runs, in place of all others.
    Instead,
    /// It does not.
    No(Unran),
}

/// What taking up occurrences asks of the gateway.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Taken {
    /// Runs to be queued, in order.
    pub(crate) runs: Vec<RunId>,
    /// Whether what is open of the job is cancelled first.
    pub(crate) instead: bool,
}

/// When and against what occurrences are taken up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The wall time of the tick.
    pub(crate) now: Wall,
    /// Nothing but occurrences of the job happens through this.
    pub(crate) until: Wall,
    /// How many more runs the job's lane takes.
    pub(crate) room: u32,
}

impl Scheduler {
    pub(crate) fn clear(&mut self) {
        self.jobs.clear();
        self.dues.clear();
        self.changed.clear();
        self.grants = 0;
    }

    /// Takes a job with the state it has, fences of an earlier generation included.
    pub(crate) fn insert(&mut self, job: Job, row: JobRow) {
        if self.jobs.len() <= job.id.index() {
            self.jobs.resize(job.id.index() + 1, None);
        }
        let old = self.jobs[job.id.index()].take();
        let (open, waiting) = old.as_ref().map_or((0, 0), |old| (old.open, old.waiting));
        let changed = old.as_ref().is_some_and(|old| old.changed);
        let working = old.map(|old| old.working).unwrap_or_default();
        let unran = OpenRange::default();
        self.jobs[job.id.index()] =
            Some(JobRoom { job, row, removed: false, open, waiting, working, unran, changed });
        self.arm(job.id);
    }

    /// Takes a newly declared job, due first at `first`.
    pub(crate) fn declare(&mut self, job: Job, generation: u32, first: Wall) {
        self.insert(job, JobRow::new(job.id, generation, Some(first)));
        self.touch(job.id);
    }

    /// Replaces a declaration. What was due and not met by now is superseded, but for what is due at this very instant
    /// by both: that is still to be met. A job that was exhausted has something to do again.
    pub(crate) fn edit(&mut self, job: Job, next: Wall, now: Wall, draft: &mut Commit) {
        let Some(room) = self.room_mut(job.id) else { return };
        let end = if room.row.status.is_active() { Unran::Superseded } else { Unran::Paused };
        room.write_through(now.min(next.plus_millis(-1)), end, &mut draft.ledger);
        draft.ledger.extend(room.unran.take_changed());
        room.unran = OpenRange::default();
        room.job = job;
        room.row.next_due = Some(next);
        if room.row.status == JobStatus::Exhausted {
            room.row.status = JobStatus::Active;
        }
        self.arm(job.id);
        self.touch(job.id);
    }

    /// Replaces a declaration whose schedule stays as it is.
    pub(crate) fn replace(&mut self, job: Job) {
        if let Some(room) = self.room_mut(job.id) {
            room.job = job;
        }
    }

    /// Forgets a declaration, also one of this very tick. What was due before `now` was not followed: else it has its
    /// end already.
    pub(crate) fn remove(&mut self, id: JobId, now: Wall, draft: &mut Commit) {
        let Some(room) = self.room_mut(id) else { return };
        room.write_through(now.plus_millis(-1), Unran::Paused, &mut draft.ledger);
        draft.ledger.extend(room.unran.take_changed());
        room.removed = true;
        room.row.next_due = None;
        draft.declared.retain(|declared| declared.id != id);
        draft.removed.push(id);
        self.forget_if_over(id);
    }

    /// Follows the schedule no longer.
    pub(crate) fn stop_following(&mut self, id: JobId, status: JobStatus) {
        if let Some(room) = self.room_mut(id) {
            room.row.status = status;
            self.touch(id);
        }
    }

    /// Follows the schedule again: what was due since, and before `now`, stays unmet. A job that is due once, and was
    /// due, is exhausted, unless what was due then ended well or may yet.
    pub(crate) fn resume(
        &mut self,
        id: JobId,
        now: Wall,
        may_end_well: impl Fn(Wall) -> bool,
        draft: &mut Commit,
    ) {
        let Some(room) = self.room_mut(id) else { return };
        if !room.row.status.is_active() {
            room.row.status = JobStatus::Active;
            room.write_through(now.plus_millis(-1), Unran::Paused, &mut draft.ledger);
            let last = room.row.last_due;
            if room.is_due_no_more() && !room.ended_well(last) && !last.is_some_and(may_end_well) {
                room.row.status = JobStatus::Exhausted;
            }
            self.arm(id);
            self.touch(id);
        }
    }

    /// Whether a job has done what it was for, and asked to be removed then: nothing of it is open or will be due.
    pub(crate) fn is_through(&self, id: JobId) -> bool {
        self.room(id).is_some_and(JobRoom::is_through)
    }

    pub(crate) fn job(&self, id: JobId) -> Option<&Job> {
        self.room(id).map(|room| &room.job)
    }

    pub(crate) fn row(&self, id: JobId) -> Option<&JobRow> {
        self.room(id).map(|room| &room.row)
    }

    /// The declared job with the lowest id from `first` on.
    pub(crate) fn next_id(&self, first: JobId) -> Option<JobId> {
        self.jobs.get(first.index()..)?.iter().flatten().map(|room| room.job.id).next()
    }

    /// The job that is due first.
    pub(crate) fn first_due(&mut self) -> Option<(Wall, JobId)> {
        let jobs = &self.jobs;
        self.dues.first(|due, id| is_due(jobs, due, id))
    }

    /// When the first job is due, given that [`Self::first_due`] has just been called.
    pub(crate) fn peek_due(&self) -> Option<Wall> {
        self.dues.peek()
    }

    /// Takes up the occurrence that [`Self::first_due`] named, and with it what shares its end.
    pub(crate) fn take_due(&mut self, id: JobId, moment: Moment, taken: &mut Taken, draft: &mut Commit) {
        self.dues.pop();
        let Some(room) = self.room_mut(id) else { return };
        let Some(due) = room.row.next_due else { return };
        let misfire = i64::try_from(room.job.misfire_after.as_millis()).unwrap_or(i64::MAX);
        let on_time = moment.now.plus_millis(misfire.saturating_neg());
        if due < on_time {
            room.miss(on_time.plus_millis(-1), moment, taken, &mut draft.ledger);
        } else {
            room.meet(due, moment, taken, &mut draft.ledger);
        }
        self.arm(id);
        self.touch(id);
    }

    /// Says what becomes of the occurrences of a job that were due before `now`, while no machine ran.
    pub(crate) fn catch_up(&mut self, id: JobId, moment: Moment, taken: &mut Taken, draft: &mut Commit) {
        let Some(room) = self.room_mut(id) else { return };
        if room.follows() && room.row.next_due.is_some_and(|due| due < moment.now) {
            room.miss(moment.now.plus_millis(-1), moment, taken, &mut draft.ledger);
            self.arm(id);
            self.touch(id);
        }
    }

    /// What the job's overlap policy says of one more run now.
    pub(crate) fn admits(&self, id: JobId) -> Admits {
        self.room(id).map_or(Admits::No(Unran::Paused), JobRoom::admits)
    }

    /// Whether what did not end well is tried again: its declaration stands and is not disabled.
    pub(crate) fn retries(&self, run: RunId) -> bool {
        let room = self.room(run.job).filter(|room| room.row.generation == run.generation);
        room.is_some_and(|room| room.row.status != JobStatus::Disabled)
    }

    /// The next run that somebody asks for.
    pub(crate) fn ask(&mut self, id: JobId, now: Wall) -> Option<RunId> {
        let room = self.room_mut(id)?;
        room.row.asked = room.row.asked.saturating_add(1);
        let (generation, asked) = (room.row.generation, room.row.asked);
        self.touch(id);
        Some(RunId { job: id, generation, due: now, asked, attempt: 1 })
    }

    /// A run of the job waits from now on.
    pub(crate) fn waits(&mut self, id: JobId) {
        let room = self.room_or_what_is_left(id);
        room.open += 1;
        room.waiting += 1;
    }

    /// A run of the job, found after a crash, is at work or drains; or one is about to come.
    pub(crate) fn is_open(&mut self, id: JobId) {
        self.room_or_what_is_left(id).open += 1;
    }

    /// What [`Self::is_open`] counted is over, and other runs of the job have its place.
    pub(crate) fn is_replaced(&mut self, id: JobId) {
        if let Some(room) = self.any_room_mut(id) {
            room.open = room.open.saturating_sub(1);
        }
    }

    /// A run of the job waits no longer.
    pub(crate) fn waited(&mut self, id: JobId) {
        if let Some(room) = self.any_room_mut(id) {
            room.waiting = room.waiting.saturating_sub(1);
        }
    }

    /// A run of the job got a slot.
    pub(crate) fn granted(&mut self, run: RunId) -> Grant {
        self.waited(run.job);
        self.grants += 1;
        let grant = Grant(self.grants);
        if let Some(room) = self.own_room_mut(run) {
            room.working.begin(grant, run);
            room.row.running = Some(run);
            self.touch(run.job);
        }
        grant
    }

    /// An attempt of the job is over.
    pub(crate) fn settled(&mut self, live: &LiveRun, outcome: Outcome, duration_ms: u64) {
        let run = &live.row;
        let Some(room) = self.own_room_mut(run.id) else { return };
        room.working.end(live.grant, run.id);
        if room.row.running == Some(run.id) {
            room.row.running = room.working.latest();
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

    /// No further attempt follows a run of the job. One that is due once and no more is exhausted, if this was for
    /// that time and not for one it had before.
    pub(crate) fn ends(&mut self, run: RunId, outcome: Outcome) {
        let Some(room) = self.own_room_mut(run) else { return };
        // What somebody disabled stays so.
        let was_for =
            run.asked == 0 && room.row.last_due == Some(run.due) && room.row.status != JobStatus::Disabled;
        if was_for && outcome != Outcome::Ok && room.is_due_no_more() {
            room.row.status = JobStatus::Exhausted;
            self.touch(run.job);
        }
    }

    /// A run of the job is let go, of whatever generation: its fence falls. Says whether the job is through: nothing of it
    /// is open or will be due, and it asked to be removed then.
    pub(crate) fn closed(&mut self, run: RunId) -> bool {
        let Some(room) = self.any_room_mut(run.job) else { return false };
        debug_assert!(room.open > 0, "a fence was let go twice");
        room.open = room.open.saturating_sub(1);
        let removes = room.is_through();
        self.forget_if_over(run.job);
        removes
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
            let room = self.jobs.get_mut(id.index()).and_then(Option::as_mut);
            // A job that went and came back in this tick stands in the list twice.
            let Some(room) = room.filter(|room| room.changed) else { continue };
            room.changed = false;
            if !room.removed {
                draft.jobs.push(room.row);
                draft.ledger.extend(room.unran.take_changed());
            }
        }
    }

    /// A declared job.
    fn room(&self, id: JobId) -> Option<&JobRoom> {
        self.jobs.get(id.index())?.as_ref().filter(|room| !room.removed)
    }

    fn room_mut(&mut self, id: JobId) -> Option<&mut JobRoom> {
        self.any_room_mut(id).filter(|room| !room.removed)
    }

    /// The room of a run's own generation.
    fn own_room_mut(&mut self, run: RunId) -> Option<&mut JobRoom> {
        self.room_mut(run.job).filter(|room| room.row.generation == run.generation)
    }

    fn any_room_mut(&mut self, id: JobId) -> Option<&mut JobRoom> {
        self.jobs.get_mut(id.index())?.as_mut()
    }

    /// The room of a job, or of one that was removed while runs of it were open: they hold its fence, also after a
    /// crash, and also for the job that is declared under its id while they do.
    fn room_or_what_is_left(&mut self, id: JobId) -> &mut JobRoom {
        if self.jobs.len() <= id.index() {
            self.jobs.resize(id.index() + 1, None);
        }
        self.jobs[id.index()].get_or_insert_with(|| JobRoom {
            job: Job::new(id, AgentId(0), Schedule::At(Wall::from_millis(0))),
            row: JobRow::new(id, 0, None),
            removed: true,
            open: 0,
            waiting: 0,
            working: Working::default(),
            unran: OpenRange::default(),
            changed: false,
        })
    }

    fn forget_if_over(&mut self, id: JobId) {
        if let Some(place) = self.jobs.get_mut(id.index())
            && place.as_ref().is_some_and(|room| room.removed && room.open == 0)
        {
            *place = None;
        }
    }

    fn arm(&mut self, id: JobId) {
        let due = self.room(id).filter(|room| room.follows()).and_then(|room| room.row.next_due);
        if let Some(due) = due {
            self.dues.arm(due, id);
            let jobs = &self.jobs;
            self.dues.tidy(jobs.len(), |due, id| is_due(jobs, due, id));
        }
    }

    fn touch(&mut self, id: JobId) {
        if let Some(room) = self.any_room_mut(id)
            && !room.changed
        {
            room.changed = true;
            self.changed.push(id);
        }
    }
}

fn is_due(jobs: &[Option<JobRoom>], due: Wall, id: JobId) -> bool {
    let room = jobs.get(id.index()).and_then(Option::as_ref);
    room.is_some_and(|room| room.follows() && room.row.next_due == Some(due))
}

impl JobRoom {
    const fn follows(&self) -> bool {
        self.row.status.is_active() && !self.removed
    }

    /// Whether nothing of it is open or will be due, and it goes then.
    const fn is_through(&self) -> bool {
        self.open == 0 && !self.removed && self.row.next_due.is_none() && self.job.delete_after_run
    }

    /// Whether it was due once.
    const fn is_due_no_more(&self) -> bool {
        matches!(self.job.schedule, Schedule::At(_)) && self.row.next_due.is_none()
    }

    /// Whether its latest run was for an occurrence, and ended well.
    fn ended_well(&self, due: Option<Wall>) -> bool {
        let last = self.row.last.filter(|last| last.run.asked == 0 && last.outcome == Outcome::Ok);
        last.is_some_and(|last| Some(last.run.due) == due)
    }

    const fn admits(&self) -> Admits {
        match self.job.overlap {
            _ if self.open == 0 => Admits::Yes,
            Overlap::Allow => Admits::Yes,
            Overlap::Skip => Admits::No(Unran::Overlap),
            Overlap::BufferOne if self.waiting == 0 => Admits::Yes,
            Overlap::BufferOne => Admits::No(Unran::Coalesced),
            Overlap::BufferAll(most) if self.waiting < most => Admits::Yes,
            Overlap::BufferAll(_) => Admits::No(Unran::Overlap),
            Overlap::CancelOther => Admits::Instead,
        }
    }

    /// An occurrence is met: it becomes a run, or it and those that share its lot do not.
    fn meet(&mut self, due: Wall, moment: Moment, taken: &mut Taken, closed: &mut Vec<LedgerRow>) {
        let end = match self.admits() {
            Admits::Yes | Admits::Instead if moment.room == 0 => Unran::LaneFull,
            admits @ (Admits::Yes | Admits::Instead) => {
                taken.instead = admits == Admits::Instead;
                taken.runs.push(RunId::scheduled(self.job.id, self.row.generation, due));
                self.passed(due);
                return;
            }
            Admits::No(end) => end,
        };
        self.write_through(moment.until.max(due), end, closed);
    }

    /// Occurrences through `to` are missed: some may be caught up on, the others are written down.
    fn miss(&mut self, to: Wall, moment: Moment, taken: &mut Taken, closed: &mut Vec<LedgerRow>) {
        let Some(due) = self.row.next_due else { return };
        let schedule = self.job.schedule;
        let Some(all) = Occurrences::through(&schedule, due, to) else { return };
        let admits = self.admits();
        let most = match (self.job.catch_up, admits) {
            (CatchUp::Skip, _) | (_, Admits::No(_)) => 0,
            (CatchUp::One, _) => moment.room.min(1),
            (CatchUp::All(most), _) => moment.room.min(most),
        };
        let window = self.job.catch_up_window.map(|span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        let from = window.map_or(due, |window| moment.now.plus_millis(window.saturating_neg()));
        let (old, recent) = all.split_at(&schedule, from);
        let (earlier, latest) =
            recent.map_or((None, None), |recent| recent.split_latest(&schedule, u64::from(most)));
        let one = matches!(self.job.catch_up, CatchUp::One) && latest.is_some();
        let earlier_end = if one { Unran::Coalesced } else { Unran::Missed };
        for (these, end) in [(old, Unran::Missed), (earlier, earlier_end)] {
            if let Some(these) = these {
                self.write(these, end, closed);
            }
        }
        let mut next = latest.map(|latest| latest.first);
        while let Some(due) = next.filter(|due| *due <= all.last) {
            taken.runs.push(RunId::scheduled(self.job.id, self.row.generation, due));
            next = schedule.next_after(due);
        }
        taken.instead = admits == Admits::Instead && !taken.runs.is_empty();
        self.passed(all.last);
        if taken.runs.is_empty() {
            self.passed_over();
        }
    }

    /// Writes down what is due from the next occurrence through `to`.
    fn write_through(&mut self, to: Wall, end: Unran, closed: &mut Vec<LedgerRow>) {
        let Some(due) = self.row.next_due else { return };
        if let Some(these) = Occurrences::through(&self.job.schedule, due, to) {
            self.write(these, end, closed);
            self.passed(these.last);
            self.passed_over();
        }
    }

    fn write(&mut self, these: Occurrences, end: Unran, closed: &mut Vec<LedgerRow>) {
        let job = (self.job.id, self.row.generation);
        self.unran.write(&self.job.schedule, job, these, end, closed);
    }

    /// The latest occurrence did not run. A job that is followed and has no other is exhausted.
    const fn passed_over(&mut self) {
        if self.is_due_no_more() && self.row.status.is_active() {
            self.row.status = JobStatus::Exhausted;
        }
    }

    /// Every occurrence through `last` has its end.
    fn passed(&mut self, last: Wall) {
        self.row.last_due = Some(last);
        self.row.next_due = self.job.schedule.next_after(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_removed_is_forgotten_with_its_last_run() {
        let due = Wall::from_millis(5);
        let job = Job::new(JobId(0), AgentId(0), Schedule::At(due));
        let mut scheduler = Scheduler::default();
        scheduler.declare(job, 1, due);
        scheduler.is_open(job.id);
        scheduler.remove(job.id, Wall::from_millis(0), &mut Commit::default());
        assert!(scheduler.job(job.id).is_none());
        assert!(scheduler.jobs[0].is_some(), "its fence stands");
        scheduler.closed(RunId::scheduled(job.id, 1, due));
        assert!(scheduler.jobs[0].is_none());
    }
}
