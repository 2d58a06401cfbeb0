//! `jobs-state.json`: what the scheduler knows of each job.

use sametick_core::commit::{JobRow, JobStatus, LastRun};
use sametick_core::id::{JobId, Names, RunId};
use sametick_core::job::Job;
use sametick_core::run::Outcome;
use sametick_core::schedule::Schedule;
use sametick_core::time::Wall;
use serde_json::{Map, Value, json};

use super::document::{int, text};
use super::fields::Fields;
use super::jobs;
use super::words::{self, OutcomeDoc};

/// Reads a job's state. `declared` is the job's own object, which says whether it is enabled.
pub(crate) fn read(
    job: &Job,
    declared: &Map<String, Value>,
    state: &Map<String, Value>,
    names: &mut Names,
) -> JobRow {
    let generation = state.get("generation").and_then(Value::as_u64).and_then(|g| u32::try_from(g).ok());
    // Zero is the generation of what another gateway left behind.
    let generation = generation.filter(|generation| *generation > 0);
    let next_due = match int(state, "nextRunAtMs") {
        Some(due) => Some(Wall::from_millis(due)),
        // A state of ours without a next run has none; one of the field's may not have worked it out.
        None if generation.is_some() => None,
        None => first_due(job.schedule, declared, state),
    };
    let generation = generation.unwrap_or(1);
    JobRow {
        id: job.id,
        generation,
        status: status_of(declared, state),
        next_due,
        last_due: int(state, "lastDueAtMs").map(Wall::from_millis),
        asked: int(state, "runsAskedFor").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        running: running(job.id, generation, state, names),
        last: last(state, names),
        consecutive_errors: int(state, "consecutiveErrors").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
    }
}

/// Whether the schedule is followed. Who disables a job in the file is heard whatever the state says; a job
/// that is paused there may have been disabled since.
fn status_of(declared: &Map<String, Value>, state: &Map<String, Value>) -> JobStatus {
    let declared = jobs::status(&Fields::of_job(declared)).unwrap_or_default();
    let since = text(state, "scheduleStatus").and_then(words::job_status).unwrap_or_default();
    match (declared, since) {
        (JobStatus::Disabled | JobStatus::Exhausted, _) => JobStatus::Disabled,
        (JobStatus::Paused, JobStatus::Active) => JobStatus::Paused,
        (JobStatus::Paused | JobStatus::Active, since) => since,
    }
}

/// The first occurrence after the last run, or after the job was made if it never ran.
fn first_due(schedule: Schedule, declared: &Map<String, Value>, state: &Map<String, Value>) -> Option<Wall> {
    let ran = int(state, "lastRunAtMs");
    match schedule {
        Schedule::At(at) => ran.is_none().then_some(at),
        Schedule::Every { anchor, .. } => {
            let since = ran.or_else(|| int(declared, "createdAtMs")).unwrap_or(anchor.as_millis());
            schedule.next_after(Wall::from_millis(since))
        }
        Schedule::Cron(_) => {
            // Of a job that does not say when it was made all is missed, which shows; never being due would not.
            let since = ran.or_else(|| int(declared, "createdAtMs")).unwrap_or(0);
            schedule.next_after(Wall::from_millis(since))
        }
    }
}

/// Who holds the running marker. One without a run of ours is named after its time: a run that
/// nobody knows, so that the machine takes the marker off in its first tick.
fn running(job: JobId, generation: u32, state: &Map<String, Value>, names: &mut Names) -> Option<RunId> {
    if let Some(run) = text(state, "runningRunId").and_then(|id| words::run_id(id, names)) {
        return Some(run);
    }
    int(state, "runningAtMs")
        .map(|at| RunId { attempt: 0, ..RunId::scheduled(job, generation, Wall::from_millis(at)) })
}

fn last(state: &Map<String, Value>, names: &mut Names) -> Option<LastRun> {
    let run = words::run_id(text(state, "lastRunId")?, names)?;
    let outcome =
        serde_json::from_value::<OutcomeDoc>(state.get("lastOutcome")?.clone()).ok()?.read(names)?;
    let at = Wall::from_millis(int(state, "lastRunAtMs")?);
    Some(LastRun { run, outcome, at, duration_ms: u64::try_from(int(state, "lastDurationMs")?).ok()? })
}

/// What a row changes in a job's state. `started` is when the run with the marker got its slot.
pub(crate) fn patch(row: &JobRow, started: Option<Wall>, names: &Names) -> Map<String, Value> {
    let mut patch = Map::new();
    let mut set = |field: &str, value: Value| patch.insert(field.to_owned(), value);
    set("generation", json!(row.generation));
    set("nextRunAtMs", json!(row.next_due.map(Wall::as_millis)));
    set("lastDueAtMs", json!(row.last_due.map(Wall::as_millis)));
    if row.asked > 0 {
        set("runsAskedFor", json!(row.asked));
    }
    set("scheduleStatus", if row.status.is_active() { Value::Null } else { json!(row.status.name()) });
    match row.running {
        Some(run) => {
            set("runningRunId", json!(words::run_text(run, names)));
            if let Some(started) = started {
                set("runningAtMs", json!(started.as_millis()));
            }
        }
        None => {
            set("runningRunId", Value::Null);
            set("runningAtMs", Value::Null);
        }
    }
    if let Some(last) = row.last {
        let cause = words::outcome_cause(last.outcome, names);
        let status = status(last.outcome);
        set("lastRunAtMs", json!(last.at.as_millis()));
        set("lastRunStatus", json!(status));
        set("lastStatus", json!(status));
        set("lastDurationMs", json!(last.duration_ms));
        set("lastError", json!(cause.error));
        set("lastErrorReason", json!(cause.error_kind));
        set("lastRunId", json!(words::run_text(last.run, names)));
        set("lastOutcome", json!(OutcomeDoc::of(last.outcome, names)));
    }
    set("consecutiveErrors", json!(row.consecutive_errors));
    patch
}

/// The field has two words for how a run ended.
pub(crate) const fn status(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed(_) | Outcome::TimedOut(_) | Outcome::Cancelled | Outcome::Interrupted(_) => "error",
    }
}
