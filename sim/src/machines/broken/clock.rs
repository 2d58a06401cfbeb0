//! Time that is promised, met or told wrongly.

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, InputKind, Report};
use sametick_core::time::{Mono, Now, Span};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;
use crate::laws::Law;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "half-the-time",
        sentence: "every run gets half the time it was promised",
        field: &["#41783", "#43721", "#27427"],
        killed_by: &[CheckName::ReasonKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, HalfTheTime)),
    },
    Mutant {
        name: "oversleeps",
        sentence: "deadlines are met five seconds late, and recorded as if they had not been",
        field: &["k8s#62134"],
        killed_by: &[CheckName::NothingLost, CheckName::AtMostOnce, CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Oversleeps)),
    },
    Mutant {
        name: "stamps-at-now",
        sentence: "everything is taken to happen when the host gets round to it, not when it did",
        field: &["#68091"],
        killed_by: &[
            CheckName::RecordsAgree,
            CheckName::Law(Law::Split),
            CheckName::Law(Law::DuplicateReports),
        ],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, StampsAtNow)),
    },
    Mutant {
        name: "asked-for-now",
        sentence: "what somebody asks for is taken to be asked for when the host gets round to it, not when it was",
        field: &["#68091"],
        killed_by: &[CheckName::Law(Law::Split)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AskedForNow)),
    },
    Mutant {
        name: "lane-eats-timeout",
        sentence: "waiting in the lane counts against the timeout",
        field: &["#41783", "#41886", "#148874", "#77703"],
        killed_by: &[CheckName::ReasonKept, CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, LaneEatsTimeout)),
    },
    Mutant {
        name: "one-timeout-for-all",
        sentence: "every run gets ten seconds, whatever its job says",
        field: &["#43721", "#27427", "#70325"],
        killed_by: &[CheckName::ReasonKept, CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, OneTimeout)),
    },
    Mutant {
        name: "progress-ignored",
        sentence: "a turn that says that it is getting on is stopped as if it had not",
        field: &["#93530", "#93912"],
        killed_by: &[CheckName::ReasonKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, DeafToProgress)),
    },
];

/// Takes everything to happen when the host gets round to it.
#[derive(Clone, Debug)]
struct StampsAtNow;

impl Twist for StampsAtNow {
    fn inputs(&mut self, now: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            input.at = now.mono;
        }
    }
}

/// Takes what turns say to be said when it was, and all else to happen when the host gets round to it.
#[derive(Clone, Debug)]
struct AskedForNow;

impl Twist for AskedForNow {
    fn inputs(&mut self, now: Now, inputs: &mut Vec<Input>) {
        for input in inputs.iter_mut().filter(|input| !matches!(input.kind, InputKind::Report { .. })) {
            input.at = now.mono;
        }
    }
}

/// Wakes up five seconds after it should, and dates what it finds then back.
#[derive(Clone, Debug)]
struct Oversleeps;

impl Twist for Oversleeps {
    fn wakes(&self, at: Mono) -> Mono {
        at + Span::from_secs(5)
    }
}

/// Gives every run half the time it was promised.
#[derive(Clone, Debug)]
struct HalfTheTime;

impl Twist for HalfTheTime {
    fn rows(&mut self, rows: &mut Rows) {
        let half = |span: Span| Span::from_nanos(span.as_nanos() / 2);
        for (job, _) in &mut rows.jobs {
            job.terms.budgets.timeout = job.terms.budgets.timeout.map(half);
            job.terms.budgets.queue_timeout = job.terms.budgets.queue_timeout.map(half);
        }
    }
}

/// Lets the timeout begin with the occurrence.
#[derive(Clone, Debug)]
struct LaneEatsTimeout;

impl Twist for LaneEatsTimeout {
    fn rows(&mut self, rows: &mut Rows) {
        for (job, _) in &mut rows.jobs {
            let budgets = &mut job.terms.budgets;
            budgets.total_timeout = budgets.timeout.into_iter().chain(budgets.total_timeout).min();
        }
    }
}

/// Gives every run ten seconds.
#[derive(Clone, Debug)]
struct OneTimeout;

impl Twist for OneTimeout {
    fn rows(&mut self, rows: &mut Rows) {
        for (job, _) in &mut rows.jobs {
            job.terms.budgets.timeout = Some(Span::from_secs(10));
        }
    }
}

/// Does not hear of progress.
#[derive(Clone, Debug)]
struct DeafToProgress;

impl Twist for DeafToProgress {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        inputs.retain(|input| !matches!(input.kind, InputKind::Report { report: Report::Progress, .. }));
    }
}
