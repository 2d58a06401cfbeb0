//! A later deadline never turns ok into timed out.
//!
//! Of a job whose runs all ended well no budget ever ran out. If each of them is longer, nothing at all changes, for
//! this job and for all others.

use std::collections::BTreeSet;

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::id::JobId;
use sametick_core::job::Budgets;
use sametick_core::run::Outcome;
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use crate::books::Books;
use crate::machines::{AnyMachine, Subject};
use crate::scenario::{CrashPoint, EventKind, FaultAt, FaultKind, Order, Scenario};

/// By how much: more milliseconds than fit into 31 bits, which is where timers of the field turn into none.
const LONGER: Span = Span::from_millis(1 << 31);

/// A machine whose jobs have more time than they say.
#[derive(Clone, Debug)]
pub(super) struct Patient {
    machine: AnyMachine,
    jobs: BTreeSet<JobId>,
}

impl Patient {
    /// More time for all jobs that did not need what they had; none when there is no such job, or when the books cannot
    /// know of one.
    pub(super) fn of(subject: Subject, scenario: &Scenario, books: &Books) -> Option<Self> {
        if loses(scenario) {
            return None;
        }
        let mut jobs: BTreeSet<JobId> = books.runs.keys().map(|run| run.job).collect();
        let counts = counts_ticks(scenario);
        let orders = scenario.turns.iter().any(|turn| turn.order != Order::ReportFirst);
        for book in books.runs.values() {
            let mut budgets = book.terms.budgets;
            // An alarm that was set before progress was heard rings all the same, and its tick finds nothing to do.
            let ticks_more = counts && budgets.stall_timeout.is_some();
            // So does one that rings as its run ends; what another turn reports at that instant may be heard after it.
            let sorts = orders && spans(&mut budgets).iter().any(|span| span.is_some());
            if ticks_more || sorts || book.row.state.outcome() != Some(Outcome::Ok) {
                jobs.remove(&book.row.id.job);
            }
        }
        (!jobs.is_empty()).then(|| Self { machine: subject.build(scenario.config.clone()), jobs })
    }
}

/// Whether a commit may be lost: with it what it says of a run whose budget ran out, and that may end well after that.
fn loses(scenario: &Scenario) -> bool {
    let keeps_back = |kind: FaultKind| match kind {
        FaultKind::NotApplied(_) | FaultKind::Unknown { applied: false } => true,
        FaultKind::Unknown { applied: true } => false,
        FaultKind::Crash { when, again, .. } => {
            again > 0 || matches!(when, CrashPoint::Before | CrashPoint::Anywhere)
        }
    };
    scenario.faults.iter().any(|fault| keeps_back(fault.kind))
        || scenario.timeline.iter().any(|event| matches!(event.kind, EventKind::Cut { .. }))
}

/// Whether what happens depends on how many ticks there are, also of those in which nothing does.
fn counts_ticks(scenario: &Scenario) -> bool {
    let at_a_tick = scenario.faults.iter().any(|fault| matches!(fault.at, FaultAt::Tick { .. }));
    at_a_tick || scenario.lag.high > Span::ZERO
}

const fn spans(budgets: &mut Budgets) -> [&mut Option<Span>; 5] {
    [
        &mut budgets.queue_timeout,
        &mut budgets.start_timeout,
        &mut budgets.stall_timeout,
        &mut budgets.timeout,
        &mut budgets.total_timeout,
    ]
}

fn longer(budgets: &mut Budgets) {
    for span in spans(budgets).into_iter().flatten() {
        *span = Span::from_nanos(span.as_nanos().saturating_add(LONGER.as_nanos()));
    }
}

impl Machine for Patient {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        let mut rows = rows.clone();
        for (job, _) in rows.jobs.iter_mut().filter(|(job, _)| self.jobs.contains(&job.id)) {
            longer(&mut job.terms.budgets);
        }
        self.machine.restart(&rows, epoch, now)
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.machine.handle(now, inputs)
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.machine.next_wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.machine.waiting()
    }
}
