//! Throws of dice, one after another, all of them decided by a seed.

use sametick_core::time::Span;

use crate::draw::{Choice, Draw};

/// What a seed throws.
#[derive(Debug)]
pub(super) struct Dice {
    draw: Draw,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { draw: Draw::new(seed), thrown: 0 }
    }

    /// Other throws of the same seed.
    pub(super) fn apart(seed: u64) -> Self {
        Self { thrown: 1 << 32, ..Self::new(seed) }
    }

    fn bits(&mut self) -> u64 {
        self.thrown += 1;
        self.draw.bits(Choice::Plan, self.thrown, 0)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number out of a range, its ends included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of these lengths of time, as text.
    pub(super) fn length(&mut self, from: &[u64]) -> String {
        Span::from_millis(self.pick(from)).to_string()
    }
}
