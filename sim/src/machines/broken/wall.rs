//! Time that goes by the wrong clock.

use sametick_core::commit::Rows;
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::run::Shape;
use sametick_core::time::{Mono, Now};
use sametick_core::{Config, Machine, StandardGateway, Waiting};

use super::super::any::AnyMachine;
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[Mutant {
    name: "deadlines-by-the-wall",
    sentence: "deadlines are instants of the wall clock: when that steps ahead an hour, everything has timed out",
    field: &["#115319", "#68091"],
    killed_by: &[CheckName::ReasonKept, CheckName::RecordsAgree, CheckName::ComesToRest],
    build: |config, shape| AnyMachine::new(ByTheWall::new(config, shape)),
}];

/// The core on a clock that steps whenever the wall clock does.
#[derive(Clone, Debug)]
struct ByTheWall {
    machine: StandardGateway,
    tick: Tick,
    /// Where the wall clock stood on the monotonic one when this life began.
    line_ms: i64,
    /// By how many nanoseconds the wall clock has stepped since.
    stepped: i64,
    closed: Mono,
}

impl ByTheWall {
    fn new(config: Config, shape: Shape) -> Self {
        let machine = StandardGateway::new(config, shape);
        Self { machine, tick: Tick::default(), line_ms: 0, stepped: 0, closed: Mono::default() }
    }

    fn inner(&self, at: Mono) -> Mono {
        Mono::from_nanos(at.as_nanos().saturating_add_signed(self.stepped))
    }

    fn outer(&self, at: Mono) -> Mono {
        Mono::from_nanos(at.as_nanos().saturating_add_signed(-self.stepped)).max(self.closed.tick_after())
    }

    fn told(&self, input: &Input) -> Input {
        let mut input = Input { at: self.inner(input.at), kind: input.kind.clone() };
        if let InputKind::Renewal { sent, .. } = &mut input.kind {
            *sent = self.inner(*sent);
        }
        input
    }

    fn say(&mut self) {
        let stepped = self.stepped;
        for effect in self.tick.effects_mut() {
            if let Effect::Renew { sent } = effect {
                *sent = Mono::from_nanos(sent.as_nanos().saturating_add_signed(-stepped));
            }
        }
    }
}

fn line_ms(now: Now) -> i64 {
    now.wall.as_millis() - i64::try_from(now.mono.as_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

impl Machine for ByTheWall {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        (self.line_ms, self.stepped, self.closed) = (line_ms(now), 0, now.mono);
        self.tick.clone_from(self.machine.restart(rows, epoch, now));
        &self.tick
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.stepped = (line_ms(now) - self.line_ms).saturating_mul(1_000_000);
        let inputs: Vec<Input> = inputs.iter().map(|input| self.told(input)).collect();
        let reading = Now { mono: self.inner(now.mono), ..now };
        self.tick.clone_from(self.machine.handle(reading, &inputs));
        self.closed = now.mono;
        self.say();
        &self.tick
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.machine.next_wakeup().map(|at| self.outer(at))
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.machine.waiting()
    }
}
