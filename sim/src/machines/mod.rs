//! Machines under test: the core, the core with one thing broken, the field in miniature, and anybody's own.

mod any;
mod broken;
mod field;
mod mutant;
mod own;
mod shim;

pub use any::AnyMachine;
pub use field::{FieldGateway, Flaw};
pub use mutant::Mutant;
pub use own::Own;
pub use shim::{Shim, Twist};

use std::sync::LazyLock;

use sametick_core::run::Shape;
use sametick_core::{Config, Machine, StandardGateway};

use crate::plan::Plan;
use crate::scenario::Scenario;

/// Every mutant, the field's own shapes first.
pub static MUTANTS: LazyLock<Vec<&'static Mutant>> =
    LazyLock::new(|| broken::ALL.iter().copied().flatten().collect());

/// A machine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The core, in one of its shapes.
    Core(Shape),
    /// Something broken on purpose.
    Mutant(&'static Mutant),
    /// Somebody's own.
    Own(Own),
}

/// The mutant with this name.
#[must_use]
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().copied().find(|mutant| mutant.name == name)
}

/// What is done with a machine, whatever its type.
pub trait Visit {
    /// What comes of it.
    type Out;
    /// Does it.
    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Self::Out;
}

impl Subject {
    /// Builds the machine and hands it over.
    pub fn visit<V: Visit>(self, config: Config, visit: V) -> V::Out {
        match self {
            Self::Core(shape) => visit.visit(StandardGateway::new(config, shape)),
            Self::Mutant(mutant) => visit.visit(mutant.build(config, Shape::Emit)),
            Self::Own(own) => visit.visit(own.build(config, Shape::Emit)),
        }
    }

    /// Whether it is meant to hold: then claims, transcripts and laws are for it, too.
    #[must_use]
    pub const fn is_meant_to_hold(self) -> bool {
        match self {
            Self::Core(_) | Self::Own(_) => true,
            Self::Mutant(_) => false,
        }
    }

    /// As much of a plan as it knows what to do with.
    #[must_use]
    pub fn known_of(self, plan: Plan) -> Plan {
        match self {
            Self::Core(_) | Self::Mutant(_) => plan,
            Self::Own(own) => own.known_of(plan),
        }
    }

    /// The scenario that a plan is; nothing where the plan says too little to be one, or the machine cannot play it.
    #[must_use]
    pub fn scenario_of(self, plan: &Plan) -> Option<Scenario> {
        plan.scenario("plan.toml").ok().filter(|scenario| self.plays(scenario))
    }

    /// Whether it can play a scenario at all.
    #[must_use]
    pub fn plays(self, scenario: &Scenario) -> bool {
        match self {
            Self::Core(_) | Self::Mutant(_) => true,
            Self::Own(own) => own.plays(scenario),
        }
    }

    /// Builds the machine, whatever its type.
    #[must_use]
    pub fn build(self, config: Config) -> AnyMachine {
        match self {
            Self::Core(shape) => AnyMachine::new(StandardGateway::new(config, shape)),
            Self::Mutant(mutant) => mutant.build(config, Shape::Emit),
            Self::Own(own) => own.build(config, Shape::Emit),
        }
    }

    /// Builds the same machine in the other shape of finalisation.
    #[must_use]
    pub fn in_other_shape(self, config: Config) -> AnyMachine {
        match self {
            Self::Core(Shape::Emit) => AnyMachine::new(StandardGateway::new(config, Shape::Synthesize)),
            Self::Core(Shape::Synthesize) => AnyMachine::new(StandardGateway::new(config, Shape::Emit)),
            Self::Mutant(mutant) => mutant.build(config, Shape::Synthesize),
            Self::Own(own) => own.build(config, Shape::Synthesize),
        }
    }

    /// The flags that ask for it on a command line, which knows nobody's own machine.
    #[must_use]
    pub fn flags(self) -> String {
        match self {
            Self::Core(Shape::Emit) | Self::Own(_) => String::new(),
            Self::Core(Shape::Synthesize) => " --shape synthesize".to_owned(),
            Self::Mutant(mutant) => format!(" --mutant {}", mutant.name),
        }
    }
}
