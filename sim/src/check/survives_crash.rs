//! After a crash nothing durable is missing, and nothing dead is running.

use std::collections::BTreeSet;

use sametick_core::id::RunId;
use sametick_core::run::{RunRow, RunState};
use sametick_core::session::Status;
use sametick_core::time::Mono;

use super::{CheckName, Ending, Failure, Rest, Restarted};
use crate::books::Books;
use crate::label::Labels;

pub(super) const SENTENCE: &str = "after a crash at any point nothing durable is missing and, one tick after \
     recovery, nothing dead is running";
pub(super) const FIELD: &[&str] =
    &["#60495", "#59056", "#50414", "#42640", "#59301", "#65136", "#96161", "kill -9 in 2026.9.6"];

/// The books after the first commit of a gateway that came back: whatever is under way in them was
/// granted by it.
pub(super) fn judge(failures: &mut Vec<Failure>, at: Mono, books: &Books, labels: &Labels<'_>) {
    session_running(failures, at, books, labels);
}

/// The books after the first commit of a gateway that came back, which grants nothing: no run in them
/// can be under way.
pub(super) fn judge_first(failures: &mut Vec<Failure>, at: Mono, books: &Books, labels: &Labels<'_>) {
    let under_way = |row: &RunRow| matches!(row.state, RunState::Starting | RunState::Running);
    if let Some(book) = books.runs.values().find(|book| under_way(&book.row)) {
        let name = labels.run(book.row.id);
        let message = format!("{name} was under way when the gateway died, and its record says it still is");
        failures.push(Failure { check: CheckName::SurvivesCrash, at, run: Some(book.row.id), message });
        return;
    }
    session_running(failures, at, books, labels);
}

fn session_running(failures: &mut Vec<Failure>, at: Mono, books: &Books, labels: &Labels<'_>) {
    for row in books.sessions.values().filter(|row| row.status == Some(Status::Running)) {
        let at_work =
            row.run.and_then(|run| books.run(run)).is_some_and(|run| run.state == RunState::Running);
        if !at_work {
            let key = labels.key(row.key);
            let message = format!("session {key} says \"running\" after the restart and nothing runs in it");
            failures.push(Failure { check: CheckName::SurvivesCrash, at, run: row.run, message });
            return;
        }
    }
}

/// What the machine knows as it comes back: of every run that is not over in the books it says what
/// it waits for, or what became of it.
pub(super) fn judge_memory(failures: &mut Vec<Failure>, back: &Restarted<'_>) {
    let (at, labels) = (back.at, &back.labels);
    let told = back.first.commit().map_or(&[][..], |commit| &commit.runs);
    let known: BTreeSet<RunId> =
        back.waiting.iter().map(|waiting| waiting.run).chain(told.iter().map(|told| told.id)).collect();
    for book in back.books.runs.values() {
        let row = &book.row;
        let phase = match row.state {
            RunState::Queued => "queued",
            RunState::Starting => "starting",
            RunState::Running => "running",
            RunState::Settled(_) => continue,
        };
        if !known.contains(&row.id) {
            let message = format!(
                "{} was {phase} when the gateway died, and the gateway that came back has forgotten it",
                labels.run(row.id)
            );
            failures.push(Failure { check: CheckName::SurvivesCrash, at, run: Some(row.id), message });
            return;
        }
    }
}

pub(super) fn judge_rest(failures: &mut Vec<Failure>, rest: &Rest<'_>) {
    if rest.ending == Ending::Rested && rest.heard < rest.books.events.len() as u64 {
        let offset = usize::try_from(rest.heard).unwrap_or(usize::MAX);
        let Some(event) = rest.books.events.get(offset) else { return };
        let message = format!(
            "the {} event of {} is durable and no subscriber ever got it",
            event.phase.name(),
            rest.labels.run(event.run)
        );
        failures.push(Failure {
            check: CheckName::SurvivesCrash,
            at: rest.at,
            run: Some(event.run),
            message,
        });
    }
}
