//! Cron: an expression in a time zone, and what becomes of it when clocks are put forward and back.
//!
//! An expression means civil times; each civil time means instants. Almost always that is one instant. A
//! civil time that the clocks jump over means none by itself ([`Gap`]), one that they show twice means two
//! ([`Repeated`]). Due times are these instants, each once, plus the job's stagger.

use std::fmt;

use super::civil::{BEGINS, ENDS};
use super::error::CronError;
use super::pattern::Pattern;
use super::zone::Zone;
use super::{parse, stagger};
use crate::time::Wall;

/// What a civil time is that the clocks jump over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// The instant it would have been had the clocks not jumped: 02:30 becomes 03:30. One that is due at
    /// that instant anyway is due once.
    Shifted,
    /// Nothing.
    Skipped,
}

/// What a civil time is that the clocks show twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Repeated {
    /// The first of the two instants.
    First,
    /// The second of them.
    Last,
    /// Both.
    Both,
}

/// An expression in a time zone, with its policies and its stagger: a small value, read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cron {
    pattern: Pattern,
    zone: Zone,
    gap: Gap,
    repeated: Repeated,
    stagger_ms: u64,
}

/// A stretch of instants over which the way from civil times to instants does not change.
struct Stretch {
    end: i64,
    /// The offset of the zone, unless its civil times belong to another pass of a repeated hour.
    own: Option<i64>,
    /// The offset from before a gap, by which the times in the gap are told.
    ghost: Option<i64>,
}

impl Cron {
    /// Reads an expression of five fields, or six with the second in front, in the zone of a name.
    ///
    /// Unless told otherwise, an expression for every hour keeps its rhythm when clocks change: `Skipped` and
    /// `Both`. Any other is an appointment, met once: `Shifted` and `First`. There is no stagger.
    ///
    /// # Errors
    /// When the expression cannot be read or means no date there is, or when there is no such zone.
    ///
    /// ```
    /// use sametick_core::schedule::{Cron, Gap, Schedule};
    /// use sametick_core::time::Wall;
    /// let nightly = Cron::parse("30 2 * * *", "America/New_York")?;
    /// // On 2026-03-08 the clocks jump from 02:00 to 03:00, at 07:00Z.
    /// let midnight = Wall::from_millis(1_772_946_000_000);
    /// let due = |cron| Schedule::Cron(cron).next_after(midnight).map(|due| (due - midnight) / 60_000);
    /// assert_eq!(due(nightly), Some(2 * 60 + 30));
    /// assert_eq!(due(nightly.with_gap(Gap::Skipped)), Some(24 * 60 + 90));
    /// # Ok::<(), sametick_core::schedule::CronError>(())
    /// ```
    pub fn parse(expression: &str, zone: &str) -> Result<Self, CronError> {
        let (zone, pattern) = (Zone::named(zone)?, parse::pattern(expression)?);
        let (gap, repeated) = if pattern.is_hourly() {
            (Gap::Skipped, Repeated::Both)
        } else {
            (Gap::Shifted, Repeated::First)
        };
        Ok(Self { pattern, zone, gap, repeated, stagger_ms: 0 })
    }

    /// The same with another policy for times that the clocks jump over.
    #[must_use]
    pub const fn with_gap(self, gap: Gap) -> Self {
        Self { gap, ..self }
    }

    /// The same with another policy for times that the clocks show twice.
    #[must_use]
    pub const fn with_repeated(self, repeated: Repeated) -> Self {
        Self { repeated, ..self }
    }

    /// The same, due so many milliseconds later each time. [`stagger::offset`] makes one of a name.
    #[must_use]
    pub const fn with_stagger_ms(self, stagger_ms: u64) -> Self {
        Self { stagger_ms, ..self }
    }

    /// The window in which the field staggers an expression that says nothing of it: five minutes if it is due
    /// at the top of an hour whose field is a wildcard, none otherwise.
    #[must_use]
    pub fn usual_stagger_window_ms(expression: &str) -> u64 {
        if parse::is_top_of_hour(expression) { stagger::TOP_OF_HOUR_WINDOW_MS } else { 0 }
    }

    /// Its zone.
    #[must_use]
    pub const fn zone(self) -> Zone {
        self.zone
    }

    /// What becomes of times that the clocks jump over.
    #[must_use]
    pub const fn gap(self) -> Gap {
        self.gap
    }

    /// What becomes of times that the clocks show twice.
    #[must_use]
    pub const fn repeated(self) -> Repeated {
        self.repeated
    }

    /// How much later than its expression says it is due.
    #[must_use]
    pub const fn stagger_ms(self) -> u64 {
        self.stagger_ms
    }

