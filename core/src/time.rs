//! Time as data: monotonic instants, wall-clock milliseconds, and the line between them.
//!
//! Timeouts are measured on the monotonic clock, schedules live on the wall clock. Both come in
//! with every tick as one [`Now`]; the core never reads a clock of its own.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;
use std::ops::{Add, Sub};

/// Nanoseconds in a millisecond.
const NANOS_PER_MILLI: u64 = 1_000_000;

/// An instant on the monotonic clock, in nanoseconds since an origin the host chooses.
///
/// One more than the nanoseconds is kept, so that an instant which may be absent takes no more room. The last
/// nanosecond of the range is the one before it: about 584 years after the origin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(NonZeroU64);

/// A point in civil time, in milliseconds since 1970-01-01T00:00:00Z. It may step either way.
///
/// The sign bit is kept the other way round, which leaves the order as it is and zero for a point that is absent:
/// one that may be absent takes no more room. `i64::MIN` is the millisecond after it, 292 million years ago.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall(NonZeroU64);

/// A length of time in nanoseconds. Sums saturate: the longest span is about 584 years.
///
/// One more than the nanoseconds is kept, as in [`Mono`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(NonZeroU64);

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
        Self(one_more(nanos))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0.get() - 1
    }

    /// The next instant there is.
    #[must_use]
    pub const fn tick_after(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(one_more(self.0.get().saturating_sub(earlier.0.get())))
    }
}

impl Add<Span> for Mono {
    type Output = Self;

    /// Saturates at the end of the monotonic clock, so an absurd budget means "never".
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.as_nanos()))
    }
}

impl Wall {
    /// The point `millis` after (or before) the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        match NonZeroU64::new(millis.cast_unsigned() ^ SIGN) {
            Some(kept) => Self(kept),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        (self.0.get() ^ SIGN).cast_signed()
    }

    /// This point moved by `millis`, saturating.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.as_millis().saturating_add(millis))
    }
}

impl Sub for Wall {
    type Output = i64;

    /// The signed distance in milliseconds, saturating.
    fn sub(self, other: Self) -> i64 {
        self.as_millis().saturating_sub(other.as_millis())
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self::from_nanos(0);

    /// A span of nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(one_more(nanos))
    }

    /// A span of milliseconds, saturating.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self::from_nanos(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// A span of seconds, saturating.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_millis(secs.saturating_mul(1_000))
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0.get() - 1
    }

    /// The span in whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.as_nanos() / NANOS_PER_MILLI
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
        let nanos = self.as_nanos();
        if nanos == 0 {
            return out.write_str("0s");
        }
        match UNITS.iter().find(|(size, _)| nanos.is_multiple_of(*size)) {
            Some((size, unit)) => write!(out, "{}{unit}", nanos / size),
            None => write!(out, "{nanos}ns"),
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
    /// A point of the line before, if the latest reading moved it.
    before: Option<(Mono, Wall)>,
}

impl Timeline {
    /// The line through one reading.
    #[must_use]
    pub const fn through(now: Now) -> Self {
        Self { mono: now.mono, wall: now.wall, before: None }
    }

    /// Takes a new reading; returns whether the wall clock stepped.
    pub fn read(&mut self, now: Now) -> bool {
        let stepped = (now.wall - self.wall_at(now.mono)).unsigned_abs() > 1;
        self.before = stepped.then_some((self.mono, self.wall));
        if stepped {
            (self.mono, self.wall) = (now.mono, now.wall);
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
        if distance >= 0 {
            self.mono + Span::from_nanos(nanos)
        } else {
            Mono::from_nanos(self.mono.as_nanos().saturating_sub(nanos))
        }
    }

    /// Since when something was due that is due by the latest reading, at `now`. What a step made due is due since the
    /// step was read, and not since an instant that the new line only claims; what was due before it, since then.
    #[must_use]
    pub fn due_since(&self, due: Wall, now: Mono) -> Mono {
        let old = |(mono, wall)| Self { mono, wall, before: None }.mono_at(due);
        self.before.map_or_else(|| self.mono_at(due), |before| old(before).min(now))
    }
}

/// The bit that is kept the other way round.
const SIGN: u64 = 1 << 63;

const fn one_more(nanos: u64) -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(nanos)
}

