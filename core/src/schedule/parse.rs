//! From the text of an expression to its bits.

use super::error::{CronError, CronPart};
use super::pattern::{DayRule, LAST, Pattern, bits};

/// One field: what it is called, what may stand in it, and what its numbers are called.
struct Field {
    part: CronPart,
    low: u32,
    /// The last number there is. A step counts up to it.
    high: u32,
    /// The last number that may be written: Sunday is 0 and 7.
    highest: u32,
    /// Names for numbers from `low` on.
    names: &'static [&'static str],
}

const SECOND: Field = Field { part: CronPart::Second, low: 0, high: 59, highest: 59, names: &[] };
const MINUTE: Field = Field { part: CronPart::Minute, ..SECOND };
const HOUR: Field = Field { part: CronPart::Hour, high: 23, highest: 23, ..SECOND };
const DAY: Field = Field { part: CronPart::DayOfMonth, low: 1, high: 31, highest: 31, names: &[] };
const MONTH: Field = Field {
    part: CronPart::Month,
    low: 1,
    high: 12,
    highest: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const WEEKDAY: Field = Field {
    part: CronPart::DayOfWeek,
    low: 0,
    high: 6,
    highest: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};

const NICKNAMES: [(&str, &str); 7] = [
    ("@YEARLY", "0 0 1 1 *"),
    ("@ANNUALLY", "0 0 1 1 *"),
    ("@MONTHLY", "0 0 1 * *"),
    ("@WEEKLY", "0 0 * * 0"),
    ("@DAILY", "0 0 * * *"),
    ("@MIDNIGHT", "0 0 * * *"),
    ("@HOURLY", "0 * * * *"),
];

/// Reads an expression.
pub(super) fn pattern(text: &str) -> Result<Pattern, CronError> {
    let text = text.to_ascii_uppercase();
    let fields = fields(&text)?;
    let [second, minute, hour, day, month, weekday] = fields;
    let mut pattern = Pattern {
        seconds: numbers(&SECOND, second)?,
        minutes: numbers(&MINUTE, minute)?,
        hours: numbers(&HOUR, hour)?,
        days: 0,
        nearest: 0,
        last_day: false,
        last_weekday: false,
        months: numbers(&MONTH, month)?,
        weekdays: 0,
        nth: 0,
        rule: DayRule::Every,
    };
    days(&mut pattern, day)?;
    let (both, weekday) = weekday.strip_prefix('+').map_or((false, weekday), |rest| (true, rest));
    weekdays(&mut pattern, weekday)?;
    pattern.rule = match (is_wildcard(day), is_wildcard(weekday)) {
        (true, true) => DayRule::Every,
        (false, true) => DayRule::ByMonth,
        (true, false) => DayRule::ByWeek,
        (false, false) if both => DayRule::Both,
        (false, false) => DayRule::Either,
    };
    // Two texts that mean the same are the same bits.
    match pattern.rule {
        DayRule::Every => (pattern.days, pattern.weekdays) = (0, 0),
        DayRule::ByMonth => pattern.weekdays = 0,
        DayRule::ByWeek => pattern.days = 0,
        DayRule::Either | DayRule::Both => {}
    }
    if pattern.means_a_date() {
        Ok(pattern)
    } else {
        let what =
            format!("no year has the date that day {day:?}, month {month:?}, weekday {weekday:?} means");
        Err(CronError::new(CronPart::DayOfMonth, what, "write a day that one of the months has"))
    }
}

/// Whether an expression is due at the top of an hour whose field is a wildcard: what the field staggers.
pub(super) fn is_top_of_hour(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    fields(&text).is_ok_and(|[second, minute, hour, ..]| {
        second == "0" && minute == "0" && hour.split(',').any(|part| part.starts_with(['*', '?']))
    })
}

/// The six fields; the second is 0 unless it is written.
fn fields(text: &str) -> Result<[&str; 6], CronError> {
    let wrong = |what: String, fix: &str| CronError::new(CronPart::Expression, what, fix);
    let text = match text.trim() {
        text if text.starts_with('@') => {
            let found = NICKNAMES.iter().find(|(nickname, _)| *nickname == text);
            let what = || format!("there is no nickname {:?}", text.to_ascii_lowercase());
            let fix = "write @yearly, @monthly, @weekly, @daily or @hourly, or five fields";
            found.ok_or_else(|| wrong(what(), fix))?.1
        }
        text => text,
    };
    let fields: Vec<&str> = text.split_whitespace().collect();
    match fields[..] {
        [minute, hour, day, month, weekday] => Ok(["0", minute, hour, day, month, weekday]),
        [second, minute, hour, day, month, weekday] => Ok([second, minute, hour, day, month, weekday]),
        [] => Err(wrong(
            "the expression is empty".to_owned(),
            "write minute, hour, day of month, month, day of week, such as \"0 9 * * *\"",
        )),
        [_, _, _, _, _, _, _] => Err(wrong(
            "the expression has 7 fields, and years are not scheduled".to_owned(),
            "take the year, the last field, out",
        )),
        _ => Err(wrong(
            format!("the expression has {} fields", fields.len()),
            "write five (minute, hour, day of month, month, day of week), or six with the second in front",
        )),
    }
}

fn is_wildcard(text: &str) -> bool {
    matches!(text, "*" | "?")
}

/// A field of numbers, ranges and steps.
fn numbers(field: &Field, text: &str) -> Result<u64, CronError> {
    text.split(',').try_fold(0, |set, item| Ok(set | field.item(item)?))
}

/// The day of the month, which has `L`, `LW` and `15W` besides.
fn days(pattern: &mut Pattern, text: &str) -> Result<(), CronError> {
    for item in text.split(',') {
        match item {
            "L" => pattern.last_day = true,
            "LW" => pattern.last_weekday = true,
            item => match item.strip_suffix('W') {
                Some(day) => {
                    let fix = "W stands behind one day, as in 15W, or in LW, the last weekday of the month";
                    let day = DAY.number(day).map_err(|error| CronError { fix: fix.to_owned(), ..error })?;
                    pattern.nearest |= 1 << day;
                }
                None => pattern.days |= DAY.item(item)?,
            },
        }
    }
    Ok(())
}

/// The day of the week, which has `5#2`, `5#L` and `5L` besides.
fn weekdays(pattern: &mut Pattern, text: &str) -> Result<(), CronError> {
    for item in text.split(',') {
        let (days, nth) = match item.split_once('#') {
            Some((days, nth)) => (days, Some(nth_of(item, nth)?)),
            None if item == "L" => {
                let fix = "write which weekday: 5L is the last Friday of the month";
                return Err(WEEKDAY.wrong("L alone names no weekday".to_owned(), fix));
            }
            None => match item.strip_suffix('L') {
                Some(day) => (day, Some(LAST)),
                None => (item, None),
            },
        };
        let mut set = match nth {
            // Of a wildcard or a step there is no nth.
            Some(_) if days.starts_with(['*', '?']) || days.contains('/') => {
                return Err(
                    WEEKDAY.wrong(format!("{item:?} is not the nth of a weekday"), "write it as in 5#2")
                );
            }
            Some(_) | None => WEEKDAY.item(days)?,
        };
        set = set & bits(0..=6) | set >> 7;
        match nth {
            Some(nth) => pattern.nth |= set << (7 * nth),
            None => pattern.weekdays |= set,
        }
    }
    Ok(())
}

fn nth_of(item: &str, nth: &str) -> Result<u32, CronError> {
    match nth {
        "1" | "2" | "3" | "4" | "5" => Ok(u32::from(nth.as_bytes()[0] - b'1')),
        "L" => Ok(LAST),
        _ => {
            let fix = "write # and a number from 1 to 5, or #L for the last";
            Err(WEEKDAY.wrong(format!("a month has no such weekday as {item:?}"), fix))
        }
    }
}

impl Field {
    /// One item of a list: `*`, `5`, `1-5`, `*/10`, `1-30/10`.
    fn item(&self, item: &str) -> Result<u64, CronError> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(item, step)?)),
            None => (item, None),
        };
        let (low, high) = if is_wildcard(range) {
            (self.low, self.high)
        } else if let Some((low, high)) = range.split_once('-') {
            (self.number(low)?, self.end_of_range(high)?)
        } else if step.is_some() {
            let fix = if range.is_empty() {
                format!("write *{item}")
            } else {
                format!("write from where to where: {range}-{}{}", self.high, &item[range.len()..])
            };
            return Err(self.wrong(format!("the step {item:?} has no range"), fix));
        } else {
            let number = self.number(range)?;
            (number, number)
        };
        if low > high {
            let fix = format!("write both ends: {low}-{},{}-{high}", self.high, self.low);
            return Err(self.wrong(format!("the range {range:?} runs backwards"), fix));
        }
        let step = step.unwrap_or(1);
        Ok((low..=high).step_by(step).fold(0, |set, number| set | 1 << number))
    }

    fn step(&self, item: &str, step: &str) -> Result<usize, CronError> {
        let most = self.high - self.low + 1;
        match whole(step) {
            Some(step) if (1..=most).contains(&step) => Ok(step as usize),
            Some(_) | None => {
                Err(self.wrong(format!("{item:?} has no step"), format!("write a step from 1 to {most}")))
            }
        }
    }

    fn number(&self, text: &str) -> Result<u32, CronError> {
        let named = self.names.iter().position(|name| *name == text);
        let found = named.and_then(|place| u32::try_from(place).ok()).map(|place| self.low + place);
        match found.or_else(|| whole(text)) {
            Some(number) if (self.low..=self.highest).contains(&number) => Ok(number),
            Some(_) => {
                let fix = format!("write a number from {} to {}", self.low, self.highest);
                Err(self.wrong(format!("{text} is out of range"), fix))
            }
            None if text.is_empty() => {
                Err(self.wrong("a number is missing".to_owned(), "take the comma, dash or sign out"))
            }
            None => {
                let names = match self.names {
                    [] => String::new(),
                    [first, .., last] | [first @ last] => format!(", or a name from {first} to {last}"),
                };
                let fix = format!("write numbers from {} to {}{names}", self.low, self.highest);
                Err(self.wrong(format!("{text:?} is no number"), fix))
            }
        }
    }

    /// A range ends with Sunday, though a week begins with it.
    fn end_of_range(&self, text: &str) -> Result<u32, CronError> {
        if text == "SUN" && !self.names.is_empty() { Ok(self.highest) } else { self.number(text) }
    }

    fn wrong(&self, what: String, fix: impl Into<String>) -> CronError {
        CronError::new(self.part, what, fix)
    }
}

/// A whole number of up to four digits.
fn whole(text: &str) -> Option<u32> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
