//! What is known of a machine that is broken on purpose.

use sametick_core::Config;
use sametick_core::run::Shape;

use super::any::AnyMachine;
use crate::check::CheckName;

/// Something broken on purpose.
#[derive(Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What is broken, in a sentence.
    pub sentence: &'static str,
    /// The reports from the field it stands for.
    pub field: &'static [&'static str],
    /// The checks that break first, together; no other may.
    pub killed_by: &'static [CheckName],
    /// Builds it with these limits. A shape of finalisation that it has no use for is nothing to it.
    pub(super) build: fn(Config, Shape) -> AnyMachine,
}

impl Mutant {
    /// Whether it breaks nothing in a world by itself, but beside the world's twins.
    #[must_use]
    pub fn is_tried_on_twins(&self) -> bool {
        self.killed_by.iter().any(|check| matches!(check, CheckName::Law(_) | CheckName::OwnLaneOnly))
    }

    /// The machine, with these limits and in this shape.
    #[must_use]
    pub fn build(&self, config: Config, shape: Shape) -> AnyMachine {
        (self.build)(config, shape)
    }
}

/// A mutant is known by its name.
impl PartialEq for Mutant {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Mutant {}
