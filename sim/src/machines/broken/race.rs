//! Races with a wrong line in their table, or a wrong word for the end.

use sametick_core::job::Budget;
use sametick_core::lifecycle::{self, LifecycleEvent};
use sametick_core::ports::{Bus, Clock};
use sametick_core::run::{
    Drain, Failure, Finish, Outcome, Phase, Race, RunEvent, RunResult, RunRow, RunState, Step, TimedOut,
    TimeoutRace, step,
};

use super::{Mutant, is_timeout, with_race};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "wrong-key",
        sentence: "a timeout's event carries the job's base key instead of the run's own",
        field: &["#70347", "#23470"],
        killed_by: &[CheckName::SameTick, CheckName::ReasonKept],
        build: |config, _| with_race(config, WrongKey),
    },
    Mutant {
        name: "generic-reason",
        sentence: "a timeout's event says failed and no more",
        field: &["#115319"],
        killed_by: &[CheckName::ReasonKept],
        build: |config, _| with_race(config, GenericReason),
    },
    Mutant {
        name: "loser-overwrites",
        sentence: "a turn that answers after its timeout settles the run again",
        field: &["PR #70832", "#137215", "hatchet PR #1377"],
        killed_by: &[CheckName::SettlesOnce, CheckName::RecordsAgree, CheckName::JobsEnd],
        build: |config, _| with_race(config, LoserOverwrites),
    },
    Mutant {
        name: "slot-kept",
        sentence: "a timed-out run keeps its slot after its turn has stopped",
        field: &["#50280", "#18120"],
        killed_by: &[CheckName::SlotsReturn, CheckName::ComesToRest],
        build: |config, _| with_race(config, KeepsSlot),
    },
    Mutant {
        name: "queue-deadline-ignored",
        sentence: "a run that waits past its queue timeout stays in the lane",
        field: &["#43141"],
        killed_by: &[CheckName::QueuedLeavesNoSession, CheckName::ComesToRest],
        build: |config, _| with_race(config, IgnoresQueueDeadline),
    },
    Mutant {
        name: "other-budget-named",
        sentence: "a run whose timeout ends is recorded as out of total time",
        field: &["#115319"],
        killed_by: &[CheckName::ReasonKept],
        build: |config, _| with_race(config, NamesOtherBudget),
    },
    Mutant {
        name: "recovery-looks-away",
        sentence: "a run found unfinished after a crash is left as it is",
        field: &["#60495", "#65136"],
        killed_by: &[CheckName::SurvivesCrash],
        build: |config, _| with_race(config, LeavesInterrupted),
    },
    Mutant {
        name: "fence-falls-early",
        sentence: "a run that times out lets go of its job and its slot though nobody has stopped its turn",
        field: &["#137215", "hexpm#1825"],
        killed_by: &[CheckName::SlotsReturn, CheckName::NoOverlap],
        build: |config, _| with_race(config, NeverDrains),
    },
];

/// A race that changes the terminal event of a timeout before it is published.
macro_rules! race_that_ends_with {
    ($(#[$doc:meta])* $name:ident, $change:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        struct $name;

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
        struct $name;

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
        (RunState::Settled(Outcome::TimedOut(_)), RunEvent::Completed(_)) => Some(Step::Late),
        (RunState::Settled(Outcome::TimedOut(_)), RunEvent::Stopped | RunEvent::GraceEnded) => Some(Step::Stale),
        _ => None,
    }
);
race_that_steps!(
    /// Leaves a run in its lane when its queue timeout ends.
    IgnoresQueueDeadline,
    |_, event| (event == RunEvent::Deadline(Budget::Queue)).then_some(Step::Stale)
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
race_that_steps!(
    /// Takes a timeout for the turn's own end.
    NeverDrains,
    |run, event| {
        let Step::SettleAndDrain(outcome) = step(run.state, run.drain, event) else { return None };
        matches!(outcome, Outcome::TimedOut(_)).then_some(Step::Settle(outcome))
    }
);
