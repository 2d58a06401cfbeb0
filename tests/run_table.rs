//! The complete table of a run: what every event makes of every state.

use std::fmt::Write as _;

use sametick_core::job::Budget;
use sametick_core::retry::FailureKind;
use sametick_core::run::{Drain, Failure, Finish, Outcome, Phase, RunEvent, RunState, TimedOut, step};

const STATES: [(&str, RunState, Drain); 8] = [
    ("queued", RunState::Queued, Drain::None),
    ("starting", RunState::Starting, Drain::None),
    ("running", RunState::Running, Drain::None),
    ("settled, nothing to drain", RunState::Settled(Outcome::Ok), Drain::None),
    ("settled, draining", TIMED_OUT, Drain::Open),
    ("settled, stopped", TIMED_OUT, Drain::Confirmed),
    ("settled, abandoned", TIMED_OUT, Drain::Abandoned),
    ("settled, held", TIMED_OUT, Drain::Held),
];

const TIMED_OUT: RunState =
    RunState::Settled(Outcome::TimedOut(TimedOut { budget: Budget::Run, phase: Phase::Running }));

const FAILED: Failure = Failure { kind: FailureKind::Unknown, text: None };

const EVENTS: [(&str, RunEvent); 13] = [
    ("granted", RunEvent::Granted),
    ("ready", RunEvent::Ready),
    ("completed ok", RunEvent::Completed(Finish::Ok)),
    ("completed failed", RunEvent::Completed(Finish::Failed(FAILED))),
    ("stopped", RunEvent::Stopped),
    ("queue_timeout ends", RunEvent::Deadline(Budget::Queue)),
    ("start_timeout ends", RunEvent::Deadline(Budget::Start)),
    ("stall_timeout ends", RunEvent::Deadline(Budget::Stall)),
    ("timeout ends", RunEvent::Deadline(Budget::Run)),
    ("total_timeout ends", RunEvent::Deadline(Budget::Total)),
    ("grace ends", RunEvent::GraceEnded),
    ("cancelled", RunEvent::Cancelled),
    ("interrupted", RunEvent::Interrupted),
];

#[test]
fn every_event_in_every_state_is_spelled_out() {
    let mut table = String::new();
    for (state_name, state, drain) in STATES {
        let _ = writeln!(table, "{state_name}");
        for (event_name, event) in EVENTS {
            let _ = writeln!(table, "  {event_name:<20} {:?}", step(state, drain, event));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_settled_run_never_settles_again() {
    for (_, state, drain) in STATES.iter().filter(|(_, state, _)| matches!(state, RunState::Settled(_))) {
        for (name, event) in EVENTS {
            let step = format!("{:?}", step(*state, *drain, event));
            assert!(!step.starts_with("Settle"), "{name} settles a settled run: {step}");
        }
    }
}
