//! Rows as people read them: the fields of each kind of record, by name.

use sametick_core::commit::{Commit, JobRow, LateNote, LateWord, LedgerRow};
use sametick_core::id::RunId;
use sametick_core::lifecycle::{Cause, LifecycleEvent, StopReason};
use sametick_core::run::{Drain, Finish, Outcome, RunRow, RunState};
use sametick_core::session::SessionRow;
use sametick_core::time::Wall;
use serde::Serialize;

use crate::label::Labels;

/// A row as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Its kind, which names the fields.
    pub kind: &'static str,
    /// Whose it is.
    pub of: String,
    /// Its fields; an empty one is absent.
    pub values: Vec<String>,
}

impl Record {
    /// The first field in which another record of its kind has another value, with both values.
    pub(crate) fn differs_from<'r>(&'r self, other: &'r Self) -> Option<(&'static str, [&'r str; 2])> {
        let absent = |value: &'r String| if value.is_empty() { "nothing" } else { value.as_str() };
        let values = self.values.iter().zip(&other.values);
        let mut fields = names_of(self.kind).iter().zip(values);
        let (name, (one, two)) = fields.find(|(_, (one, two))| one != two)?;
        Some((name, [absent(one), absent(two)]))
    }
}

fn names_of(kind: &str) -> &'static [&'static str] {
    KINDS.iter().find(|(known, _)| *known == kind).map_or(&[], |(_, names)| names)
}

/// The fields of each kind of record.
pub(crate) const KINDS: [(&str, &[&str]); 8] = [
    ("run record", &RUN),
    ("session row", &SESSION),
    ("job row", &JOB),
    ("lifecycle event", &EVENT),
    ("commit", &COMMIT),
    ("ledger", &LEDGER),
    ("late note", &LATE),
    ("lane", &LANE),
];

const RUN: [&str; 16] = [
    "state",
    "outcome",
    "reason",
    "drain",
    "session",
    "session key",
    "agent",
    "parent",
    "queued at",
    "not before",
    "granted at",
    "started at",
    "settled at",
    "last progress",
    "runtime",
    "events",
];

const SESSION: [&str; 12] = [
    "status",
    "sessionId",
    "startedAt",
    "endedAt",
    "runtimeMs",
    "updatedAt",
    "runId",
    "jobId",
    "seq",
    "error",
    "errorKind",
    "stopReason",
];

const JOB: [&str; 11] = [
    "status",
    "next due",
    "last due",
    "running",
    "last run",
    "last outcome",
    "last began",
    "last duration",
    "errors in a row",
    "asked for",
    "generation",
];

const EVENT: [&str; 13] = [
    "phase",
    "runId",
    "seq",
    "sessionKey",
    "sessionId",
    "jobId",
    "ts",
    "startedAt",
    "endedAt",
    "runtimeMs",
    "error",
    "errorKind",
    "stopReason",
];

const COMMIT: [&str; 9] = [
    "number",
    "epoch",
    "durable",
    "run records",
    "session patches",
    "events",
    "job rows",
    "ledger ranges",
    "late notes",
];

const LEDGER: [&str; 4] = ["first due", "last due", "count", "end"];

const LATE: [&str; 2] = ["said", "heard at"];

const LANE: [&str; 4] = ["slots held", "limit", "by", "waiting"];

fn record(kind: &'static str, of: String, values: Vec<String>) -> Record {
    debug_assert_eq!(names_of(kind).len(), values.len(), "each field of a {kind} has a value");
    Record { kind, of, values }
}

/// A wall time as its distance from the world's beginning, as in the story; before it with a minus.
pub(crate) fn wall(labels: &Labels<'_>, at: Wall) -> String {
    let sign = if at - labels.scenario().begins < 0 { "−" } else { "" };
    format!("{sign}{}", labels.wall(at))
}

fn maybe<T>(value: Option<T>, tell: impl FnOnce(T) -> String) -> String {
    value.map(tell).unwrap_or_default()
}

fn run_name(labels: &Labels<'_>) -> impl Fn(RunId) -> String {
    |run| labels.run(run)
}

pub(crate) fn run(row: &RunRow, labels: &Labels<'_>) -> Record {
    let at = |time: Option<Wall>| maybe(time, |time| wall(labels, time));
    let state = row.state.phase().map_or("settled", |phase| phase.name());
    let outcome = row.state.outcome();
    let values = vec![
        state.to_owned(),
        maybe(outcome, |outcome| outcome.name().to_owned()),
        maybe(outcome, reason),
        drain(row).to_owned(),
        maybe(row.session, |session| format!("s{}", session.0)),
        labels.key(row.session_key()),
        labels.agent(row.agent).to_owned(),
        maybe(row.parent, run_name(labels)),
        wall(labels, row.queued_at),
        at(row.not_before),
        at(row.granted_at),
        at(row.started_at),
        at(row.settled_at),
        at(row.last_progress),
        maybe(row.runtime_ms, |millis| format!("{millis} ms")),
        row.seq.to_string(),
    ];
    record("run record", labels.run(row.id), values)
}

