//! What another gateway left behind: session rows that say *running*, and no run that is.
//!
//! Such a row gets the run it lacks, so that the machine ends it like any other whose gateway went
//! down: as interrupted, in its first tick. Where the job's run log knows better, the run is given as
//! over, and the machine publishes the end it never got.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use sametick_core::id::{AgentId, JobId, Names, RunId, SessionId, SessionKey};
use sametick_core::job::Target;
use sametick_core::name::Unfit;
use sametick_core::run::{Drain, RunRow, RunState};
use sametick_core::session::{SessionRow, Status};
use sametick_core::time::Wall;
use serde_json::{Map, Value, json};

use super::document::said;
use super::error::StoreError;
use super::layout::Layout;
use super::run_log::{LogLine, RunLog};
use super::text::{Parts, picked};
use super::{sessions, words};

/// The highest sequence number taken from a file: the end of the run needs one more.
const MOST_SEQ: u32 = u32::MAX - 8;

/// A run that another gateway left behind in session rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftRun {
    /// The name it gets: of generation 0, which no declared job has.
    pub run: RunId,
    /// The rows that get its end: those that say *running*, and those of the same session that were
    /// never told of any run.
    pub keys: Vec<SessionKey>,
    /// When it started, as its rows say.
    pub started_at: Option<Wall>,
    /// The line of the run log that says how it ended; without one it was interrupted.
    pub line: Option<LogLine>,
}

/// What the store has to know of these runs when their end is committed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Adopted {
    /// Runs that have their line in the log already.
    pub(crate) logged: BTreeSet<RunId>,
    /// What a row gets along with the end of its run: an end writes only what an end says, and these
    /// rows never had a start of ours.
    pub(crate) rows: BTreeMap<String, (RunId, Map<String, Value>)>,
}

/// What is added to a machine's rows.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) sessions: Vec<SessionRow>,
    pub(crate) runs: Vec<RunRow>,
    pub(crate) left: Vec<LeftRun>,
    pub(crate) adopted: Adopted,
}

/// What makes rows speak of one run: job, agent, and the session that it is or shares.
type Group = (JobId, AgentId, Target, Option<SessionId>);

/// Finds the runs behind rows that say *running* and name no run the store knows. A run is one session
/// of one job: its own row and the job's base row may both speak of it.
pub(crate) fn adopt(
    stale: Vec<SessionRow>,
    document: &Parts<'_>,
    layout: &Layout,
    taken: impl Fn(&str) -> bool,
    names: &mut Names,
) -> Result<Found, StoreError> {
    let mut sessions: BTreeMap<Group, Vec<SessionRow>> = BTreeMap::new();
    for row in stale {
        let (job, session, target) = match row.key {
            SessionKey::Run { job, session, .. } => (job, Some(session), Target::Isolated),
            SessionKey::Base { job, .. } => {
                (job, row.session.filter(|id| fits_a_key(*id, names)), Target::Isolated)
            }
            SessionKey::Main { .. } => match row.run {
                Some(run) => (run.job, row.session, Target::Main),
                None => continue,
            },
        };
        sessions.entry((job, row.key.agent(), target, session)).or_default().push(row);
    }
    let silent = silent_rows(sessions.keys().copied(), document, names);
    let mut found = Found::default();
    let mut logs: BTreeMap<JobId, RunLog> = BTreeMap::new();
    let mut next_asked: BTreeMap<(JobId, Wall), u32> = BTreeMap::new();
    for ((job, agent, target, session), mut rows) in sessions {
        if let (Some(session), Target::Isolated) = (session, target) {
            let own = SessionKey::Run { agent, job, session };
            rows.extend(unheard(&rows, own, session, &silent));
        }
        let log = match logs.entry(job) {
            Entry::Occupied(log) => log.into_mut(),
            Entry::Vacant(place) => place.insert(RunLog::read(layout, names.jobs.name(job.0))?),
        };
        let started_at = rows.iter().filter_map(|row| row.started_at).max();
        let moment = started_at.or_else(|| rows.iter().map(|row| row.updated_at).max());
        let session_name = session.map(|id| names.sessions.name(id.0).to_owned());
        let run_names: Vec<String> =
            rows.iter().filter_map(|row| Some(words::run_text(row.run?, names))).collect();
        let line = log.find(&run_names, session_name.as_deref(), moment, names);
        let due = moment.unwrap_or_default();
        let asked = next_asked.entry((job, due)).or_default();
        let mut run = RunId { job, generation: 0, due, asked: *asked, attempt: 0 };
        while taken(&words::run_text(run, names)) {
            run.asked += 1;
        }
        *asked = run.asked + 1;
        let left = LeftRun { run, keys: Vec::new(), started_at, line };
        found.add(left, agent, (target, session), rows, names);
    }
    Ok(found)
}

