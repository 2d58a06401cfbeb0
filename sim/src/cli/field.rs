//! `sametick explain --from`: a real state directory, and what this core would make of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use sametick_core::id::SessionKey;
use sametick_core::run::{Outcome, Shape};
use sametick_core::session::SessionRow;
use sametick_core::time::{Mono, Now, Wall};
use sametick_core::{Config, Machine, StandardGateway};
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{FieldSession, LeftRun, Snapshot, look as read};
use serde::Serialize;

use super::Stop;
use super::look::{self, BAD, GOOD, QUIET, styled};

/// The last instant of the year 9999: what lies beyond was never a clock's reading.
const LATEST: i64 = 253_402_300_799_999;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    command: &'static str,
    holds: bool,
    from: String,
    rows: Vec<Row>,
    skipped: Vec<Skipped>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    key: String,
    #[serde(skip)]
    short: String,
    agrees: bool,
    file: Says,
    core: Says,
    /// The core ends it when it starts, whenever that is: its `endedAt` is not known yet.
    ends_at_start: bool,
    why: String,
    evidence: Option<Evidence>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Says {
    status: Option<String>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    error_kind: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Evidence {
    path: String,
    line: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Skipped {
    job: String,
    why: String,
}

pub(crate) fn main(directory: &Path, as_json: bool) -> Result<bool, Stop> {
    check_is_there(directory)?;
    let names = SharedNames::new();
    let snapshot = read(directory, &names).map_err(|error| Stop::BadInput(error.to_string()))?;
    let now = latest(&snapshot);
    let written = written(&snapshot, now);
    let rows: Vec<Row> = snapshot.sessions.iter().map(|row| judge(row, &snapshot, &written, now)).collect();
    let skipped = snapshot.skipped.into_iter().map(|skip| Skipped { why: skip.to_string(), job: skip.job });
    let told = Told {
        command: "explain",
        holds: rows.iter().all(|row| row.agrees),
        from: directory.display().to_string(),
        rows,
        skipped: skipped.collect(),
    };
    if as_json {
        let text = serde_json::to_string(&told).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        show(&told)?;
    }
    Ok(told.holds)
}

fn check_is_there(directory: &Path) -> Result<(), Stop> {
    let wanted = "name the directory that holds sessions.json, jobs.json and runs/";
    let why = if !directory.exists() {
        "there is no such directory"
    } else if !directory.is_dir() {
        "it is a file"
    } else if !directory.join("sessions.json").exists() {
        "it has no sessions.json"
    } else {
        return Ok(());
    };
    Err(Stop::BadInput(format!("could not explain {}: {why}; {wanted}", directory.display())))
}

/// The latest time any row speaks of, as the time at which the core starts: the same files give the same
/// answer on every day.
fn latest(snapshot: &Snapshot) -> Wall {
    let times = snapshot.sessions.iter().flat_map(|row| [row.updated_at, row.ended_at, row.started_at]);
    let lines = snapshot.left.iter().filter_map(|left| left.line.as_ref());
    let times = times.flatten().chain(lines.map(|line| line.ended_at));
    let sane = times.filter(|at| (0..=LATEST).contains(&at.as_millis())).max();
    // A millisecond later, so that nothing in the files is mistaken for it.
    sane.unwrap_or_default().plus_millis(1)
}

/// The session rows that the machine's first commit leaves, by key.
fn written(snapshot: &Snapshot, now: Wall) -> BTreeMap<SessionKey, SessionRow> {
    let mut machine = StandardGateway::new(Config::default(), Shape::Emit);
    let mut rows: BTreeMap<SessionKey, SessionRow> = BTreeMap::new();
    let tick = machine.restart(&snapshot.rows, 1, Now { mono: Mono::from_nanos(0), wall: now });
    let before = |key| snapshot.rows.sessions.iter().find(|row| row.key == key).copied();
    for patch in tick.commit().into_iter().flat_map(|commit| &commit.sessions) {
        let row = rows
            .entry(patch.key)
            .or_insert_with(|| before(patch.key).unwrap_or(SessionRow::blank(patch.key)));
        patch.apply(row);
    }
    rows
}

fn judge(
    field: &FieldSession,
    snapshot: &Snapshot,
    written: &BTreeMap<SessionKey, SessionRow>,
    now: Wall,
) -> Row {
    let file = Says {
        status: field.status.clone(),
        started_at: field.started_at.map(Wall::as_millis),
        ended_at: field.ended_at.map(Wall::as_millis),
        error_kind: field.error_kind.clone(),
    };
    let left = field.key.and_then(|key| snapshot.left.iter().find(|left| left.keys.contains(&key)));
    let core = field.key.and_then(|key| written.get(&key)).zip(left);
    let untouched = || Row {
        key: field.name.clone(),
        short: short_key(&field.name),
        agrees: true,
        file: file.clone(),
        core: file.clone(),
        ends_at_start: false,
        why: why_untouched(field, written).to_owned(),
        evidence: None,
    };
    let Some((row, left)) = core else { return untouched() };
    let ends_at_start = left.line.is_none() && row.ended_at == Some(now);
    let core = Says {
        status: row.status.map(|status| status.name().to_owned()),
        started_at: row.started_at.map(Wall::as_millis),
        ended_at: row.ended_at.filter(|_| !ends_at_start).map(Wall::as_millis),
        error_kind: row.cause.map(|cause| cause.kind.name().to_owned()),
    };
    let evidence = left.line.as_ref();
    let evidence = evidence.map(|line| Evidence { path: line.path.display().to_string(), line: line.line });
    Row { agrees: false, core, ends_at_start, why: why(field, left), evidence, ..untouched() }
}

fn why_untouched(field: &FieldSession, written: &BTreeMap<SessionKey, SessionRow>) -> &'static str {
    let is_running = field.status.as_deref() == Some("running");
    match field.key {
        None | Some(SessionKey::Main { .. }) => "not a job's session: it stays as it is",
        Some(key) if is_running && written.contains_key(&key) => {
            "a sametick gateway has its run open; if it is not at work, its next start ends the run"
        }
        Some(_) if is_running => "its run is open",
        Some(_) if field.status.is_none() => "it was never told of a run, and claims none",
        Some(_) => "it is over, and says so",
    }
}

/// Why a row is not what it should be, in a sentence.
fn why(field: &FieldSession, left: &LeftRun) -> String {
    let is_running = field.status.as_deref() == Some("running");
    let Some(line) = &left.line else {
        return "no line of its run log fits and no run is open: it was interrupted when its gateway went down"
            .to_owned();
    };
    let ended = match line.outcome {
        Outcome::Ok => "ended well",
        Outcome::TimedOut(_) => "timed out",
        Outcome::Failed(_) => "failed",
        Outcome::Cancelled => "was cancelled",
        Outcome::Interrupted(_) => "was interrupted",
    };
    // The row names the job already, and its name is too long to be read here.
    let place = format!("runs/….jsonl line {}", line.line);
    let lost = if is_running { "the end was never published" } else { "the row was told nothing of it" };
    let inherited = match (field.started_at, line.began_at) {
        (Some(started), Some(began)) if started < began => "; its startedAt is that of a run before it",
        _ => "",
    };
    format!("its run {ended}: {place}; {lost} (#70347){inherited}")
}

/// `06927ce3… run 42002e96…` for a session of a job of the agent `main`.
fn short_key(key: &str) -> String {
    let visible: String = key.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
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

fn show(told: &Told) -> Result<(), Stop> {
    let mut out = look::out();
    let rows = told.rows.iter().map(|row| {
        let file = says(&row.file, "no end");
        let core = match (row.agrees, row.ends_at_start) {
            (true, _) => "the same".to_owned(),
            (false, true) => styled(GOOD, &says(&row.core, "when it starts")),
            (false, false) => styled(GOOD, &says(&row.core, "no end")),
        };
        let file = if row.agrees { file } else { styled(BAD, &file) };
        vec![row.short.clone(), file, core, row.why.clone()]
    });
    let headings = ["session", "the file says", "this core writes", "why"];
    writeln!(out, "{}", look::wide_table(&headings, rows.collect()))?;
    for skip in &told.skipped {
        writeln!(out, "{}", look::paragraph(&format!("not scheduled: {}: ", short(&skip.job)), &skip.why))?;
    }
    let wrong = told.rows.iter().filter(|row| !row.agrees).count();
    let all = told.rows.len();
    if told.holds {
        writeln!(out, "\n{}: {all} session rows, every one says what is", styled(GOOD, "holds"))?;
    } else {
        let are = if wrong == 1 { "is" } else { "are" };
        let verdict = styled(BAD, &format!("{wrong} of {all} session rows"));
        writeln!(out, "\n{verdict} {are} not what this core writes")?;
        writeln!(out, "{}", styled(QUIET, "times are UTC; --json tells whole keys and files"))?;
    }
    Ok(())
}

/// `timeout, 2026-11-23 23:43:11.091`
fn says(row: &Says, no_end: &str) -> String {
    let status = row.status.as_deref().unwrap_or("nothing");
    let kind = match row.error_kind.as_deref() {
        Some(kind) if kind != status => format!(" ({kind})"),
        _ => String::new(),
    };
    match (row.ended_at, row.status.is_some()) {
        (Some(at), _) => format!("{status}{kind}, {}", instant(at)),
        (None, true) => format!("{status}{kind}, {no_end}"),
        (None, false) => status.to_owned(),
    }
}

/// A time as people write it; as milliseconds where no calendar reaches.
fn instant(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| format!("{millis} ms"), |at| at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}