/// Why, beyond the outcome's word.
fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::TimedOut(which) => format!("{} ended while {}", which.budget.name(), which.phase.name()),
        Outcome::Interrupted(phase) => format!("while {}", phase.name()),
        Outcome::Failed(failure) => failure.kind.name().to_owned(),
        Outcome::Ok | Outcome::Cancelled => String::new(),
    }
}

/// Whether its turn is known to have stopped, once that is a question.
const fn drain(row: &RunRow) -> &'static str {
    match (row.state, row.drain) {
        (RunState::Queued | RunState::Starting | RunState::Running, _) => "",
        (RunState::Settled(_), Drain::None) => "nothing to stop",
        (RunState::Settled(_), Drain::Open) => "asked to stop",
        (RunState::Settled(_), Drain::Confirmed) => "stopped",
        (RunState::Settled(_), Drain::Abandoned) => "abandoned",
        (RunState::Settled(_), Drain::Held) => "held",
    }
}

pub(crate) fn session(row: &SessionRow, labels: &Labels<'_>) -> Record {
    let at = |time: Option<Wall>| maybe(time, |time| wall(labels, time));
    let [error, kind, stop] = cause(row.cause);
    let values = vec![
        maybe(row.status, |status| status.name().to_owned()),
        maybe(row.session, |session| format!("s{}", session.0)),
        at(row.started_at),
        at(row.ended_at),
        maybe(row.runtime_ms, |millis| millis.to_string()),
        wall(labels, row.updated_at),
        maybe(row.run, run_name(labels)),
        maybe(row.job, |job| labels.job(job).to_owned()),
        row.seq.to_string(),
        error,
        kind,
        stop,
    ];
    record("session row", labels.key(row.key), values)
}

fn cause(cause: Option<Cause>) -> [String; 3] {
    let Some(cause) = cause else { return Default::default() };
    let told = cause.timed_out.map_or(String::new(), |which| {
        format!(" ({} ended while {})", which.budget.name(), which.phase.name())
    });
    [
        format!("{}{told}", cause.kind.sentence()),
        cause.kind.name().to_owned(),
        maybe(cause.stop_reason, |reason: StopReason| reason.name().to_owned()),
    ]
}

pub(crate) fn job(row: &JobRow, labels: &Labels<'_>) -> Record {
    let at = |time: Option<Wall>| maybe(time, |time| wall(labels, time));
    let values = vec![
        row.status.name().to_owned(),
        at(row.next_due),
        at(row.last_due),
        maybe(row.running, run_name(labels)),
        maybe(row.last, |last| labels.run(last.run)),
        maybe(row.last, |last| crate::check::told(last.outcome)),
        maybe(row.last, |last| wall(labels, last.at)),
        maybe(row.last, |last| format!("{} ms", last.duration_ms)),
        row.consecutive_errors.to_string(),
        row.asked.to_string(),
        row.generation.to_string(),
    ];
    record("job row", labels.job(row.id).to_owned(), values)
}

pub(crate) fn event(event: &LifecycleEvent, labels: &Labels<'_>) -> Record {
    let at = |time: Option<Wall>| maybe(time, |time| wall(labels, time));
    let [error, kind, stop] = cause(event.cause);
    let values = vec![
        event.phase.name().to_owned(),
        labels.run(event.run),
        event.seq.to_string(),
        labels.key(event.key),
        maybe(event.session, |session| format!("s{}", session.0)),
        labels.job(event.job).to_owned(),
        wall(labels, event.ts),
        at(event.started_at),
        at(event.ended_at),
        maybe(event.runtime_ms, |millis| millis.to_string()),
        error,
        kind,
        stop,
    ];
    record("lifecycle event", labels.run(event.run), values)
}

pub(crate) fn commit(commit: &Commit, durable: String) -> Record {
    let counts = [
        commit.runs.len(),
        commit.sessions.len(),
        commit.events.len(),
        commit.jobs.len(),
        commit.ledger.len(),
        commit.late.len(),
    ];
    let mut values = vec![commit.number.to_string(), commit.epoch.to_string(), durable];
    values.extend(counts.iter().map(ToString::to_string));
    record("commit", format!("commit {}", commit.number), values)
}

pub(crate) fn ledger(row: &LedgerRow, labels: &Labels<'_>) -> Record {
    let values = vec![
        wall(labels, row.first),
        wall(labels, row.last),
        row.count.to_string(),
        row.end.name().to_owned(),
    ];
    record("ledger", labels.job(row.job).to_owned(), values)
}

pub(crate) fn late(note: &LateNote, labels: &Labels<'_>) -> Record {
    let said = match note.said {
        LateWord::Ready => "its session was ready",
        LateWord::Completed(Finish::Ok) => "it was done",
        LateWord::Completed(Finish::Failed(_)) => "it failed",
        LateWord::Stopped => "it stopped",
    };
    record("late note", labels.run(note.run), vec![said.to_owned(), wall(labels, note.at)])
}

pub(crate) fn lane(of: &str, held: usize, limit: u32, by: String, waiting: usize) -> Record {
    record("lane", of.to_owned(), vec![held.to_string(), limit.to_string(), by, waiting.to_string()])
}
