//! Run records: those that are not closed as the machine needs them back, the finished ones as lines
//! of `runs/<job>.jsonl`.

use sametick_core::commit::{Commit, JobRow, TermsRow};
use sametick_core::id::{Names, SessionKey};
use sametick_core::job::Target;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::{Drain, Outcome, RunRow, RunState};
use sametick_core::time::Wall;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::document::said;
use super::states;
use super::terms::TermsDoc;
use super::words::{self, CauseDoc, OutcomeDoc};

/// A run record with its names spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunDoc {
    pub(crate) run_id: String,
    pub(crate) agent: String,
    #[serde(default)]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<String>,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeDoc>,
    drain: String,
    session_id: Option<String>,
    queued_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    pub(crate) granted_at: Option<i64>,
    started_at: Option<i64>,
    settled_at: Option<i64>,
    runtime_ms: Option<u64>,
    last_progress: Option<i64>,
    seq: u32,
    /// What it goes by; older versions wrote nothing down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) terms: Option<TermsDoc>,
}

impl RunDoc {
    pub(crate) fn of(row: &RunRow, terms: Option<TermsDoc>, names: &Names) -> Self {
        let millis = |at: Option<Wall>| at.map(Wall::as_millis);
        Self {
            run_id: words::run_text(row.id, names),
            agent: names.agents.name(row.agent.0).to_owned(),
            target: Some(words::target_name(row.target).to_owned()),
            parent: row.parent.map(|parent| words::run_text(parent, names)),
            state: state_name(row.state).to_owned(),
            outcome: row.state.outcome().map(|outcome| OutcomeDoc::of(outcome, names)),
            drain: words::drain_name(row.drain).to_owned(),
            session_id: row.session.map(|id| names.sessions.name(id.0).to_owned()),
            queued_at: row.queued_at.as_millis(),
            not_before: millis(row.not_before),
            granted_at: millis(row.granted_at),
            started_at: millis(row.started_at),
            settled_at: millis(row.settled_at),
            runtime_ms: row.runtime_ms,
            last_progress: millis(row.last_progress),
            seq: row.seq,
            terms,
        }
    }

    pub(crate) fn read(&self, names: &mut Names) -> Option<RunRow> {
        let wall = |at: Option<i64>| at.map(Wall::from_millis);
        let state = match self.state.as_str() {
            "queued" => RunState::Queued,
            "starting" => RunState::Starting,
            "running" => RunState::Running,
            "settled" => RunState::Settled(self.outcome.as_ref()?.read(names)?),
            _ => return None,
        };
        Some(RunRow {
            id: words::run_id(&self.run_id, names)?,
            agent: names.agents.intern(&self.agent),
            target: match self.target.as_deref() {
                Some(word) => words::target(word)?,
                None => Target::default(),
            },
            parent: match self.parent.as_deref() {
                Some(parent) => Some(words::run_id(parent, names)?),
                None => None,
            },
            state,
            drain: words::drain(&self.drain)?,
            session: self.session_id.as_deref().map(|id| names.sessions.intern(id)),
            queued_at: Wall::from_millis(self.queued_at),
            not_before: wall(self.not_before),
            granted_at: wall(self.granted_at),
            started_at: wall(self.started_at),
            settled_at: wall(self.settled_at),
            runtime_ms: self.runtime_ms,
            last_progress: wall(self.last_progress),
            seq: self.seq,
        })
    }

    /// What it goes by, if that is written down.
    pub(crate) fn read_terms(&self, row: &RunRow, names: &Names) -> Option<Option<TermsRow>> {
        let Some(terms) = &self.terms else { return Some(None) };
        Some(Some(TermsRow { run: row.id, terms: terms.read(row.target, names)? }))
    }

    pub(crate) fn is_closed(&self) -> bool {
        let drains = |drain| matches!(drain, Drain::Open | Drain::Held);
        self.is_settled() && !words::drain(&self.drain).is_some_and(drains)
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.state == "settled"
    }
}

const fn state_name(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "queued",
        RunState::Starting => "starting",
        RunState::Running => "running",
        RunState::Settled(_) => "settled",
    }
}

