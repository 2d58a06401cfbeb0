//! What a seed decides: a pure function of the seed and a stable key.
//!
//! One ChaCha8 block a seed; each choice mixes its key in. So a choice does not move when another
//! is added or left out, and two runs with the same seed and key agree wherever they are asked.

use std::cell::Cell;

use sametick_core::time::Span;

use crate::chacha;
use crate::scenario::{Offset, SpanRange};

/// The choices of one seed.
#[derive(Clone, Debug, Default)]
pub struct Draw {
    block: [u64; 8],
    decided: Cell<bool>,
}

/// What is chosen, for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Choice {
    /// When a job's first occurrence is due.
    Shift = 1,
    /// How long a session takes to be ready.
    Ready,
    /// When a turn ends.
    Takes,
    /// How long a turn takes to stop.
    Stops,
    /// Who goes first when a report and a deadline meet.
    Order,
    /// How late a tick comes.
    Lag,
    /// How long the store takes to answer.
    Answer,
    /// When an event of the timeline happens.
    Event,
    /// How long a crashed process is down.
    Down,
    /// By how much the wall clock steps.
    Step,
    /// How long until the host notices, or a foreign turn ends.
    Lasts,
    /// How much later a report is heard again.
    Again,
    /// How long the store takes to answer a renewal.
    Renewal,
    /// At which tick a fault strikes.
    Tick,
    /// Where a process dies over a tick.
    Point,
    /// How long a report is on its way.
    Delayed,
    /// How long a subscriber takes to acknowledge an event.
    Acknowledge,
    /// What a plan says.
    Plan,
}

const NANOS_PER_MILLI: u64 = 1_000_000;

impl Draw {
    /// The choices of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { block: chacha::first_block(seed), decided: Cell::new(false) }
    }

    /// Whether anything was asked of it yet: what happened before then is the same for every seed.
    #[must_use]
    pub const fn has_decided(&self) -> bool {
        self.decided.get()
    }

    /// 64 bits for a choice; `key` says whose, `part` which of its parts.
    #[must_use]
    pub fn bits(&self, choice: Choice, key: u64, part: u64) -> u64 {
        self.decided.set(true);
        let word = |place: u64| self.block[(place & 7) as usize];
        let a = fold(word(choice as u64) ^ key, 0x9E37_79B9_7F4A_7C15 ^ part);
        fold(a ^ word(key.wrapping_add(3)), 0xD1B5_4A32_D192_ED03 ^ choice as u64)
    }

    /// A length of time out of a range: its ends more often than by chance, and whole milliseconds
    /// when both ends are.
    #[must_use]
    pub fn span(&self, range: SpanRange, choice: Choice, key: u64) -> Span {
        if !range.is_range() {
            return range.low;
        }
        let (low, high) = (range.low.as_nanos(), range.high.as_nanos());
        let unit = if (low | high).is_multiple_of(NANOS_PER_MILLI)
            || (low.is_multiple_of(NANOS_PER_MILLI) && high.is_multiple_of(NANOS_PER_MILLI))
        {
            NANOS_PER_MILLI
        } else {
            1
        };
        match self.bits(choice, key, 1) % 16 {
            0 => range.low,
            1 => range.high,
            _ => Span::from_nanos(low + below(self.bits(choice, key, 2), (high - low) / unit + 1) * unit),
        }
    }

    /// A distance out of a range: mostly the neighbours of zero (equal, one nanosecond and one or
    /// two milliseconds off), the rest from anywhere in it.
    #[must_use]
    pub fn offset(&self, low: Offset, high: Offset, choice: Choice, key: u64) -> Offset {
        const NEAR: [i64; 7] = [0, -1, 1, -1_000_000, 1_000_000, -2_000_000, 2_000_000];
        if low == high {
            return low;
        }
        let bits = self.bits(choice, key, 1);
        let near = NEAR[(bits % 7) as usize];
        if bits >> 32 & 3 != 0 && (low.0..=high.0).contains(&near) {
            return Offset(near);
        }
        let width = high.0.abs_diff(low.0).saturating_add(1);
        Offset(low.0.saturating_add_unsigned(below(self.bits(choice, key, 2), width)))
    }

    /// A coin.
    #[must_use]
    pub fn coin(&self, choice: Choice, key: u64) -> bool {
        self.bits(choice, key, 1) & 1 == 1
    }
}

/// Mixes two words into one: the halves of their product.
#[must_use]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A number below `bound`, from 64 even bits.
fn below(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_choices_for_ever() {
        let draw = Draw::new(42);
        assert_eq!(draw.bits(Choice::Ready, 0, 1), Draw::new(42).bits(Choice::Ready, 0, 1));
        assert_ne!(draw.bits(Choice::Ready, 0, 1), draw.bits(Choice::Takes, 0, 1));
        assert_ne!(draw.bits(Choice::Ready, 0, 1), Draw::new(43).bits(Choice::Ready, 0, 1));
        assert_eq!(
            draw.block[0], 6_424_161_053_832_095_879,
            "the generator changed: every seed means something else now"
        );
    }

    #[test]
    fn neighbours_of_zero_are_met_often() {
        let (low, high) = (Offset(-2_000_000), Offset(2_000_000));
        let met = |wanted| {
            (0..1_000).filter(|seed| Draw::new(*seed).offset(low, high, Choice::Takes, 7).0 == wanted).count()
        };
        for wanted in [-2_000_000, -1_000_000, -1, 0, 1, 1_000_000, 2_000_000] {
            assert!(met(wanted) > 50, "{wanted} was met {} times in 1000", met(wanted));
        }
    }
}
