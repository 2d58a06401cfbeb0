//! How things look, and the word for it. The page's style knows each look by its name.

use sametick_core::commit::{Answer, JobRow, JobStatus};
use sametick_core::lifecycle::{ErrorKind, EventPhase, LifecycleEvent};
use sametick_core::run::{Drain, Outcome, RunRow, RunState};
use sametick_core::session::Status;

use crate::label::Labels;
use crate::record::Befell;

/// How a job stands: by what it runs, or by whether its schedule is followed.
pub(super) fn of_job(row: &JobRow, labels: &Labels<'_>) -> (&'static str, String) {
    match (row.running, row.status) {
        (Some(run), _) => ("running", labels.run(run)),
        (None, JobStatus::Active) => ("idle", "active".to_owned()),
        (None, JobStatus::Paused) => ("paused", "paused".to_owned()),
        (None, JobStatus::Disabled) => ("paused", "disabled".to_owned()),
        (None, JobStatus::Exhausted) => ("over", "exhausted".to_owned()),
    }
}

/// How a run stands.
pub(super) fn of_run(row: &RunRow) -> (&'static str, String) {
    match (row.state, row.drain) {
        (RunState::Queued, _) if row.not_before.is_some() => ("queued", "backs off".to_owned()),
        (RunState::Queued, _) => ("queued", "queued".to_owned()),
        (RunState::Starting, _) => ("starting", "starting".to_owned()),
        (RunState::Running, _) => ("running", "running".to_owned()),
        (RunState::Settled(outcome), Drain::None) => (of_outcome(outcome), outcome.name().to_owned()),
        (RunState::Settled(outcome), Drain::Open) => (draining(outcome), outcome.name().to_owned()),
        (RunState::Settled(_), Drain::Confirmed) => ("stopped", "stopped".to_owned()),
        (RunState::Settled(_), Drain::Abandoned) => ("abandoned", "abandoned".to_owned()),
        (RunState::Settled(_), Drain::Held) => ("held", "slot held".to_owned()),
    }
}

/// Over, with a turn that was asked to stop and has not said that it did.
const fn draining(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok draining",
        Outcome::Failed(_) => "failed draining",
        Outcome::TimedOut(_) => "timeout draining",
        Outcome::Cancelled => "killed draining",
        Outcome::Interrupted(_) => "interrupted draining",
    }
}

/// What the store said of a commit, where that is not that it is durable.
pub(super) fn answer(commit: u64, answer: Answer) -> Option<String> {
    let word = match answer {
        Answer::Applied => return None,
        Answer::NotApplied => "refused",
        Answer::Unknown => "unknown",
        Answer::Fenced => "fenced",
    };
    Some(format!("#{commit} {word}"))
}

/// The word for an event.
pub(super) fn event_word(event: &LifecycleEvent) -> String {
    let reason = event.cause.map_or(String::new(), |cause| format!("/{}", cause.kind.name()));
    format!("{}{reason}", event.phase.name())
}

/// How an event looks.
pub(super) fn of_event(event: &LifecycleEvent) -> &'static str {
    match (event.phase, event.cause.map(|cause| cause.kind)) {
        (EventPhase::Start, _) => "running",
        (EventPhase::End, _) => "ok",
        (EventPhase::Error, Some(ErrorKind::Timeout)) => "timeout",
        (EventPhase::Error, Some(ErrorKind::Cancelled)) => "killed",
        (EventPhase::Error, Some(ErrorKind::Interrupted)) => "interrupted",
        (EventPhase::Error, Some(ErrorKind::Failed) | None) => "failed",
    }
}

/// How a host stands once something has befallen it; `stood` is how it stood before, from the first to the last.
pub(super) fn of_host(
    what: Befell,
    stood: impl DoubleEndedIterator<Item = &'static str> + Clone,
) -> (&'static str, &'static str) {
    match what {
        Befell::Died => ("down", "down"),
        Befell::Back => ("idle", "stands by"),
        Befell::TakesOver => ("up", "owns the store"),
        Befell::Freezes => ("frozen", "stands still"),
        Befell::CutOff => ("cut", "cut off"),
        // It is again what it was before that.
        Befell::GoesOn | Befell::Reaches | Befell::OthersEnd { .. } => {
            match stood.rev().find(|look| matches!(*look, "up" | "idle" | "down")) {
                Some("idle") => ("idle", "stands by"),
                Some("down") => ("down", "down"),
                Some(_) | None => ("up", "owns the store"),
            }
        }
    }
}

/// What befell a host.
pub(super) const fn befell(what: Befell) -> &'static str {
    match what {
        Befell::Died => "dies",
        Befell::Back => "is back and stands by",
        Befell::TakesOver => "takes the store over",
        Befell::Freezes => "stands still",
        Befell::GoesOn => "goes on",
        Befell::CutOff => "reaches the store no more",
        Befell::Reaches => "reaches the store again",
        Befell::OthersEnd { .. } => "is not told that somebody else's turn ends",
    }
}

/// How an outcome looks.
pub(super) const fn of_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed(_) => "failed",
        Outcome::TimedOut(_) => "timeout",
        Outcome::Cancelled => "killed",
        Outcome::Interrupted(_) => "interrupted",
    }
}

/// How a session's status looks.
pub(super) const fn of_status(status: Option<Status>) -> &'static str {
    match status {
        None => "idle",
        Some(Status::Running) => "running",
        Some(Status::Done) => "ok",
        Some(Status::Timeout) => "timeout",
        Some(Status::Killed) => "killed",
        Some(Status::Failed) => "failed",
    }
}
