//! Every run with a budget ends within it, and a world without faults comes to rest. That an owner goes on is in
//! `tenure.rs`.
//!
//! The stated bound: a run settles by the first of its deadlines, plus how late the host's ticks
//! come, plus two milliseconds for the rounding of wall times. After a restart deadlines are armed
//! again in full, from the restart.

use sametick_core::id::RunId;
use sametick_core::job::{Budget, Budgets};
use sametick_core::run::{Drain, RunState};
use sametick_core::time::{Mono, Span};

use super::alive::Alive;
use super::{CheckName, Ending, Failure, Rest, Scene, told};
use crate::books::RunBook;
use crate::label::instant;
use crate::lines::span_ms;

pub(super) const SENTENCE: &str = "every run that has a budget settles within it; when not, it says what waits for what; no run waits \
     for one that waits for it, whoever asked for something is told, and an owner goes on while its lease \
     holds";
pub(super) const FIELD: &[&str] =
    &["#44805", "#52271", "#48488", "#67785", "#79475", "k8s#62134", "batched outcomes in 2026.4.20"];

const ROUNDING_MS: i64 = 2;

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, restarted: Option<i64>) {
    let lag = span_ms(scene.lag);
    let said = i64::try_from(scene.said.mono.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
    for (change, outcome) in scene.changes.settling() {
        let (run, book) = (&change.after, change.book(scene.books));
        let ends = Budget::ALL.into_iter().filter_map(|budget| book.ends(budget, restarted));
        let Some(deadline) = ends.min() else { continue };
        // When the machine said so, and not when that became durable: a store may take its time. What
        // the record gives as its end is not enough, for a late tick can give an earlier one.
        let late = book.times.settled.map_or(said, |settled| settled.max(said)) - deadline;
        if late > lag.saturating_add(ROUNDING_MS) {
            let at = Mono::from_nanos(u64::try_from(deadline).unwrap_or_default().saturating_mul(1_000_000));
            let message = format!(
                "{} {} {late} ms after its budget ended at {}: its end waited for something that is none of its business",
                scene.labels.run(run.id),
                told(outcome),
                instant(at),
            );
            failures.push(Failure {
                check: CheckName::ComesToRest,
                at: scene.at,
                run: Some(run.id),
                message,
            });
        }
    }
}

/// In a world that was left before its end, a drain is over a minute after its grace at the latest; whoever takes
/// it over begins anew, and with a lease waits for that too.
fn drains_end(failures: &mut Vec<Failure>, rest: &Rest<'_>, restarted: Option<i64>) {
    const ROOM: Span = Span::from_secs(60);
    let lease = rest.labels.scenario().config.lease.unwrap_or_default();
    let now = i64::try_from(rest.at.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
    let kept = rest.books.runs.values().find(|book| {
        let grace = book.terms.budgets.abort_grace;
        let most = [grace, lease, ROOM].iter().fold(0_u64, |sum, span| sum.saturating_add(span.as_millis()));
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let since = book.times.settled.max(restarted);
        book.row.drain == Drain::Open && since.is_some_and(|since| now - since > most)
    });
    if let Some(RunBook { row, .. }) = kept {
        let message = format!("{} settled long ago and still holds its slot", rest.labels.run(row.id));
        failures.push(Failure { check: CheckName::ComesToRest, at: rest.at, run: Some(row.id), message });
    }
}

/// In a world that was left while it went on, no run is open whose budget has ended by then: whoever waits for the
/// world to come to rest would never see it.
fn budgets_end(failures: &mut Vec<Failure>, rest: &Rest<'_>, restarted: Option<i64>, alive: &Alive) {
    let millis = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
    // All that happens by then has happened, though the latest of it may have been earlier.
    let end = millis(rest.at.as_nanos().max(rest.labels.scenario().until.as_nanos()));
    let room = millis(rest.lag.as_nanos()).saturating_add(ROUNDING_MS);
    for book in rest.books.runs.values() {
        let what = match book.row.state {
            RunState::Settled(_) => continue,
            RunState::Queued => "is still queued",
            RunState::Starting => "is still in set-up",
            RunState::Running => "is still running",
        };
        // What a turn said of its progress is written with the next commit only.
        let said = alive.progress.get(&book.row.id).map(|at| millis(at.as_nanos()));
        let heard = |budget| if budget == Budget::Stall { said } else { None };
        let ends = |budget| {
            let ends = book.ends(budget, restarted)?;
            let span = book.terms.budgets.stall_timeout.map_or(0, |span| millis(span.as_nanos()));
            Some(heard(budget).map_or(ends, |said| ends.max(said.saturating_add(span))))
        };
        let Some(deadline) = Budget::ALL.into_iter().filter_map(ends).min() else { continue };
        let late = end.saturating_sub(deadline);
        if late > room {
            let at = Mono::from_nanos(u64::try_from(deadline).unwrap_or_default().saturating_mul(1_000_000));
            let message = format!(
                "{} {what} {late} ms after its budget ended at {}, and nothing ends it",
                rest.labels.run(book.row.id),
                instant(at),
            );
            let run = Some(book.row.id);
            failures.push(Failure { check: CheckName::ComesToRest, at: rest.at, run, message });
            return;
        }
    }
}

/// Whether a run has a budget that ends it, and so has everything that is before it in its lane.
fn is_bounded(run: RunId, rest: &Rest<'_>) -> bool {
    let bounded =
        |budgets: Budgets| budgets.timeout.or(budgets.stall_timeout).or(budgets.total_timeout).is_some();
    // What is held on purpose is held for ever. A run goes by its own terms, whatever its job has come to say since.
    let ends = |book: &RunBook| match book.row.state {
        RunState::Settled(_) => book.row.drain != Drain::Held,
        RunState::Queued | RunState::Starting | RunState::Running => bounded(book.terms.budgets),
    };
    match rest.books.runs.get(&run) {
        Some(book) if book.row.state == RunState::Queued => rest.books.runs.values().all(ends),
        Some(book) => ends(book),
        None => rest.books.job(run.job).is_some_and(|(job, _)| bounded(job.terms.budgets)),
    }
}

pub(super) fn judge_rest(
    failures: &mut Vec<Failure>,
    rest: &Rest<'_>,
    restarted: Option<i64>,
    alive: &Alive,
) {
    if rest.ending == Ending::Endless {
        let message = "the world never comes to rest: the machine wakes again and again".to_owned();
        failures.push(Failure { check: CheckName::ComesToRest, at: rest.at, run: None, message });
        return;
    }
    if rest.ending != Ending::Rested {
        if matches!(rest.ending, Ending::Left | Ending::Behind) {
            drains_end(failures, rest, restarted);
        }
        if rest.ending == Ending::Left {
            budgets_end(failures, rest, restarted, alive);
        }
        return;
    }
    if let Some(waiting) = rest.waiting.iter().find(|waiting| is_bounded(waiting.run, rest)) {
        let message = format!(
            "{} waits for {} and nothing is left that could happen",
            rest.labels.run(waiting.run),
            waiting.waits_for
        );
        failures.push(Failure {
            check: CheckName::ComesToRest,
            at: rest.at,
            run: Some(waiting.run),
            message,
        });
        return;
    }
    for book in rest.books.runs.values().filter(|book| is_bounded(book.row.id, rest)) {
        let what = match book.row.state {
            RunState::Settled(_) if book.row.is_alive() => "is settled and its drain stays open",
            RunState::Settled(_) => continue,
            RunState::Queued => "stays queued",
            RunState::Starting => "stays in set-up",
            RunState::Running => "stays running",
        };
        let message = format!("everything is at rest, and {} {what} for ever", rest.labels.run(book.row.id));
        failures.push(Failure {
            check: CheckName::ComesToRest,
            at: rest.at,
            run: Some(book.row.id),
            message,
        });
        return;
    }
}
