//! Gateways that lose track of what those who listen have heard.

use std::collections::BTreeMap;

use sametick_core::commit::{Answer, Rows};
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::lifecycle::{ErrorKind, LifecycleEvent};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "told-is-heard",
        sentence: "an event that was told counts as acknowledged, whatever became of those who were told",
        field: &["#91979", "kafka: at-most-once by auto-commit"],
        killed_by: &[CheckName::BusOrdered],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ToldIsHeard::default())),
    },
    Mutant {
        name: "recovery-tells-the-latest-run",
        sentence: "after a crash subscribers are told again of the run that was in the last event, and of no other",
        field: &["#91979"],
        killed_by: &[CheckName::BusOrdered],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, TellsLatestRun)),
    },
    Mutant {
        name: "recovery-trusts-the-one-before",
        sentence: "a recovery takes it that the one before it told of the runs that it interrupted",
        field: &["#65136"],
        killed_by: &[CheckName::BusOrdered, CheckName::SurvivesCrash],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, TrustsTheOneBefore)),
    },
    Mutant {
        name: "own-commit-suffices",
        sentence: "an event is told once its own commit is durable, though an earlier one is not known to be",
        field: &["inngest#4652"],
        killed_by: &[CheckName::BusOrdered],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, OwnCommitSuffices::default())),
    },
];

/// Writes down as acknowledged whatever has left.
#[derive(Clone, Debug, Default)]
struct ToldIsHeard {
    below: u64,
}

impl Twist for ToldIsHeard {
    fn rows(&mut self, rows: &mut Rows) {
        self.below = rows.first_offset;
    }

    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        self.note(tick);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        self.note(tick);
    }
}

impl ToldIsHeard {
    fn note(&mut self, tick: &mut Tick) {
        for effect in tick.effects() {
            if let Effect::Publish { offset, .. } = effect {
                self.below = self.below.max(*offset + 1);
            }
        }
        if tick.commit().is_some() {
            tick.draft().acknowledged = tick.draft().acknowledged.max(self.below);
        }
    }
}

/// Tells of one run alone after a crash.
#[derive(Clone, Debug)]
struct TellsLatestRun;

impl Twist for TellsLatestRun {
    fn first_tick(&mut self, rows: &Rows, tick: &mut Tick) {
        let Some(last) = rows.events.last() else { return };
        let other =
            |effect: &Effect| matches!(effect, Effect::Publish { event, .. } if event.run != last.run);
        tick.effects_mut().retain(|effect| !other(effect));
    }
}

/// Tells of interrupted runs only in the life that interrupted them.
#[derive(Clone, Debug)]
struct TrustsTheOneBefore;

impl Twist for TrustsTheOneBefore {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        let interrupted =
            |event: &LifecycleEvent| event.cause.is_some_and(|cause| cause.kind == ErrorKind::Interrupted);
        let told = |effect: &Effect| matches!(effect, Effect::Publish { event, .. } if interrupted(event));
        tick.effects_mut().retain(|effect| !told(effect));
    }
}

/// Tells events as soon as their own commit is durable.
#[derive(Clone, Debug, Default)]
struct OwnCommitSuffices {
    open: BTreeMap<u64, Vec<Effect>>,
    durable: Vec<u64>,
}

impl Twist for OwnCommitSuffices {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        self.hold(tick);
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Answer { commit, answer: Answer::Applied } = input.kind {
                self.durable.push(commit);
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Publish { .. }));
        self.hold(tick);
        for number in std::mem::take(&mut self.durable) {
            self.open.remove(&number).into_iter().flatten().for_each(|effect| tick.push(effect));
        }
    }
}

impl OwnCommitSuffices {
    fn hold(&mut self, tick: &mut Tick) {
        let Some(commit) = tick.commit() else { return };
        let publish = |(offset, event): (u64, &LifecycleEvent)| Effect::Publish { offset, event: *event };
        let events = (commit.first_offset..).zip(&commit.events).map(publish).collect();
        self.open.insert(commit.number, events);
    }
}
