//! `begins`: what the wall clock shows when a world begins.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use sametick_core::time::Wall;

use super::WORLD_BEGINS;
use super::error::ScenarioError;
use super::read::Table;

/// Years in which the oracle of due times and the rules of zones say the same, with room for a world at both ends.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=2199;

pub(super) fn begins(top: &mut Table<'_>) -> Result<Wall, ScenarioError> {
    let Some((text, at)) = top.text("begins")? else { return Ok(WORLD_BEGINS) };
    let Some(instant) = instant(text) else {
        let what = match (text.parse::<DateTime>().is_ok(), text.contains('[')) {
            (true, true) => "`begins` names a zone that there is not",
            (true, false) => "`begins` names no zone",
            (false, _) => "`begins` is no point in time",
        };
        let fix =
            "write begins = \"2026-03-29T00:30:00Z\", or with a zone \"2026-03-29T01:30:00[Europe/Berlin]\"";
        return Err(top.wrong(at, what, fix));
    };
    let in_utc = TimeZone::UTC.to_datetime(instant);
    if !YEARS.contains(&in_utc.year()) || instant.subsec_nanosecond() % 1_000_000 != 0 {
        let fix = format!("write a whole millisecond of the years {} to {}", YEARS.start(), YEARS.end());
        return Err(top.wrong(at, "no world begins then", fix));
    }
    Ok(Wall::from_millis(instant.as_millisecond()))
}

/// With an offset, `Z` included, or with a zone in brackets.
fn instant(text: &str) -> Option<Timestamp> {
    match text.parse::<Timestamp>() {
        Ok(instant) if !text.contains('[') => Some(instant),
        Ok(_) | Err(_) => text.parse::<ZonedDateTime>().ok().map(|zoned| zoned.timestamp()),
    }
}
