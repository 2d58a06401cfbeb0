//! Nobody waits for somebody who waits for them.
//!
//! A run at work waits for its children, a child that is queued for whoever holds its job, if it is to be alone there, or
//! its session. A child holds nothing until it begins, and who begins has no children yet: so a ring closes where a child
//! is let in, and that is when it is looked for. Who is over waits for nobody, however long its turn takes to stop.

use std::collections::BTreeSet;

use sametick_core::id::RunId;
use sametick_core::run::{RunRow, RunState};

use super::alive::shared_session;
use super::slots::Slots;
use super::{CheckName, Failure, Scene};
use crate::books::RunBook;

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, slots: &Slots) {
    let waits = |row: &RunRow| row.parent.is_some() && row.state == RunState::Queued;
    for change in scene.changes.new_runs().filter(|change| waits(&change.after)) {
        let (child, book) = (&change.after, change.book(scene.books));
        let session =
            shared_session(child).is_some_and(|key| slots.gates.holds_session(key, None, scene.books));
        if !(session || book.terms.alone && slots.gates.holds_job(child.id.job, None, scene.books)) {
            continue;
        }
        if let Some(parent) = child.parent.filter(|_| closes_a_ring(book, scene)) {
            let message = format!(
                "{} waits, by way of whom it waits for, for {}, which asked for it and waits for it: neither ever gets on \
                 unless a budget ends one of them",
                scene.labels.run(child.id),
                scene.labels.run(parent)
            );
            let run = Some(child.id);
            failures.push(Failure { check: CheckName::ComesToRest, at: scene.at, run, message });
            return;
        }
    }
}

/// Whether a child waits, by way of whoever else, for itself.
fn closes_a_ring(child: &RunBook, scene: &Scene<'_>) -> bool {
    let is_open = |book: &&RunBook| book.row.state.phase().is_some();
    let open: Vec<&RunBook> = scene.books.runs.values().filter(is_open).collect();
    let (mut known, mut next): (BTreeSet<RunId>, _) = (BTreeSet::new(), vec![child]);
    while let Some(book) = next.pop() {
        for other in open.iter().copied().filter(|other| waits_for(book, &other.row)) {
            if other.row.id == child.row.id {
                return true;
            }
            if known.insert(other.row.id) {
                next.push(other);
            }
        }
    }
    false
}

/// Whether a run waits for another that is open.
fn waits_for(book: &RunBook, other: &RunRow) -> bool {
    let run = &book.row;
    if run.state != RunState::Queued {
        return other.parent == Some(run.id);
    }
    let same_job = book.terms.alone && other.id.job == run.id.job;
    let same_session = shared_session(run).is_some_and(|key| shared_session(other) == Some(key));
    other.state != RunState::Queued && (same_job || same_session)
}
