//! Who hears everything twice knows no more, and does nothing else.
//!
//! Bad answers of the store are left out: each of them asks for the commit once more.

use sametick_core::commit::{Answer, Rows};
use sametick_core::effect::{Input, InputKind, Tick};
use sametick_core::time::{Mono, Now};
use sametick_core::{Machine, Waiting};

use crate::machines::AnyMachine;

/// A machine that hears each report of a turn and each good answer of the store twice.
#[derive(Clone, Debug)]
pub(super) struct Twice(AnyMachine);

impl Twice {
    pub(super) fn of(machine: &AnyMachine) -> Self {
        Self(machine.clone())
    }
}

fn times(input: &Input) -> usize {
    match input.kind {
        InputKind::Report { .. } | InputKind::Answer { answer: Answer::Applied, .. } => 2,
        InputKind::Answer { .. }
        | InputKind::Renewal { .. }
        | InputKind::Heard { .. }
        | InputKind::Command { .. }
        | InputKind::Foreign { .. }
        | InputKind::ClockStepped => 1,
    }
}

impl Machine for Twice {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.0.restart(rows, epoch, now)
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        let doubled = inputs.iter().flat_map(|input| std::iter::repeat_n(input, times(input)).cloned());
        self.0.handle(now, &doubled.collect::<Vec<Input>>())
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.0.next_wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.0.waiting()
    }
}
