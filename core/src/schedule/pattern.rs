//! What an expression says of civil time, as sets of bits.

use std::fmt;
use std::ops::RangeInclusive;

use super::civil::{DAY, date_of, days_of, month_length, weekday};

/// Which civil seconds an expression means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pattern {
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    /// Days of the month, from bit 1.
    pub(super) days: u64,
    /// Days of the month whose nearest weekday is meant, from bit 1.
    pub(super) nearest: u64,
    /// The last day of the month.
    pub(super) last_day: bool,
    /// The last day of the month that is no Saturday or Sunday.
    pub(super) last_weekday: bool,
    /// Months, from bit 1.
    pub(super) months: u64,
    /// Days of the week, Sunday first.
    pub(super) weekdays: u64,
    /// The nth of a weekday in its month: seven bits for the first, seven for the second, ... five in all, and
    /// then seven for the last.
    pub(super) nth: u64,
    pub(super) rule: DayRule,
}

/// How days of the month and days of the week go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum DayRule {
    /// Both fields are wildcards: every day.
    Every,
    /// The day of the week is a wildcard.
    ByMonth,
    /// The day of the month is a wildcard.
    ByWeek,
    /// Either of the two is enough.
    Either,
    /// It takes both.
    Both,
}

/// The place of the last weekdays among the seven-bit groups of `nth`.
pub(super) const LAST: u32 = 5;

/// A day, and the same weekday of the weeks after it.
const WEEKLY: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;

/// The bits of a range.
pub(super) fn bits(range: RangeInclusive<u32>) -> u64 {
    range.fold(0, |bits, bit| bits | 1 << bit)
}

/// The places of the bits that are set, rising.
fn places(mut bits: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros())?;
        bits &= bits - 1;
        Some(place)
    })
}

/// The first bit at or after a place.
fn first_from(bits: u64, place: u32) -> Option<u32> {
    let rest = bits & u64::MAX.checked_shl(place).unwrap_or(0);
    (rest != 0).then(|| rest.trailing_zeros())
}

impl Pattern {
    /// The first civil second that is meant in `from..until`, both counted as if civil time were UTC.
    pub(super) fn first(&self, from: i64, until: i64) -> Option<i64> {
        let (day, second) = (from.div_euclid(DAY), from.rem_euclid(DAY));
        let last_day = (until - 1).div_euclid(DAY);
        let today = self.means_day(day).then(|| self.first_of_day(second)).flatten();
        let found = match today {
            Some(second) => day * DAY + second,
            None => self.first_day(day + 1, last_day)? * DAY + self.first_of_day(0)?,
        };
        (found < until).then_some(found)
    }

    /// How many civil seconds are meant in `from..until`.
    pub(super) fn count(&self, from: i64, until: i64) -> u64 {
        if from >= until {
            return 0;
        }
        let (first, last) = (from.div_euclid(DAY), until.div_euclid(DAY));
        let a_day =
            u64::from(self.seconds.count_ones() * self.minutes.count_ones() * self.hours.count_ones());
        let before = |day: i64, second: i64| if self.means_day(day) { self.before(second) } else { 0 };
        self.days_between(first, last) * a_day + before(last, until.rem_euclid(DAY))
            - before(first, from.rem_euclid(DAY))
    }

    /// The same for whole minutes, and how many seconds each of them has.
    pub(super) fn by_minutes(self) -> (Self, u64) {
        (Self { seconds: 1, ..self }, u64::from(self.seconds.count_ones()))
    }

    /// Whether any date there is can be meant. Dates repeat after 400 years.
    pub(super) fn means_a_date(&self) -> bool {
        (2000..2400).any(|year| (1..=12).any(|month| self.days_in(year, month) != 0))
    }

    /// Whether its hours are every hour.
    pub(super) fn is_hourly(&self) -> bool {
        self.hours == bits(0..=23)
    }

    /// The first second of a day that is meant, at or after one.
    fn first_of_day(&self, from: i64) -> Option<i64> {
        // A second of a day is below 86,400.
        let from = from as u32;
        let (hour, minute, second) = (from / 3_600, from / 60 % 60, from % 60);
        let time = |hour: u32, minute: u32, second: u32| i64::from(hour * 3_600 + minute * 60 + second);
        let (first_minute, first_second) = (first_from(self.minutes, 0)?, first_from(self.seconds, 0)?);
        if self.hours & 1 << hour != 0 {
            if self.minutes & 1 << minute != 0
                && let Some(second) = first_from(self.seconds, second)
            {
                return Some(time(hour, minute, second));
            }
            if let Some(minute) = first_from(self.minutes, minute + 1) {
                return Some(time(hour, minute, first_second));
            }
        }
        first_from(self.hours, hour + 1).map(|hour| time(hour, first_minute, first_second))
    }

    /// How many seconds of a day before one are meant.
    fn before(&self, second: i64) -> u64 {
        let second = second as u32;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let below = |bits: u64, place: u32| u64::from((bits & ((1 << place) - 1)).count_ones());
        let (seconds, minutes) = (u64::from(self.seconds.count_ones()), u64::from(self.minutes.count_ones()));
        let mut count = below(self.hours, hour) * minutes * seconds;
        if self.hours & 1 << hour != 0 {
            count += below(self.minutes, minute) * seconds;
            if self.minutes & 1 << minute != 0 {
                count += below(self.seconds, second);
            }
        }
        count
    }

