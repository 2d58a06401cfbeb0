//! Timers as data: a heap of instants, in a total order that no insertion order shows through.

use educe::Educe;

/// How many entries stand below each: half as many levels as with two, and those of one level side by side.
const BELOW: usize = 4;
/// As many entries as stay whether they apply or not.
const FEW: usize = 64;
/// Room for as many is kept whatever happens.
const ROOM: usize = 4_096;

/// Instants with what is due at them. An entry that no longer applies stays until it is met, or until such
/// entries outnumber the others; the owner knows which those are.
#[derive(Educe, Debug)]
#[educe(Clone)]
pub(crate) struct Timers<T, K> {
    heap: Vec<(T, K)>,
}

impl<T, K> Default for Timers<T, K> {
    fn default() -> Self {
        Self { heap: Vec::new() }
    }
}

impl<T: Ord + Copy, K: Ord + Copy> Timers<T, K> {
    pub(crate) fn arm(&mut self, at: T, key: K) {
        self.heap.push((at, key));
        self.rise(self.heap.len() - 1);
    }

    /// The earliest entry that `applies`, dropping those before it that do not.
    pub(crate) fn first(&mut self, applies: impl Fn(T, K) -> bool) -> Option<(T, K)> {
        while let Some((at, key)) = self.heap.first().copied() {
            if applies(at, key) {
                return Some((at, key));
            }
            self.pop();
        }
        None
    }

    /// The instant in front, which applies if [`Self::first`] has just been called.
    pub(crate) fn peek(&self) -> Option<T> {
        self.heap.first().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) {
        let Some(last) = self.heap.pop() else { return };
        if let Some(front) = self.heap.first_mut() {
            *front = last;
            self.sink(0);
        }
    }

    /// Drops every entry that does not apply, once those outnumber `live` ones, and gives memory back.
    pub(crate) fn tidy(&mut self, live: usize, applies: impl Fn(T, K) -> bool) {
        if self.heap.len() > FEW && self.heap.len() > 2 * live {
            self.heap.retain(|(at, key)| applies(*at, *key));
            for place in (0..self.heap.len().div_ceil(BELOW)).rev() {
                self.sink(place);
            }
            if self.heap.capacity() > ROOM.max(4 * self.heap.len()) {
                self.heap.shrink_to(ROOM.max(2 * self.heap.len()));
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }

    fn rise(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while place > 0 {
            let above = (place - 1) / BELOW;
            if self.heap[above] <= entry {
                break;
            }
            self.heap[place] = self.heap[above];
            place = above;
        }
        self.heap[place] = entry;
    }

    fn sink(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while let Some(least) = self.least_below(place).filter(|least| self.heap[*least] < entry) {
            self.heap[place] = self.heap[least];
            place = least;
        }
        self.heap[place] = entry;
    }

    /// Where the least of those stands that stand below one place.
    fn least_below(&self, place: usize) -> Option<usize> {
        let first = BELOW * place + 1;
        let below = self.heap.get(first..)?;
        let less = |one: usize, other: usize| if below[other] < below[one] { other } else { one };
        let least = match below.len() {
            0 => return None,
            1 => 0,
            2 => less(0, 1),
            3 => less(less(0, 1), 2),
            _ => less(less(0, 1), less(2, 3)),
        };
        Some(first + least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instants that come in no order, several at once.
    fn scrambled(count: u64) -> impl Iterator<Item = (u64, u64)> {
        (0..count).map(move |key| (key * 7_919 % 101, key))
    }

    fn drained(timers: &mut Timers<u64, u64>) -> Vec<(u64, u64)> {
        std::iter::from_fn(|| timers.first(|_, _| true).inspect(|_| timers.pop())).collect()
    }

    #[test]
    fn they_go_by_instant_and_then_by_key() {
        for count in [0, 1, 2, 5, 6, 100, 1_000] {
            let mut timers = Timers::default();
            scrambled(count).for_each(|(at, key)| timers.arm(at, key));
            let mut expected: Vec<(u64, u64)> = scrambled(count).collect();
            expected.sort_unstable();
            assert_eq!(drained(&mut timers), expected);
        }
    }

    #[test]
    fn what_no_longer_applies_is_met_by_nobody() {
        let mut timers = Timers::default();
        scrambled(1_000).for_each(|(at, key)| timers.arm(at, key));
        assert_eq!(timers.first(|_, key| key == 999), Some((999 * 7_919 % 101, 999)));
    }

    #[test]
    fn what_no_longer_applies_never_outnumbers_the_rest_for_long() {
        let mut timers = Timers::default();
        scrambled(100_000).for_each(|(at, key)| timers.arm(at, key));
        timers.tidy(100, |_, key| key % 1_000 == 0);
        let mut expected: Vec<_> = scrambled(100_000).filter(|(_, key)| key % 1_000 == 0).collect();
        expected.sort_unstable();
        assert!(timers.heap.capacity() <= ROOM, "{} entries", timers.heap.capacity());
        assert_eq!(drained(&mut timers), expected);
    }

    #[test]
    fn entries_are_dropped_once_most_do_not_apply_and_no_sooner() {
        let left = |count: u64, live: usize| {
            let mut timers = Timers::default();
            scrambled(count).for_each(|(at, key)| timers.arm(at, key));
            timers.tidy(live, |_, _| false);
            timers.heap.len()
        };
        assert_eq!((left(64, 0), left(65, 0)), (64, 0), "a few stay whatever they are");
        assert_eq!((left(100, 50), left(101, 50)), (100, 0), "half of them apply");
    }

    #[test]
    fn a_heap_keeps_the_memory_it_may_soon_need_again() {
        let room = |room: usize, count: u64| {
            let mut timers = Timers { heap: Vec::with_capacity(room) };
            scrambled(count).for_each(|(at, key)| timers.arm(at, key));
            timers.tidy(0, |_, _| true);
            timers.heap.capacity()
        };
        assert_eq!(room(4 * 3_000, 3_000), 4 * 3_000, "a quarter of it is used");
        assert_eq!(room(4 * 3_000 + 1, 3_000), 2 * 3_000, "less is");
        assert_eq!(room(9_000, 100), ROOM);
    }

    #[test]
    fn a_heap_that_was_cleared_has_nothing_in_front() {
        let mut timers = Timers::default();
        scrambled(9).for_each(|(at, key)| timers.arm(at, key));
        timers.clear();
        assert_eq!(timers.peek(), None);
    }
}
