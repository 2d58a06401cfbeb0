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

use super::{Stop, field_table};

/// The last instant of the year 9999: what lies beyond was never a clock's reading.
const LATEST: i64 = 253_402_300_799_999;

/// What is said of a directory.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Told {
    command: &'static str,
    pub(crate) holds: bool,
    from: String,
    pub(crate) totals: Totals,
    pub(crate) rows: Vec<Row>,
    pub(crate) skipped: Vec<Skipped>,
}

/// How much of what there is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    /// Jobs that are scheduled.
    pub(crate) jobs: usize,
    pub(crate) rows: usize,
    /// Rows that are not what this core writes.
    pub(crate) wrong: usize,
    /// Those, by what they say and what this core writes; the most first.
    pub(crate) changes: Vec<Change>,
}

/// Rows of which the same is to be said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Change {
    pub(crate) file: Option<String>,
    pub(crate) core: Option<String>,
    pub(crate) rows: usize,
}

/// A session row beside what this core writes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) agrees: bool,
    pub(crate) file: Says,
    pub(crate) core: Says,
    /// The core ends it when it starts, whenever that is: its `endedAt` is not known yet.
    pub(crate) ends_at_start: bool,
    pub(crate) why: String,
    evidence: Option<Evidence>,
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Says {
    pub(crate) status: Option<String>,
    started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) error_kind: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Evidence {
    path: String,
    line: usize,
}

/// A job that is not scheduled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Skipped {
    pub(crate) job: String,
    pub(crate) why: String,
}

pub(crate) fn main(directory: &Path, as_json: bool, all: bool) -> Result<bool, Stop> {
    check_is_there(directory)?;
    let names = SharedNames::new();
    let snapshot = read(directory, &names).map_err(|error| Stop::BadInput(error.to_string()))?;
    let now = latest(&snapshot);
    let written = written(&snapshot, now);
    let left: BTreeMap<SessionKey, &LeftRun> =
        snapshot.left.iter().flat_map(|left| left.keys.iter().map(move |key| (*key, left))).collect();
    let rows: Vec<Row> = snapshot.sessions.iter().map(|row| judge(row, &left, &written, now)).collect();
    let totals = totals(snapshot.rows.jobs.len(), &rows);
    let skipped = snapshot.skipped.into_iter().map(|skip| Skipped { why: skip.to_string(), job: skip.job });
    let told = Told {
        command: "explain",
        holds: totals.wrong == 0,
        from: directory.display().to_string(),
        totals,
        rows,
        skipped: skipped.collect(),
    };
    if as_json {
        let text = serde_json::to_string(&told).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        field_table::show(&told, all)?;
    }
    Ok(told.holds)
}

fn check_is_there(directory: &Path) -> Result<(), Stop> {
    let wanted = "name the directory that holds sessions.json, jobs.json and runs/";
    let why = if !directory.exists() {
        "there is no such directory"
    } else if !directory.is_dir() {
        "it is a file"
    } else if is_absent(&directory.join("sessions.json")) {
        "it has no sessions.json"
    } else {
        return Ok(());
    };
    Err(Stop::BadInput(format!("could not explain {}: {why}; {wanted}", directory.display())))
}

/// Whether there is nothing, as opposed to something that may not be seen.
fn is_absent(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
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
    let before: BTreeMap<SessionKey, SessionRow> =
        snapshot.rows.sessions.iter().map(|row| (row.key, *row)).collect();
    for patch in tick.commit().into_iter().flat_map(|commit| &commit.sessions) {
        let row = rows
            .entry(patch.key)
            .or_insert_with(|| before.get(&patch.key).copied().unwrap_or(SessionRow::blank(patch.key)));
        patch.apply(row);
    }
    rows
}

fn totals(jobs: usize, rows: &[Row]) -> Totals {
    let mut counts: BTreeMap<(Option<&str>, Option<&str>), usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.agrees) {
        *counts.entry((row.file.status.as_deref(), row.core.status.as_deref())).or_default() += 1;
    }
    let owned = |status: Option<&str>| status.map(str::to_owned);
    let changes = counts.iter().map(|((file, core), rows)| Change {
        file: owned(*file),
        core: owned(*core),
        rows: *rows,
    });
    let mut changes: Vec<Change> = changes.collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.rows));
    Totals { jobs, rows: rows.len(), wrong: rows.iter().filter(|row| !row.agrees).count(), changes }
}

fn judge(
    field: &FieldSession,
    left: &BTreeMap<SessionKey, &LeftRun>,
    written: &BTreeMap<SessionKey, SessionRow>,
    now: Wall,
) -> Row {
    let file = Says {
        status: field.status.clone(),
        started_at: field.started_at.map(Wall::as_millis),
        ended_at: field.ended_at.map(Wall::as_millis),
        error_kind: field.error_kind.clone(),
    };
    let left = field.key.and_then(|key| left.get(&key).copied());
    let core = field.key.and_then(|key| written.get(&key)).zip(left);
    let untouched = || Row {
        key: field.name.clone(),
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
