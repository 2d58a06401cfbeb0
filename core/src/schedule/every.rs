//! Fixed intervals, counted from an anchor.

use crate::time::Wall;

/// The first instant strictly after `after` that is a whole number of intervals from the anchor, and not
/// before it.
pub(super) fn next_after(every_ms: u64, anchor: Wall, after: Wall) -> Option<Wall> {
    if after < anchor {
        return Some(anchor);
    }
    let every = i128::from(every_ms.max(1));
    let (anchor, after) = (i128::from(anchor.as_millis()), i128::from(after.as_millis()));
    let steps = (after - anchor) / every + 1;
    i64::try_from(anchor + steps * every).ok().map(Wall::from_millis)
}

/// How many due times there are from `from` through `to` when `next`, the first after `from`, is not after
/// `to`; and the last of them.
pub(super) fn count_through(every_ms: u64, next: Wall, to: Wall) -> (u64, Wall) {
    let every = i128::from(every_ms.max(1));
    let steps = (i128::from(to.as_millis()) - i128::from(next.as_millis())) / every;
    let last = i128::from(next.as_millis()) + steps * every;
    let count = u64::try_from(steps + 2).unwrap_or(u64::MAX);
    (count, Wall::from_millis(i64::try_from(last).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::super::Schedule;
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
