//! What an expression means, from the definition and one value at a time: slow, and with nothing of the core in it.

use jiff::civil::{Date, Weekday};

/// The fields of an expression.
#[derive(Debug)]
pub struct Reading<'a> {
    second: &'a str,
    minute: &'a str,
    hour: &'a str,
    day: &'a str,
    month: &'a str,
    weekday: &'a str,
    both: bool,
}

const NAMES: [(&str, u32); 19] = [
    ("JAN", 1),
    ("FEB", 2),
    ("MAR", 3),
    ("APR", 4),
    ("MAY", 5),
    ("JUN", 6),
    ("JUL", 7),
    ("AUG", 8),
    ("SEP", 9),
    ("OCT", 10),
    ("NOV", 11),
    ("DEC", 12),
    ("SUN", 0),
    ("MON", 1),
    ("TUE", 2),
    ("WED", 3),
    ("THU", 4),
    ("FRI", 5),
    ("SAT", 6),
];

impl<'a> Reading<'a> {
    /// Reads an expression in capitals.
    ///
    /// # Panics
    /// When it does not have five or six fields.
    #[must_use]
    pub fn of(expression: &'a str) -> Self {
        let parts: Vec<&str> = expression.split_whitespace().collect();
        let (second, rest) = if parts.len() == 6 { (parts[0], &parts[1..]) } else { ("0", &parts[..]) };
        let both = rest[4].starts_with('+');
        let weekday = rest[4].trim_start_matches('+');
        Self { second, minute: rest[0], hour: rest[1], day: rest[2], month: rest[3], weekday, both }
    }

    /// Reads an expression, if it has nothing in it that is beyond this reading.
    #[must_use]
    pub fn known(expression: &'a str) -> Option<Self> {
        if !(5..=6).contains(&expression.split_whitespace().count()) {
            return None;
        }
        let reading = Self::of(expression);
        let plain = [reading.second, reading.minute, reading.hour, reading.month];
        let all = plain.iter().all(|field| field.split(',').all(is_plain))
            && reading
                .day
                .split(',')
                .all(|item| matches!(item, "L" | "LW") || is_plain(item.trim_end_matches('W')))
            && reading.weekday.split(',').all(|item| {
                let item = item.split_once('#').map_or(item, |(item, _)| item);
                is_plain(item.strip_suffix('L').unwrap_or(item))
            });
        all.then_some(reading)
    }

    /// Whether a time of day is meant.
    #[must_use]
    pub fn means_time(&self, hour: u32, minute: u32, second: u32) -> bool {
        has(self.hour, hour, 0) && has(self.minute, minute, 0) && has(self.second, second, 0)
    }

    /// Whether a date is meant.
    #[must_use]
    pub fn means_date(&self, date: Date) -> bool {
        let month = u32::from(date.month().unsigned_abs());
        let (by_month, by_week) = (self.by_month(date), self.by_week(date));
        let (any_day, any_weekday) = (is_star(self.day), is_star(self.weekday));
        has(self.month, month, 1)
            && match (any_day, any_weekday) {
                (true, true) => true,
                (true, false) => by_week,
                (false, true) => by_month,
                (false, false) if self.both => by_month && by_week,
                (false, false) => by_month || by_week,
            }
    }

    /// Whether every hour is meant.
    #[must_use]
    pub fn is_hourly(&self) -> bool {
        (0..24).all(|hour| has(self.hour, hour, 0))
    }

    fn by_month(&self, date: Date) -> bool {
        let works = |date: Date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let of_month =
            |day: u32| i8::try_from(day).ok().and_then(|day| Date::new(date.year(), date.month(), day).ok());
        self.day.split(',').any(|item| match item {
            "L" => date == date.last_of_month(),
            "LW" => {
                works(date)
                    && (date.day() + 1..=date.days_in_month())
                        .all(|day| of_month(day.unsigned_abs().into()).is_none_or(|later| !works(later)))
            }
            item => match item.strip_suffix('W') {
                // Of the month's weekdays the one that is least far away.
                Some(day) => of_month(number(day)).is_some_and(|wanted| {
                    let far = |date: Date| (date.day() - wanted.day()).unsigned_abs();
                    let weekdays = (1..=31).filter_map(of_month).filter(|date| works(*date));
                    weekdays.min_by_key(|date| far(*date)) == Some(date)
                }),
                None => has(item, date.day().unsigned_abs().into(), 1),
            },
        })
    }

    fn by_week(&self, date: Date) -> bool {
        let is = |item: &str| {
            let weekday = u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs());
            has(item, weekday, 0) || weekday == 0 && has(item, 7, 0)
        };
        let is_last = date.day() + 7 > date.days_in_month();
        self.weekday.split(',').any(|item| match item.split_once('#') {
            Some((item, "L")) => is(item) && is_last,
            Some((item, nth)) => {
                is(item) && u32::from((date.day().unsigned_abs() - 1) / 7 + 1) == number(nth)
            }
            None => match item.strip_suffix('L') {
                Some(item) => is(item) && is_last,
                None => is(item),
            },
        })
    }
}

/// A number, a range that rises, or a star; a step after the last two.
fn is_plain(item: &str) -> bool {
    let known = |text: &str| {
        NAMES.iter().any(|(name, _)| *name == text)
            || !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
    };
    let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
    let steps = step.is_none_or(|step| known(step) && number(step) > 0);
    match range.split_once('-') {
        Some((from, to)) => steps && known(from) && known(to) && (to == "SUN" || number(from) <= number(to)),
        None => steps && (is_star(range) || step.is_none() && known(range)),
    }
}

fn is_star(field: &str) -> bool {
    field == "*" || field == "?"
}

fn number(text: &str) -> u32 {
    let named = NAMES.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    named.unwrap_or_else(|| text.parse().expect("a number"))
}

/// Whether a list of numbers, ranges and steps has a number.
fn has(field: &str, value: u32, low: u32) -> bool {
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').map_or((item, 1), |(range, step)| (range, number(step)));
        if is_star(range) {
            // Seven is another name for Sunday, not an eighth day.
            return value.checked_sub(low).is_some_and(|far| far.is_multiple_of(step));
        }
        let (from, to) = match range.split_once('-') {
            Some((from, "SUN")) => (number(from), 7),
            Some((from, to)) => (number(from), number(to)),
            None => (number(range), number(range)),
        };
        (from..=to).contains(&value) && (value - from).is_multiple_of(step)
    })
}
