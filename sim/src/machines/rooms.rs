//! Rooms of the core with one thing broken.

use sametick_core::id::SessionKey;
use sametick_core::job::Budget;
use sametick_core::lifecycle::{self, ErrorKind, EventPhase, LifecycleEvent, TickBus};
use sametick_core::ports::{Bus, Clock};
use sametick_core::run::{
    Drain, Failure, Finish, Outcome, Phase, Race, RunEvent, RunResult, RunRow, RunState, Step, TimedOut,
    TimeoutRace, step,
};
use sametick_core::session::{
    LifecyclePersister, Persister, SessionChange, SessionPatch, SessionTable, Status,
};

fn is_timeout(event: &LifecycleEvent) -> bool {
    event.cause.is_some_and(|cause| cause.kind == ErrorKind::Timeout)
}

/// Loses the terminal event of a timeout.
#[derive(Clone, Debug)]
pub(super) struct DropsTimeouts(pub(super) TickBus);

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
pub(super) struct RepeatsEnds(pub(super) TickBus);

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

/// A race that changes the terminal event of a timeout before it is published.
macro_rules! race_that_ends_with {
    ($(#[$doc:meta])* $name:ident, $change:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $name;

        impl Race for $name {
            fn opened<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) {
                TimeoutRace::default().opened(run, clock, bus);
            }

            fn settled<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) -> RunResult {
                let mut event = lifecycle::ended(run, clock.wall());
                if is_timeout(&event) {
                    let change: fn(&mut LifecycleEvent) = $change;
                    change(&mut event);
                }
                bus.publish(event);
                RunResult { run: *run, to_publish: None }
            }
        }
    };
}

race_that_ends_with!(
    /// Names the job's base row.
    WrongKey,
    |event| event.key = event.key.base().unwrap_or(event.key)
);
race_that_ends_with!(
    /// Says failed, and no more.
    GenericReason,
    |event| event.cause = lifecycle::cause(Outcome::Failed(Failure::default()))
);

/// A race whose table has one wrong line.
macro_rules! race_that_steps {
    ($(#[$doc:meta])* $name:ident, $wrong:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $name;

        impl Race for $name {
            fn step(&mut self, run: &RunRow, event: RunEvent) -> Step {
                let wrong: fn(&RunRow, RunEvent) -> Option<Step> = $wrong;
                wrong(run, event).unwrap_or_else(|| step(run.state, run.drain, event))
            }

            fn opened<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) {
                TimeoutRace::default().opened(run, clock, bus);
            }

            fn settled<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) -> RunResult {
                TimeoutRace::default().settled(run, clock, bus)
            }
        }
    };
}

race_that_steps!(
    /// Lets the loser of the race settle the run again.
    LoserOverwrites,
    |run, event| match (run.state, run.drain, event) {
        (RunState::Settled(Outcome::TimedOut(_)), Drain::Open, RunEvent::Completed(Finish::Ok)) => {
            Some(Step::Settle(Outcome::Ok))
        }
        _ => None,
    }
);
race_that_steps!(
    /// Never ends the drain of a timeout.
    KeepsSlot,
    |run, event| match (run.state, event) {
        (
            RunState::Settled(Outcome::TimedOut(_)),
            RunEvent::Stopped | RunEvent::Completed(_) | RunEvent::GraceEnded,
        ) => Some(Step::Stale),
        _ => None,
    }
);
race_that_steps!(
    /// Leaves a run in its lane when its queue timeout ends.
    IgnoresQueueDeadline,
    |_, event| (event == RunEvent::Deadline(Budget::Queue)).then_some(Step::Stale)
);

/// A persister that changes the patches of the right one.
macro_rules! persister_that {
    ($(#[$doc:meta])* $name:ident, $change:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $name;

        impl Persister for $name {
            fn on_event(&mut self, event: &LifecycleEvent, table: &SessionTable, patches: &mut Vec<SessionPatch>) {
                let first = patches.len();
                LifecyclePersister.on_event(event, table, patches);
                let change: fn(&mut SessionPatch, &SessionTable) = $change;
                for patch in &mut patches[first..] {
                    change(patch, table);
                }
            }
        }
    };
}

persister_that!(
    /// Keeps the start of the row before, when a run starts.
    Inherits,
    |patch, table| {
        let before = table.get(patch.key).and_then(|row| row.started_at);
        if let (SessionChange::Start { started_at, .. }, Some(before)) = (&mut patch.change, before) {
            *started_at = Some(before);
        }
    }
);
persister_that!(
    /// Writes an end and leaves the status.
    EndsButRuns,
    |patch, _| {
        if let SessionChange::End { status, .. } = &mut patch.change {
            *status = Status::Running;
        }
    }
);
persister_that!(
    /// Writes every bad end but a timeout as failed.
    LosesStop,
    |patch, _| {
        if let SessionChange::End { status, .. } = &mut patch.change
            && *status == Status::Killed
        {
            *status = Status::Failed;
        }
    }
);

race_that_steps!(
    /// Looks away when a run is found unfinished after a crash.
    LeavesInterrupted,
    |_, event| (event == RunEvent::Interrupted).then_some(Step::Stale)
);
race_that_steps!(
    /// Names the total budget when the run's own ends.
    NamesOtherBudget,
    |run, event| match (run.state.phase(), event) {
        (Some(phase @ (Phase::Starting | Phase::Running)), RunEvent::Deadline(Budget::Run)) => {
            Some(Step::SettleAndDrain(Outcome::TimedOut(TimedOut { budget: Budget::Total, phase })))
        }
        _ => None,
    }
);

/// Writes only some of the rows that an event asks for.
#[derive(Clone, Debug)]
pub(super) enum WritesOnly {
    Nothing,
    BaseRows,
    OwnRows,
}

impl Persister for WritesOnly {
    fn on_event(&mut self, event: &LifecycleEvent, table: &SessionTable, patches: &mut Vec<SessionPatch>) {
        let first = patches.len();
        LifecyclePersister.on_event(event, table, patches);
        let mut kept = patches.split_off(first);
        kept.retain(|patch| match self {
            Self::Nothing => false,
            Self::BaseRows => matches!(patch.key, SessionKey::Base { .. }),
            Self::OwnRows => matches!(patch.key, SessionKey::Run { .. }),
        });
        patches.append(&mut kept);
    }
}
