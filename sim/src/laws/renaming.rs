//! Other numbers for the same things, in the same order, and the way back.

use sametick_core::commit::{Commit, JobRow, LateNote, LedgerRow, Rows};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{AgentId, JobId, RunId, SessionId, SessionKey};
use sametick_core::job::Job;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::RunRow;
use sametick_core::session::{SessionChange, SessionPatch, SessionRow};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Forth,
    Back,
}

/// What has numbers in it.
pub(super) trait Rename {
    fn rename(&mut self, way: Way);
}

/// `n` becomes `times * n + more`.
const fn number(n: u32, times: u32, more: u32, way: Way) -> u32 {
    match way {
        Way::Forth => n * times + more,
        Way::Back => (n - more) / times,
    }
}

impl Rename for JobId {
    fn rename(&mut self, way: Way) {
        self.0 = number(self.0, 3, 2, way);
    }
}

impl Rename for AgentId {
    fn rename(&mut self, way: Way) {
        self.0 = number(self.0, 5, 1, way);
    }
}

impl Rename for SessionId {
    fn rename(&mut self, way: Way) {
        self.0 = number(self.0, 2, 7, way);
    }
}

impl Rename for RunId {
    fn rename(&mut self, way: Way) {
        self.job.rename(way);
    }
}

impl<T: Rename> Rename for Option<T> {
    fn rename(&mut self, way: Way) {
        if let Some(inner) = self {
            inner.rename(way);
        }
    }
}

impl<T: Rename> Rename for Vec<T> {
    fn rename(&mut self, way: Way) {
        self.iter_mut().for_each(|inner| inner.rename(way));
    }
}

impl Rename for SessionKey {
    fn rename(&mut self, way: Way) {
        match self {
            Self::Main { agent } => agent.rename(way),
            Self::Base { agent, job } => {
                agent.rename(way);
                job.rename(way);
            }
            Self::Run { agent, job, session } => {
                agent.rename(way);
                job.rename(way);
                session.rename(way);
            }
        }
    }
}

impl Rename for Job {
    fn rename(&mut self, way: Way) {
        self.id.rename(way);
        self.agent.rename(way);
    }
}

impl Rename for JobRow {
    fn rename(&mut self, way: Way) {
        self.id.rename(way);
        self.running.rename(way);
        if let Some(last) = &mut self.last {
            last.run.rename(way);
        }
    }
}

impl Rename for (Job, JobRow) {
    fn rename(&mut self, way: Way) {
        self.0.rename(way);
        self.1.rename(way);
    }
}

impl Rename for RunRow {
    fn rename(&mut self, way: Way) {
        self.id.rename(way);
        self.agent.rename(way);
        self.parent.rename(way);
        self.session.rename(way);
    }
}

impl Rename for SessionRow {
    fn rename(&mut self, way: Way) {
        self.key.rename(way);
        self.session.rename(way);
        self.run.rename(way);
        self.job.rename(way);
    }
}

impl Rename for SessionPatch {
    fn rename(&mut self, way: Way) {
        self.key.rename(way);
        match &mut self.change {
            SessionChange::Start { run, session, .. } => {
                run.rename(way);
                session.rename(way);
            }
            SessionChange::End { .. } => {}
            SessionChange::Replace(row) => row.rename(way),
        }
    }
}

impl Rename for LedgerRow {
    fn rename(&mut self, way: Way) {
        self.job.rename(way);
    }
}

impl Rename for LateNote {
    fn rename(&mut self, way: Way) {
        self.run.rename(way);
    }
}

impl Rename for LifecycleEvent {
    fn rename(&mut self, way: Way) {
        self.run.rename(way);
        self.key.rename(way);
        self.session.rename(way);
        self.job.rename(way);
    }
}

impl Rename for Commit {
    fn rename(&mut self, way: Way) {
        self.declared.rename(way);
        self.removed.rename(way);
        self.jobs.rename(way);
        self.runs.rename(way);
        self.sessions.rename(way);
        self.ledger.rename(way);
        self.late.rename(way);
        self.events.rename(way);
    }
}

impl Rename for Rows {
    fn rename(&mut self, way: Way) {
        self.jobs.rename(way);
        self.runs.rename(way);
        self.sessions.rename(way);
        self.events.rename(way);
    }
}

impl Rename for Effect {
    fn rename(&mut self, way: Way) {
        match self {
            Self::Start { run } | Self::Abort { run } | Self::Deliver { run, .. } => run.rename(way),
            Self::Publish { event, .. } => event.rename(way),
            Self::Reply { reply: Ok(Accepted::Run(run)), .. } => run.rename(way),
            Self::Reply { reply: Ok(Accepted::Done) | Err(_), .. }
            | Self::StoreAgain { .. }
            | Self::Renew { .. }
            | Self::StepDown => {}
        }
    }
}

impl Rename for Tick {
    fn rename(&mut self, way: Way) {
        self.draft().rename(way);
        self.effects_mut().rename(way);
    }
}

impl Rename for Input {
    fn rename(&mut self, way: Way) {
        match &mut self.kind {
            InputKind::Report { run, report } => {
                run.rename(way);
                if let Report::Ready { session } = report {
                    session.rename(way);
                }
            }
            InputKind::Command { command, .. } => command.rename(way),
            InputKind::Foreign { key, .. } => key.rename(way),
            InputKind::Answer { .. }
            | InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::ClockStepped => {}
        }
    }
}

impl Rename for Command {
    fn rename(&mut self, way: Way) {
        match self {
            Self::Add(job) | Self::Edit(job) => job.rename(way),
            Self::Remove(job)
            | Self::Pause(job)
            | Self::Disable(job)
            | Self::Resume(job)
            | Self::RunNow(job) => job.rename(way),
            Self::Spawn { parent, job } => {
                parent.rename(way);
                job.rename(way);
            }
            Self::Cancel(run) => run.rename(way),
        }
    }
}
