//! Occurrences of which the books say nothing, too much, or what is not so.

use sametick_core::commit::{Rows, Unran};
use sametick_core::effect::Tick;
use sametick_core::run::Outcome;
use sametick_core::time::{Now, Span};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "skip-unwritten",
        sentence: "an occurrence that is skipped because a run is at work is written nowhere",
        field: &["#13992", "#10201", "#12313"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SkipsUnwritten)),
    },
    Mutant {
        name: "range-miscounted",
        sentence: "a range of missed occurrences counts one too many",
        field: &["#11246"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CountsOneMore)),
    },
    Mutant {
        name: "late-is-missed",
        sentence: "an occurrence that a busy host meets a little late is taken for missed",
        field: &["#10086", "#17852", "#12440"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, LateIsMissed)),
    },
    Mutant {
        name: "record-missing",
        sentence: "the job says that its run timed out in the queue, and the run keeps no record of it",
        field: &["#59056", "#59301", "#91979"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RecordMissing)),
    },
];

/// Writes no overlap down.
#[derive(Clone, Debug)]
struct SkipsUnwritten;

impl Twist for SkipsUnwritten {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().ledger.retain(|row| row.end != Unran::Overlap);
    }
}

/// Counts one too many.
#[derive(Clone, Debug)]
struct CountsOneMore;

impl Twist for CountsOneMore {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().ledger.iter_mut().for_each(|row| row.count += 1);
    }

    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        tick.draft().ledger.iter_mut().for_each(|row| row.count += 1);
    }
}

/// Has no patience with late ticks.
#[derive(Clone, Debug)]
struct LateIsMissed;

impl Twist for LateIsMissed {
    fn rows(&mut self, rows: &mut Rows) {
        rows.jobs.iter_mut().for_each(|(job, _)| job.misfire_after = Span::ZERO);
    }
}

/// Leaves the record of a run that ended in its queue as it was.
#[derive(Clone, Debug)]
struct RecordMissing;

impl Twist for RecordMissing {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().runs.retain(|row| {
            !(row.granted_at.is_none() && matches!(row.state.outcome(), Some(Outcome::TimedOut(_))))
        });
    }
}
