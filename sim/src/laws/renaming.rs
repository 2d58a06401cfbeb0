//! Other numbers for the same things, in the same order, or other times on the wall; and the way back. And two runs that
//! are taken for each other.

use sametick_core::commit::{Commit, JobRow, LateNote, LedgerRow, Rows, TermsRow};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{AgentId, JobId, RunId, SessionId, SessionKey};
use sametick_core::job::Job;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::RunRow;
use sametick_core::schedule::Schedule;
use sametick_core::session::{SessionChange, SessionPatch, SessionRow};
use sametick_core::time::Wall;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Forth,
    Back,
}

/// What is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// The numbers of jobs, agents and sessions.
    Numbers(Way),
    /// What the wall clock shows.
    Walls(Way),
    /// Each of two runs has the name of the other.
    Swapped(RunId, RunId),
}

/// By how much it is later on the wall: thirteen years, some hours and milliseconds, which leads past 2038.
pub(crate) const LATER_MS: i64 = 13 * 31_557_600_000 + 18_000_007;

/// What has numbers and times in it.
pub(crate) trait Rename {
    fn rename(&mut self, to: Other);
}

/// `n` becomes `times * n + more`.
const fn number(n: u32, times: u32, more: u32, way: Way) -> u32 {
    match way {
        Way::Forth => n * times + more,
        Way::Back => (n - more) / times,
    }
}

impl Rename for JobId {
    fn rename(&mut self, to: Other) {
        if let Other::Numbers(way) = to {
            self.0 = number(self.0, 3, 2, way);
        }
    }
}

impl Rename for AgentId {
    fn rename(&mut self, to: Other) {
        if let Other::Numbers(way) = to {
            self.0 = number(self.0, 5, 1, way);
        }
    }
}

impl Rename for SessionId {
    fn rename(&mut self, to: Other) {
        if let Other::Numbers(way) = to {
            self.0 = number(self.0, 2, 7, way);
        }
    }
}

impl Rename for Wall {
    fn rename(&mut self, to: Other) {
        match to {
            Other::Numbers(_) | Other::Swapped(..) => {}
            Other::Walls(Way::Forth) => *self = self.plus_millis(LATER_MS),
            Other::Walls(Way::Back) => *self = self.plus_millis(-LATER_MS),
        }
    }
}

impl Rename for Schedule {
    fn rename(&mut self, to: Other) {
        match self {
            Self::At(at) => at.rename(to),
            Self::Every { anchor, .. } => anchor.rename(to),
            // A calendar is not the same thirteen years later.
            Self::Cron(_) => {}
        }
    }
}

impl Rename for RunId {
    fn rename(&mut self, to: Other) {
        match to {
            Other::Numbers(_) | Other::Walls(_) => {
                self.job.rename(to);
                self.due.rename(to);
            }
            Other::Swapped(one, other) if *self == one => *self = other,
            Other::Swapped(one, other) if *self == other => *self = one,
            Other::Swapped(..) => {}
        }
    }
}

impl<T: Rename> Rename for Option<T> {
    fn rename(&mut self, to: Other) {
        if let Some(inner) = self {
            inner.rename(to);
        }
    }
}

impl<T: Rename> Rename for Vec<T> {
    fn rename(&mut self, to: Other) {
        self.iter_mut().for_each(|inner| inner.rename(to));
    }
}

impl Rename for SessionKey {
    fn rename(&mut self, to: Other) {
        match self {
            Self::Main { agent } => agent.rename(to),
            Self::Base { agent, job } => {
                agent.rename(to);
                job.rename(to);
            }
            Self::Run { agent, job, session } => {
                agent.rename(to);
                job.rename(to);
                session.rename(to);
            }
        }
    }
}

impl Rename for Job {
    fn rename(&mut self, to: Other) {
        self.id.rename(to);
        self.agent.rename(to);
        self.schedule.rename(to);
    }
}

impl Rename for JobRow {
    fn rename(&mut self, to: Other) {
        self.id.rename(to);
        self.running.rename(to);
        self.next_due.rename(to);
        self.last_due.rename(to);
        if let Some(last) = &mut self.last {
            last.run.rename(to);
            last.at.rename(to);
        }
    }
}

impl Rename for (Job, JobRow) {
    fn rename(&mut self, to: Other) {
        self.0.rename(to);
        self.1.rename(to);
    }
}

