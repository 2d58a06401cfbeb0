//! The field in miniature. It knows one lane and two budgets, so worlds that ask for more break it in more ways.

use super::super::any::AnyMachine;
use super::super::field::{FieldGateway, Flaw};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "field-race",
        sentence: "the timeout rejects the race and aborts the turn; nobody publishes the end (the field in 2026.4.20)",
        field: &["#70347", "#56121", "#74607", "#91730"],
        killed_by: &[
            CheckName::SameTick,
            CheckName::ReasonKept,
            CheckName::SettlesOnce,
            CheckName::EventFirst,
            CheckName::RecordsAgree,
            CheckName::QueuedLeavesNoSession,
            CheckName::SlotsReturn,
            CheckName::BeginsWhenFree,
            CheckName::NoOverlap,
            CheckName::NothingLost,
            CheckName::PolicyKept,
            CheckName::JobsEnd,
            CheckName::OpenCommits,
            CheckName::ComesToRest,
        ],
        build: |config, _| AnyMachine::new(FieldGateway::new(config, Flaw::Race)),
    },
    Mutant {
        name: "field-grace-window",
        sentence: "every lifecycle error is held for 15 s in case a fallback uses the run again",
        field: &["2026.4.20 patched: T+15,024 ms"],
        killed_by: &[
            CheckName::SameTick,
            CheckName::ReasonKept,
            CheckName::EventFirst,
            CheckName::RecordsAgree,
            CheckName::QueuedLeavesNoSession,
            CheckName::SlotsReturn,
            CheckName::BeginsWhenFree,
            CheckName::NoOverlap,
            CheckName::NothingLost,
            CheckName::PolicyKept,
            CheckName::JobsEnd,
            CheckName::OpenCommits,
            CheckName::ComesToRest,
        ],
        build: |config, _| AnyMachine::new(FieldGateway::new(config, Flaw::Grace)),
    },
    Mutant {
        name: "field-whole-row",
        sentence: "when a run ends, the session row is written back whole from the copy taken before it started",
        field: &["2026.4.20: an ok run ends with no status"],
        killed_by: &[
            CheckName::SameTick,
            CheckName::ReasonKept,
            CheckName::EventFirst,
            CheckName::RecordsAgree,
            CheckName::QueuedLeavesNoSession,
            CheckName::SlotsReturn,
            CheckName::BeginsWhenFree,
            CheckName::NoOverlap,
            CheckName::NothingLost,
            CheckName::PolicyKept,
            CheckName::JobsEnd,
            CheckName::OpenCommits,
            CheckName::ComesToRest,
        ],
        build: |config, _| AnyMachine::new(FieldGateway::new(config, Flaw::WholeRow)),
    },
    Mutant {
        name: "field-batch",
        sentence: "the outcomes of runs that became due together are written when the last of them has ended",
        field: &["2026.4.20: 8 s timeout recorded at 20,057 ms", "#119083"],
        killed_by: &[
            CheckName::ReasonKept,
            CheckName::EventFirst,
            CheckName::RecordsAgree,
            CheckName::QueuedLeavesNoSession,
            CheckName::SlotsReturn,
            CheckName::BeginsWhenFree,
            CheckName::NoOverlap,
            CheckName::NothingLost,
            CheckName::PolicyKept,
            CheckName::JobsEnd,
            CheckName::OpenCommits,
            CheckName::ComesToRest,
        ],
        build: |config, _| AnyMachine::new(FieldGateway::new(config, Flaw::Batch)),
    },
];
