//! Situations that show in what a commit says.

use sametick_core::commit::{Commit, LateWord, Unran};
use sametick_core::job::Budget;
use sametick_core::run::{Drain, Outcome, Phase};

use super::{Met, Situation};
use crate::books::Books;
use crate::changes::{Changes, RunChange};

static QUEUED: Situation = Situation::new("a run that times out before it starts");
static STARTING: Situation = Situation::new("a run that times out while its session is set up");
static RUNNING: Situation = Situation::new("a run that times out at work");
static QUEUE: Situation = Situation::new("a queue_timeout that ends");
static START: Situation = Situation::new("a start_timeout that ends");
static STALL: Situation = Situation::new("a stall_timeout that ends");
static TOTAL: Situation = Situation::new("a total_timeout that ends");
static FAILED: Situation = Situation::new("a turn that fails");
static CANCELLED: Situation = Situation::new("a run that is cancelled");
static INTERRUPTED: Situation = Situation::new("a run that a crash interrupted");
static LATE_ANSWER: Situation = Situation::new("a late answer after a timeout");
static LATE_SESSION: Situation = Situation::new("a session that is ready after its run is over");
static STOPPED: Situation = Situation::new("a drain that ends with proof");
static ABANDONED: Situation = Situation::new("an abandoned drain");
static HELD: Situation = Situation::new("a drain without proof that holds its slot");
static ANOTHER: Situation = Situation::new("another attempt");
static CHILD: Situation = Situation::new("a child at work");
static OVERLAP: Situation = Situation::new("an occurrence skipped by overlap");
static MISSED: Situation = Situation::new("an occurrence that is missed");
static COALESCED: Situation = Situation::new("occurrences that are coalesced");
static SUPERSEDED: Situation = Situation::new("an occurrence that is superseded");
static PAUSED: Situation = Situation::new("an occurrence of a paused job");
static LANE_FULL: Situation = Situation::new("a full lane");
static MANY_ENDS: Situation = Situation::new("three runs that settle in one commit");
static REMOVED_AT_WORK: Situation = Situation::new("a job that is removed while a run of it is at work");
static EDITED_AT_WORK: Situation = Situation::new("a job that is edited while a run of it is at work");

pub(super) const SITUATIONS: &[&Situation] = &[
    &QUEUED,
    &STARTING,
    &RUNNING,
    &QUEUE,
    &START,
    &STALL,
    &TOTAL,
    &FAILED,
    &CANCELLED,
    &INTERRUPTED,
    &LATE_ANSWER,
    &LATE_SESSION,
    &STOPPED,
    &ABANDONED,
    &HELD,
    &ANOTHER,
    &CHILD,
    &OVERLAP,
    &MISSED,
    &COALESCED,
    &SUPERSEDED,
    &PAUSED,
    &LANE_FULL,
    &MANY_ENDS,
    &REMOVED_AT_WORK,
    &EDITED_AT_WORK,
];

/// Notes what a commit that was applied meets.
pub(crate) fn note(met: &mut Met, commit: &Commit, changes: &Changes, books: &Books) {
    for change in &changes.runs {
        if let Some(outcome) = change.settles() {
            settles(met, outcome);
        }
        let was = change.before.map_or(Drain::None, |before| before.drain);
        if was != change.after.drain {
            drains(met, change.after.drain);
        }
        met.note_if(change.before.is_none() && change.after.id.attempt > 1, &ANOTHER);
        met.note_if(change.is_granted() && change.after.parent.is_some(), &CHILD);
    }
    met.note_if(changes.settling().count() >= 3, &MANY_ENDS);
    for (_, row) in &changes.ledger {
        met.note(match row.end {
            Unran::Overlap => &OVERLAP,
            Unran::Missed => &MISSED,
            Unran::Coalesced => &COALESCED,
            Unran::Superseded => &SUPERSEDED,
            Unran::Paused => &PAUSED,
            Unran::LaneFull => &LANE_FULL,
        });
    }
    for note in &commit.late {
        let outcome = books.run(note.run).and_then(|row| row.state.outcome());
        let timed_out = matches!(outcome, Some(Outcome::TimedOut(_)));
        match note.said {
            LateWord::Completed(_) => met.note_if(timed_out, &LATE_ANSWER),
            LateWord::Ready => met.note_if(outcome.is_some(), &LATE_SESSION),
            LateWord::Stopped => {}
        }
    }
    if !commit.removed.is_empty() || !commit.declared.is_empty() {
        let at_work = |change: &RunChange, job| {
            change.after.id.job == job && change.before.is_some_and(|before| before.granted_at.is_some())
        };
        let works = |job| {
            let open = |row: &&sametick_core::run::RunRow| row.id.job == job && row.granted_at.is_some();
            let rows = books.runs.values().map(|book| &book.row).filter(open);
            rows.into_iter().any(|row| !row.is_closed())
                || changes.runs.iter().any(|change| at_work(change, job))
        };
        met.note_if(commit.removed.iter().any(|job| works(*job)), &REMOVED_AT_WORK);
        met.note_if(commit.declared.iter().any(|job| works(job.id)), &EDITED_AT_WORK);
    }
}

fn settles(met: &mut Met, outcome: Outcome) {
    match outcome {
        Outcome::Ok => {}
        Outcome::Failed(_) => met.note(&FAILED),
        Outcome::Cancelled => met.note(&CANCELLED),
        Outcome::Interrupted(_) => met.note(&INTERRUPTED),
        Outcome::TimedOut(which) => {
            met.note(match which.phase {
                Phase::Queued => &QUEUED,
                Phase::Starting => &STARTING,
                Phase::Running => &RUNNING,
            });
            match which.budget {
                Budget::Queue => met.note(&QUEUE),
                Budget::Start => met.note(&START),
                Budget::Stall => met.note(&STALL),
                Budget::Total => met.note(&TOTAL),
                Budget::Run => {}
            }
        }
    }
}

fn drains(met: &mut Met, drain: Drain) {
    match drain {
        Drain::None | Drain::Open => {}
        Drain::Confirmed => met.note(&STOPPED),
        Drain::Abandoned => met.note(&ABANDONED),
        Drain::Held => met.note(&HELD),
    }
}
