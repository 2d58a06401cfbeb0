//! Laws that need no oracle: what two ways of doing the same thing must agree on.
//!
//! - **split**: one tick over two instants equals two ticks, unless a slot is granted in between;
//! - **shapes**: both shapes of finalisation make the same ticks;
//! - **recovery twice** equals recovering once.

use sametick_core::Machine;
use sametick_core::commit::{Answer, Rows};
use sametick_core::effect::{Effect, Input, Tick};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::Now;

use crate::books::{Books, Changes};

/// How often each law was put to the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LawCounts {
    /// Ticks that were cut in two.
    pub split: u64,
    /// Worlds that were run in both shapes.
    pub shapes: u64,
    /// Recoveries that were done twice.
    pub recovery_twice: u64,
}

impl LawCounts {
    /// Adds another count.
    pub const fn add(&mut self, other: Self) {
        self.split += other.split;
        self.shapes += other.shapes;
        self.recovery_twice += other.recovery_twice;
    }
}

/// Cuts the tick at `now` at its earliest instant. Says what differs; nothing when it does not, and
/// no verdict when a slot was granted in between.
pub(crate) fn split<M: Machine>(
    before: &M,
    at: Now,
    now: Now,
    inputs: &[Input],
    whole: &Tick,
    books: &Books,
) -> Option<Result<(), String>> {
    let mut machine = before.clone();
    let (early, late): (Vec<Input>, Vec<Input>) =
        inputs.iter().cloned().partition(|input| input.at <= at.mono);
    let first = machine.handle(at, &early).clone();
    let granted =
        first.commit().is_some_and(|commit| commit.runs.iter().any(|row| row.state == RunState::Starting));
    if granted {
        return None;
    }
    let second = machine.handle(now, &late).clone();
    let (mut one, mut two) = (books.clone(), books.clone());
    let parts = [&first, &second];
    let effects: Vec<Effect> = parts.iter().flat_map(|tick| tick.effects()).copied().collect();
    apply(&mut one, now, whole);
    apply(&mut two, at, &first);
    apply(&mut two, now, &second);
    if effects != whole.effects() {
        return Some(Err("a tick that is cut in two has other effects".to_owned()));
    }
    Some(same(&one, &two).map_err(|what| format!("a tick that is cut in two leaves other {what}")))
}

/// Recovers once more from what the first recovery left.
pub(crate) fn recover_twice<M: Machine>(
    machine: &M,
    books: &Books,
    epoch: u64,
    now: Now,
) -> Result<(), String> {
    let mut machine = machine.clone();
    let rows: Rows = books.rows();
    let tick = machine.restart(&rows, epoch + 1, now).clone();
    let mut again = books.clone();
    apply(&mut again, now, &tick);
    same(books, &again).map_err(|what| format!("recovering twice leaves other {what} than recovering once"))
}

/// Makes a tick's commit durable, whatever became of those before it and of its owner.
fn apply(books: &mut Books, said: Now, tick: &Tick) {
    if let Some(commit) = tick.commit() {
        books.last_commit = commit.number - 1;
        books.epoch = commit.epoch;
        let answer = books.apply(said, commit, &mut Changes::default());
        debug_assert_eq!(answer, Answer::Applied, "nothing stands in its way");
    }
}

/// Run records, without what the books reckon beside them.
fn records(books: &Books) -> impl Iterator<Item = (RunRow, u32)> {
    books.runs.values().map(|book| (book.row, book.ends))
}

/// Which table differs, if one does.
fn same(one: &Books, two: &Books) -> Result<(), &'static str> {
    let tables = [
        (records(one).eq(records(two)), "run records"),
        (one.sessions == two.sessions, "session rows"),
        (one.jobs == two.jobs, "job states"),
        (one.events == two.events, "events"),
        (one.ledger == two.ledger, "skipped occurrences"),
        (one.late == two.late, "late notes"),
    ];
    tables.iter().find(|(same, _)| !same).map_or(Ok(()), |(_, table)| Err(table))
}
