//! One world of a plan, and what is tried on it.

use sametick_core::Machine;

use super::Plan;
use crate::check::{CheckName, Failure};
use crate::laws::{LawCounts, Twins};
use crate::machines::{Subject, Visit};
use crate::scenario::Scenario;
use crate::world::{Verdict, World};

/// What is tried on a world, beside the checks. It costs many times what the world does, so a campaign does it in some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Ticks are cut, and recoveries done twice.
    pub laws: bool,
    /// The world is run beside its twins.
    pub twins: bool,
}

/// In one of so many worlds the laws are tried, and in one of so many it has twins.
const LAWS_IN: u64 = 8;
const TWINS_IN: u64 = 32;

impl Trial {
    /// Everything.
    pub const FULL: Self = Self { laws: true, twins: true };

    /// What has to be tried for a failure to show: laws and twins only where one of them found it.
    #[must_use]
    pub const fn that_shows(failure: &Failure) -> Self {
        if matches!(failure.check, CheckName::Law(_) | CheckName::OwnLaneOnly) {
            Self::FULL
        } else {
            Self { laws: false, twins: false }
        }
    }

    /// What a campaign tries on the world of a seed.
    #[must_use]
    pub const fn of_seed(seed: u64) -> Self {
        Self { laws: seed.is_multiple_of(LAWS_IN), twins: seed.is_multiple_of(TWINS_IN) }
    }

    /// Runs the world of a plan; nothing where a plan says too little to be one, or the machine cannot play it.
    #[must_use]
    pub fn run_plan(self, plan: &Plan, subject: Subject) -> Option<Verdict> {
        subject.scenario_of(plan).map(|scenario| self.run(&scenario, subject))
    }

    /// Runs a world of a scenario without ranges. What the scenario claims is not judged.
    #[must_use]
    pub fn run(self, scenario: &Scenario, subject: Subject) -> Verdict {
        let world = |laws| subject.visit(scenario.config.clone(), One { scenario, laws });
        let mut verdict = world(false);
        // The checks have the first word: what they say is said of one run, and at one instant.
        if self.laws && verdict.failures.is_empty() {
            verdict.failures = world(true).failures;
        }
        if self.twins && verdict.failures.is_empty() {
            verdict.failures = Twins::new(scenario, subject).run(0, &mut LawCounts::default());
        }
        verdict
    }
}

struct One<'s> {
    scenario: &'s Scenario,
    laws: bool,
}

impl Visit for One<'_> {
    type Out = Verdict;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Verdict {
        let mut world = World::new(self.scenario, machine);
        world.judge_claims(false);
        world.try_laws(self.laws);
        world.note_situations(!self.laws);
        world.run(0).clone()
    }
}
