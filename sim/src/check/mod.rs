//! What must always hold. One file a check, with its sentence; what several of them judge by, and a part of one that is a
//! noun of its own, has a file beside them.
//!
//! Commits are judged when they become durable, since what a crash takes back was never seen;
//! effects are judged when they leave.

mod account;
mod alive;
mod at_most_once;
mod begins_when_free;
mod bus_ordered;
mod cancelled;
mod checks;
mod claims;
mod comes_to_rest;
mod commands_kept;
mod drains;
mod errors;
mod event_first;
mod gates;
mod in_turn;
mod index;
mod jobs_end;
mod late_notes;
mod markers;
mod name;
mod no_overlap;
mod no_resurrection;
mod nothing_lost;
mod open_commits;
mod over;
pub(crate) mod own_lane_only;
mod policy_kept;
mod queued_leaves_no_session;
mod reason_kept;
mod records_agree;
mod refusals;
mod results;
mod rings;
mod rooms;
mod same_tick;
mod schedule_right;
mod sequel;
mod settles_once;
mod slots;
mod slots_return;
mod statuses;
mod survives_crash;
mod tenure;
mod unran;
mod unspoken;
mod waiters;

use sametick_core::Waiting;
use sametick_core::commit::Commit;
use sametick_core::effect::{Effect, Tick};
use sametick_core::id::RunId;
use sametick_core::lifecycle::{Cause, ErrorKind, StopReason};
use sametick_core::run::Outcome;
use sametick_core::session::Status;
use sametick_core::time::{Mono, Now, Span, Wall};

use crate::books::Books;
use crate::changes::Changes;
use crate::label::Labels;
use at_most_once::on_again;
pub(crate) use bus_ordered::resumed_after;
pub(crate) use checks::Checks;
pub(crate) use claims::{claim_broken, count_broken};
use index::{Index, LookUp};
pub use name::CheckName;
pub(crate) use slots_return::Probe;

/// Something that should have held and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which check.
    pub check: CheckName,
    /// At which instant.
    pub at: Mono,
    /// Of which run.
    pub run: Option<RunId>,
    /// What is wrong, for somebody who never heard of it.
    pub message: String,
}

/// A commit that has just become durable.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) at: Mono,
    /// What the clocks showed to the tick that said it.
    pub(crate) said: Now,
    pub(crate) books: &'a Books,
    pub(crate) changes: &'a Changes,
    pub(crate) commit: &'a Commit,
    /// Where the commit speaks of what; filled when it says much.
    pub(crate) index: Option<&'a Index>,
    pub(crate) labels: Labels<'a>,
    /// How late the host's ticks may come.
    pub(crate) lag: Span,
}

impl<'a> Scene<'a> {
    /// What the commit changed, to be looked up.
    fn look_up(&self) -> LookUp<'a> {
        LookUp { changes: self.changes, commit: self.commit, index: self.index }
    }
}

/// An effect that leaves, or wants to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Departure<'a> {
    pub(crate) at: Mono,
    pub(crate) effect: &'a Effect,
    /// What is durable as it leaves.
    pub(crate) books: &'a Books,
    pub(crate) labels: &'a Labels<'a>,
}

/// A gateway that has just come back.
#[derive(Debug)]
pub(crate) struct Restarted<'a> {
    pub(crate) at: Mono,
    pub(crate) wall: Wall,
    pub(crate) books: &'a Books,
    pub(crate) labels: Labels<'a>,
    pub(crate) waiting: &'a [Waiting],
    /// Its first tick.
    pub(crate) first: &'a Tick,
}

/// How a world came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing can happen any more.
    Rested,
    /// It was left, and goes on.
    Left,
    /// It was left, and the books do not show yet all that its owner said.
    Behind,
    /// It was left with nobody who owns the store: nobody is there to bring anything to an end.
    Unowned,
    /// It was stopped, because it went on for ever.
    Endless,
}

/// A world that came to rest, or was left.
#[derive(Debug)]
pub(crate) struct Rest<'a> {
    pub(crate) at: Mono,
    pub(crate) books: &'a Books,
    pub(crate) labels: &'a Labels<'a>,
    pub(crate) waiting: &'a [Waiting],
    pub(crate) ending: Ending,
    /// How late the host's ticks may come.
    pub(crate) lag: Span,
    /// The subscribers have every event below this offset.
    pub(crate) heard: u64,
    /// What the wall clock comes to until then for an owner that is awake and all of whose commits are durable.
    pub(crate) reached: Option<Wall>,
}

/// The status a settled run gives its session.
pub(crate) const fn status_of(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Ok => Status::Done,
        Outcome::TimedOut(_) => Status::Timeout,
        Outcome::Cancelled => Status::Killed,
        Outcome::Failed(_) | Outcome::Interrupted(_) => Status::Failed,
    }
}

/// What the events and rows of a settled run give as its reason, by the field's words; nothing of a good one. It is spelt
/// out here, for the core's own word is what is judged.
pub(crate) const fn cause_of(outcome: Outcome) -> Option<Cause> {
    let (kind, stop_reason, timed_out, text) = match outcome {
        Outcome::Ok => return None,
        Outcome::Failed(failure) => (ErrorKind::Failed, None, None, failure.text),
        Outcome::TimedOut(which) => (ErrorKind::Timeout, Some(StopReason::Timeout), Some(which), None),
        Outcome::Cancelled => (ErrorKind::Cancelled, Some(StopReason::Aborted), None, None),
        Outcome::Interrupted(_) => (ErrorKind::Interrupted, Some(StopReason::Restart), None, None),
    };
    Some(Cause { kind, stop_reason, timed_out, text })
}

/// `timed out (timeout, while running)`.
pub(crate) fn told(outcome: Outcome) -> String {
    match outcome {
        Outcome::TimedOut(which) => {
            format!("timed out ({} ended while {})", which.budget.name(), which.phase.name())
        }
        Outcome::Interrupted(phase) => format!("interrupted while {}", phase.name()),
        Outcome::Ok | Outcome::Failed(_) | Outcome::Cancelled => outcome.name().to_owned(),
    }
}

/// A row's status as its file shows it.
pub(crate) fn shown(status: Option<Status>) -> &'static str {
    status.map_or("no status", Status::name)
}
