//! Whether two books say the same.

use sametick_core::commit::Answer;
use sametick_core::effect::Tick;
use sametick_core::time::Now;

use crate::books::Books;
use crate::changes::Changes;
use crate::difference::{Difference, Tables, ledger, runs};
use crate::label::Labels;

/// What differs, if anything does; what runs go by is a matter of how their jobs are declared.
pub(super) fn same(one: &Books, two: &Books, labels: &Labels<'_>) -> Result<(), Difference> {
    let late = if one.late == two.late { Ok(()) } else { Err(parted("late notes", one, two, labels)) };
    same_but_for_notes(one, two, labels).and(late)
}

/// What differs, what runs go by included.
pub(super) fn same_with_terms(one: &Books, two: &Books, labels: &Labels<'_>) -> Result<(), Difference> {
    same(one, two, labels)?;
    if one.terms == two.terms { Ok(()) } else { Err(Difference::of_all("terms of runs")) }
}

/// What differs but late notes, if anything does.
pub(super) fn same_but_for_notes(one: &Books, two: &Books, labels: &Labels<'_>) -> Result<(), Difference> {
    let tables = [
        (runs(one) == runs(two), "run records"),
        (one.sessions == two.sessions, "session rows"),
        (one.jobs == two.jobs, "job states"),
        (one.events == two.events, "events"),
        (ledger(one) == ledger(two), "skipped occurrences"),
    ];
    let differs = tables.iter().find(|(same, _)| !same);
    differs.map_or(Ok(()), |(_, table)| Err(parted(table, one, two, labels)))
}

/// The first row that differs; of what no row shows, as how a job is declared, only in which table it is.
fn parted(table: &str, one: &Books, two: &Books, labels: &Labels<'_>) -> Difference {
    let row = Tables::of(one).first_difference(&Tables::of(two), labels);
    row.unwrap_or_else(|| Difference::of_all(table))
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
