//! A machine that somebody watches as it starts and ticks.

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::time::{Mono, Now};
use sametick_core::{Machine, Waiting};

use crate::history::Witness;

/// The machine, and who watches it.
#[derive(Clone, Debug)]
pub(crate) struct Watched<M> {
    machine: M,
    witness: Witness,
    tick: Box<Tick>,
}

impl<M> Watched<M> {
    /// Watches a machine.
    pub(crate) fn new(machine: M, witness: Witness) -> Self {
        Self { machine, witness, tick: Box::default() }
    }
}

impl<M: Machine> Machine for Watched<M> {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        (*self.tick).clone_from(self.machine.restart(rows, epoch, now));
        self.witness.history().started(self.machine.waiting(), &self.tick);
        &self.tick
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.machine.handle_into(now, inputs, &mut self.tick);
        self.witness.history().ticked(self.machine.waiting(), &self.tick);
        &self.tick
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.machine.next_wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.machine.waiting()
    }
}