/// How they are kept is nobody's business: they show, hash and begin as the number they stand for.
macro_rules! stands_for {
    ($name:ident, $number:ident, $hash:ident, $make:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.debug_tuple(stringify!($name)).field(&self.$number()).finish()
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                state.$hash(self.$number());
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::$make(0)
            }
        }
    };
}

stands_for!(Mono, as_nanos, write_u64, from_nanos);
stands_for!(Wall, as_millis, write_i64, from_millis);
stands_for!(Span, as_nanos, write_u64, from_nanos);

#[cfg(test)]
mod tests {
    use super::*;

    const fn mono(nanos: u64) -> Mono {
        Mono::from_nanos(nanos)
    }

    const fn wall(millis: i64) -> Wall {
        Wall::from_millis(millis)
    }

    #[test]
    fn one_that_may_be_absent_takes_no_more_room() {
        let sizes = [size_of::<Option<Mono>>(), size_of::<Option<Wall>>(), size_of::<Option<Span>>()];
        assert_eq!(sizes, [8, 8, 8]);
    }

    #[test]
    fn the_numbers_come_back_in_their_order() {
        let millis = [i64::MIN + 1, -1, 0, 1, i64::MAX];
        assert_eq!(millis.map(|millis| wall(millis).as_millis()), millis);
        assert!(millis.map(wall).is_sorted());
        let nanos = [0, 1, u64::MAX - 1];
        assert_eq!(nanos.map(|nanos| mono(nanos).as_nanos()), nanos);
        assert!(nanos.map(mono).is_sorted());
    }

    #[test]
    fn the_one_number_that_says_absent_is_its_neighbour() {
        assert_eq!(wall(i64::MIN).as_millis(), i64::MIN + 1);
        assert_eq!(mono(u64::MAX).as_nanos(), u64::MAX - 1);
        assert_eq!((mono(5) + Span::from_nanos(u64::MAX)).as_nanos(), u64::MAX - 1);
    }

    #[test]
    fn a_reading_within_a_millisecond_does_not_move_the_line() {
        let start = Now { mono: mono(0), wall: wall(1_000) };
        let mut line = Timeline::through(start);
        assert!(!line.read(Now { mono: mono(1_999_999), wall: wall(1_002) }));
        assert_eq!(line.wall_at(mono(1_999_999)), wall(1_001));
    }

    #[test]
    fn a_step_moves_the_line() {
        let mut line = Timeline::through(Now { mono: mono(0), wall: wall(1_000) });
        assert!(line.read(Now { mono: mono(5_000_000), wall: wall(3_601_005) }));
        assert_eq!(line.wall_at(mono(6_000_000)), wall(3_601_006));
        assert_eq!(line.mono_at(wall(3_601_006)), mono(6_000_000));
    }

    #[test]
    fn what_a_step_makes_due_is_due_since_it_was_read() {
        let mut line = Timeline::through(Now { mono: mono(0), wall: wall(1_000) });
        let now = mono(50_000_000);
        line.read(Now { mono: now, wall: wall(100_000) });
        assert_eq!(line.due_since(wall(99_000), now), now, "by the old line it was not due yet");
        assert_eq!(line.due_since(wall(1_020), now), mono(20_000_000), "it was due before the step");
        line.read(Now { mono: mono(60_000_000), wall: wall(100_010) });
        assert_eq!(line.due_since(wall(100_004), mono(60_000_000)), mono(54_000_000), "no step since");
    }

    #[test]
    fn the_instant_of_a_wall_time_shows_that_wall_time() {
        let line = Timeline::through(Now { mono: mono(12_345_678), wall: wall(77) });
        for point in [70, 77, 78, 10_000].map(wall) {
            assert_eq!(line.wall_at(line.mono_at(point)), point);
        }
    }

    #[test]
    fn spans_print_in_their_largest_exact_unit() {
        let shown: Vec<String> = [0, 1, 1_500_000_000, 30_000_000_000, 7_200_000_000_000]
            .map(|n| Span::from_nanos(n).to_string())
            .into();
        assert_eq!(shown, ["0s", "1ns", "1500ms", "30s", "2h"]);
    }
}
