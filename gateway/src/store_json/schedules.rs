//! A job's `schedule`: `at`, `every` and `cron`, as the field writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use sametick_core::schedule::Schedule;
use sametick_core::time::Wall;
use serde_json::{Value, json};

use super::cron;
use super::fields::{Fields, whole};

/// What a time is to be written like.
const A_TIME: &str = "write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970";

/// The fields of a schedule; all others are somebody else's.
pub(crate) const FIELDS: &[&str] = &[
    "kind",
    "at",
    "atMs",
    "everyMs",
    "anchorMs",
    "expr",
    "tz",
    "staggerMs",
    "staggerOffsetMs",
    "gap",
    "repeated",
];

/// Reads the schedule of the job of an id.
pub(crate) fn read(job: &Fields<'_>, id: &str) -> Result<Schedule, String> {
    let schedule = job.inside("schedule")?;
    let kinds = [("at", 0), ("every", 1), ("cron", 2)];
    match schedule.word("kind", &kinds)? {
        Some(0) => at(&schedule).map(Schedule::At),
        Some(1) => every(&schedule, job),
        Some(_) => cron::read(&schedule, id).map(Schedule::Cron),
        None => Err(schedule.missing("kind", "write one of \"at\", \"every\", \"cron\"")),
    }
}

/// A time as a text or as milliseconds; releases before 2026.4 wrote `atMs`.
fn at(schedule: &Fields<'_>) -> Result<Wall, String> {
    let field = if schedule.value("at").is_some() { "at" } else { "atMs" };
    let value = schedule.value(field).ok_or_else(|| schedule.missing("at", A_TIME))?;
    let millis = if let Some(text) = value.as_str() {
        let why = |error| format!("{}: {error}; {A_TIME}", schedule.path(field));
        instant(text.trim()).map_err(why)?
    } else {
        whole(value)
            .and_then(|millis| i64::try_from(millis).ok())
            .ok_or_else(|| schedule.wrong(field, value, A_TIME))?
    };
    Ok(Wall::from_millis(millis))
}

/// As the field reads it: digits are milliseconds, and what names no offset is in UTC.
fn instant(text: &str) -> Result<i64, String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| format!("{text:?} is beyond 64 bits"));
    }
    let with_offset = text.parse::<Timestamp>();
    let found = with_offset.or_else(|error| {
        let civil: DateTime = text.parse().map_err(|_| error)?;
        Offset::UTC.to_timestamp(civil)
    });
    found.map(Timestamp::as_millisecond).map_err(|error| format!("{text:?} is no time: {error}"))
}

fn every(schedule: &Fields<'_>, job: &Fields<'_>) -> Result<Schedule, String> {
    let fix = "write a whole number of milliseconds above 0";
    let every_ms = schedule.value("everyMs").ok_or_else(|| schedule.missing("everyMs", fix))?;
    let fits = whole(every_ms).and_then(|every| u64::try_from(every).ok()).filter(|every| *every > 0);
    let every_ms = fits.ok_or_else(|| schedule.wrong("everyMs", every_ms, fix))?;
    let time = |fields: &Fields<'_>, field| match fields.value(field) {
        None => Ok(None),
        Some(value) => match whole(value).and_then(|millis| i64::try_from(millis).ok()) {
            Some(millis) => Ok(Some(millis)),
            None => Err(fields.wrong(field, value, "write milliseconds since 1970")),
        },
    };
    let anchor = match time(schedule, "anchorMs")? {
        Some(anchor) => anchor,
        None => time(job, "createdAtMs")?.unwrap_or(0),
    };
    Ok(Schedule::Every { every_ms, anchor: Wall::from_millis(anchor) })
}

/// A schedule that reads back as it is.
pub(crate) fn write(schedule: Schedule) -> Value {
    match schedule {
        Schedule::At(at) => match Timestamp::from_millisecond(at.as_millis()) {
            Ok(at) => json!({ "kind": "at", "at": at.to_string() }),
            // Outside the years RFC 3339 knows.
            Err(_) => json!({ "kind": "at", "at": at.as_millis() }),
        },
        Schedule::Every { every_ms, anchor } => {
            json!({ "kind": "every", "everyMs": every_ms, "anchorMs": anchor.as_millis() })
        }
        Schedule::Cron(cron) => cron::write(cron),
    }
}
