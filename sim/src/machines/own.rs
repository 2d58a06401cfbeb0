//! A machine that somebody else wrote, under the same scenarios and checks.

use sametick_core::Config;
use sametick_core::run::Shape;

use super::any::AnyMachine;
use crate::plan::{Plan, known};
use crate::scenario::Scenario;

/// Somebody's own machine.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// What it is called, in reports.
    pub name: &'static str,
    build: fn(Config, Shape) -> AnyMachine,
    plays: fn(&Scenario) -> bool,
    knows: Option<&'static [&'static str]>,
}

impl Own {
    /// A machine by how it is built: with the limits of a scenario, and the shape in which it publishes terminal
    /// events, if it has more than one.
    ///
    /// ```
    /// use sametick_core::StandardGateway;
    /// use sametick_sim::machines::{AnyMachine, Own};
    ///
    /// const MINE: Own = Own::new("mine", |config, shape| AnyMachine::new(StandardGateway::new(config, shape)));
    /// assert_eq!(MINE.name, "mine");
    /// ```
    #[must_use]
    pub const fn new(name: &'static str, build: fn(Config, Shape) -> AnyMachine) -> Self {
        Self { name, build, plays: |_| true, knows: None }
    }

    /// Which keys of a scenario it knows what to do with: `job.timeout`, or `turn.*` for all that can be said of turns. Of
    /// a drawn plan it is given what is made of these, and no more; everything, unless somebody says otherwise.
    #[must_use]
    pub const fn that_knows(self, keys: &'static [&'static str]) -> Self {
        Self { knows: Some(keys), ..self }
    }

    /// As much of a plan as it knows what to do with.
    #[must_use]
    pub fn known_of(&self, plan: Plan) -> Plan {
        self.knows.map_or_else(|| plan.clone(), |keys| known(&plan, keys))
    }

    /// Which scenarios it can play at all, where keys alone do not say so. Others are left out, and count as nothing.
    #[must_use]
    pub const fn that_plays(self, plays: fn(&Scenario) -> bool) -> Self {
        Self { plays, ..self }
    }

    /// Whether it can play a scenario.
    #[must_use]
    pub fn plays(&self, scenario: &Scenario) -> bool {
        (self.plays)(scenario)
    }

    /// The machine, with these limits and in this shape.
    #[must_use]
    pub fn build(&self, config: Config, shape: Shape) -> AnyMachine {
        (self.build)(config, shape)
    }
}

/// It is known by its name.
impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Own {}
