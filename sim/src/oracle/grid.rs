//! A zone's clock, read at every minute (or second) of a time: what it shows, what it shows twice, what it never
//! shows.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sametick_core::schedule::{Gap, Repeated};

use super::reading::Reading;

/// One reading after another.
#[derive(Debug)]
pub struct Grid {
    /// The first instant, in seconds since the epoch.
    from: i64,
    /// Seconds between two readings.
    unit: i64,
    /// What the clock shows, in units since the epoch as if it stood in UTC.
    shows: Vec<i64>,
    /// Whether it shows the same once more, before or after.
    shown_before: Vec<bool>,
    shown_after: Vec<bool>,
    /// What it never shows, with the reading at which it would, had it gone on as it went.
    never: Vec<(usize, i64)>,
    first_day: i64,
    days: Vec<Date>,
}

/// The instants at which each policy makes an expression due, in seconds, by [`POLICIES`].
pub type DueByPolicy = [Vec<i64>; 6];

/// All policies.
pub const POLICIES: [(Gap, Repeated); 6] = [
    (Gap::Shifted, Repeated::First),
    (Gap::Shifted, Repeated::Last),
    (Gap::Shifted, Repeated::Both),
    (Gap::Skipped, Repeated::First),
    (Gap::Skipped, Repeated::Last),
    (Gap::Skipped, Repeated::Both),
];

impl Grid {
    /// Reads the clock of a zone at every unit of `from..to`, all in seconds; a unit is a second or a minute.
    ///
    /// # Panics
    /// When there is no such zone, or no instant between `from` and `to`.
    #[must_use]
    pub fn read(zone: &str, from: i64, to: i64, unit: i64) -> Self {
        let zone = TimeZone::get(zone).expect("a zone");
        let mut shows = Vec::new();
        for at in (from..to).step_by(usize::try_from(unit).expect("small")) {
            let offset = zone.to_offset(Timestamp::from_second(at).expect("in range")).seconds();
            shows.push((at + i64::from(offset)).div_euclid(unit));
        }
        let low = *shows.iter().min().expect("a reading");
        let high = *shows.iter().max().expect("a reading");
        let place = |shown: i64| usize::try_from(shown - low).expect("not before the first");
        let mut times = vec![0u8; place(high) + 1];
        let mut shown_before = Vec::new();
        for shown in &shows {
            shown_before.push(times[place(*shown)] > 0);
            times[place(*shown)] += 1;
        }
        let shown_after =
            shows.iter().zip(&shown_before).map(|(shown, before)| !before && times[place(*shown)] > 1);
        let shown_after = shown_after.collect();
        let mut never = Vec::new();
        for (at, pair) in shows.windows(2).enumerate() {
            let jumped = (pair[0] + 1..pair[1]).enumerate();
            never
                .extend(jumped.map(|(far, shown)| (at + 1 + far, shown)).filter(|(at, _)| *at < shows.len()));
        }
        let a_day = 86_400 / unit;
        let first_day = low.div_euclid(a_day);
        let date = |day: i64| {
            TimeZone::UTC.to_datetime(Timestamp::from_second(day * 86_400).expect("in range")).date()
        };
        let days = (first_day..=high.div_euclid(a_day)).map(date).collect();
        Self { from, unit, shows, shown_before, shown_after, never, first_day, days }
    }

    /// The instants at which the clock jumps, either way.
    #[must_use]
    pub fn jumps(&self) -> Vec<i64> {
        let jumps = self.shows.windows(2).enumerate().filter(|(_, pair)| pair[1] - pair[0] != 1);
        jumps.map(|(at, _)| self.instant(at + 1)).collect()
    }

    /// Decides for every reading whether the expression is due at it.
    ///
    /// # Panics
    /// When the expression is not one that [`Reading`] knows.
    #[must_use]
    pub fn due(&self, expression: &str) -> DueByPolicy {
        let reading = Reading::of(expression);
        let dates: Vec<bool> = self.days.iter().map(|date| reading.means_date(*date)).collect();
        let times: Vec<bool> = (0..86_400 / self.unit)
            .map(|place| {
                let second = u32::try_from(place * self.unit).expect("of a day");
                reading.means_time(second / 3_600, second / 60 % 60, second % 60)
            })
            .collect();
        let a_day = 86_400 / self.unit;
        let means = |shown: i64| {
            let (day, time) = (shown.div_euclid(a_day) - self.first_day, shown.rem_euclid(a_day));
            dates[usize::try_from(day).expect("a day")] && times[usize::try_from(time).expect("a time")]
        };
        let mut shifted = self.never.iter().filter(|(_, shown)| means(*shown)).map(|(at, _)| *at).peekable();
        let mut due = DueByPolicy::default();
        for (at, shown) in self.shows.iter().enumerate() {
            let is_shifted = shifted.next_if_eq(&at).is_some();
            let is_shown = means(*shown);
            if !is_shown && !is_shifted {
                continue;
            }
            for ((gap, repeated), due) in POLICIES.iter().zip(&mut due) {
                let pass = match repeated {
                    Repeated::First => !self.shown_before[at],
                    Repeated::Last => !self.shown_after[at],
                    Repeated::Both => true,
                };
                if is_shown && pass || is_shifted && *gap == Gap::Shifted {
                    due.push(self.instant(at));
                }
            }
        }
        due
    }

    fn instant(&self, at: usize) -> i64 {
        self.from + i64::try_from(at).expect("small") * self.unit
    }

    /// The first instant, and the first after the last.
    #[must_use]
    pub fn ends(&self) -> (i64, i64) {
        (self.from, self.instant(self.shows.len()))
    }
}