    fn means_day(&self, day: i64) -> bool {
        let (year, month, day) = date_of(day);
        self.days_in(year, month) & 1 << day != 0
    }

    /// The first day that is meant in `from..=to`.
    fn first_day(&self, from: i64, to: i64) -> Option<i64> {
        let (mut year, mut month, mut day) = date_of(from);
        while days_of(year, month, 1) <= to {
            if let Some(day) = first_from(self.days_in(year, month), day) {
                return Some(days_of(year, month, day));
            }
            day = 1;
            (year, month) = match first_from(self.months, month + 1) {
                Some(month) => (year, month),
                None => (year + 1, first_from(self.months, 1)?),
            };
        }
        None
    }

    /// How many days are meant in `from..to`.
    fn days_between(&self, from: i64, to: i64) -> u64 {
        let ((mut year, mut month, mut day), (last_year, last_month, end)) = (date_of(from), date_of(to));
        let mut count = 0;
        loop {
            let mut days = self.days_in(year, month) & u64::MAX << day;
            let is_last = (year, month) == (last_year, last_month);
            if is_last {
                days &= (1 << end) - 1;
            }
            count += u64::from(days.count_ones());
            if is_last {
                return count;
            }
            day = 1;
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
    }

    /// The days of one month that are meant, from bit 1.
    fn days_in(&self, year: i64, month: u32) -> u64 {
        if self.months & 1 << month == 0 {
            return 0;
        }
        let length = month_length(year, month);
        let first = weekday(days_of(year, month, 1));
        let meant = match self.rule {
            DayRule::Every => u64::MAX,
            DayRule::ByMonth => self.by_month(length, first),
            DayRule::ByWeek => self.by_week(length, first),
            DayRule::Either => self.by_month(length, first) | self.by_week(length, first),
            DayRule::Both => self.by_month(length, first) & self.by_week(length, first),
        };
        meant & bits(1..=length)
    }

    /// What the day of the month says of a month of this length whose first is this weekday.
    fn by_month(&self, length: u32, first: u32) -> u64 {
        let mut days = self.days;
        if self.last_day {
            days |= 1 << length;
        }
        if self.last_weekday {
            days |= 1
                << match (first + length - 1) % 7 {
                    6 => length - 1,
                    0 => length - 2,
                    _ => length,
                };
        }
        for day in places(self.nearest).filter(|day| *day <= length) {
            // The nearest weekday is never in another month.
            days |= 1
                << match (first + day - 1) % 7 {
                    6 if day == 1 => 3,
                    6 => day - 1,
                    0 if day == length => day - 2,
                    0 => day + 1,
                    _ => day,
                };
        }
        days
    }

    /// What the day of the week says of a month of this length whose first is this weekday.
    fn by_week(&self, length: u32, first: u32) -> u64 {
        let first_of = |weekday: u32| 1 + (weekday + 7 - first) % 7;
        let mut days = 0;
        for weekday in places(self.weekdays) {
            days |= WEEKLY << first_of(weekday);
        }
        for place in places(self.nth) {
            let (nth, first) = (place / 7, first_of(place % 7));
            let weeks = if nth == LAST { (length - first) / 7 } else { nth };
            days |= 1 << (first + 7 * weeks);
        }
        days
    }
}

impl fmt::Display for Pattern {
    /// An expression that means the same: with seconds if they are anything but 0.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds != 1 {
            write!(out, "{} ", list(self.seconds, 0..=59, Vec::new()))?;
        }
        write!(out, "{} {} ", list(self.minutes, 0..=59, Vec::new()), list(self.hours, 0..=23, Vec::new()))?;
        let mut days: Vec<String> = places(self.nearest).map(|day| format!("{day}W")).collect();
        days.extend(self.last_day.then(|| "L".to_owned()));
        days.extend(self.last_weekday.then(|| "LW".to_owned()));
        match self.rule {
            DayRule::Every | DayRule::ByWeek => out.write_str("*")?,
            // Every day by name is not a wildcard: see how it goes together with the day of the week.
            DayRule::ByMonth | DayRule::Either | DayRule::Both => {
                out.write_str(&list(self.days, 1..=31, days).replace('*', "1-31"))?;
            }
        }
        write!(out, " {} ", list(self.months, 1..=12, Vec::new()))?;
        let nth = places(self.nth).map(|place| match (place / 7, place % 7) {
            (LAST, weekday) => format!("{weekday}L"),
            (nth, weekday) => format!("{weekday}#{}", nth + 1),
        });
        match self.rule {
            DayRule::Every | DayRule::ByMonth => out.write_str("*"),
            DayRule::ByWeek | DayRule::Either | DayRule::Both => {
                let plus = if self.rule == DayRule::Both { "+" } else { "" };
                write!(out, "{plus}{}", list(self.weekdays, 0..=6, nth.collect()).replace('*', "0-6"))
            }
        }
    }
}

/// Bits as a list of numbers and ranges, followed by what else there is.
fn list(set: u64, all: RangeInclusive<u32>, more: Vec<String>) -> String {
    if set == bits(all) {
        return "*".to_owned();
    }
    let (mut parts, mut rest) = (Vec::new(), set);
    while rest != 0 {
        let low = rest.trailing_zeros();
        let length = (rest >> low).trailing_ones();
        rest &= u64::MAX << (low + length);
        parts.push(match length {
            1 => low.to_string(),
            2 => format!("{low},{}", low + 1),
            _ => format!("{low}-{}", low + length - 1),
        });
    }
    parts.extend(more);
    parts.join(",")
}
