//! A world that happens at another time happens in the same way.
//!
//! The machine's monotonic clock shows other numbers than the world's, by an odd number of nanoseconds, and its wall clock
//! shows other years, with all due times, anchors and rows moved along. A calendar cannot be moved along: its days of the
//! week, leap days and changes of clocks come otherwise in other years. Where a scenario has a job with `cron`, the
//! monotonic clock alone is moved.

use sametick_core::commit::Rows;
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use super::renaming::{LATER_MS, Other, Rename, Way};
use crate::machines::AnyMachine;
use crate::scenario::Scenario;

/// By how much it is later for the machine: a few months, some milliseconds and a third of one.
const SHIFT: Span = Span::from_nanos(12_345_678_917_333_333);

const FORTH: Other = Other::Walls(Way::Forth);
const BACK: Other = Other::Walls(Way::Back);

/// A machine that is told other times.
#[derive(Clone, Debug)]
pub(super) struct Shifted {
    machine: AnyMachine,
    /// Whether the wall clock shows other times, too.
    walls: bool,
    tick: Tick,
}

impl Shifted {
    pub(super) fn of(machine: &AnyMachine, scenario: &Scenario) -> Self {
        let walls = !scenario.jobs.iter().any(|job| matches!(job.job.schedule, Schedule::Cron(_)));
        Self { machine: machine.clone(), walls, tick: Tick::default() }
    }

    fn later(&self, now: Now) -> Now {
        let wall = if self.walls { now.wall.plus_millis(LATER_MS) } else { now.wall };
        Now { mono: now.mono + SHIFT, wall }
    }

    /// What it is told, at its own times.
    fn told(&self, input: &Input) -> Input {
        let mut input = Input { at: input.at + SHIFT, kind: input.kind.clone() };
        if let InputKind::Renewal { sent, .. } = &mut input.kind {
            *sent = *sent + SHIFT;
        }
        if self.walls {
            input.rename(FORTH);
        }
        input
    }

    /// What it says, at the times of its world.
    fn said(&mut self) -> &Tick {
        for effect in self.tick.effects_mut() {
            if let Effect::Renew { sent } = effect {
                *sent = earlier(*sent);
            }
        }
        if self.walls {
            self.tick.rename(BACK);
        }
        &self.tick
    }
}

fn earlier(at: Mono) -> Mono {
    Mono::from_nanos(at.as_nanos().saturating_sub(SHIFT.as_nanos()))
}

impl Machine for Shifted {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        let mut rows = rows.clone();
        if self.walls {
            rows.rename(FORTH);
        }
        let now = self.later(now);
        self.tick.clone_from(self.machine.restart(&rows, epoch, now));
        self.said()
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        let inputs: Vec<Input> = inputs.iter().map(|input| self.told(input)).collect();
        let now = self.later(now);
        self.tick.clone_from(self.machine.handle(now, &inputs));
        self.said()
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.machine.next_wakeup().map(earlier)
    }

    fn waiting(&self) -> Vec<Waiting> {
        let told = |waiting: Waiting| {
            let mut waiting = Waiting { until: waiting.until.map(earlier), ..waiting };
            if self.walls {
                waiting.run.rename(BACK);
            }
            waiting
        };
        self.machine.waiting().into_iter().map(told).collect()
    }
}
