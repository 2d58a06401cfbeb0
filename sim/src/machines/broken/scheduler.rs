//! Jobs whose state or schedule is not kept.

use sametick_core::effect::Tick;
use sametick_core::run::Outcome;
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[Mutant {
    name: "marker-kept",
    sentence: "the job stays marked as running after a timeout",
    field: &["#18120", "#142638", "#41979"],
    killed_by: &[CheckName::RecordsAgree],
    build: |config, shape| AnyMachine::new(Shim::new(config, shape, MarkerKept)),
}];

/// Leaves the running marker on the job of a timeout.
#[derive(Clone, Debug)]
struct MarkerKept;

impl Twist for MarkerKept {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &mut tick.draft().jobs {
            let timed_out = row.last.filter(|last| matches!(last.outcome, Outcome::TimedOut(_)));
            row.running = row.running.or(timed_out.map(|last| last.run));
        }
    }
}