    pub(super) fn next_after(self, after: Wall) -> Option<Wall> {
        self.due(self.first(self.second_after(after), ENDS)?)
    }

    pub(super) fn count_through(self, from: Wall, to: Wall) -> (u64, Wall) {
        let (from_second, until) = (self.second_after(from), self.second_after(to).min(ENDS));
        let count = self.count(from_second, until);
        let last = if count == 0 { None } else { self.last(from_second, until) };
        (count.saturating_add(1), last.and_then(|second| self.due(second)).unwrap_or(from))
    }

    /// The first second whose due time is after an instant; none before the calendar begins.
    fn second_after(self, after: Wall) -> i64 {
        let unmoved = i128::from(after.as_millis()) - i128::from(self.stagger_ms);
        let second = unmoved.div_euclid(1_000) + 1;
        // The calendar is well within i64.
        second.clamp(BEGINS.into(), ENDS.into()) as i64
    }

    fn due(self, second: i64) -> Option<Wall> {
        let due = i128::from(second) * 1_000 + i128::from(self.stagger_ms);
        i64::try_from(due).ok().map(Wall::from_millis)
    }

    /// The first second in `from..until` that is meant.
    fn first(self, mut from: i64, until: i64) -> Option<i64> {
        while from < until {
            let stretch = self.stretch_at(from);
            let end = stretch.end.min(until);
            let first = |offset: i64| Some(self.pattern.first(from + offset, end + offset)? - offset);
            let (own, ghost) = (stretch.own.and_then(first), stretch.ghost.and_then(first));
            if let Some(found) = own.into_iter().chain(ghost).min() {
                return Some(found);
            }
            from = end;
        }
        None
    }

    /// How many seconds in `from..until` are meant.
    fn count(self, mut from: i64, until: i64) -> u64 {
        let mut count = 0;
        while from < until {
            let stretch = self.stretch_at(from);
            let end = stretch.end.min(until);
            count += match (stretch.own, stretch.ghost) {
                (Some(offset), None) | (None, Some(offset)) => {
                    self.pattern.count(from + offset, end + offset)
                }
                (None, None) => 0,
                (Some(own), Some(ghost)) => self.count_told_twice(from, end, own, ghost),
            };
            from = end;
        }
        count
    }

    /// How many seconds are meant in a stretch whose times are told by two offsets. It is no longer than a gap,
    /// and both may mean the same second, so they are walked: by minutes where whole minutes are told, which
    /// all have the same seconds.
    fn count_told_twice(self, from: i64, end: i64, own: i64, ghost: i64) -> u64 {
        let whole = [from, end, own, ghost].iter().all(|seconds| seconds % 60 == 0);
        let (walker, each) = if whole {
            let (pattern, seconds) = self.pattern.by_minutes();
            (Self { pattern, ..self }, seconds)
        } else {
            (self, 1)
        };
        let walk = std::iter::successors(walker.first(from, end), |second| walker.first(second + 1, end));
        walk.map(|_| each).sum()
    }

    /// The last second in `from..until` that is meant, given that there is one.
    fn last(self, from: i64, until: i64) -> Option<i64> {
        // Back in growing steps until something is found, then halve the step in which it lies.
        let mut step = 1;
        while until - step > from && self.first(until - step, until).is_none() {
            step *= 2;
        }
        let (mut low, mut high) = ((until - step).max(from), until);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.first(middle, until).is_some() { low = middle } else { high = middle }
        }
        self.first(low, until)
    }

    fn stretch_at(self, at: i64) -> Stretch {
        let span = self.zone.span_at(at);
        let mut stretch = Stretch {
            end: span.ends.map_or(i64::MAX, |shift| shift.at),
            own: Some(span.offset),
            ghost: None,
        };
        if let Some(shift) = span.began {
            let forward = shift.after - shift.before;
            let edge = shift.at + forward.abs();
            if at < edge && forward > 0 && self.gap == Gap::Shifted {
                stretch.ghost = Some(shift.before);
                stretch.end = stretch.end.min(edge);
            }
            if at < edge && forward < 0 && self.repeated == Repeated::First {
                stretch.own = None;
                stretch.end = stretch.end.min(edge);
            }
        }
        if let Some(shift) = span.ends
            && shift.after < shift.before
            && self.repeated == Repeated::Last
        {
            let first_pass = shift.at - (shift.before - shift.after);
            if at < first_pass {
                stretch.end = stretch.end.min(first_pass);
            } else {
                stretch.own = None;
            }
        }
        stretch
    }
}

impl fmt::Display for Cron {
    /// An expression that means the same.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pattern.fmt(out)
    }
}
