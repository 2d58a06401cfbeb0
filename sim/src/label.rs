//! What people call things: `digest#2` for a run, `31.005s` for an instant.

use sametick_core::commit::JobRow;
use sametick_core::id::{RunId, SessionKey};
use sametick_core::job::Job;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Wall};

use crate::scenario::{RunPattern, Scenario, WORLD_BEGINS};

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

    /// Which occurrence of its job a run is, from 1.
    #[must_use]
    pub fn occurrence(&self, run: RunId) -> u64 {
        let job = self.jobs.iter().find(|(job, _)| job.id == run.job);
        match job.map(|(job, row)| (job.schedule, row.next_due)) {
            Some((Schedule::Every { .. } | Schedule::Cron(_), Some(first))) => {
                let Some((job, _)) = job else { return 1 };
                job.schedule.count_through(first, run.due).0.max(1)
            }
            Some((Schedule::Every { .. } | Schedule::Cron(_) | Schedule::At(_), _)) | None => 1,
        }
    }

    /// Whether a pattern speaks of a run.
    #[must_use]
    pub fn fits(&self, pattern: RunPattern, run: RunId) -> bool {
        pattern.job == run.job.0 && pattern.occurrence.is_none_or(|number| number == self.occurrence(run))
    }

    /// `digest#2`.
    #[must_use]
    pub fn run(&self, run: RunId) -> String {
        format!("{}#{}", self.scenario.job_name(run.job.0), self.occurrence(run))
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
        let millis = wall - WORLD_BEGINS;
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
