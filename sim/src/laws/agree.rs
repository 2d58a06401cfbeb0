//! Whether two books say the same.

use sametick_core::commit::{Answer, LedgerRow};
use sametick_core::effect::Tick;
use sametick_core::run::RunRow;
use sametick_core::time::Now;

use crate::books::Books;
use crate::changes::Changes;

/// Which table differs, if one does; what runs go by is a matter of how their jobs are declared.
pub(super) fn same(one: &Books, two: &Books) -> Result<(), &'static str> {
    let late = if one.late == two.late { Ok(()) } else { Err("late notes") };
    same_but_for_notes(one, two).and(late)
}

/// Which table differs, that of what runs go by included.
pub(super) fn same_with_terms(one: &Books, two: &Books) -> Result<(), &'static str> {
    let terms = if one.terms == two.terms { Ok(()) } else { Err("terms of runs") };
    same(one, two).and(terms)
}

/// Which table but that of late notes differs, if one does.
pub(super) fn same_but_for_notes(one: &Books, two: &Books) -> Result<(), &'static str> {
    let tables = [
        (records(one) == records(two), "run records"),
        (one.sessions == two.sessions, "session rows"),
        (one.jobs == two.jobs, "job states"),
        (one.events == two.events, "events"),
        (skipped(one) == skipped(two), "skipped occurrences"),
    ];
    tables.iter().find(|(same, _)| !same).map_or(Ok(()), |(_, table)| Err(table))
}

/// Makes a tick's commit durable, whatever became of those before it and of its owner.
pub(super) fn apply(books: &mut Books, said: Now, tick: &Tick) {
    if let Some(commit) = tick.commit() {
        books.last_commit = commit.number - 1;
        books.epoch = commit.epoch;
        let answer = books.apply(said, commit, &mut Changes::default());
        debug_assert_eq!(answer, Answer::Applied, "nothing stands in its way");
    }
}

/// Run records by run, in whatever order they were first written, without what the books reckon beside them.
fn records(books: &Books) -> Vec<(RunRow, u32)> {
    let mut records: Vec<(RunRow, u32)> = books.runs.values().map(|book| (book.row, book.ends)).collect();
    records.sort_unstable_by_key(|(row, _)| row.id);
    records
}

/// What did not run, by job and time.
fn skipped(books: &Books) -> Vec<LedgerRow> {
    let mut rows = books.ledger.clone();
    rows.sort_by_key(|row| (row.job, row.generation, row.first));
    rows
}
