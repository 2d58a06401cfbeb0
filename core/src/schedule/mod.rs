//! When a job is due next.

mod civil;
mod cron;
mod error;
mod every;
mod parse;
mod pattern;
pub mod stagger;
mod zone;

pub use cron::{Cron, Gap, Repeated};
pub use error::{CronError, CronPart};
pub use zone::{Zone, tzdb_version};

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
    /// When a cron expression says, in a time zone. Nothing is due before the year 1 or after 9999.
    Cron(Cron),
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
            Self::Every { every_ms, anchor } => every::next_after(every_ms, anchor, after),
            Self::Cron(cron) => cron.next_after(after),
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
            Self::Every { every_ms, .. } => every::count_through(every_ms, next, to),
            Self::Cron(cron) => cron.count_through(from, to),
        }
    }
}

#[cfg(test)]
mod tests;
