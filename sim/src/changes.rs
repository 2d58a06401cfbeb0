//! What one commit changed in the books, each row before and after.

use educe::Educe;
use sametick_core::commit::{JobRow, LedgerRow};
use sametick_core::id::SessionKey;
use sametick_core::job::Job;
use sametick_core::run::{Outcome, RunRow, RunState};
use sametick_core::session::SessionRow;

use crate::books::{Books, RunBook};
use crate::table::{Place, Table};

/// What one commit changed.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub struct Changes {
    /// Run records.
    pub runs: Vec<RunChange>,
    /// The runs among them that are over with it, by place, and how they ended.
    settled: Vec<(usize, Outcome)>,
    /// The places of those that come with it.
    new: Vec<usize>,
    /// The places of those that get a slot in it.
    granted: Vec<usize>,
    /// Session rows, one entry a row however many patches it got.
    pub sessions: Vec<(Option<SessionRow>, SessionRow)>,
    /// Job rows.
    pub jobs: Vec<(Option<JobRow>, JobRow)>,
    /// Jobs that were removed, each as it was before.
    pub gone: Vec<(Job, JobRow)>,
    /// Ranges of occurrences that did not run.
    pub ledger: Vec<(Option<LedgerRow>, LedgerRow)>,
}

/// A run's record before and after a commit, with the places in the books of all that speaks of the run: every check
/// asks for that, and it is looked up once.
#[derive(Clone, Debug)]
pub struct RunChange {
    /// The record before, if there was one.
    pub before: Option<RunRow>,
    /// The record after.
    pub after: RunRow,
    book: usize,
    /// The session row under the run's own key, whoever it names.
    own: Option<usize>,
    /// Its job's base row, whoever that names.
    base: Option<usize>,
}

impl Changes {
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.settled.clear();
        self.new.clear();
        self.granted.clear();
        self.sessions.clear();
        self.jobs.clear();
        self.gone.clear();
        self.ledger.clear();
    }

    pub(crate) fn run(&mut self, change: RunChange) {
        if let Some(outcome) = change.settles() {
            self.settled.push((self.runs.len(), outcome));
        }
        if change.before.is_none() {
            self.new.push(self.runs.len());
        }
        if change.is_granted() {
            self.granted.push(self.runs.len());
        }
        self.runs.push(change);
    }

    /// The runs that settle with the commit, and how.
    pub(crate) fn settling(&self) -> impl Iterator<Item = (&RunChange, Outcome)> {
        self.settled.iter().map(|(place, outcome)| (&self.runs[*place], *outcome))
    }

    /// The runs that come with the commit.
    pub(crate) fn new_runs(&self) -> impl Iterator<Item = &RunChange> {
        self.new.iter().map(|place| &self.runs[*place])
    }

    /// The runs that get a slot in the commit.
    pub(crate) fn granted(&self) -> impl Iterator<Item = &RunChange> {
        self.granted.iter().map(|place| &self.runs[*place])
    }
}

impl RunChange {
    /// Whether the run lets go of all that it has.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.after.is_closed() && self.before.is_none_or(|before| !before.is_closed())
    }

    /// A record that was written; `book` is its place among the runs.
    pub(crate) const fn new(before: Option<RunRow>, after: RunRow, book: usize) -> Self {
        Self { before, after, book, own: None, base: None }
    }

    /// Finds the rows that can speak of the run, once the commit's sessions are written.
    pub(crate) fn find_sessions(
        &mut self,
        sessions: &Table<SessionKey, SessionRow>,
        own: &mut Place,
        base: &mut Place,
    ) {
        let key = self.after.session_key();
        self.own = sessions.get_index_near(&key, own);
        self.base = key.base().and_then(|key| sessions.get_index_near(&key, base));
    }

    /// Where the books have the run.
    pub(crate) const fn place(&self) -> usize {
        self.book
    }

    /// What the books have of the run.
    pub(crate) fn book<'a>(&self, books: &'a Books) -> &'a RunBook {
        &books.runs[self.book]
    }

    /// The row under the run's own key, if it names the run.
    pub(crate) fn own_row<'a>(&self, books: &'a Books) -> Option<&'a SessionRow> {
        self.naming(self.own, books)
    }

    /// The base row of the run's job, if it names the run.
    pub(crate) fn base_row<'a>(&self, books: &'a Books) -> Option<&'a SessionRow> {
        self.naming(self.base, books)
    }

    /// The rows that speak of the run: that of its session, whoever it names, and its job's base row while that names
    /// the run.
    pub(crate) fn session_rows<'a>(
        &self,
        books: &'a Books,
    ) -> impl Iterator<Item = &'a SessionRow> + use<'a> {
        let own = self.own.filter(|_| self.after.session.is_some()).map(|place| &books.sessions[place]);
        own.into_iter().chain(self.base_row(books))
    }

    fn naming<'a>(&self, place: Option<usize>, books: &'a Books) -> Option<&'a SessionRow> {
        place.map(|place| &books.sessions[place]).filter(|row| row.run == Some(self.after.id))
    }

    /// Whether the run gets its slot.
    pub(crate) fn is_granted(&self) -> bool {
        self.after.granted_at.is_some() && self.before.as_ref().is_none_or(|row| row.granted_at.is_none())
    }

    /// Whether the run waits, or waited until now.
    pub(crate) fn is_of_queued(&self) -> bool {
        let waits = |row: &RunRow| row.state == RunState::Queued;
        waits(&self.after) || self.before.as_ref().is_some_and(waits)
    }

    /// Whether its session goes live.
    pub(crate) fn is_started(&self) -> bool {
        self.after.started_at.is_some() && self.before.as_ref().is_none_or(|row| row.started_at.is_none())
    }

    /// How the run ends, if it does.
    pub(crate) fn settles(&self) -> Option<Outcome> {
        let over = self.before.as_ref().is_some_and(|row| matches!(row.state, RunState::Settled(_)));
        if over { None } else { self.after.state.outcome() }
    }
}
