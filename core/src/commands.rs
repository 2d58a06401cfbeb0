//! What users ask for: jobs come, change and go; runs are asked for and cancelled.

use crate::commit::JobStatus;
use crate::effect::{Accepted, Command, Effect, Refusal};
use crate::gateway::Gateway;
use crate::id::{JobId, RunId};
use crate::job::Job;
use crate::live::LiveRun;
use crate::ports::Bus;
use crate::run::{Phase, Race, RunEvent, RunRow};
use crate::scheduler::Admits;
use crate::session::Persister;

type Reply = Result<Accepted, Refusal>;

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    /// Carries a command out. An acceptance waits for the commit, a refusal leaves at once.
    pub(crate) fn command(&mut self, ticket: u64, command: &Command) {
        let done = if self.outbox.has_room() { self.carry_out(command) } else { Err(Refusal::StoreBehind) };
        let reply = Effect::Reply { ticket, reply: done };
        match done {
            Ok(_) => self.outbox.hold(reply),
            Err(_) => self.tick.push(reply),
        }
    }

    fn carry_out(&mut self, command: &Command) -> Reply {
        match *command {
            Command::Add(ref job) => self.add(**job),
            Command::Edit(ref job) => self.edit(**job),
            Command::Remove(job) => self.remove(job),
            Command::Pause(job) => self.stop_following(job, JobStatus::Paused),
            Command::Disable(job) => self.stop_following(job, JobStatus::Disabled),
            Command::Resume(job) => self.resume(job),
            Command::RunNow(job) => self.run_now(job, None),
            Command::Spawn { parent, job } => self.spawn(parent, job),
            Command::Cancel(run) => self.cancel(run),
        }
    }

    fn add(&mut self, job: Job) -> Reply {
        if self.scheduler.job(job.id).is_some() {
            return Err(Refusal::JobExists);
        }
        self.check_lane(&job)?;
        // An occurrence due at this very instant still counts.
        let first = job.schedule.next_after(self.at.wall.plus_millis(-1)).ok_or(Refusal::NeverDue)?;
        self.generations += 1;
        self.scheduler.declare(job, self.generations, first);
        let draft = self.tick.draft();
        draft.removed.retain(|removed| *removed != job.id);
        draft.declared.push(job);
        Ok(Accepted::Done)
    }

    fn edit(&mut self, job: Job) -> Reply {
        let row = *self.scheduler.row(job.id).ok_or(Refusal::NoSuchJob)?;
        let old = *self.scheduler.job(job.id).ok_or(Refusal::NoSuchJob)?;
        self.check_lane(&job)?;
        let now = self.at.wall;
        if old.schedule == job.schedule {
            self.scheduler.replace(job);
        } else {
            // From now on the occurrences are the new schedule's, and none that was met comes again.
            let after = row.last_due.map_or(now.plus_millis(-1), |met| met.max(now.plus_millis(-1)));
            let next = job.schedule.next_after(after).ok_or(Refusal::NeverDue)?;
            self.scheduler.edit(job, next, now, self.tick.draft());
        }
        let draft = self.tick.draft();
        draft.declared.retain(|declared| declared.id != job.id);
        draft.declared.push(job);
        Ok(Accepted::Done)
    }

    fn remove(&mut self, job: JobId) -> Reply {
        self.scheduler.job(job).ok_or(Refusal::NoSuchJob)?;
        // First, so that nothing of it is tried again.
        self.scheduler.stop_following(job, JobStatus::Disabled);
        self.cancel_all(job, |_| true);
        // The last of it may have taken the job along.
        self.scheduler.remove(job, self.at.wall, self.tick.draft());
        Ok(Accepted::Done)
    }

    fn stop_following(&mut self, job: JobId, status: JobStatus) -> Reply {
        self.scheduler.job(job).ok_or(Refusal::NoSuchJob)?;
        self.scheduler.stop_following(job, status);
        if status == JobStatus::Disabled {
            self.cancel_all(job, |row| row.state.phase() == Some(Phase::Queued));
        }
        Ok(Accepted::Done)
    }

    fn resume(&mut self, job: JobId) -> Reply {
        let generation = self.scheduler.row(job).ok_or(Refusal::NoSuchJob)?.generation;
        let (runs, draft) = (&self.runs, self.tick.draft());
        let of = |live: &LiveRun, due| {
            let RunId { generation: own, due: at, asked, .. } = live.row.id;
            (own, at, asked) == (generation, due, 0) && live.may_end_well()
        };
        let may_end_well = |due| !runs.of_job(job, |live| of(live, due)).is_empty();
        self.scheduler.resume(job, self.at.wall, may_end_well, draft);
        self.remove_if_through(job);
        Ok(Accepted::Done)
    }

    /// A job that has done what it was for goes, if it asked for that.
    pub(crate) fn remove_if_through(&mut self, job: JobId) {
        if self.scheduler.is_through(job) {
            self.scheduler.remove(job, self.at.wall, self.tick.draft());
        }
    }

    fn spawn(&mut self, parent: RunId, job: JobId) -> Reply {
        let at_work = |phase| matches!(phase, Phase::Starting | Phase::Running);
        let live = self.runs.get(parent).ok_or(Refusal::NoSuchRun)?;
        if !live.row.state.phase().is_some_and(at_work) {
            return Err(Refusal::NoSuchRun);
        }
        let child = *self.scheduler.job(job).ok_or(Refusal::NoSuchJob)?;
        if self.would_deadlock(parent, &child) {
            return Err(Refusal::Deadlock);
        }
        self.run_now(job, Some(parent))
    }

    fn run_now(&mut self, id: JobId, parent: Option<RunId>) -> Reply {
        let job = *self.scheduler.job(id).ok_or(Refusal::NoSuchJob)?;
        let admits = self.scheduler.admits(id);
        if let Admits::No(_) = admits {
            return Err(Refusal::Overlaps);
        }
        if parent.is_none() && self.room_for(id) == 0 {
            return Err(Refusal::LaneFull);
        }
        if admits == Admits::Instead {
            self.make_way(id);
        }
        let run = self.scheduler.ask(id, self.at.wall).ok_or(Refusal::NoSuchJob)?;
        let row = RunRow { parent, ..RunRow::queued(run, job.agent, job.terms.target, self.at.wall) };
        self.enqueue(row, job.terms, self.at);
        Ok(Accepted::Run(run))
    }

    fn cancel(&mut self, run: RunId) -> Reply {
        let open = self.runs.get(run).is_some_and(|live| live.row.state.phase().is_some());
        if !open {
            return Err(Refusal::NoSuchRun);
        }
        self.happen(run, RunEvent::Cancelled);
        Ok(Accepted::Done)
    }

    fn check_lane(&self, job: &Job) -> Result<(), Refusal> {
        if job.terms.lane.index() < self.admission.lanes() { Ok(()) } else { Err(Refusal::NoSuchLane) }
    }
}
