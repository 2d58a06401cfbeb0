//! Children that do not share the slot of the run that waits for them, or wait for it.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::Rows;
use sametick_core::effect::{Command, Effect, Input, InputKind, Refusal, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Mono, Now};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "child-takes-a-slot",
        sentence: "a child waits for a slot of its own, though the run that waits for it holds one for both",
        field: &["#44805", "#44991", "#52271"],
        killed_by: &[CheckName::BeginsWhenFree, CheckName::PolicyKept, CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, TakesSlot::default())),
    },
    Mutant {
        name: "family-forgotten",
        sentence: "after a crash the slot of a family has gone back with its parent, while the turn of a child is still stopping",
        field: &["#138499"],
        killed_by: &[CheckName::SlotsReturn],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ForgetsFamilies)),
    },
    Mutant {
        name: "child-of-who-waits",
        sentence: "a child is let in that waits for somebody who waits for it",
        field: &["#44805", "#44991", "#52271"],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, LetsIn::default())),
    },
    Mutant {
        name: "attempt-without-parent",
        sentence: "another attempt at what a run asked for is nobody's child",
        field: &["#44805"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AttemptsAlone)),
    },
];

/// Leaves the parent out of every record of a further attempt.
#[derive(Clone, Debug)]
struct AttemptsAlone;

impl Twist for AttemptsAlone {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in tick.draft().runs.iter_mut().filter(|row| row.id.attempt > 1) {
            row.parent = None;
        }
    }
}

/// What runs were asked for as if nobody waited for them, and whose children they are.
#[derive(Clone, Debug, Default)]
struct Adopted {
    asked: Vec<(JobId, RunId)>,
    known: BTreeSet<RunId>,
    parents: BTreeMap<RunId, RunId>,
}

impl Adopted {
    /// Writes parents down.
    fn write(&mut self, tick: &mut Tick) {
        for row in &mut tick.draft().runs {
            if self.known.insert(row.id)
                && let Some(place) =
                    self.asked.iter().position(|(job, _)| row.id.asked > 0 && row.id.job == *job)
            {
                self.parents.insert(row.id, self.asked.swap_remove(place).1);
            }
            row.parent = row.parent.or(self.parents.get(&row.id).copied());
        }
        self.asked.clear();
    }
}

/// Runs children as if somebody had asked for them, and writes their parents down all the same.
#[derive(Clone, Debug, Default)]
struct TakesSlot {
    adopted: Adopted,
}

impl Twist for TakesSlot {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Command { command, .. } = &mut input.kind
                && let Command::Spawn { parent, job } = *command
            {
                self.adopted.asked.push((job, parent));
                *command = Command::RunNow(job);
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        self.adopted.write(tick);
    }
}

/// Asks for a child once more that is refused because it would wait for who waits for it, as if nobody did.
#[derive(Clone, Debug, Default)]
struct LetsIn {
    adopted: Adopted,
    asked: Vec<(u64, JobId, RunId)>,
    refused: Vec<(u64, JobId, RunId)>,
}

impl Twist for LetsIn {
    fn inputs(&mut self, now: Now, inputs: &mut Vec<Input>) {
        self.asked.clear();
        for input in inputs.iter() {
            if let InputKind::Command { ticket, command: Command::Spawn { parent, job } } = input.kind {
                self.asked.push((ticket, job, parent));
            }
        }
        for (ticket, job, parent) in self.refused.drain(..) {
            self.adopted.asked.push((job, parent));
            let kind = InputKind::Command { ticket, command: Command::RunNow(job) };
            inputs.push(Input { at: now.mono, kind });
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        self.adopted.write(tick);
        let Self { asked, refused, .. } = self;
        tick.effects_mut().retain(|effect| {
            let Effect::Reply { ticket, reply: Err(Refusal::Deadlock) } = effect else { return true };
            let place = asked.iter().position(|(asked, ..)| asked == ticket);
            refused.extend(place.map(|place| asked[place]));
            place.is_none()
        });
    }

    fn wakeup(&self) -> Option<Mono> {
        (!self.refused.is_empty()).then(Mono::default)
    }
}

/// Knows nothing of children that were told to stop before a crash, when their parent had stopped.
#[derive(Clone, Debug)]
struct ForgetsFamilies;

impl Twist for ForgetsFamilies {
    fn rows(&mut self, rows: &mut Rows) {
        let open = rows.runs.iter().filter(|row| !row.is_closed());
        let open: BTreeSet<RunId> = open.map(|row| row.id).collect();
        let left_behind = |row: &RunRow| row.parent.is_some_and(|parent| !open.contains(&parent));
        rows.runs.retain(|row| !(matches!(row.state, RunState::Settled(_)) && left_behind(row)));
    }
}
