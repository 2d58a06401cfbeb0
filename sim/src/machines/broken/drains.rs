//! Turns that are called or asked to stop though there is nobody to be.

use std::collections::BTreeSet;

use sametick_core::effect::{Effect, Tick};
use sametick_core::id::RunId;
use sametick_core::run::RunState;
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "aborts-what-never-began",
        sentence: "a run that is over while its start is held has its turn asked to stop, which was never called",
        field: &["#79475"],
        killed_by: &[CheckName::SlotsReturn],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Held::that(Then::Aborts))),
    },
    Mutant {
        name: "start-outlives-its-run",
        sentence: "the start of a run that was over while that was held leaves all the same",
        field: &["#79475"],
        killed_by: &[CheckName::NoResurrection],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Held::that(Then::Starts))),
    },
];

/// What becomes of a run that is over while its start is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Aborts,
    Starts,
}

/// Knows whose start is held.
#[derive(Clone, Debug)]
struct Held {
    then: Then,
    held: BTreeSet<RunId>,
    /// Over, with a start that should be lost.
    over: Vec<RunId>,
}

impl Held {
    const fn that(then: Then) -> Self {
        Self { then, held: BTreeSet::new(), over: Vec::new() }
    }
}

impl Twist for Held {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for effect in tick.effects() {
            if let Effect::Start { run } = effect {
                self.held.remove(run);
            }
        }
        let has_commit = tick.commit().is_some();
        if has_commit && self.then == Then::Starts {
            for run in std::mem::take(&mut self.over) {
                tick.push(Effect::Start { run });
            }
        }
        for row in tick.draft().runs.clone() {
            match row.state {
                RunState::Starting => _ = self.held.insert(row.id),
                RunState::Queued | RunState::Running => {}
                RunState::Settled(_) if self.held.remove(&row.id) => match self.then {
                    Then::Aborts => tick.push(Effect::Abort { run: row.id }),
                    Then::Starts => self.over.push(row.id),
                },
                RunState::Settled(_) => {}
            }
        }
    }
}
