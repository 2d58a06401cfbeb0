//! The commits a store has not answered for good, and when to send them again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sametick_core::commit::Commit;
use tokio::time::Instant;

/// How long to wait before a commit is sent again: doubles from `first` to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub most: Duration,
}

impl Default for Backoff {
    /// From 10 ms to 5 s: a store that comes back is met soon, one that stays away is not flooded.
    fn default() -> Self {
        Self { first: Duration::from_millis(10), most: Duration::from_secs(5) }
    }
}

impl Backoff {
    fn after(self, failures: u32) -> Duration {
        self.first.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.most)
    }
}

/// Open commits by number. Their bytes never change; a number may be sent again.
#[derive(Debug, Default)]
pub(crate) struct OpenCommits {
    backoff: Backoff,
    open: BTreeMap<u64, Arc<Commit>>,
    again: BTreeSet<u64>,
    again_at: Option<Instant>,
    failures: u32,
}

impl OpenCommits {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { backoff, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a new commit. `None` while one before it waits to be sent again: the store refuses
    /// gaps, so this one waits with it.
    pub(crate) fn add(&mut self, commit: &Commit) -> Option<Arc<Commit>> {
        let commit = Arc::new(commit.clone());
        self.open.insert(commit.number, Arc::clone(&commit));
        if self.again.is_empty() {
            return Some(commit);
        }
        self.again.insert(commit.number);
        None
    }

    /// A commit is durable.
    pub(crate) fn applied(&mut self, number: u64) {
        self.open.remove(&number);
        self.again.remove(&number);
        self.failures = 0;
    }

    /// A commit has to be sent again, after a while.
    pub(crate) fn send_again(&mut self, number: u64, now: Instant) {
        if self.again.is_empty() {
            self.failures = self.failures.saturating_add(1);
            self.again_at = Some(now + self.backoff.after(self.failures));
            tracing::warn!(commit = number, failures = self.failures, "the store did not take a commit");
        }
        self.again.insert(number);
    }

    /// When something is to be sent again.
    pub(crate) const fn again_at(&self) -> Option<Instant> {
        self.again_at
    }

    /// What is to be sent again by now, in the order of the numbers.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Arc<Commit>> {
        if self.again_at.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.again_at = None;
        let again = std::mem::take(&mut self.again);
        again.into_iter().filter_map(|number| self.open.get(&number).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(number: u64) -> Commit {
        Commit { number, ..Commit::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_goes_again_in_order_and_new_commits_wait_behind_it() {
        let (mut open, now) = (OpenCommits::new(Backoff::default()), Instant::now());
        assert!(open.add(&commit(1)).is_some());
        assert!(open.add(&commit(2)).is_some());
        open.send_again(2, now);
        open.send_again(1, now);
        assert!(open.add(&commit(3)).is_none());
        assert!(open.due(now).is_empty());
        let later = now + Duration::from_millis(10);
        let numbers: Vec<u64> = open.due(later).iter().map(|commit| commit.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }

    #[test]
    fn the_backoff_doubles_up_to_its_bound() {
        let waits = [1, 2, 3, 40].map(|failures| Backoff::default().after(failures).as_millis());
        assert_eq!(waits, [10, 20, 40, 5_000]);
    }
}