/// The line a finished run gets: the field's fields first, then ours.
pub(crate) fn line(
    row: &RunRow,
    outcome: Outcome,
    job: Option<&JobRow>,
    names: &Names,
) -> Map<String, Value> {
    let cause = words::outcome_cause(outcome, names);
    let named = OutcomeDoc::of(outcome, names);
    let at = row.granted_at.unwrap_or(row.queued_at);
    let settled = row.settled_at.unwrap_or(at);
    let last = job.and_then(|job| job.last).filter(|last| last.run == row.id);
    let took = last.map_or_else(|| u64::try_from(settled - at).unwrap_or(0), |last| last.duration_ms);
    let line = json!({
        "ts": settled.as_millis(),
        "jobId": names.jobs.name(row.id.job.0),
        "action": "finished",
        "status": states::status(outcome),
        "error": cause.error,
        "runAtMs": at.as_millis(),
        "durationMs": took,
        "sessionId": row.session.map(|id| names.sessions.name(id.0)),
        "sessionKey": row.session_key().render(names),
        "nextRunAtMs": job.and_then(|job| job.next_due).map(Wall::as_millis),
        "runId": words::run_text(row.id, names),
        "outcome": named.outcome,
        "budget": named.budget,
        "phase": named.phase,
        "errorKind": cause.error_kind,
        "stopReason": cause.stop_reason,
        "queuedAtMs": row.queued_at.as_millis(),
        "startedAtMs": row.started_at.map(Wall::as_millis),
        "runtimeMs": row.runtime_ms,
    });
    said(line)
}

/// A lifecycle event with its names spelled out, as subscribers in other processes would get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventDoc {
    run_id: String,
    seq: u32,
    stream: String,
    phase: String,
    session_key: String,
    session_id: Option<String>,
    job_id: String,
    ts: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    runtime_ms: Option<u64>,
    #[serde(flatten)]
    cause: CauseDoc,
}

impl EventDoc {
    pub(crate) fn of(event: &LifecycleEvent, names: &Names) -> Self {
        Self {
            run_id: words::run_text(event.run, names),
            seq: event.seq,
            stream: "lifecycle".to_owned(),
            phase: event.phase.name().to_owned(),
            session_key: event.key.render(names),
            session_id: event.session.map(|id| names.sessions.name(id.0).to_owned()),
            job_id: names.jobs.name(event.job.0).to_owned(),
            ts: event.ts.as_millis(),
            started_at: event.started_at.map(Wall::as_millis),
            ended_at: event.ended_at.map(Wall::as_millis),
            runtime_ms: event.runtime_ms,
            cause: CauseDoc::of(event.cause, names),
        }
    }

    pub(crate) fn read(&self, names: &mut Names) -> Option<LifecycleEvent> {
        Some(LifecycleEvent {
            run: words::run_id(&self.run_id, names)?,
            seq: self.seq,
            phase: words::event_phase(&self.phase)?,
            key: SessionKey::parse(&self.session_key, names).ok()?,
            session: self.session_id.as_deref().map(|id| names.sessions.intern(id)),
            job: names.jobs.intern(&self.job_id),
            ts: Wall::from_millis(self.ts),
            started_at: self.started_at.map(Wall::from_millis),
            ended_at: self.ended_at.map(Wall::from_millis),
            runtime_ms: self.runtime_ms,
            cause: self.cause.read(names),
        })
    }
}

/// Lines for what did not run and what came too late: kept apart from the field's run log, whose
/// readers know neither.
pub(crate) fn notes(commit: &Commit, names: &Names) -> Vec<Value> {
    let skipped = commit.ledger.iter().map(|row| {
        json!({
            "note": "not run",
            "jobId": names.jobs.name(row.job.0),
            "generation": row.generation,
            "firstMs": row.first.as_millis(),
            "lastMs": row.last.as_millis(),
            "count": row.count,
            "why": row.end.name(),
            "commit": commit.number,
        })
    });
    let late = commit.late.iter().map(|late| {
        json!({
            "note": "late",
            "runId": words::run_text(late.run, names),
            "ts": late.at.as_millis(),
            "said": format!("{:?}", late.said),
            "commit": commit.number,
        })
    });
    skipped.chain(late).collect()
}