impl Rename for RunRow {
    fn rename(&mut self, to: Other) {
        self.id.rename(to);
        self.agent.rename(to);
        self.parent.rename(to);
        self.session.rename(to);
        self.queued_at.rename(to);
        let times = [
            &mut self.not_before,
            &mut self.granted_at,
            &mut self.started_at,
            &mut self.settled_at,
            &mut self.last_progress,
        ];
        times.into_iter().for_each(|time| time.rename(to));
    }
}

impl Rename for TermsRow {
    fn rename(&mut self, to: Other) {
        self.run.rename(to);
    }
}

impl Rename for SessionRow {
    fn rename(&mut self, to: Other) {
        self.key.rename(to);
        self.session.rename(to);
        self.run.rename(to);
        self.job.rename(to);
        self.started_at.rename(to);
        self.ended_at.rename(to);
        self.updated_at.rename(to);
    }
}

impl Rename for SessionPatch {
    fn rename(&mut self, to: Other) {
        self.key.rename(to);
        self.updated_at.rename(to);
        match &mut self.change {
            SessionChange::Start { run, session, started_at, .. } => {
                run.rename(to);
                session.rename(to);
                started_at.rename(to);
            }
            SessionChange::End { ended_at, .. } => ended_at.rename(to),
            SessionChange::Replace(row) => row.rename(to),
        }
    }
}

impl Rename for LedgerRow {
    fn rename(&mut self, to: Other) {
        self.job.rename(to);
        self.first.rename(to);
        self.last.rename(to);
    }
}

impl Rename for LateNote {
    fn rename(&mut self, to: Other) {
        self.run.rename(to);
        self.at.rename(to);
    }
}

impl Rename for LifecycleEvent {
    fn rename(&mut self, to: Other) {
        self.run.rename(to);
        self.key.rename(to);
        self.session.rename(to);
        self.job.rename(to);
        self.ts.rename(to);
        self.started_at.rename(to);
        self.ended_at.rename(to);
    }
}

impl Rename for Commit {
    fn rename(&mut self, to: Other) {
        self.declared.rename(to);
        self.removed.rename(to);
        self.jobs.rename(to);
        self.runs.rename(to);
        self.terms.rename(to);
        self.sessions.rename(to);
        self.ledger.rename(to);
        self.late.rename(to);
        self.events.rename(to);
    }
}

impl Rename for Rows {
    fn rename(&mut self, to: Other) {
        self.jobs.rename(to);
        self.runs.rename(to);
        self.terms.rename(to);
        self.sessions.rename(to);
        self.events.rename(to);
    }
}

impl Rename for Effect {
    fn rename(&mut self, to: Other) {
        match self {
            Self::Start { run } | Self::Abort { run } | Self::Deliver { run, .. } => run.rename(to),
            Self::Publish { event, .. } => event.rename(to),
            Self::Reply { reply: Ok(Accepted::Run(run)), .. } => run.rename(to),
            Self::Reply { reply: Ok(Accepted::Done) | Err(_), .. }
            | Self::StoreAgain { .. }
            | Self::Renew { .. }
            | Self::StepDown => {}
        }
    }
}

impl Rename for Tick {
    fn rename(&mut self, to: Other) {
        self.draft().rename(to);
        self.effects_mut().rename(to);
    }
}

impl Rename for Input {
    fn rename(&mut self, to: Other) {
        match &mut self.kind {
            InputKind::Report { run, report } => {
                run.rename(to);
                if let Report::Ready { session } = report {
                    session.rename(to);
                }
            }
            InputKind::Command { command, .. } => command.rename(to),
            InputKind::Foreign { key, .. } => key.rename(to),
            InputKind::Answer { .. }
            | InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::ClockStepped => {}
        }
    }
}

impl Rename for Command {
    fn rename(&mut self, to: Other) {
        match self {
            Self::Add(job) | Self::Edit(job) => job.rename(to),
            Self::Remove(job)
            | Self::Pause(job)
            | Self::Disable(job)
            | Self::Resume(job)
            | Self::RunNow(job) => job.rename(to),
            Self::Spawn { parent, job } => {
                parent.rename(to);
                job.rename(to);
            }
            Self::Cancel(run) => run.rename(to),
        }
    }
}
