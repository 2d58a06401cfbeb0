//! The ledger of occurrences that did not run: each is in one range, and a range that goes on is
//! extended.

use crate::commit::{LedgerRow, Unran};
use crate::id::JobId;
use crate::schedule::Schedule;
use crate::time::Wall;

/// Occurrences in a row, from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occurrences {
    pub(crate) first: Wall,
    pub(crate) last: Wall,
    pub(crate) count: u64,
}

impl Occurrences {
    /// Those of a schedule from `first`, which counts whatever the schedule says, through `to`.
    pub(crate) fn through(schedule: &Schedule, first: Wall, to: Wall) -> Option<Self> {
        let (count, last) = schedule.count_through(first, to);
        (count > 0).then_some(Self { first, last, count })
    }

    /// The latest `most` of them, and those before, if there are any.
    pub(crate) fn split_latest(self, schedule: &Schedule, most: u64) -> (Option<Self>, Option<Self>) {
        if self.count <= most {
            return (None, Some(self));
        }
        if most == 0 {
            return (Some(self), None);
        }
        let (mut low, mut high) = (self.first.as_millis(), self.last.as_millis());
        let early = self.count - most;
        // The last instant through which there are `early` of them.
        while low < high {
            let middle = low + ((i128::from(high) - i128::from(low) + 1) / 2) as i64;
            if schedule.count_through(self.first, Wall::from_millis(middle)).0 <= early {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let before = Self::through(schedule, self.first, Wall::from_millis(low));
        let first = before.and_then(|before| schedule.next_after(before.last));
        let latest = first.map(|first| Self { first, last: self.last, count: most });
        (before, latest)
    }

    /// Those at or after `from`, and those before, if there are any.
    pub(crate) fn split_at(self, schedule: &Schedule, from: Wall) -> (Option<Self>, Option<Self>) {
        let before = Self::through(schedule, self.first, self.last.min(from.plus_millis(-1)));
        match before {
            None => (None, Some(self)),
            Some(before) if before.count >= self.count => (Some(before), None),
            Some(before) => {
                let count = self.count - before.count;
                let first = schedule.next_after(before.last);
                (Some(before), first.map(|first| Self { first, last: self.last, count }))
            }
        }
    }
}

/// The latest range of one job, which may go on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OpenRange {
    row: Option<LedgerRow>,
    changed: bool,
}

impl OpenRange {
    /// Writes occurrences down; those that continue the open range extend it, else a new one opens
    /// and the one before goes to `closed`.
    pub(crate) fn write(
        &mut self,
        schedule: &Schedule,
        job: (JobId, u32),
        these: Occurrences,
        end: Unran,
        closed: &mut Vec<LedgerRow>,
    ) {
        let follows = |row: &LedgerRow| {
            row.end == end && row.generation == job.1 && schedule.next_after(row.last) == Some(these.first)
        };
        match self.row.as_mut().filter(|row| follows(row)) {
            Some(row) => {
                row.last = these.last;
                row.count = row.count.saturating_add(these.count);
            }
            None => {
                closed.extend(self.take_changed());
                let Occurrences { first, last, count } = these;
                self.row = Some(LedgerRow { job: job.0, generation: job.1, first, last, count, end });
            }
        }
        self.changed = true;
    }

    /// The open range, if it changed since it was last asked for.
    pub(crate) fn take_changed(&mut self) -> Option<LedgerRow> {
        if std::mem::take(&mut self.changed) { self.row } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Schedule = Schedule::Every { every_ms: 10, anchor: Wall::from_millis(0) };

    fn these(first: i64, last: i64, count: u64) -> Occurrences {
        Occurrences { first: Wall::from_millis(first), last: Wall::from_millis(last), count }
    }

    #[test]
    fn the_latest_are_split_off() {
        let all = these(0, 100, 11);
        assert_eq!(all.split_latest(&EVERY, 3), (Some(these(0, 70, 8)), Some(these(80, 100, 3))));
        assert_eq!(all.split_latest(&EVERY, 11), (None, Some(all)));
        assert_eq!(all.split_latest(&EVERY, 0), (Some(all), None));
    }

    #[test]
    fn a_window_splits_at_its_edge() {
        let all = these(0, 100, 11);
        assert_eq!(
            all.split_at(&EVERY, Wall::from_millis(50)),
            (Some(these(0, 40, 5)), Some(these(50, 100, 6)))
        );
        assert_eq!(all.split_at(&EVERY, Wall::from_millis(-5)), (None, Some(all)));
        assert_eq!(all.split_at(&EVERY, Wall::from_millis(101)), (Some(all), None));
    }
}
