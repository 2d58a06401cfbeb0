//! Buses that lose or repeat what they carry.

use sametick_core::lifecycle::{ErrorKind, EventPhase, LifecycleEvent, TickBus};
use sametick_core::ports::Bus;

use super::{Mutant, is_timeout, with_bus};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "event-dropped",
        sentence: "the bus loses the terminal event of a timeout",
        field: &["#70347", "#79355"],
        killed_by: &[CheckName::SameTick, CheckName::SettlesOnce],
        build: |config, shape| with_bus(config, shape, DropsTimeouts(TickBus::default())),
    },
    Mutant {
        name: "event-twice",
        sentence: "the bus delivers terminal events twice",
        field: &["#120561", "restate#1029"],
        killed_by: &[CheckName::SettlesOnce],
        build: |config, shape| with_bus(config, shape, RepeatsEnds(TickBus::default())),
    },
    Mutant {
        name: "failure-dropped",
        sentence: "the bus loses the end of a run that failed",
        field: &["#74607", "#91730", "#120683"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| with_bus(config, shape, DropsFailures(TickBus::default())),
    },
    Mutant {
        name: "interruption-unnamed",
        sentence: "what a restart interrupted is told as a failure like any other",
        field: &["#96161"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| with_bus(config, shape, UnnamesInterruptions(TickBus::default())),
    },
];

/// Loses the terminal event of a timeout.
#[derive(Clone, Debug)]
struct DropsTimeouts(TickBus);

impl Bus for DropsTimeouts {
    fn publish(&mut self, event: LifecycleEvent) {
        if !is_timeout(&event) {
            self.0.publish(event);
        }
    }

    fn next(&mut self) -> Option<LifecycleEvent> {
        self.0.next()
    }
}

/// Delivers terminal events twice.
#[derive(Clone, Debug)]
struct RepeatsEnds(TickBus);

impl Bus for RepeatsEnds {
    fn publish(&mut self, event: LifecycleEvent) {
        self.0.publish(event);
        if event.phase != EventPhase::Start {
            self.0.publish(event);
        }
    }

    fn next(&mut self) -> Option<LifecycleEvent> {
        self.0.next()
    }
}

/// Loses the end of a run that failed.
#[derive(Clone, Debug)]
struct DropsFailures(TickBus);

impl Bus for DropsFailures {
    fn publish(&mut self, event: LifecycleEvent) {
        if !event.cause.is_some_and(|cause| cause.kind == ErrorKind::Failed) {
            self.0.publish(event);
        }
    }

    fn next(&mut self) -> Option<LifecycleEvent> {
        self.0.next()
    }
}

/// Tells of an interruption as of a failure.
#[derive(Clone, Debug)]
struct UnnamesInterruptions(TickBus);

impl Bus for UnnamesInterruptions {
    fn publish(&mut self, mut event: LifecycleEvent) {
        if let Some(cause) = event.cause.as_mut().filter(|cause| cause.kind == ErrorKind::Interrupted) {
            (cause.kind, cause.stop_reason) = (ErrorKind::Failed, None);
        }
        self.0.publish(event);
    }

    fn next(&mut self) -> Option<LifecycleEvent> {
        self.0.next()
    }
}