/// Whether a key can name the session: a row's `sessionId` may be any text.
fn fits_a_key(session: SessionId, names: &Names) -> bool {
    let name = names.sessions.name(session.0);
    Unfit::of(name).is_none()
}

/// The rows without any status under the keys of these sessions.
fn silent_rows(
    sessions: impl Iterator<Item = Group>,
    document: &Parts<'_>,
    names: &mut Names,
) -> BTreeMap<SessionKey, SessionRow> {
    let mut wanted = BTreeMap::new();
    for (job, agent, target, session) in sessions {
        let (Some(session), Target::Isolated) = (session, target) else { continue };
        for key in [SessionKey::Base { agent, job }, SessionKey::Run { agent, job, session }] {
            wanted.insert(key.render(names), key);
        }
    }
    let mut silent = BTreeMap::new();
    for (name, row) in document.members().filter(|_| !wanted.is_empty()) {
        let Some(key) = wanted.get(name.as_ref()) else { continue };
        let fields = picked(row, |field| sessions::FIELDS.contains(&field)).unwrap_or_default();
        if fields.get("status").is_none_or(Value::is_null) {
            silent.insert(*key, sessions::read(*key, &fields, names));
        }
    }
    silent
}

/// The rows of the same session that have no status at all: the field writes a row when it makes a
/// session, and loses the events that should have followed.
fn unheard(
    rows: &[SessionRow],
    own: SessionKey,
    session: SessionId,
    silent: &BTreeMap<SessionKey, SessionRow>,
) -> Vec<SessionRow> {
    let started_at = rows.iter().filter_map(|row| row.started_at).max();
    let there = [Some(own), own.base()].into_iter().flatten().filter_map(|key| silent.get(&key));
    there
        .filter(|row| rows.iter().all(|other| other.key != row.key))
        .filter(|row| row.key == own || row.session == Some(session))
        .map(|row| SessionRow { started_at: row.started_at.or(started_at), ..*row })
        .collect()
}

impl Found {
    fn add(
        &mut self,
        mut left: LeftRun,
        agent: AgentId,
        (target, session): (Target, Option<SessionId>),
        rows: Vec<SessionRow>,
        names: &Names,
    ) {
        let run = left.run;
        let began_at = left.line.as_ref().and_then(|line| line.began_at).or(left.started_at);
        let seq = rows.iter().map(|row| row.seq).max().unwrap_or_default().min(MOST_SEQ);
        let mut record = RunRow {
            state: RunState::Running,
            session,
            granted_at: began_at,
            started_at: left.started_at,
            seq,
            ..RunRow::queued(run, agent, target, began_at.unwrap_or(run.due))
        };
        if let Some(line) = &left.line {
            record.state = RunState::Settled(line.outcome);
            // Nobody knows whether its turn was ever stopped.
            record.drain = Drain::Open;
            let ended_at = line.ended_at;
            record.settled_at = Some(left.started_at.map_or(ended_at, |started| started.max(ended_at)));
            self.adopted.logged.insert(run);
        }
        for row in rows {
            let given = said(json!({
                "startedAt": row.started_at.map(Wall::as_millis),
                "runId": words::run_text(run, names),
                "jobId": names.jobs.name(run.job.0),
            }));
            self.adopted.rows.insert(row.key.render(names), (run, given));
            left.keys.push(row.key);
            let (status, job) = (Some(Status::Running), Some(run.job));
            self.sessions.push(SessionRow { status, run: Some(run), job, seq: row.seq.min(seq), ..row });
        }
        self.runs.push(record);
        self.left.push(left);
    }
}
