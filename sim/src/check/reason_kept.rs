//! A timeout that is told must be told as what it was.

use sametick_core::job::Budget;
use sametick_core::lifecycle::EventPhase;
use sametick_core::run::{Outcome, Phase, RunRow, TimedOut};
use sametick_core::session::Status;

use super::alive::Alive;
use super::{CheckName, Failure, Scene, cause_of, told};
use crate::books::RunBook;
use crate::lines::ROUNDING_MS;

pub(super) const SENTENCE: &str = "a timed-out run's session and event say timeout, which budget and phase, \
     and name the run's own session key, session and job";
pub(super) const FIELD: &[&str] = &["#115319", "#70347", "#93530", "#93912", "#119579"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, alive: &Alive, restarted: Option<i64>) {
    for (change, outcome) in scene.changes.settling() {
        let Outcome::TimedOut(which) = outcome else { continue };
        let run = &change.after;
        let mut broken = |what: String| {
            failures.push(Failure {
                check: CheckName::ReasonKept,
                at: scene.at,
                run: Some(run.id),
                message: format!("{} {}, but {what}", scene.labels.run(run.id), told(outcome)),
            });
        };
        if let Some(wrong) = wrong_budget(change.book(scene.books), which, restarted) {
            broken(wrong);
        }
        if let Some(wrong) = unheard_progress(run, which, scene, alive) {
            broken(wrong);
        }
        let wanted = cause_of(outcome);
        let ends = scene.look_up().events(run.id).filter(|event| event.phase != EventPhase::Start);
        for event in ends {
            if event.cause != wanted {
                let kind = event.cause.map_or("no error", |cause| cause.kind.name());
                broken(format!("its terminal event gives \"{kind}\" as the reason: the timeout is lost"));
            }
            if (event.key, event.session, event.job) != (run.session_key(), run.session, run.id.job) {
                broken(format!(
                    "its terminal event names {} and not its own session {}",
                    scene.labels.key(event.key),
                    scene.labels.key(run.session_key()),
                ));
            }
        }
        let terminal = |status: Option<Status>| status.is_some_and(Status::is_terminal);
        for row in change.session_rows(scene.books).filter(|row| terminal(row.status)) {
            if row.status != Some(Status::Timeout) || row.cause != wanted {
                let kind = row.cause.map_or("no reason", |cause| cause.kind.name());
                let key = scene.labels.key(row.key);
                broken(format!("its session {key} says \"{}\" with \"{kind}\"", super::shown(row.status)));
            }
        }
    }
}

/// A turn that said that it is getting on has its `stall_timeout` from then. What it said in the millisecond of its end
/// may have come after it.
fn unheard_progress(run: &RunRow, which: TimedOut, scene: &Scene<'_>, alive: &Alive) -> Option<String> {
    if which.budget != Budget::Stall {
        return None;
    }
    let book = scene.books.runs.get(&run.id)?;
    if book.times.progress.is_some() && alive.got_on(run.id) == Some(false) {
        return Some("its record tells of progress that its turn never spoke of".to_owned());
    }
    let millis = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
    let said = millis(alive.progress.get(&run.id)?.as_nanos());
    let (settled, stall) = (book.times.settled?, millis(book.terms.budgets.stall_timeout?.as_nanos()));
    let early = said.saturating_add(stall) - settled;
    (said < settled && early > ROUNDING_MS)
        .then(|| format!("its turn had said that it is getting on, and had {early} ms to go"))
}

/// What is wrong with the budget a timeout names: it has to be there, and to have ended.
fn wrong_budget(book: &RunBook, which: TimedOut, restarted: Option<i64>) -> Option<String> {
    let name = which.budget.name();
    // After a restart a deadline may be armed anew in full, or stand as it was.
    let (Some(stood), Some(mine)) = (book.ends(which.budget, None), book.ends(which.budget, restarted))
    else {
        return Some(format!("its job has no {name} that could end then"));
    };
    let early = stood - book.times.settled?;
    if early > ROUNDING_MS {
        return Some(format!("its {name} had {early} ms to go"));
    }
    // Of the others none may have ended clearly before it: that one is the reason.
    let before = Budget::ALL
        .into_iter()
        .filter(|budget| *budget != which.budget)
        .find(|budget| book.ends(*budget, restarted).is_some_and(|end| mine - end > ROUNDING_MS));
    if let Some(budget) = before {
        return Some(format!("its {} had ended before its {name} did", budget.name()));
    }
    let narrower = tied(which, book)?;
    Some(format!("its {} ended in that very instant, and of two the narrower is the reason", narrower.name()))
}

/// A narrower budget that was as long and counted from the same instant. Of those that count from elsewhere the books,
/// which are in whole milliseconds, cannot tell whether they ended together.
fn tied(which: TimedOut, book: &RunBook) -> Option<Budget> {
    let budgets = &book.terms.budgets;
    let (narrower, same) = match (which.phase, which.budget) {
        (Phase::Queued, Budget::Total) if book.row.id.attempt == 1 => {
            (Budget::Queue, budgets.queue_timeout == budgets.total_timeout)
        }
        (Phase::Starting, Budget::Run | Budget::Stall) => {
            let wider = if which.budget == Budget::Run { budgets.timeout } else { budgets.stall_timeout };
            let unmoved = which.budget == Budget::Run || book.times.progress.is_none();
            (Budget::Start, budgets.start_timeout == wider && unmoved)
        }
        (Phase::Queued | Phase::Starting | Phase::Running, _) => return None,
    };
    same.then_some(narrower)
}
