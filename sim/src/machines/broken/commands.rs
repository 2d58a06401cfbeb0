//! What users ask for, done otherwise or half.

use std::collections::BTreeSet;

use sametick_core::commit::JobStatus;
use sametick_core::effect::{Command, Input, InputKind, Tick};
use sametick_core::id::JobId;
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "edit-unwritten",
        sentence: "an edit is accepted and stays in memory",
        field: &["#82103"],
        killed_by: &[
            CheckName::ReasonKept,
            CheckName::InTurn,
            CheckName::NothingLost,
            CheckName::ScheduleRight,
        ],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, EditsInMemory::default())),
    },
    Mutant {
        name: "disabled-waits-on",
        sentence: "a job that is disabled is due no more, and what waits of it runs",
        field: &["#13992"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WaitsOn::default())),
    },
];

/// Pauses what is to be disabled, and says that it is disabled.
#[derive(Clone, Debug, Default)]
struct WaitsOn {
    disabled: BTreeSet<JobId>,
}

impl Twist for WaitsOn {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            let InputKind::Command { command, .. } = &mut input.kind else { continue };
            match *command {
                Command::Disable(job) => {
                    self.disabled.insert(job);
                    *command = Command::Pause(job);
                }
                Command::Resume(job) | Command::Remove(job) | Command::Pause(job) => {
                    self.disabled.remove(&job);
                }
                Command::Add(_)
                | Command::Edit(_)
                | Command::RunNow(_)
                | Command::Spawn { .. }
                | Command::Cancel(_) => {}
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let paused = tick.draft().jobs.iter_mut().filter(|row| row.status == JobStatus::Paused);
        paused.filter(|row| self.disabled.contains(&row.id)).for_each(|row| row.status = JobStatus::Disabled);
    }
}

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
