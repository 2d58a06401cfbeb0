//! The rows of books that laws compare, each kind in an order of its own.

use sametick_core::commit::{JobRow, LateNote, LedgerRow};
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::RunRow;
use sametick_core::session::SessionRow;

use crate::books::Books;
use crate::difference::{Difference, in_order, of_rows};
use crate::fields;
use crate::label::Labels;

/// A kind of row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Runs,
    Sessions,
    Jobs,
    Events,
    Ledger,
    Late,
}

impl Kind {
    /// All of them, in the order in which they are looked at.
    pub(crate) const ALL: [Self; 6] =
        [Self::Runs, Self::Sessions, Self::Jobs, Self::Events, Self::Ledger, Self::Late];

    /// What such rows are called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Runs => "run records",
            Self::Sessions => "session rows",
            Self::Jobs => "job states",
            Self::Events => "events",
            Self::Ledger => "skipped occurrences",
            Self::Late => "late notes",
        }
    }
}

/// The rows of one world's store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Run records by run, each with how many terminal events there are.
    pub(crate) runs: Vec<(RunRow, u32)>,
    pub(crate) sessions: Vec<SessionRow>,
    pub(crate) jobs: Vec<JobRow>,
    pub(crate) events: Vec<LifecycleEvent>,
    /// What did not run, by job and time.
    pub(crate) ledger: Vec<LedgerRow>,
    pub(crate) late: Vec<LateNote>,
}

impl Compared {
    /// Those of a world.
    pub(crate) fn of(books: &Books) -> Self {
        let mut sessions: Vec<SessionRow> = books.sessions.values().copied().collect();
        sessions.sort_unstable_by_key(|row| (row.key, row.run));
        Self {
            runs: runs(books),
            sessions,
            jobs: books.jobs.iter().flatten().map(|(_, row)| *row).collect(),
            events: books.events.clone(),
            ledger: ledger(books),
            late: books.late.clone(),
        }
    }

    /// The first row of a kind that others do not share.
    pub(crate) fn differs_in(&self, kind: Kind, other: &Self, labels: &Labels<'_>) -> Option<Difference> {
        match kind {
            Kind::Runs => {
                let shown = |(row, _): &(RunRow, u32)| (Some(row.id), fields::run(row, labels));
                of_rows(kind.name(), [&self.runs, &other.runs], |(row, _)| row.id, shown)
            }
            Kind::Sessions => {
                let shown = |row: &SessionRow| (row.run, fields::session(row, labels));
                let key = |row: &SessionRow| (row.key, row.run);
                of_rows(kind.name(), [&self.sessions, &other.sessions], key, shown)
            }
            Kind::Jobs => {
                let shown = |row: &JobRow| (None, fields::job(row, labels));
                of_rows(kind.name(), [&self.jobs, &other.jobs], |row| row.id, shown)
            }
            Kind::Events => {
                let shown = |event: &LifecycleEvent| (Some(event.run), fields::event(event, labels));
                in_order(kind.name(), [&self.events, &other.events], shown)
            }
            Kind::Ledger => {
                let shown = |row: &LedgerRow| (None, fields::ledger(row, labels));
                let key = |row: &LedgerRow| (row.job, row.generation, row.first);
                of_rows(kind.name(), [&self.ledger, &other.ledger], key, shown)
            }
            Kind::Late => {
                let shown = |note: &LateNote| (Some(note.run), fields::late(note, labels));
                in_order(kind.name(), [&self.late, &other.late], shown)
            }
        }
    }
}

/// Run records by run, in whatever order they were first written, without what the books reckon beside them.
pub(crate) fn runs(books: &Books) -> Vec<(RunRow, u32)> {
    let mut runs: Vec<(RunRow, u32)> = books.runs.values().map(|book| (book.row, book.ends)).collect();
    runs.sort_unstable_by_key(|(row, _)| row.id);
    runs
}

/// What did not run, by job and time.
pub(crate) fn ledger(books: &Books) -> Vec<LedgerRow> {
    let mut rows = books.ledger.clone();
    rows.sort_by_key(|row| (row.job, row.generation, row.first));
    rows
}

#[cfg(test)]
mod tests {
    use sametick_core::Gateway;
    use sametick_core::run::Shape;

    use super::*;
    use crate::scenario::Scenario;
    use crate::world::World;

    /// What a change of a world's rows is told as.
    fn told(change: impl FnOnce(&mut Compared)) -> Option<Difference> {
        let text = "# Once.\n[[job]]\nname = \"a\"\nat = \"1s\"\n[[turn]]\nof = \"a\"\ntakes = \"2s\"\n";
        let scenario = Scenario::parse("plan.toml", text).expect("a scenario");
        let mut world = World::new(&scenario, Gateway::new(scenario.config.clone(), Shape::Emit));
        world.run(0);
        let one = Compared::of(world.books());
        let mut two = one.clone();
        change(&mut two);
        Kind::ALL.iter().find_map(|kind| one.differs_in(*kind, &two, &world.labels()))
    }

    #[test]
    fn names_the_row_and_the_field() {
        assert_eq!(told(|_| ()), None);
        let later = told(|two| two.runs[0].0.settled_at = None).expect("a difference");
        assert!(later.run.is_some());
        assert_eq!(later.kind, "run records");
        assert_eq!(later.detail, "that of a#1 has nothing as \"settled at\", and not 3.005s");
        let less = told(|two| two.events.truncate(1)).expect("a difference");
        assert_eq!((&*less.kind, &*less.detail), ("events", "that of a#1 is not among them"));
        let more = told(|two| two.sessions.push(SessionRow::blank(two.sessions[0].key))).expect("one");
        assert_eq!((&*more.kind, &*more.detail), ("session rows", "that of agent:main:cron:a is one more"));
        let twice = told(|two| two.runs[0].1 = 2).expect("a difference");
        assert_eq!(twice.detail, "that of a#1 is another one", "no field shows it");
    }

    #[test]
    fn a_kind_that_is_not_asked_for_is_not_told() {
        let text = "# Nothing.\n[[job]]\nname = \"a\"\nat = \"1s\"\n";
        let scenario = Scenario::parse("plan.toml", text).expect("a scenario");
        let mut world = World::new(&scenario, Gateway::new(scenario.config.clone(), Shape::Emit));
        world.run(0);
        let one = Compared::of(world.books());
        let two = Compared { runs: Vec::new(), ..one.clone() };
        assert!(one.differs_in(Kind::Runs, &two, &world.labels()).is_some());
        assert_eq!(one.differs_in(Kind::Jobs, &two, &world.labels()), None);
    }
}
