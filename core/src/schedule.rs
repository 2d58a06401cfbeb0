//! When a job is due next.

use crate::time::Wall;

/// When a job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// Once.
    At(Wall),
    /// Every so many milliseconds, counted from an anchor; never before it.
    Every {
        /// The distance between two occurrences, at least 1 ms.
        every_ms: u64,
        /// The first occurrence, from which the others are counted.
        anchor: Wall,
    },
}

impl Schedule {
    /// The first occurrence strictly after `after`, if there is one.
    ///
    /// An interval of zero counts as one millisecond.
    ///
    /// ```
    /// use sametick_core::{schedule::Schedule, time::Wall};
    /// let hourly = Schedule::Every { every_ms: 3_600_000, anchor: Wall::from_millis(0) };
    /// let next = hourly.next_after(Wall::from_millis(3_600_000));
    /// assert_eq!(next, Some(Wall::from_millis(7_200_000)));
    /// ```
    #[must_use]
    pub fn next_after(self, after: Wall) -> Option<Wall> {
        match self {
            Self::At(at) => (at > after).then_some(at),
            Self::Every { anchor, .. } if after < anchor => Some(anchor),
            Self::Every { every_ms, anchor } => {
                let every = i128::from(every_ms.max(1));
                let (anchor, after) = (i128::from(anchor.as_millis()), i128::from(after.as_millis()));
                let steps = (after - anchor) / every + 1;
                i64::try_from(anchor + steps * every).ok().map(Wall::from_millis)
            }
        }
    }

    /// How many due times lie in `from..=to`, and the last of them: `from` itself, wherever it came
    /// from, and the schedule's own occurrences after it. None when `to` is before `from`.
    #[must_use]
    pub fn count_through(self, from: Wall, to: Wall) -> (u64, Wall) {
        if to < from {
            return (0, from);
        }
        let Some(next) = self.next_after(from).filter(|next| *next <= to) else { return (1, from) };
        match self {
            Self::At(at) => (2, at),
            Self::Every { every_ms, .. } => {
                let every = i128::from(every_ms.max(1));
                let steps = (i128::from(to.as_millis()) - i128::from(next.as_millis())) / every;
                let last = i128::from(next.as_millis()) + steps * every;
                let count = u64::try_from(steps + 2).unwrap_or(u64::MAX);
                (count, Wall::from_millis(i64::try_from(last).unwrap_or(i64::MAX)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Schedule = Schedule::Every { every_ms: 1_000, anchor: Wall::from_millis(500) };

    #[test]
    fn the_next_occurrence_is_strictly_later() {
        let next = |at| EVERY.next_after(Wall::from_millis(at)).map(Wall::as_millis);
        assert_eq!(
            [next(0), next(499), next(500), next(1_499)].map(Option::unwrap_or_default),
            [500, 500, 1_500, 1_500]
        );
        assert_eq!(next(i64::MAX), None);
    }

    #[test]
    fn a_one_shot_is_due_once() {
        let at = Schedule::At(Wall::from_millis(5));
        assert_eq!(at.next_after(Wall::from_millis(4)), Some(Wall::from_millis(5)));
        assert_eq!(at.next_after(Wall::from_millis(5)), None);
    }

    #[test]
    fn counting_agrees_with_walking() {
        let (from, to) = (Wall::from_millis(2_500), Wall::from_millis(9_999));
        let (mut walked, mut last, mut next) = (0, from, Some(from));
        while let Some(due) = next.filter(|due| *due <= to) {
            (walked, last, next) = (walked + 1, due, EVERY.next_after(due));
        }
        assert_eq!(EVERY.count_through(from, to), (walked, last));
        assert_eq!(EVERY.count_through(to, from), (0, to));
    }

    #[test]
    fn a_due_time_off_the_grid_counts_and_then_the_grid_does() {
        let (off, to) = (Wall::from_millis(700), Wall::from_millis(2_500));
        assert_eq!(EVERY.count_through(off, to), (3, Wall::from_millis(2_500)));
        assert_eq!(EVERY.count_through(off, Wall::from_millis(1_499)), (1, off));
    }
}
