//! Somebody who has nothing to do with anybody: three jobs in a lane of their own, for an agent of their own.

use sametick_core::LaneConfig;
use sametick_core::commit::JobStatus;
use sametick_core::id::LaneId;
use sametick_core::job::{Budgets, Job};
use sametick_core::run::{Failure, Finish};
use sametick_core::schedule::Schedule;
use sametick_core::time::Span;

use crate::scenario::{
    CrashPoint, EventKind, FaultAt, FaultKind, OnAbort, Order, RunPattern, Scenario, ScenarioJob, SpanRange,
    TurnEnd, TurnRule,
};

/// When each of the jobs is due, and how its turn ends: by itself, never, and badly.
const JOBS: [(&str, i64, TurnEnd); 3] = [
    ("bystander", 1_000, TurnEnd::After(SpanRange::exactly(Span::from_secs(4)))),
    ("bystander that hangs", 10_250, TurnEnd::Never),
    ("bystander that fails", 30_500, TurnEnd::After(SpanRange::exactly(Span::from_millis(700)))),
];

/// The scenario with a bystander in it. None where everybody has to do with everybody: a limit over all lanes or all
/// commits, a store whose answers are drawn by the number of a commit or that refuses some, several hosts, ticks that come late
/// or read a clock that has stepped, and reports that a timer closes the instant of, whoever it rings for.
pub(crate) fn beside(scenario: &Scenario) -> Option<Scenario> {
    let crashes = |kind: FaultKind| match kind {
        FaultKind::Crash { when, down, again } => {
            !down.is_range() && when != CrashPoint::Anywhere && again == 0
        }
        FaultKind::NotApplied(_) | FaultKind::Unknown { .. } => false,
    };
    let alone = scenario.hosts == 1
        && scenario.config.running == u32::MAX
        && scenario.config.open_commits >= 64
        && !scenario.store_answers.is_range()
        && scenario.lag.high == Span::ZERO
        && scenario.turns.iter().all(|rule| rule.order == Order::ReportFirst)
        && scenario.faults.iter().all(|fault| matches!(fault.at, FaultAt::Run { .. }) && crashes(fault.kind))
        && !scenario.timeline.iter().any(|event| matches!(event.kind, EventKind::Clock { .. }));
    if !alone {
        return None;
    }
    let mut beside = scenario.clone();
    let lane = LaneId(u32::try_from(beside.config.lanes.len()).ok()?);
    beside.config.lanes.push(LaneConfig::default());
    beside.names.lanes.intern("bystander");
    let agent = beside.names.agents.intern("bystander");
    for (name, due, ends) in JOBS {
        let id = beside.names.jobs.intern(name);
        let budgets = Budgets {
            timeout: Some(Span::from_secs(6)),
            abort_grace: Span::from_secs(3),
            ..Budgets::default()
        };
        let mut job =
            Job::new(id, agent, Schedule::At(scenario.begins.plus_millis(due))).with_budgets(budgets);
        job.terms.lane = lane;
        let (shift, status) = (SpanRange::default(), JobStatus::Active);
        beside.jobs.push(ScenarioJob { job, shift, declared: true, status });
        beside.times.push(None);
        beside.turns.push(turn(id.0, ends));
    }
    Some(beside)
}

fn turn(job: u32, ends: TurnEnd) -> TurnRule {
    let bad = Finish::Failed(Failure::default());
    let fails = matches!(ends, TurnEnd::After(takes) if takes.low < Span::from_secs(1));
    TurnRule {
        runs: RunPattern { job, occurrence: None, asked: None, attempt: None },
        ready: Some(SpanRange::exactly(Span::from_millis(5))),
        ends,
        finish: if fails { bad } else { Finish::Ok },
        progress: None,
        again: None,
        delayed: None,
        on_abort: OnAbort::Stops(SpanRange::exactly(Span::from_millis(20))),
        order: Order::ReportFirst,
    }
}
