//! How far a campaign is, for somebody beside it: whoever waits for a world that never ends is told of nothing.
//!
//! Nothing here decides anything. A campaign writes down which world it is at, and nobody reads that but who looks on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::digest::BatchDigest;
use crate::fuzz::{Hit, Tally};
use crate::sometimes::Counts;

/// How far a campaign is.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// What came of all that was through when the present batches were handed out.
    tally: Tally,
    /// These batches, as far as they have begun, by their first seeds.
    batches: BTreeMap<u64, Arc<Mutex<Batch>>>,
}

/// What a campaign is at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// The seeds whose worlds are under way, in order.
    pub seeds: Vec<u64>,
    /// How many worlds are through.
    pub through: u64,
}

impl Progress {
    /// What the campaign is at now.
    #[must_use]
    pub fn under_way(&self) -> UnderWay {
        let inside = held(&self.0);
        let mut now = UnderWay { seeds: Vec::new(), through: inside.tally.worlds };
        for batch in inside.batches.values() {
            let batch = held(batch);
            now.seeds.extend(batch.under_way);
            now.through += batch.worlds;
        }
        now
    }

    /// What came of every world that is through, those of batches that are not through included. It depends on when it is
    /// asked, which the tally of a campaign that came to its end does not.
    #[must_use]
    pub fn so_far(&self) -> Tally {
        let inside = held(&self.0);
        let mut tally = inside.tally.clone();
        for batch in inside.batches.values() {
            tally.add(&held(batch));
        }
        tally
    }

    /// What came of everything up to now; other batches are handed out next.
    pub(crate) fn wave_is_through(&self, tally: &Tally) {
        let mut inside = held(&self.0);
        inside.tally.clone_from(tally);
        inside.batches.clear();
    }

    /// A batch begins.
    pub(crate) fn begin(&self, seeds: Range<u64>) -> Arc<Mutex<Batch>> {
        let batch = Arc::new(Mutex::new(Batch { to: seeds.end, ..Batch::default() }));
        held(&self.0).batches.insert(seeds.start, Arc::clone(&batch));
        batch
    }
}

/// What came of some seeds that one core runs.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The first seed after them.
    pub(crate) to: u64,
    /// Whose world is under way.
    pub(crate) under_way: Option<u64>,
    pub(crate) worlds: u64,
    pub(crate) unread: u64,
    pub(crate) first_unread: Option<u64>,
    pub(crate) unplayed: u64,
    pub(crate) sometimes: Counts,
    pub(crate) events: u64,
    pub(crate) digest: BatchDigest,
    pub(crate) failures: Vec<Hit>,
    pub(crate) forks: u64,
}

/// Whoever panicked left it as it was before or after a world, never between.
pub(crate) fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
