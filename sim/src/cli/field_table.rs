//! How `sametick explain --from` looks: what there is in all, then the rows worth looking at.

use std::collections::BTreeMap;
use std::io::Write;

use super::Stop;
use super::field::{Change, Row, Says, Told};
use super::look::{self, BAD, GOOD, QUIET, grouped, styled};

/// A directory with no more rows than this is shown whole.
const SHORT: usize = 24;

/// Of rows of which the same is to be said in a longer one, so many are shown.
const OF_EACH: usize = 4;

/// Narrower than this four columns are no table any more.
const TABLE: u16 = 64;

/// The longest list of jobs that are not scheduled.
const SKIPPED: usize = 10;

pub(crate) fn show(told: &Told, all: bool) -> Result<(), Stop> {
    let mut out = look::out();
    let all = all || told.rows.len() <= SHORT;
    show_totals(&mut out, told)?;
    let rows = if all { told.rows.iter().collect() } else { worth_looking_at(told) };
    if look::width() >= TABLE && !rows.is_empty() {
        let headings = ["session", "the file says", "this core writes", "why"];
        writeln!(out, "\n{}", look::wide_table(&headings, rows.iter().map(|row| cells(row)).collect()))?;
    } else {
        for row in &rows {
            show_block(&mut out, row)?;
        }
    }
    let hidden = told.totals.wrong.saturating_sub(rows.iter().filter(|row| !row.agrees).count());
    if hidden > 0 {
        let more = format!("and {} more like these; --all shows every row", count(hidden));
        writeln!(out, "\n{}", styled(QUIET, &look::hanging("", &more)))?;
    }
    show_skipped(&mut out, told, all)?;
    if !told.holds {
        let note = "times are UTC; --json tells whole keys and files";
        writeln!(out, "\n{}", styled(QUIET, &look::hanging("", note)))?;
    }
    Ok(())
}

/// The verdict, and what there is to it.
fn show_totals(out: &mut impl Write, told: &Told) -> Result<(), Stop> {
    let totals = &told.totals;
    if told.holds {
        let text = format!(
            "{}: {} session rows of {} jobs, every one says what is",
            styled(GOOD, "holds"),
            count(totals.rows),
            count(totals.jobs)
        );
        writeln!(out, "{}", look::hanging("", &text))?;
        return Ok(());
    }
    let are = if totals.wrong == 1 { "is" } else { "are" };
    let wrong = format!("{} of {} session rows", count(totals.wrong), count(totals.rows));
    let verdict = format!("{} {are} not what this core writes", styled(BAD, &wrong));
    writeln!(out, "{}", look::hanging("", &verdict))?;
    let wide = totals.changes.iter().map(|change| count(change.rows).len()).max().unwrap_or_default();
    for Change { file, core, rows } in &totals.changes {
        let word = |status: &Option<String>| visible(status.as_deref().unwrap_or("nothing"));
        writeln!(out, "  {:>wide$}  {} → {}", count(*rows), word(file), word(core))?;
    }
    Ok(())
}

fn count(number: usize) -> String {
    grouped(number as u64)
}

/// The first rows of each kind that is not what this core writes, in the order of the file.
fn worth_looking_at(told: &Told) -> Vec<&Row> {
    let mut shown: BTreeMap<_, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for row in told.rows.iter().filter(|row| !row.agrees) {
        let kind = (&row.file.status, &row.core.status, &row.core.error_kind, row.ends_at_start);
        let shown = shown.entry(kind).or_default();
        *shown += 1;
        if *shown <= OF_EACH {
            rows.push(row);
        }
    }
    rows
}

fn cells(row: &Row) -> Vec<String> {
    let (file, core) = sides(row);
    vec![short_key(&row.key), file, core, row.why.clone()]
}

/// What the file says and what this core writes, in colours.
fn sides(row: &Row) -> (String, String) {
    let file = says(&row.file, "no end");
    let core = match (row.agrees, row.ends_at_start) {
        (true, _) => "the same".to_owned(),
        (false, true) => styled(GOOD, &says(&row.core, "when it starts")),
        (false, false) => styled(GOOD, &says(&row.core, "no end")),
    };
    (if row.agrees { file } else { styled(BAD, &file) }, core)
}

/// A row over several lines, for a narrow terminal.
fn show_block(out: &mut impl Write, row: &Row) -> Result<(), Stop> {
    let (file, core) = sides(row);
    writeln!(out, "\n{}", look::hanging("", &short_key(&row.key)))?;
    for (label, text) in [("  file  ", &file), ("  core  ", &core), ("  why   ", &row.why)] {
        writeln!(out, "{}", look::hanging(label, text))?;
    }
    Ok(())
}

fn show_skipped(out: &mut impl Write, told: &Told, all: bool) -> Result<(), Stop> {
    let most = if all { told.skipped.len() } else { SKIPPED };
    for (place, skip) in told.skipped.iter().take(most).enumerate() {
        if place == 0 {
            writeln!(out)?;
        }
        let label = format!("not scheduled: {}: ", short(&visible(&skip.job)));
        writeln!(out, "{}", look::hanging("", &format!("{label}{}", visible(&skip.why))))?;
    }
    let hidden = told.skipped.len().saturating_sub(most);
    if hidden > 0 {
        let more = format!("and {} more jobs; --all shows them", count(hidden));
        writeln!(out, "{}", styled(QUIET, &look::hanging("", &more)))?;
    }
    Ok(())
}

/// A text from a file, without what would change the terminal.
fn visible(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

/// `06927ce3… run 42002e96…` for a session of a job of the agent `main`.
fn short_key(key: &str) -> String {
    let visible = visible(key);
    let parts: Vec<String> = visible.split(':').map(short).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["agent", "main", "cron", job] => (*job).to_owned(),
        ["agent", agent, "cron", job] => format!("{agent} {job}"),
        ["agent", "main", "cron", job, "run", session] => format!("{job} run {session}"),
        ["agent", agent, "cron", job, "run", session] => format!("{agent} {job} run {session}"),
        other => other.join(":"),
    }
}

/// The first eight letters of a long id: what people tell UUIDs apart by.
fn short(id: &str) -> String {
    if id.chars().count() <= 16 { id.to_owned() } else { id.chars().take(8).chain(['…']).collect() }
}

/// `timeout, 2026-11-23 23:43:11.091`
fn says(row: &Says, no_end: &str) -> String {
    let status = visible(row.status.as_deref().unwrap_or("nothing"));
    let kind = match row.error_kind.as_deref() {
        Some(kind) if kind != status => format!(" ({})", visible(kind)),
        _ => String::new(),
    };
    match (row.ended_at, row.status.is_some()) {
        (Some(at), _) => format!("{status}{kind}, {}", instant(at)),
        (None, true) => format!("{status}{kind}, {no_end}"),
        (None, false) => status,
    }
}

/// A time as people write it; as milliseconds where no calendar reaches.
fn instant(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| format!("{millis} ms"), |at| at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}
