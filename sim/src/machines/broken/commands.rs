//! What users ask for, done otherwise or half.

use sametick_core::effect::{Command, Input, InputKind, Tick};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[Mutant {
    name: "edit-unwritten",
    sentence: "an edit is accepted and stays in memory",
    field: &["#82103"],
    killed_by: &[CheckName::ReasonKept, CheckName::NothingLost, CheckName::ScheduleRight],
    build: |config, shape| AnyMachine::new(Shim::new(config, shape, EditsInMemory::default())),
}];

/// Writes down nothing that is declared in a tick in which something is edited.
#[derive(Clone, Debug, Default)]
struct EditsInMemory {
    edits: bool,
}

impl Twist for EditsInMemory {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        let is_edit = |kind: &InputKind| matches!(kind, InputKind::Command { command: Command::Edit(_), .. });
        self.edits = inputs.iter().any(|input| is_edit(&input.kind));
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        if self.edits {
            tick.draft().declared.clear();
        }
    }
}
