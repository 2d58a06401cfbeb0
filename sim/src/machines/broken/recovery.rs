//! Gateways that come back and do not see what is there.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{JobRow, Rows};
use sametick_core::effect::{Effect, Tick};
use sametick_core::id::{LaneId, RunId};
use sametick_core::job::OnAbandon;
use sametick_core::retry::Backoff;
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Now, Span, Wall};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "recovery-forgets-running",
        sentence: "runs that were under way at a crash are not looked at after it",
        field: &["#59056", "#65136", "kill -9 in 2026.9.6"],
        killed_by: &[CheckName::SurvivesCrash],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ForgetsRunning)),
    },
    Mutant {
        name: "recovery-forgets-queued",
        sentence: "runs that were queued at a crash are not queued again",
        field: &["#4018", "#33092", "#10596"],
        killed_by: &[CheckName::SurvivesCrash],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ForgetsQueued)),
    },
    Mutant {
        name: "recovery-never-republishes",
        sentence: "events that no subscriber had acknowledged at a crash are not published again",
        field: &["#91979"],
        killed_by: &[CheckName::BusOrdered, CheckName::SurvivesCrash],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NeverRepublishes)),
    },
    Mutant {
        name: "recovery-calls-again",
        sentence: "a turn that was called before a crash is called once more after it",
        field: &["#42640", "#101988", "#11612"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CallsAgain)),
    },
    Mutant {
        name: "restart-counts-as-error",
        sentence: "each start of the gateway adds an error to every job that ran before",
        field: &["#60495", "#96161"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RestartCountsAsError)),
    },
    Mutant {
        name: "recovery-counts-the-backoff",
        sentence: "after a crash an attempt's queue_timeout counts from the beginning of its backoff, not from the end",
        field: &["#115319"],
        killed_by: &[CheckName::ReasonKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CountsTheBackoff)),
    },
    Mutant {
        name: "recovery-forgets-terms",
        sentence: "a gateway that comes back gives runs the terms that their jobs have by now",
        field: &["nomad#11052"],
        killed_by: &[
            CheckName::SlotsReturn,
            CheckName::NoOverlap,
            CheckName::AtMostOnce,
            CheckName::PolicyKept,
        ],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ForgetsTerms)),
    },
    Mutant {
        name: "recovery-forgets-holds",
        sentence: "a gateway that comes back gives a slot up after the grace, though its job has it held until the turn stopped",
        field: &["#138499"],
        killed_by: &[CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ForgetsHolds)),
    },
    Mutant {
        name: "recovery-forgets-elders",
        sentence: "a gateway that comes back knows the parent of a run that drains, and nobody before that",
        field: &["#138499"],
        killed_by: &[CheckName::SlotsReturn],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ForgetsElders)),
    },
    Mutant {
        name: "backoff-as-shown",
        sentence: "a gateway that comes back waits for all that the wall clock shows to be left of a backoff, even where that \
                   is more than the whole of it",
        field: &["croner #388"],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, BacksOffAsShown)),
    },
    Mutant {
        name: "recovery-queues-by-name",
        sentence: "a gateway that comes back queues what waited in the order of jobs, and not in the order in which it came",
        field: &["#52682"],
        killed_by: &[CheckName::InTurn],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, QueuesAnew::by(|_, run| run.id.job.0)))
        },
    },
    Mutant {
        name: "recovery-queues-lane-by-lane",
        sentence: "a gateway that comes back queues all that waited in one lane before what waited in the next: a limit over \
                   all of them serves the first lane first",
        field: &["#42635"],
        killed_by: &[CheckName::InTurn],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, QueuesAnew::by(|lane, _| lane.0))),
    },
];

/// Takes the backoff off the time to wait.
#[derive(Clone, Debug)]
struct CountsTheBackoff;

impl Twist for CountsTheBackoff {
    fn rows(&mut self, rows: &mut Rows) {
        for row in &mut rows.terms {
            let run = rows.runs.iter().find(|run| run.id == row.run && run.state == RunState::Queued);
            let backoff = run.and_then(|run| Some(run.not_before? - run.queued_at)).unwrap_or_default();
            let backoff = u64::try_from(backoff).unwrap_or_default();
            let left = |span: Span| Span::from_millis(span.as_millis().saturating_sub(backoff));
            row.terms.budgets.queue_timeout = row.terms.budgets.queue_timeout.map(left);
        }
    }
}

/// Hides the runs that were under way at a crash.
#[derive(Clone, Debug)]
struct ForgetsRunning;

impl Twist for ForgetsRunning {
    fn rows(&mut self, rows: &mut Rows) {
        rows.runs.retain(|run| !matches!(run.state, RunState::Starting | RunState::Running));
    }
}

