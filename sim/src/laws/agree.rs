//! Whether two books say the same.

use sametick_core::commit::Answer;
use sametick_core::effect::Tick;
use sametick_core::time::Now;

use crate::books::Books;
use crate::changes::Changes;
use crate::compared::{Compared, Kind, ledger, runs};
use crate::difference::Difference;
use crate::label::Labels;

/// What differs, if anything does; what runs go by is a matter of how their jobs are declared.
pub(super) fn same(one: &Books, two: &Books, labels: &Labels<'_>) -> Result<(), Difference> {
    same_but_for_notes(one, two, labels)?;
    if one.late == two.late { Ok(()) } else { Err(parted(Kind::Late, one, two, labels)) }
}

/// What differs, what runs go by included.
pub(super) fn same_with_terms(one: &Books, two: &Books, labels: &Labels<'_>) -> Result<(), Difference> {
    same(one, two, labels)?;
    if one.terms == two.terms { Ok(()) } else { Err(Difference::of_all("terms of runs")) }
}

/// What differs but late notes, if anything does.
pub(super) fn same_but_for_notes(one: &Books, two: &Books, labels: &Labels<'_>) -> Result<(), Difference> {
    let kinds = [
        (runs(one) == runs(two), Kind::Runs),
        (one.sessions == two.sessions, Kind::Sessions),
        (one.jobs == two.jobs, Kind::Jobs),
        (one.events == two.events, Kind::Events),
        (ledger(one) == ledger(two), Kind::Ledger),
    ];
    let differs = kinds.iter().find(|(same, _)| !same);
    differs.map_or(Ok(()), |(_, kind)| Err(parted(*kind, one, two, labels)))
}

/// The first row of a kind that differs; of what no row shows, as how a job is declared, only the kind.
fn parted(kind: Kind, one: &Books, two: &Books, labels: &Labels<'_>) -> Difference {
    let row = Compared::of(one).differs_in(kind, &Compared::of(two), labels);
    row.unwrap_or_else(|| Difference::of_all(kind.name()))
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
