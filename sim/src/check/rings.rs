//! Nobody waits for somebody who waits for them.
//!
//! A run at work waits for its children, a child that is queued for whoever holds its job, if it is to be alone there, or
//! its session. A child holds nothing until it begins, and who begins has no children yet: so a ring closes where a child
//! is let in, and that is when it is looked for. Who is over waits for nobody, however long its turn takes to stop.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::id::{JobId, RunId, SessionKey};
use sametick_core::run::{RunRow, RunState};

use super::alive::shared_session;
use super::slots::Slots;
use super::waiters::Waiters;
use super::{CheckName, Failure, Scene};
use crate::books::Books;

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, slots: &Slots, waiters: &Waiters) {
    let waits = |row: &RunRow| row.parent.is_some() && row.state == RunState::Queued;
    let mut open = None;
    for change in scene.changes.new_runs().filter(|change| waits(&change.after)) {
        let (child, book) = (&change.after, change.book(scene.books));
        let session =
            shared_session(child).is_some_and(|key| slots.gates.holds_session(key, None, scene.books));
        if !(session || book.terms.alone && slots.gates.holds_job(child.id.job, None, scene.books)) {
            continue;
        }
        let open = open.get_or_insert_with(|| Open::of(slots, waiters, scene.books));
        if let Some(parent) = child.parent.filter(|_| open.waits_for_itself(child.id, scene.books)) {
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

/// The runs that are not over, by what others wait for.
#[derive(Default)]
struct Open {
    children: BTreeMap<RunId, Vec<RunId>>,
    at_work_for: BTreeMap<JobId, Vec<RunId>>,
    at_work_in: BTreeMap<SessionKey, Vec<RunId>>,
}

impl Open {
    fn of(slots: &Slots, waiters: &Waiters, books: &Books) -> Self {
        let mut open = Self::default();
        let queued = waiters.all().map(|(run, _)| *run);
        for row in slots.holders().chain(queued).filter_map(|run| books.run(run)) {
            if row.state.phase().is_none() {
                continue;
            }
            if let Some(parent) = row.parent {
                open.children.entry(parent).or_default().push(row.id);
            }
            if row.state != RunState::Queued {
                open.at_work_for.entry(row.id.job).or_default().push(row.id);
                if let Some(key) = shared_session(row) {
                    open.at_work_in.entry(key).or_default().push(row.id);
                }
            }
        }
        open
    }

    /// Whether a child waits, by way of whoever else, for itself. Each run, job and session is asked once.
    fn waits_for_itself(&self, child: RunId, books: &Books) -> bool {
        let (mut runs, mut jobs, mut sessions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut next = vec![child];
        while let Some(run) = next.pop() {
            let Some(book) = books.runs.get(&run) else { continue };
            let row = &book.row;
            if row.state != RunState::Queued {
                next.extend(self.children.get(&run).into_iter().flatten().filter(|run| runs.insert(**run)));
            } else {
                if book.terms.alone && jobs.insert(run.job) {
                    let holders = self.at_work_for.get(&run.job).into_iter().flatten();
                    next.extend(holders.filter(|run| runs.insert(**run)));
                }
                if let Some(key) = shared_session(row).filter(|key| sessions.insert(*key)) {
                    let holders = self.at_work_in.get(&key).into_iter().flatten();
                    next.extend(holders.filter(|run| runs.insert(**run)));
                }
            }
            if runs.contains(&child) {
                return true;
            }
        }
        false
    }
}
