//! A world that happens at another time happens in the same way.
//!
//! The machine's monotonic clock shows other numbers than the world's, by an odd number of nanoseconds.

use sametick_core::commit::Rows;
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use crate::machines::AnyMachine;

/// By how much it is later for the machine: a few months, some milliseconds and a third of one.
const SHIFT: Span = Span::from_nanos(12_345_678_917_333_333);

/// A machine that is told other times.
#[derive(Clone, Debug)]
pub(super) struct Shifted {
    machine: AnyMachine,
    tick: Tick,
}

impl Shifted {
    pub(super) fn of(machine: &AnyMachine) -> Self {
        Self { machine: machine.clone(), tick: Tick::default() }
    }
}

fn later(now: Now) -> Now {
    Now { mono: now.mono + SHIFT, ..now }
}

fn earlier(at: Mono) -> Mono {
    Mono::from_nanos(at.as_nanos().saturating_sub(SHIFT.as_nanos()))
}

/// What a machine is told, at its own times.
fn told(input: &Input) -> Input {
    let mut input = Input { at: input.at + SHIFT, kind: input.kind.clone() };
    if let InputKind::Renewal { sent, .. } = &mut input.kind {
        *sent = *sent + SHIFT;
    }
    input
}

/// What it says, at the times of its world.
fn said(tick: &mut Tick) {
    for effect in tick.effects_mut() {
        if let Effect::Renew { sent } = effect {
            *sent = earlier(*sent);
        }
    }
}

impl Machine for Shifted {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.tick.clone_from(self.machine.restart(rows, epoch, later(now)));
        said(&mut self.tick);
        &self.tick
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        let inputs: Vec<Input> = inputs.iter().map(told).collect();
        self.tick.clone_from(self.machine.handle(later(now), &inputs));
        said(&mut self.tick);
        &self.tick
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.machine.next_wakeup().map(earlier)
    }

    fn waiting(&self) -> Vec<Waiting> {
        let told = |waiting: Waiting| Waiting { until: waiting.until.map(earlier), ..waiting };
        self.machine.waiting().into_iter().map(told).collect()
    }
}
