//! A timeout that is told must be told as what it was.

use sametick_core::job::Budget;
use sametick_core::lifecycle::{EventPhase, cause};
use sametick_core::run::{Outcome, RunRow, TimedOut};
use sametick_core::session::Status;
use sametick_core::time::Wall;

use super::{CheckName, Failure, Scene, session_rows, settling, told};

pub(super) const SENTENCE: &str = "a timed-out run's session and event say timeout, which budget and phase, \
     and name the run's own session key, session and job";
pub(super) const FIELD: &[&str] = &["#115319", "#70347"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, restarted_at: Option<Wall>) {
    for (run, outcome) in settling(scene.changes) {
        let Outcome::TimedOut(which) = outcome else { continue };
        let mut broken = |what: String| {
            failures.push(Failure {
                check: CheckName::ReasonKept,
                at: scene.at,
                run: Some(run.id),
                message: format!("{} {}, but {what}", scene.labels.run(run.id), told(outcome)),
            });
        };
        if let Some(wrong) = wrong_budget(run, which, scene, restarted_at) {
            broken(wrong);
        }
        let wanted = cause(outcome);
        let ends = scene
            .commit
            .events
            .iter()
            .filter(|event| event.run == run.id && event.phase != EventPhase::Start);
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
        for row in session_rows(run, scene.books).filter(|row| terminal(row.status)) {
            if row.status != Some(Status::Timeout) || row.cause != wanted {
                let kind = row.cause.map_or("no reason", |cause| cause.kind.name());
                let key = scene.labels.key(row.key);
                broken(format!("its session {key} says \"{}\" with \"{kind}\"", super::shown(row.status)));
            }
        }
    }
}

/// Wall times are whole milliseconds.
const ROUNDING_MS: i64 = 2;

/// What is wrong with the budget a timeout names: it has to be there, and to have ended.
fn wrong_budget(
    run: &RunRow,
    which: TimedOut,
    scene: &Scene<'_>,
    restarted_at: Option<Wall>,
) -> Option<String> {
    let (job, _) = scene.books.job(run.id.job)?;
    // After a restart a deadline may be armed anew in full, or stand as it was.
    let (from, span) = match which.budget {
        Budget::Queue => (Some(run.queued_at), job.budgets.queue_timeout),
        Budget::Run => (run.granted_at, job.budgets.timeout),
        Budget::Total => (Some(run.queued_at), job.budgets.total_timeout),
    };
    let name = which.budget.name();
    let (Some(from), Some(span)) = (from, span) else {
        return Some(format!("the job has no {name} that could end"));
    };
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let early = from.plus_millis(span) - run.settled_at?;
    if early > ROUNDING_MS {
        return Some(format!("its {name} had {early} ms to go"));
    }
    // Of the others none may have ended clearly before it: that one is the reason.
    let others = [
        (Budget::Run, run.granted_at, job.budgets.timeout),
        (Budget::Total, Some(run.queued_at), job.budgets.total_timeout),
    ];
    let armed = |at: Wall| restarted_at.map_or(at, |restarted| restarted.max(at));
    let mine = armed(from).plus_millis(span);
    let before = others.into_iter().find(|(budget, at, span)| {
        let (Some(at), Some(span)) = (at, span) else { return false };
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        *budget != which.budget && mine - armed(*at).plus_millis(span) > ROUNDING_MS
    });
    before.map(|(budget, ..)| format!("its {} had ended before its {name} did", budget.name()))
}
