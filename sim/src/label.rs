//! What people call things: `digest#2` for a run, `31.005s` for an instant.

use sametick_core::commit::JobRow;
use sametick_core::id::{AgentId, JobId, RunId, SessionKey};
use sametick_core::job::Job;
use sametick_core::time::{Mono, Wall};

use crate::scenario::{RunPattern, Scenario};

/// The names of one world.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    scenario: &'a Scenario,
    jobs: &'a [(Job, JobRow)],
}

impl<'a> Labels<'a> {
    pub(crate) const fn new(scenario: &'a Scenario, jobs: &'a [(Job, JobRow)]) -> Self {
        Self { scenario, jobs }
    }

    /// The scenario.
    #[must_use]
    pub const fn scenario(&self) -> &'a Scenario {
        self.scenario
    }

    /// Which occurrence of its job a run is, from 1; none if it is not one of the schedule that the
    /// job had when the world began.
    #[must_use]
    pub fn occurrence(&self, run: RunId) -> Option<u64> {
        if run.asked > 0 {
            return None;
        }
        let (job, row) = self.jobs.iter().find(|(job, _)| job.id == run.job)?;
        let (number, last) = job.schedule.count_through(row.next_due?, run.due);
        (number > 0 && last == run.due).then_some(number)
    }

    /// Whether a pattern speaks of a run.
    #[must_use]
    pub fn fits(&self, pattern: RunPattern, run: RunId) -> bool {
        pattern.job == run.job.0
            && pattern.attempt.is_none_or(|attempt| attempt == run.attempt)
            && pattern.asked.is_none_or(|asked| asked == run.asked)
            && pattern.occurrence.is_none_or(|number| Some(number) == self.occurrence(run))
    }

    /// `digest#2` for its second occurrence, `digest#2.3` for the third attempt at it, `digest!1` for
    /// the first that was asked for, `digest@15s` for one that the first schedule does not have.
    #[must_use]
    pub fn run(&self, run: RunId) -> String {
        let job = self.scenario.job_name(run.job.0);
        let generation = if run.generation > 1 { format!("/{}", run.generation) } else { String::new() };
        let which = match (run.asked, self.occurrence(run)) {
            (0, Some(number)) => format!("#{number}"),
            (0, None) => format!("@{}", self.wall(run.due)),
            (asked, _) => format!("!{asked}"),
        };
        let attempt = if run.attempt > 1 { format!(".{}", run.attempt) } else { String::new() };
        format!("{job}{generation}{which}{attempt}")
    }

    /// The name of a job.
    #[must_use]
    pub fn job(&self, job: JobId) -> &'a str {
        self.scenario.job_name(job.0)
    }

    /// The name of an agent.
    #[must_use]
    pub fn agent(&self, agent: AgentId) -> &'a str {
        self.scenario.names.agents.name(agent.0)
    }

    /// The name of a lane.
    #[must_use]
    pub fn lane(&self, lane: u32) -> &'a str {
        self.scenario.names.lanes.name(lane)
    }

    /// A session key with its names; sessions are `s1`, `s2`, … in the order they were planned.
    #[must_use]
    pub fn key(&self, key: SessionKey) -> String {
        let agent = self.scenario.names.agents.name(key.agent().0);
        match key {
            SessionKey::Main { .. } => format!("agent:{agent}:main"),
            SessionKey::Base { job, .. } => format!("agent:{agent}:cron:{}", self.scenario.job_name(job.0)),
            SessionKey::Run { job, session, .. } => {
                format!("agent:{agent}:cron:{}:run:s{}", self.scenario.job_name(job.0), session.0)
            }
        }
    }

    /// The distance of a wall time from the world's beginning.
    #[must_use]
    pub fn wall(&self, wall: Wall) -> String {
        let millis = wall - self.scenario.begins;
        instant(Mono::from_nanos(millis.unsigned_abs().saturating_mul(1_000_000)))
    }
}

/// Seconds since the world's beginning, without trailing zeros: `31.0052s`.
#[must_use]
pub fn instant(at: Mono) -> String {
    let nanos = at.as_nanos();
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return format!("{whole}s");
    }
    let fraction = format!("{rest:09}");
    format!("{whole}.{}s", fraction.trim_end_matches('0'))
}
