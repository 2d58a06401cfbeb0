//! A world that happens at another time happens in the same way.
//!
//! The machine's monotonic clock shows other numbers than the world's, by an odd number of nanoseconds.

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use crate::machines::AnyMachine;

/// By how much it is later for the machine: a few months, some milliseconds and a third of one.
const SHIFT: Span = Span::from_nanos(12_345_678_917_333_333);

/// A machine that is told other times.
#[derive(Clone, Debug)]
pub(super) struct Shifted(AnyMachine);

impl Shifted {
    pub(super) fn of(machine: &AnyMachine) -> Self {
        Self(machine.clone())
    }
}

fn later(now: Now) -> Now {
    Now { mono: now.mono + SHIFT, ..now }
}

fn earlier(at: Mono) -> Mono {
    Mono::from_nanos(at.as_nanos().saturating_sub(SHIFT.as_nanos()))
}

impl Machine for Shifted {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.0.restart(rows, epoch, later(now))
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        let inputs: Vec<Input> =
            inputs.iter().map(|input| Input { at: input.at + SHIFT, kind: input.kind.clone() }).collect();
        self.0.handle(later(now), &inputs)
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.0.next_wakeup().map(earlier)
    }

    fn waiting(&self) -> Vec<Waiting> {
        let told = |waiting: Waiting| Waiting { until: waiting.until.map(earlier), ..waiting };
        self.0.waiting().into_iter().map(told).collect()
    }
}