/// Hides the runs that were queued at a crash.
#[derive(Clone, Debug)]
struct ForgetsQueued;

impl Twist for ForgetsQueued {
    fn rows(&mut self, rows: &mut Rows) {
        rows.runs.retain(|run| run.state != RunState::Queued);
    }
}

/// Hides what runs go by.
#[derive(Clone, Debug)]
struct ForgetsTerms;

impl Twist for ForgetsTerms {
    fn rows(&mut self, rows: &mut Rows) {
        rows.terms.clear();
    }
}

/// Takes every run for one whose slot goes back after its grace.
#[derive(Clone, Debug)]
struct ForgetsHolds;

impl Twist for ForgetsHolds {
    fn rows(&mut self, rows: &mut Rows) {
        rows.terms.iter_mut().for_each(|row| row.terms.on_abandon = OnAbandon::Release);
    }
}

/// Hides runs that are needed for the sake of others only.
#[derive(Clone, Debug)]
struct ForgetsElders;

impl Twist for ForgetsElders {
    fn rows(&mut self, rows: &mut Rows) {
        rows.runs.retain(|run| !run.is_closed());
    }
}

/// Takes every backoff for one of years.
#[derive(Clone, Debug)]
struct BacksOffAsShown;

impl Twist for BacksOffAsShown {
    fn rows(&mut self, rows: &mut Rows) {
        let waits = |run: &RunRow| run.state == RunState::Queued && run.not_before.is_some();
        let waiting: BTreeSet<RunId> = rows.runs.iter().filter(|run| waits(run)).map(|run| run.id).collect();
        for row in rows.terms.iter_mut().filter(|row| waiting.contains(&row.run)) {
            row.terms.retry.backoff = Backoff::of(&[Span::from_nanos(u64::MAX)]);
        }
    }
}

/// Keeps back what should be published again.
#[derive(Clone, Debug)]
struct NeverRepublishes;

impl Twist for NeverRepublishes {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Publish { .. }));
    }
}

/// Counts each start as an error of every job.
#[derive(Clone, Debug)]
struct RestartCountsAsError;

impl Twist for RestartCountsAsError {
    fn first_tick(&mut self, rows: &Rows, tick: &mut Tick) {
        for (_, row) in rows.jobs.iter().filter(|(_, row)| row.last.is_some()) {
            let jobs = &mut tick.draft().jobs;
            match jobs.iter_mut().find(|written| written.id == row.id) {
                Some(written) => written.consecutive_errors += 1,
                None => jobs.push(JobRow { consecutive_errors: row.consecutive_errors + 1, ..*row }),
            }
        }
    }
}

/// Calls the turns that were under way.
#[derive(Clone, Debug)]
struct CallsAgain;

impl Twist for CallsAgain {
    fn first_tick(&mut self, rows: &Rows, tick: &mut Tick) {
        for row in rows.runs.iter().filter(|row| row.state == RunState::Running) {
            tick.push(Effect::Start { run: row.id });
        }
    }
}

/// Shows a gateway that comes back other times at which runs were queued, so that it queues them in another order.
#[derive(Clone, Debug)]
struct QueuesAnew {
    by: fn(LaneId, &RunRow) -> u32,
    /// When each was queued.
    queued: BTreeMap<RunId, Wall>,
}

impl QueuesAnew {
    fn by(by: fn(LaneId, &RunRow) -> u32) -> Self {
        Self { by, queued: BTreeMap::new() }
    }
}

impl Twist for QueuesAnew {
    fn rows(&mut self, rows: &mut Rows) {
        self.queued.clear();
        let lanes: BTreeMap<RunId, LaneId> = rows.terms.iter().map(|row| (row.run, row.terms.lane)).collect();
        // Who still backs off comes when that is over.
        let waits = |run: &&mut RunRow| run.state == RunState::Queued && run.not_before.is_none();
        let mut waiting: Vec<&mut RunRow> = rows.runs.iter_mut().filter(waits).collect();
        let lane = |run: &RunRow| lanes.get(&run.id).copied().unwrap_or_default();
        waiting.sort_by_key(|run| ((self.by)(lane(run), run), run.queued_at, run.id));
        for (place, run) in (0..).zip(waiting) {
            self.queued.insert(run.id, run.queued_at);
            run.queued_at = Wall::from_millis(place);
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &mut tick.draft().runs {
            if let Some(queued) = self.queued.get(&row.id) {
                row.queued_at = *queued;
            }
        }
    }

    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        self.tick(Now::default(), tick);
    }
}
