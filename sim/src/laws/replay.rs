//! Crash and replay: nothing but the store connects two lives of a gateway.
//!
//! Worlds use one machine again and again, from restart to restart and from seed to seed. Here each life begins with a
//! machine that has never lived.

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::time::{Mono, Now};
use sametick_core::{Machine, Waiting};

use crate::machines::AnyMachine;

/// A machine that is a new one after each restart.
#[derive(Clone, Debug)]
pub(super) struct NewBorn {
    unlived: AnyMachine,
    machine: AnyMachine,
}

impl NewBorn {
    pub(super) fn of(unlived: &AnyMachine) -> Self {
        Self { unlived: unlived.clone(), machine: unlived.clone() }
    }
}

impl Machine for NewBorn {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.machine = self.unlived.clone();
        self.machine.restart(rows, epoch, now)
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.machine.handle(now, inputs)
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.machine.next_wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.machine.waiting()
    }
}
