//! When a job is due: `at`, `every` with `from`, or `cron` with its zone and policies.

use std::ops::Range;
use std::sync::OnceLock;

use sametick_core::schedule::{Cron, CronError, CronPart, Gap, Repeated, Schedule, stagger};
use sametick_core::time::{Span, Wall};

use super::error::ScenarioError;
use super::read::Table;
use super::span::SpanRange;
use crate::oracle::Times;

/// Keys that say something of a `cron` and of nothing else.
const OF_CRON: [&str; 4] = ["zone", "gap", "repeated", "stagger"];

const GAPS: [(&str, Gap); 2] = [("shifted", Gap::Shifted), ("skipped", Gap::Skipped)];
const REPEATS: [(&str, Repeated); 3] =
    [("first", Repeated::First), ("last", Repeated::Last), ("both", Repeated::Both)];

/// The schedule of a job in a world that begins at an instant, and how far a seed may move it.
pub(super) fn schedule(
    table: &mut Table<'_>,
    name: &str,
    begins: Wall,
) -> Result<(Schedule, SpanRange), ScenarioError> {
    let once = table.spans("at")?;
    let every = table.span_of("every")?;
    let from = table.spans("from")?;
    let cron = table.text("cron")?.map(|(text, at)| (text.to_owned(), at));
    if cron.is_none() {
        no_keys_of_cron(table)?;
    }
    let wrong = |what: &str, fix: &str| table.wrong(table.span.clone(), what, fix);
    if every.is_none() && from.is_some() && (once.is_some() || cron.is_some()) {
        let beside = if once.is_some() { "at" } else { "cron" };
        let fix = "take `from` out: it says when the first of `every` is due";
        return Err(wrong(&format!("`from` has no meaning beside `{beside}`"), fix));
    }
    for range in [once, from].into_iter().flatten() {
        whole_millis(table, range)?;
    }
    let after = |span: Span| begins.plus_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
    match (once, every, cron) {
        (Some(at), None, None) => Ok((Schedule::At(after(at.low)), at)),
        (None, Some(every), None) if every.as_millis() > 0 => {
            let from = from.unwrap_or(SpanRange::exactly(every));
            Ok((Schedule::Every { every_ms: every.as_millis(), anchor: after(from.low) }, from))
        }
        (None, Some(_), None) => Err(wrong("`every` is less than a millisecond", "write at least \"1ms\"")),
        (None, None, Some((text, at))) => {
            let cron = cron_of(table, name, &text, at)?;
            Ok((Schedule::Cron(cron), SpanRange::default()))
        }
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) | (None, None, None) => {
            Err(table.missing(
                "at`, `every` or `cron",
                "write one of at = \"1s\", every = \"10m\", cron = \"0 9 * * *\"",
            ))
        }
    }
}

/// What a job says of its cron schedule, in its own words, for whoever reads them in another way.
pub(super) fn words(table: &mut Table<'_>, name: &str) -> Result<Option<Times>, ScenarioError> {
    let Some((expression, _)) = table.text("cron")? else { return Ok(None) };
    let zone = table.text("zone")?.map_or("UTC", |(zone, _)| zone);
    Ok(Some(Times {
        expression: expression.to_owned(),
        zone: zone.to_owned(),
        gap: table.word("gap", &GAPS)?,
        repeated: table.word("repeated", &REPEATS)?,
        stagger: table.span_of("stagger")?.map(|window| (name.to_owned(), window.as_millis())),
        listed: OnceLock::new(),
    }))
}

/// Without `cron`, its other keys mean nothing.
fn no_keys_of_cron(table: &mut Table<'_>) -> Result<(), ScenarioError> {
    for key in OF_CRON {
        if let Some(value) = table.value(key) {
            let fix = format!("take `{key}` out, or say when with cron = \"0 9 * * *\"");
            return Err(table.wrong(value.span(), format!("`{key}` has no meaning without `cron`"), fix));
        }
    }
    Ok(())
}

fn cron_of(table: &mut Table<'_>, name: &str, text: &str, at: Range<usize>) -> Result<Cron, ScenarioError> {
    let zone = table.text("zone")?.map_or(("UTC", at.clone()), |(zone, at)| (zone, at));
    let mut cron = Cron::parse(text, zone.0).map_err(|error| {
        let span = if error.part == CronPart::Zone { zone.1.clone() } else { at.clone() };
        table.wrong(span, what_of(&error), error.fix)
    })?;
    if let Some(gap) = table.word("gap", &GAPS)? {
        cron = cron.with_gap(gap);
    }
    if let Some(repeated) = table.word("repeated", &REPEATS)? {
        cron = cron.with_repeated(repeated);
    }
    if let Some(window) = table.span_of("stagger")? {
        whole_millis(table, SpanRange::exactly(window))?;
        cron = cron.with_stagger_ms(stagger::offset(name, window.as_millis()));
    }
    Ok(cron)
}

fn what_of(error: &CronError) -> String {
    match error.part {
        CronPart::Expression | CronPart::Zone => error.what.clone(),
        CronPart::Second
        | CronPart::Minute
        | CronPart::Hour
        | CronPart::DayOfMonth
        | CronPart::Month
        | CronPart::DayOfWeek => format!("{}: {}", error.part, error.what),
    }
}

/// Schedules are wall time, which has no more than milliseconds.
fn whole_millis(table: &Table<'_>, range: SpanRange) -> Result<(), ScenarioError> {
    let finer = |span: Span| span.as_nanos() != span.as_millis().saturating_mul(1_000_000);
    if finer(range.low) || finer(range.high) {
        let fix = "write whole milliseconds, such as \"1500ms\"";
        return Err(table.wrong(table.span.clone(), "a job is due at a whole millisecond", fix));
    }
    Ok(())
}
