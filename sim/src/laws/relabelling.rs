//! Numbers are names: other ones in the same order change nothing else.

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::time::{Mono, Now};
use sametick_core::{Machine, Waiting};

use super::renaming::{Other, Rename, Way};
use crate::machines::AnyMachine;

/// A machine that knows jobs, agents and sessions by other numbers.
#[derive(Clone, Debug)]
pub(super) struct Renamed {
    machine: AnyMachine,
    tick: Tick,
}

impl Renamed {
    pub(super) fn of(machine: &AnyMachine) -> Self {
        Self { machine: machine.clone(), tick: Tick::default() }
    }
}

impl Machine for Renamed {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        let mut rows = rows.clone();
        rows.rename(Other::Numbers(Way::Forth));
        self.tick.clone_from(self.machine.restart(&rows, epoch, now));
        self.tick.rename(Other::Numbers(Way::Back));
        &self.tick
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        let mut inputs = inputs.to_vec();
        inputs.rename(Other::Numbers(Way::Forth));
        self.tick.clone_from(self.machine.handle(now, &inputs));
        self.tick.rename(Other::Numbers(Way::Back));
        &self.tick
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.machine.next_wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.machine.waiting();
        waiting.iter_mut().for_each(|waiting| waiting.run.rename(Other::Numbers(Way::Back)));
        waiting
    }
}
