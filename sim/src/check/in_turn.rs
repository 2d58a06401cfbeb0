//! Who waits longest begins first, of those that could.
//!
//! Judged where `begins_when_free` is. Slots are given out last in a tick, so whoever could have begun in the place of
//! one that did is seen by thinking that one away: it waited longer, in the same lane, in another under the common
//! limit, or for the same job or session. What came within two milliseconds came together.

use sametick_core::id::RunId;

use super::over::Over;
use super::waiters::Waiters;
use super::{CheckName, Failure};
use crate::lines::ROUNDING_MS;

pub(super) const SENTENCE: &str = "who waits longest begins first: nobody begins in the place of a run that came before it, to its lane \
     or to another under the limit over all lanes, and that could have begun instead, also over a restart";
pub(super) const FIELD: &[&str] = &["#42635", "#52682"];

/// Looks for one who was passed over in a tick.
pub(super) fn judge(failures: &mut Vec<Failure>, waiters: &Waiters, over: &Over<'_>) {
    for (granted, theirs) in waiters.granted_in(over.commit) {
        // One that is over by now, or that another record hides, holds nothing that could be thought away.
        let Some(row) = over.books.run(*granted).filter(|row| over.slots.has(row.id)) else { continue };
        for (lane, queue) in waiters.queues() {
            if !over.has_slot(lane, Some(theirs)) {
                continue;
            }
            for (since, run) in queue.range(..(theirs.since - ROUNDING_MS, RunId::default())) {
                let passed = waiters.get(*run).is_some_and(|waiter| {
                    waiter.came_before(theirs, over.restarted_at, over.lag)
                        && over.could_begin(*run, waiter, Some(row))
                });
                if passed {
                    let message = format!(
                        "{} begins, and {}, which came {} ms before it and could have begun in its place, waits on: it is \
                         passed over",
                        over.labels.run(*granted),
                        over.labels.run(*run),
                        theirs.since - since,
                    );
                    failures.push(Failure {
                        check: CheckName::InTurn,
                        at: over.at,
                        run: Some(*run),
                        message,
                    });
                    return;
                }
            }
        }
    }
}
