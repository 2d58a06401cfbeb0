//! What happened in a world, kept only when somebody looks.

use sametick_core::effect::{Input, Tick};
use sametick_core::time::Mono;

use crate::books::Changes;
use crate::check::Failure;

/// One thing to tell of a world.
#[derive(Clone, Debug)]
pub enum Beat {
    /// A tick of the machine.
    Tick {
        /// When.
        at: Mono,
        /// In which life of the gateway, from 1.
        life: u32,
        /// What it was told.
        inputs: Vec<Input>,
        /// What it answered.
        tick: Box<Tick>,
        /// Whether the gateway lived to carry it out.
        fate: Fate,
        /// What broke at it.
        failures: Vec<Failure>,
    },
    /// A commit became durable.
    Applied {
        /// What it changed.
        changes: Changes,
    },
    /// The gateway died.
    Crash {
        /// When.
        at: Mono,
    },
    /// The world came to rest, or was left.
    Rest {
        /// When.
        at: Mono,
        /// What broke then.
        failures: Vec<Failure>,
    },
}

/// What became of a tick's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was carried out.
    CarriedOut,
    /// The commit was stored; the gateway died before the effects left.
    EffectsLost,
    /// The gateway died before the commit was stored.
    AllLost,
}

/// Takes down what happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    beats: Vec<Beat>,
}

impl Recorder {
    pub(crate) fn tick(&mut self, at: Mono, life: u32, inputs: &[Input], tick: &Tick) {
        self.beats.push(Beat::Tick {
            at,
            life,
            inputs: inputs.to_vec(),
            tick: Box::new(tick.clone()),
            fate: Fate::CarriedOut,
            failures: Vec::new(),
        });
    }

    pub(crate) fn applied(&mut self, changes: &Changes) {
        self.beats.push(Beat::Applied { changes: changes.clone() });
    }

    pub(crate) fn crashed(&mut self, at: Mono) {
        self.beats.push(Beat::Crash { at });
    }

    /// Notes what broke at the latest tick.
    pub(crate) fn failed(&mut self, broken: &[Failure]) {
        if let Some((_, failures)) = self.latest() {
            failures.clear();
            failures.extend_from_slice(broken);
        }
    }

    /// Notes that the gateway died over the latest tick.
    pub(crate) fn lost(&mut self, what: Fate) {
        if let Some((fate, _)) = self.latest() {
            *fate = what;
        }
    }

    fn latest(&mut self) -> Option<(&mut Fate, &mut Vec<Failure>)> {
        self.beats.iter_mut().rev().find_map(|beat| match beat {
            Beat::Tick { fate, failures, .. } => Some((fate, failures)),
            Beat::Applied { .. } | Beat::Crash { .. } | Beat::Rest { .. } => None,
        })
    }

    pub(crate) fn rested(&mut self, at: Mono, failures: &[Failure]) {
        self.beats.push(Beat::Rest { at, failures: failures.to_vec() });
    }

    pub(crate) fn into_beats(self) -> Vec<Beat> {
        self.beats
    }
}
