//! Recovering twice equals recovering once.

use sametick_core::Machine;
use sametick_core::commit::Rows;
use sametick_core::time::Now;

use super::agree::{apply, same_with_terms};
use crate::books::Books;
use crate::difference::Difference;
use crate::label::Labels;

/// Recovers once more from what the first recovery left.
pub(crate) fn recover_twice<M: Machine>(
    machine: &M,
    books: &Books,
    epoch: u64,
    now: Now,
    labels: &Labels<'_>,
) -> Result<(), Difference> {
    let mut machine = machine.clone();
    let rows: Rows = books.rows();
    let tick = machine.restart(&rows, epoch + 1, now).clone();
    let mut again = books.clone();
    apply(&mut again, now, &tick);
    same_with_terms(books, &again, labels)
        .map_err(|what| what.after("recovering twice, and not once, leaves other "))
}
