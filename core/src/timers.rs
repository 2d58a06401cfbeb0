//! Timers as data: a heap of instants, in a total order that no insertion order shows through.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Instants with what is due at them. An entry that no longer applies stays until it is met; the
/// owner knows which those are.
#[derive(Clone, Debug)]
pub(crate) struct Timers<T: Ord, K: Ord> {
    heap: BinaryHeap<Reverse<(T, K)>>,
}

impl<T: Ord, K: Ord> Default for Timers<T, K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<T: Ord + Copy, K: Ord + Copy> Timers<T, K> {
    pub(crate) fn arm(&mut self, at: T, key: K) {
        self.heap.push(Reverse((at, key)));
    }

    /// The earliest entry that `applies`, dropping those before it that do not.
    pub(crate) fn first(&mut self, applies: impl Fn(T, K) -> bool) -> Option<(T, K)> {
        while let Some(Reverse((at, key))) = self.heap.peek().copied() {
            if applies(at, key) {
                return Some((at, key));
            }
            self.heap.pop();
        }
        None
    }

    /// The instant in front, which applies if [`Self::first`] has just been called.
    pub(crate) fn peek(&self) -> Option<T> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn pop(&mut self) {
        self.heap.pop();
    }

    /// Drops every entry that does not apply, once those outnumber `live` ones.
    pub(crate) fn tidy(&mut self, live: usize, applies: impl Fn(T, K) -> bool) {
        if self.heap.len() > 64 && self.heap.len() > 2 * live {
            self.heap.retain(|Reverse((at, key))| applies(*at, *key));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }
}
