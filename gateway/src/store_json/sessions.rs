//! `sessions.json`: the lifecycle fields of session rows. All other fields are somebody else's.

use sametick_core::id::{Names, SessionKey};
use sametick_core::session::{SessionChange, SessionPatch, SessionRow, Status};
use sametick_core::time::Wall;
use serde_json::{Map, Value, json};

use super::document::{int, text};
use super::words::{self, CauseDoc};

/// The fields that say why a run ended in error.
const CAUSE_FIELDS: [&str; 5] = ["error", "errorKind", "stopReason", "timeoutBudget", "timeoutPhase"];

/// The lifecycle fields of a row: all others are somebody else's.
pub(crate) const FIELDS: [&str; 14] = [
    "sessionId",
    "status",
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
    "timeoutBudget",
    "timeoutPhase",
];

/// Reads the lifecycle fields of a row. What does not read as one counts as absent.
pub(crate) fn read(key: SessionKey, row: &Map<String, Value>, names: &mut Names) -> SessionRow {
    let wall = |field| int(row, field).map(Wall::from_millis);
    SessionRow {
        key,
        session: text(row, "sessionId").map(|id| names.sessions.intern(id)),
        status: text(row, "status").and_then(words::status),
        started_at: wall("startedAt"),
        ended_at: wall("endedAt"),
        runtime_ms: int(row, "runtimeMs").and_then(|ms| u64::try_from(ms).ok()),
        updated_at: wall("updatedAt").unwrap_or_default(),
        run: text(row, "runId").and_then(|id| words::run_id(id, names)),
        job: text(row, "jobId").map(|id| names.jobs.intern(id)),
        seq: int(row, "seq").and_then(|seq| u32::try_from(seq).ok()).unwrap_or(0),
        cause: cause(row).read(names),
    }
}

/// The fields that say why, without those of another kind.
fn cause(row: &Map<String, Value>) -> CauseDoc {
    let word = |field: &str| text(row, field).map(str::to_owned);
    let [error, error_kind, stop_reason, timeout_budget, timeout_phase] = CAUSE_FIELDS.map(word);
    CauseDoc { error, error_kind, stop_reason, timeout_budget, timeout_phase }
}

/// Whether a machine needs the row to go on: a job's latest, or that of a run that is at work.
pub(crate) fn can_change(row: &SessionRow) -> bool {
    match row.key {
        SessionKey::Base { .. } => true,
        SessionKey::Run { .. } => row.status == Some(Status::Running) && row.run.is_some(),
        // Others run turns there too, and what those left is theirs.
        SessionKey::Main { .. } => row.status == Some(Status::Running) && row.run.is_some(),
    }
}

/// What a patch of the machine changes in a row of the file.
pub(crate) fn patch(patch: &SessionPatch, names: &Names) -> Map<String, Value> {
    let mut fields = Map::new();
    match patch.change {
        // A start replaces every lifecycle field and inherits none.
        SessionChange::Start { run, .. } => {
            let mut row = SessionRow::blank(patch.key);
            patch.apply(&mut row);
            debug_assert_eq!(row.run, Some(run));
            whole(&mut fields, &row, names);
        }
        SessionChange::End { status, ended_at, runtime_ms, cause, seq } => {
            set(&mut fields, "status", json!(status.name()));
            set(&mut fields, "endedAt", json!(ended_at.map(Wall::as_millis)));
            set(&mut fields, "runtimeMs", json!(runtime_ms));
            set(&mut fields, "seq", json!(seq));
            set_cause(&mut fields, &CauseDoc::of(cause, names));
        }
        SessionChange::Replace(row) => whole(&mut fields, &row, names),
    }
    set(&mut fields, "updatedAt", json!(patch.updated_at.as_millis()));
    fields
}

fn whole(fields: &mut Map<String, Value>, row: &SessionRow, names: &Names) {
    set(fields, "sessionId", json!(row.session.map(|id| names.sessions.name(id.0))));
    set(fields, "status", json!(row.status.map(Status::name)));
    set(fields, "startedAt", json!(row.started_at.map(Wall::as_millis)));
    set(fields, "endedAt", json!(row.ended_at.map(Wall::as_millis)));
    set(fields, "runtimeMs", json!(row.runtime_ms));
    set(fields, "runId", json!(row.run.map(|run| words::run_text(run, names))));
    set(fields, "jobId", json!(row.job.map(|job| names.jobs.name(job.0))));
    set(fields, "seq", json!(row.seq));
    set_cause(fields, &CauseDoc::of(row.cause, names));
}

fn set_cause(fields: &mut Map<String, Value>, cause: &CauseDoc) {
    let words =
        [&cause.error, &cause.error_kind, &cause.stop_reason, &cause.timeout_budget, &cause.timeout_phase];
    for (field, word) in CAUSE_FIELDS.iter().zip(words) {
        set(fields, field, json!(word));
    }
}

fn set(fields: &mut Map<String, Value>, field: &str, value: Value) {
    fields.insert(field.to_owned(), value);
}
