//! What happened in a world, kept only when somebody looks.

use sametick_core::commit::Commit;
use sametick_core::effect::{Input, Tick};
use sametick_core::id::SessionKey;
use sametick_core::time::Mono;

use crate::changes::Changes;
use crate::check::Failure;

/// One thing to tell of a world.
#[derive(Clone, Debug)]
pub enum Beat {
    /// A tick of the machine.
    Tick {
        /// When.
        at: Mono,
        /// On which host.
        host: usize,
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
        /// When.
        at: Mono,
        /// The epoch of its owner.
        epoch: u64,
        /// Its number.
        number: u64,
        /// What it changed.
        changes: Changes,
    },
    /// Something befell a host.
    Host {
        /// When.
        at: Mono,
        /// Which.
        host: usize,
        /// What.
        what: Befell,
    },
    /// The world came to rest, or was left.
    Rest {
        /// When.
        at: Mono,
        /// What broke then.
        failures: Vec<Failure>,
    },
}

/// What can befall a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Befell {
    /// Its process died.
    Died,
    /// Its process is back, and stands by.
    Back,
    /// It takes the store over.
    TakesOver,
    /// It stands still.
    Freezes,
    /// It goes on.
    GoesOn,
    /// Nothing gets through any more between it and the store.
    CutOff,
    /// It reaches the store again.
    Reaches,
    /// A turn that others run in its process is over, and as it does not own the store nobody is told.
    OthersEnd {
        /// In which session.
        key: SessionKey,
        /// Which turn.
        turn: u64,
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
    pub(crate) fn tick(&mut self, at: Mono, host: usize, life: u32, inputs: &[Input], tick: &Tick) {
        self.beats.push(Beat::Tick {
            at,
            host,
            life,
            inputs: inputs.to_vec(),
            tick: Box::new(tick.clone()),
            fate: Fate::CarriedOut,
            failures: Vec::new(),
        });
    }

    pub(crate) fn applied(&mut self, at: Mono, commit: &Commit, changes: &Changes) {
        let Commit { epoch, number, .. } = *commit;
        self.beats.push(Beat::Applied { at, epoch, number, changes: changes.clone() });
    }

    pub(crate) fn befell(&mut self, at: Mono, host: usize, what: Befell) {
        self.beats.push(Beat::Host { at, host, what });
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
            Beat::Applied { .. } | Beat::Host { .. } | Beat::Rest { .. } => None,
        })
    }

    pub(crate) fn rested(&mut self, at: Mono, failures: &[Failure]) {
        self.beats.push(Beat::Rest { at, failures: failures.to_vec() });
    }

    pub(crate) fn into_beats(self) -> Vec<Beat> {
        self.beats
    }
}
