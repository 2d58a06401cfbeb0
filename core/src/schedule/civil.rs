//! The calendar as whole numbers: days, dates and weekdays, without a clock or a zone.

/// Seconds in a civil day.
pub(super) const DAY: i64 = 86_400;

/// The Gregorian calendar repeats after 400 years, weekdays included.
pub(super) const CYCLE: i64 = 146_097 * DAY;

/// The first second that has occurrences: the year 1.
pub(super) const BEGINS: i64 = days_of(1, 1, 1) * DAY;

/// The second after the last that has occurrences: the year 10000.
pub(super) const ENDS: i64 = days_of(10_000, 1, 1) * DAY;

/// Days from 1970-01-01 to a date. The year is counted from March, so that a leap day is its last.
pub(super) const fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = ((month + 9) % 12) as i64;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as i64 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a day: year, month, day of the month.
pub(super) fn date_of(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // Both are below 32 by the arithmetic above.
    (year, month as u32, day as u32)
}

/// The weekday of a day, 0 for Sunday.
pub(super) const fn weekday(days: i64) -> u32 {
    (days + 4).rem_euclid(7) as u32
}

/// How many days a month has.
pub(super) const fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_has_one_date() {
        let (mut days, mut date) = (BEGINS / DAY, (1, 1, 1));
        while date.0 < 10_000 {
            assert_eq!((date_of(days), days_of(date.0, date.1, date.2)), (date, days));
            days += 1;
            date = match date {
                (year, 12, 31) => (year + 1, 1, 1),
                (year, month, day) if day == month_length(year, month) => (year, month + 1, 1),
                (year, month, day) => (year, month, day + 1),
            };
        }
        assert_eq!(days * DAY, ENDS);
    }

    #[test]
    fn the_epoch_was_a_thursday() {
        assert_eq!([weekday(0), weekday(-1), weekday(3)], [4, 3, 0]);
    }
}
