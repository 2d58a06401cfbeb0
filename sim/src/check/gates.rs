//! Which jobs and which sessions are held, reckoned like slots: by every run that holds a slot or shares one, and for its
//! family by every run that it descends from, which lets go of nothing before the last of the family has.

use std::fmt;

use educe::Educe;
use sametick_core::id::{JobId, SessionKey};
use sametick_core::run::RunRow;

use super::alive::shared_session;
use crate::books::Books;
use crate::table::Table;

/// By how many runs each job and each shared session is held.
#[derive(Educe, Default)]
#[educe(Clone)]
pub(crate) struct Gates {
    jobs: Vec<u32>,
    sessions: Table<SessionKey, u32>,
}

/// It follows from who holds slots, and is no state of its own.
impl fmt::Debug for Gates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Gates")
    }
}

impl Gates {
    /// Nothing is held, and the memory is kept.
    pub(super) fn clear(&mut self) {
        self.jobs.fill(0);
        if !self.sessions.is_empty() {
            self.sessions.clear();
        }
    }

    /// A run holds a slot from now on, or shares one.
    pub(super) fn take(&mut self, row: &RunRow, books: &Books) {
        for row in line_of(row, books) {
            let job = row.id.job.index();
            if self.jobs.len() <= job {
                self.jobs.resize(job + 1, 0);
            }
            self.jobs[job] += 1;
            if let Some(key) = shared_session(row) {
                *self.sessions.entry(key).or_default() += 1;
            }
        }
    }

    /// It does no longer.
    pub(super) fn release(&mut self, row: &RunRow, books: &Books) {
        // A machine whose records change what a run is, or whose it is, takes and releases something else.
        for row in line_of(row, books) {
            if let Some(held) = self.jobs.get_mut(row.id.job.index()) {
                *held = held.saturating_sub(1);
            }
            if let Some(held) = shared_session(row).and_then(|key| self.sessions.get_mut(&key)) {
                *held = held.saturating_sub(1);
            }
        }
    }

    /// Whether somebody holds a job. `without` is a run that is thought away.
    pub(super) fn holds_job(&self, job: JobId, without: Option<&RunRow>, books: &Books) -> bool {
        let held = self.jobs.get(job.index()).copied().unwrap_or_default();
        held > count(without, books, |row| row.id.job == job)
    }

    /// Whether a run holds a session. `without` is a run that is thought away.
    pub(super) fn holds_session(&self, key: SessionKey, without: Option<&RunRow>, books: &Books) -> bool {
        let held = self.sessions.get(&key).copied().unwrap_or_default();
        held > count(without, books, |row| shared_session(row) == Some(key))
    }
}

/// How many of a run and those it descends from are of a kind.
fn count(run: Option<&RunRow>, books: &Books, is_of_kind: impl Fn(&RunRow) -> bool) -> u32 {
    let line = run.into_iter().flat_map(|row| line_of(row, books));
    line.map(|row| u32::from(is_of_kind(row))).sum()
}

/// A run, and those it descends from.
fn line_of<'a>(row: &'a RunRow, books: &'a Books) -> impl Iterator<Item = &'a RunRow> {
    std::iter::successors(Some(row), |row| row.parent.and_then(|parent| books.run(parent)))
}
