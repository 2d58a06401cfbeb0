//! Budgets that are counted or named wrongly.

use sametick_core::commit::Rows;
use sametick_core::effect::Tick;
use sametick_core::id::JobId;
use sametick_core::job::{Budget, Budgets};
use sametick_core::run::{Outcome, Phase, RunState, TimedOut};
use sametick_core::time::{Now, Span};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "wider-budget-named",
        sentence: "of two budgets that end in one instant the wider is recorded as the reason",
        field: &["#115319"],
        killed_by: &[CheckName::ReasonKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NamesTheWider::default())),
    },
    Mutant {
        name: "total-wraps-around",
        sentence: "a total_timeout is counted in 32 bits of milliseconds, so that fifty days are a few hours",
        field: &["Go: int32 milliseconds", "k8s#62134"],
        killed_by: &[CheckName::ReasonKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WrapsAround)),
    },
    Mutant {
        name: "queue-taken-for-set-up",
        sentence: "a run that timed out in its queue is recorded as timed out in set-up",
        field: &["#43141"],
        killed_by: &[CheckName::QueuedLeavesNoSession],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NamesSetUp)),
    },
];

/// Names another phase than the queue.
#[derive(Clone, Debug)]
struct NamesSetUp;

impl Twist for NamesSetUp {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let named = |outcome: Outcome| match outcome {
            Outcome::TimedOut(TimedOut { budget, phase: Phase::Queued }) => {
                Outcome::TimedOut(TimedOut { budget, phase: Phase::Starting })
            }
            other @ (Outcome::Ok
            | Outcome::Failed(_)
            | Outcome::TimedOut(_)
            | Outcome::Cancelled
            | Outcome::Interrupted(_)) => other,
        };
        let draft = tick.draft();
        for row in &mut draft.runs {
            if let RunState::Settled(outcome) = row.state {
                row.state = RunState::Settled(named(outcome));
            }
        }
        for last in draft.jobs.iter_mut().filter_map(|job| job.last.as_mut()) {
            last.outcome = named(last.outcome);
        }
    }
}

/// Names the wider budget of a tie.
#[derive(Clone, Debug, Default)]
struct NamesTheWider {
    budgets: Vec<(JobId, Budgets)>,
}

impl Twist for NamesTheWider {
    fn rows(&mut self, rows: &mut Rows) {
        self.budgets = rows.jobs.iter().map(|(job, _)| (job.id, job.terms.budgets)).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for row in &mut draft.runs {
            let RunState::Settled(Outcome::TimedOut(TimedOut { budget, phase })) = row.state else {
                continue;
            };
            let Some((_, budgets)) = self.budgets.iter().find(|(job, _)| *job == row.id.job) else {
                continue;
            };
            let wider = match (phase, budget) {
                (Phase::Queued, Budget::Queue) if budgets.queue_timeout == budgets.total_timeout => {
                    Budget::Total
                }
                (Phase::Starting, Budget::Start) if budgets.start_timeout == budgets.timeout => Budget::Run,
                (Phase::Queued | Phase::Starting | Phase::Running, _) => continue,
            };
            let outcome = Outcome::TimedOut(TimedOut { budget: wider, phase });
            row.state = RunState::Settled(outcome);
            for last in
                draft.jobs.iter_mut().filter_map(|job| job.last.as_mut()).filter(|last| last.run == row.id)
            {
                last.outcome = outcome;
            }
        }
    }
}

/// Counts the time for all attempts in 32 bits.
#[derive(Clone, Debug)]
struct WrapsAround;

impl Twist for WrapsAround {
    fn rows(&mut self, rows: &mut Rows) {
        let wrapped = |span: Span| Span::from_millis(span.as_millis() & u64::from(u32::MAX));
        for (job, _) in &mut rows.jobs {
            job.terms.budgets.total_timeout = job.terms.budgets.total_timeout.map(wrapped);
        }
    }
}
