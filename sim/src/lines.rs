//! By what line each gateway tells the wall time of an instant, from the rule in `docs/semantics.md` and with nothing of
//! the core in it: a reading that agrees with the line to within a millisecond does not move it.
//!
//! So records tell times that are up to a millisecond beside what the clocks showed, for as long as the gateway lives.

use educe::Educe;
use sametick_core::time::{Mono, Now, Span, Wall};

/// The lines of all gateways that a world has had.
#[derive(Educe, Debug, Default, PartialEq, Eq)]
#[educe(Clone)]
pub(crate) struct Lines(Vec<Line>);

/// A line, and from when on a gateway goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    epoch: u64,
    /// The reading it goes through.
    through: Now,
}

impl Lines {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// A gateway comes, and takes what the clocks show as it is.
    pub(crate) fn begin(&mut self, epoch: u64, now: Now) {
        self.0.push(Line { epoch, through: now });
    }

    /// A tick of a gateway reads the clocks. Says what it takes that for, and whether for a step.
    pub(crate) fn read(&mut self, epoch: u64, now: Now) -> (Now, bool) {
        let Some(line) = self.at(epoch, now.mono) else { return (now, false) };
        let taken = Now { wall: line.wall_at(now.mono), ..now };
        let steps = is_a_step(now.wall, taken.wall);
        if steps {
            self.begin(epoch, now);
        }
        (if steps { now } else { taken }, steps)
    }

    /// What a gateway goes by in its tick at an instant; nothing where nobody shows what it reads.
    pub(crate) fn at(&self, epoch: u64, at: Mono) -> Option<&Line> {
        self.0.iter().rev().find(|line| line.epoch == epoch && line.through.mono <= at)
    }

    /// A reading as the gateway takes it.
    pub(crate) fn taken(&self, epoch: u64, now: Now) -> Now {
        self.at(epoch, now.mono).map_or(now, |line| Now { wall: line.wall_at(now.mono), ..now })
    }

    /// What the wall clock shows at the origin, in the tick that reads `now`. A wall time of the record less this is the
    /// millisecond in which that was, or the one before.
    pub(crate) fn origin(&self, epoch: u64, now: Now) -> i64 {
        let Now { mono, wall } = self.at(epoch, now.mono).map_or(now, |line| line.through);
        wall.as_millis() - millis(mono)
    }
}

impl Line {
    /// Whether a reading disagrees with it by more than a millisecond.
    pub(crate) fn is_left_by(&self, now: Now) -> bool {
        is_a_step(now.wall, self.wall_at(now.mono))
    }

    /// What it shows at an instant that is not before it.
    fn wall_at(&self, at: Mono) -> Wall {
        let ahead = at.since(self.through.mono).as_millis();
        self.through.wall.plus_millis(i64::try_from(ahead).unwrap_or(i64::MAX))
    }
}

/// Whether a reading is further from the line than roundings are.
fn is_a_step(read: Wall, told: Wall) -> bool {
    (read - told).unsigned_abs() > 1
}

/// Wall times are whole milliseconds: what is reckoned from them is this much beside the truth at most.
pub(crate) const ROUNDING_MS: i64 = 2;

/// A span in whole milliseconds.
pub(crate) fn span_ms(span: Span) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Whole milliseconds since the world began.
pub(crate) fn millis(at: Mono) -> i64 {
    i64::try_from(at.as_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(nanos: u64, wall: i64) -> Now {
        Now { mono: Mono::from_nanos(nanos), wall: Wall::from_millis(wall) }
    }

    #[test]
    fn a_clock_put_back_by_a_millisecond_moves_no_line() {
        let mut lines = Lines::default();
        lines.begin(1, now(0, 500));
        assert_eq!(lines.read(1, now(7_000_000, 506)), (now(7_000_000, 507), false));
        assert_eq!(lines.taken(1, now(7_000_000, 506)), now(7_000_000, 507));
        assert_eq!(lines.origin(1, now(7_000_000, 506)), 500);
    }

    #[test]
    fn what_was_said_before_a_step_is_told_by_the_line_before() {
        let mut lines = Lines::default();
        lines.begin(1, now(0, 500));
        assert_eq!(lines.read(1, now(9_000_000, 511)), (now(9_000_000, 511), true));
        assert_eq!(lines.origin(1, now(8_000_000, 508)), 500);
        assert_eq!(lines.origin(1, now(9_000_000, 511)), 502);
    }

    #[test]
    fn each_gateway_has_a_line_of_its_own() {
        let mut lines = Lines::default();
        lines.begin(1, now(0, 500));
        lines.begin(2, now(3_500_000, 503));
        assert!(!lines.read(1, now(4_000_000, 505)).1, "a millisecond beside the line of the first");
        assert_eq!(lines.taken(2, now(4_400_000, 505)).wall, Wall::from_millis(503));
        assert!(lines.read(2, now(4_400_000, 505)).1, "and two beside that of the second");
    }
}
