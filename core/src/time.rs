//! Time as data: monotonic instants, wall-clock milliseconds, and the line between them.
//!
//! Timeouts are measured on the monotonic clock, schedules live on the wall clock. Both come in
//! with every tick as one [`Now`]; the core never reads a clock of its own.

use std::fmt;
use std::ops::{Add, Sub};

/// Nanoseconds in a millisecond.
const NANOS_PER_MILLI: u64 = 1_000_000;

/// An instant on the monotonic clock, in nanoseconds since an origin the host chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

/// A point in civil time, in milliseconds since 1970-01-01T00:00:00Z. It may step either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(i64);

/// A length of time in nanoseconds. Sums saturate: the longest span is about 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// One reading of both clocks, which serves a whole tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Now {
    /// The monotonic reading.
    pub mono: Mono,
    /// The wall-clock reading.
    pub wall: Wall,
}

impl Mono {
    /// The instant `nanos` after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The next instant there is.
    #[must_use]
    pub const fn tick_after(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Mono {
    type Output = Self;

    /// Saturates at the end of the monotonic clock, so an absurd budget means "never".
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Wall {
    /// The point `millis` after (or before) the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This point moved by `millis`, saturating.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl Sub for Wall {
    type Output = i64;

    /// The signed distance in milliseconds, saturating.
    fn sub(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of milliseconds, saturating.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// A span of seconds, saturating.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_millis(secs.saturating_mul(1_000))
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span in whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / NANOS_PER_MILLI
    }
}

impl fmt::Display for Span {
    /// The largest unit that shows the span exactly: `30s`, `1500ms`, `1ns`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 5] = [
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (NANOS_PER_MILLI, "ms"),
            (1_000, "us"),
        ];
        if self.0 == 0 {
            return out.write_str("0s");
        }
        match UNITS.iter().find(|(size, _)| self.0.is_multiple_of(*size)) {
            Some((size, unit)) => write!(out, "{}{unit}", self.0 / size),
            None => write!(out, "{}ns", self.0),
        }
    }
}

/// Where the wall clock stands on the monotonic line.
///
/// Two readings that tell the same story to within a millisecond are one line: the anchor stays,
/// so the wall time of an instant does not depend on how the host cut time into ticks. A reading
/// that disagrees by more is a step, and the line moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timeline {
    mono: Mono,
    wall: Wall,
}

impl Timeline {
    /// The line through one reading.
    #[must_use]
    pub const fn through(now: Now) -> Self {
        Self { mono: now.mono, wall: now.wall }
    }

    /// Takes a new reading; returns whether the wall clock stepped.
    pub fn read(&mut self, now: Now) -> bool {
        let stepped = (now.wall - self.wall_at(now.mono)).unsigned_abs() > 1;
        if stepped {
            *self = Self::through(now);
        }
        stepped
    }

    /// The wall time of an instant, rounded down to the millisecond.
    #[must_use]
    pub fn wall_at(&self, at: Mono) -> Wall {
        if at >= self.mono {
            let ahead = at.since(self.mono).as_millis();
            self.wall.plus_millis(i64::try_from(ahead).unwrap_or(i64::MAX))
        } else {
            let behind = self.mono.since(at).as_nanos().div_ceil(NANOS_PER_MILLI);
            self.wall.plus_millis(i64::try_from(behind).map_or(i64::MIN, |millis| -millis))
        }
    }

    /// The first instant at which the wall clock shows `wall`; the origin if that lies before it.
    #[must_use]
    pub fn mono_at(&self, wall: Wall) -> Mono {
        let distance = wall - self.wall;
        let nanos = distance.unsigned_abs().saturating_mul(NANOS_PER_MILLI);
        if distance >= 0 { self.mono + Span(nanos) } else { Mono(self.mono.0.saturating_sub(nanos)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_within_a_millisecond_does_not_move_the_line() {
        let start = Now { mono: Mono(0), wall: Wall(1_000) };
        let mut line = Timeline::through(start);
        assert!(!line.read(Now { mono: Mono(1_999_999), wall: Wall(1_002) }));
        assert_eq!(line.wall_at(Mono(1_999_999)), Wall(1_001));
    }

    #[test]
    fn a_step_moves_the_line() {
        let mut line = Timeline::through(Now { mono: Mono(0), wall: Wall(1_000) });
        assert!(line.read(Now { mono: Mono(5_000_000), wall: Wall(3_601_005) }));
        assert_eq!(line.wall_at(Mono(6_000_000)), Wall(3_601_006));
        assert_eq!(line.mono_at(Wall(3_601_006)), Mono(6_000_000));
    }

    #[test]
    fn the_instant_of_a_wall_time_shows_that_wall_time() {
        let line = Timeline::through(Now { mono: Mono(12_345_678), wall: Wall(77) });
        for wall in [Wall(70), Wall(77), Wall(78), Wall(10_000)] {
            assert_eq!(line.wall_at(line.mono_at(wall)), wall);
        }
    }

    #[test]
    fn spans_print_in_their_largest_exact_unit() {
        let shown: Vec<String> =
            [0, 1, 1_500_000_000, 30_000_000_000, 7_200_000_000_000].map(|n| Span(n).to_string()).into();
        assert_eq!(shown, ["0s", "1ns", "1500ms", "30s", "2h"]);
    }
}
