//! The session table and the session persister, the only writer of a row's lifecycle fields.

use educe::Educe;

use crate::id::{JobId, RunId, SessionId, SessionKey};
use crate::lifecycle::{Cause, ErrorKind, EventPhase, LifecycleEvent};
use crate::table::Table;
use crate::time::Wall;

/// What a session row says of its latest run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// A run is at work in it.
    Running,
    /// The run did its work.
    Done,
    /// The run's budget ran out.
    Timeout,
    /// Somebody ended the run.
    Killed,
    /// The run failed, or the gateway went down.
    Failed,
}

impl Status {
    /// Whether the session is over until a newer run starts in it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Running)
    }

    /// The field's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Timeout => "timeout",
            Self::Killed => "killed",
            Self::Failed => "failed",
        }
    }

    /// The status an event gives its session.
    #[must_use]
    pub const fn after(phase: EventPhase, cause: Option<Cause>) -> Self {
        match (phase, cause) {
            (EventPhase::Start, _) => Self::Running,
            (EventPhase::End, _) => Self::Done,
            (EventPhase::Error, None) => Self::Failed,
            (EventPhase::Error, Some(cause)) => match cause.kind {
                ErrorKind::Timeout => Self::Timeout,
                ErrorKind::Cancelled => Self::Killed,
                ErrorKind::Interrupted | ErrorKind::Failed => Self::Failed,
            },
        }
    }
}

/// The lifecycle fields of a session row. Whatever else a real row carries is the host's to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionRow {
    /// What the row is filed under.
    pub key: SessionKey,
    /// The session.
    pub session: Option<SessionId>,
    /// `status`: absent on a row that never got a lifecycle event.
    pub status: Option<Status>,
    /// `startedAt`.
    pub started_at: Option<Wall>,
    /// `endedAt`, never before `startedAt`.
    pub ended_at: Option<Wall>,
    /// `runtimeMs`, on the monotonic clock.
    pub runtime_ms: Option<u64>,
    /// `updatedAt`.
    pub updated_at: Wall,
    /// `runId`: the run the row speaks of.
    pub run: Option<RunId>,
    /// `jobId`.
    pub job: Option<JobId>,
    /// The sequence number of the event that wrote the row last.
    pub seq: u32,
    /// `error`, `errorKind`, `stopReason`.
    pub cause: Option<Cause>,
}

impl SessionRow {
    /// A row that never got a lifecycle event.
    #[must_use]
    pub const fn blank(key: SessionKey) -> Self {
        Self {
            key,
            session: None,
            status: None,
            started_at: None,
            ended_at: None,
            runtime_ms: None,
            updated_at: Wall::from_millis(0),
            run: None,
            job: None,
            seq: 0,
            cause: None,
        }
    }
}

/// The lifecycle fields an event changes in one row. All others stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionPatch {
    /// The row.
    pub key: SessionKey,
    /// `updatedAt`.
    pub updated_at: Wall,
    /// What changes.
    pub change: SessionChange,
}

/// The two ways a lifecycle event writes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionChange {
    /// A run starts: every lifecycle field is replaced, none is inherited.
    Start {
        /// The run.
        run: RunId,
        /// Its session.
        session: Option<SessionId>,
        /// When it started.
        started_at: Option<Wall>,
        /// The event's sequence number.
        seq: u32,
    },
    /// The row's run ends: only what an end says is written.
    End {
        /// The new status.
        status: Status,
        /// When it ended.
        ended_at: Option<Wall>,
        /// How long it ran.
        runtime_ms: Option<u64>,
        /// Why, when not well.
        cause: Option<Cause>,
        /// The event's sequence number.
        seq: u32,
    },
    /// Every lifecycle field is written, whatever stood there. The machine never says this: stores
    /// use it to load rows, and broken persisters to lose them.
    Replace(SessionRow),
}

impl SessionPatch {
    /// Writes the patch into a row.
    pub fn apply(&self, row: &mut SessionRow) {
        match self.change {
            SessionChange::Start { run, session, started_at, seq } => {
                *row = SessionRow {
                    session,
                    status: Some(Status::Running),
                    started_at,
                    run: Some(run),
                    job: Some(run.job),
                    seq,
                    ..SessionRow::blank(self.key)
                };
            }
            SessionChange::End { status, ended_at, runtime_ms, cause, seq } => {
                row.status = Some(status);
                row.ended_at = ended_at;
                row.runtime_ms = runtime_ms;
                row.cause = cause;
                row.seq = seq;
            }
            SessionChange::Replace(whole) => *row = whole,
        }
        row.updated_at = self.updated_at;
    }
}

/// The rows that can still change: each job's base rows, and the row of each run that is not over.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub struct SessionTable {
    /// The base row of each job that was made first: mostly a job has no other.
    bases: Vec<Option<SessionRow>>,
    /// Also the base rows of a job whose agent has changed.
    others: Table<SessionKey, SessionRow>,
    /// Where the run's row of each job is that was made last.
    of_job: Vec<u32>,
}

impl SessionTable {
    /// Forgets every row, keeping the memory.
    pub fn clear(&mut self) {
        self.bases.clear();
        self.others.clear();
        self.of_job.clear();
    }

    /// The row under `key`, if it can still change.
    #[must_use]
    pub fn get(&self, key: SessionKey) -> Option<&SessionRow> {
        match key {
            SessionKey::Base { job, .. } => {
                let first = self.bases.get(job.index())?.as_ref();
                first.filter(|row| row.key == key).or_else(|| self.others.get(key))
            }
            SessionKey::Run { job, .. } => self.others.get_near(key, *self.of_job.get(job.index())?),
            SessionKey::Main { .. } => self.others.get(key),
        }
    }

    /// Writes a patch, making the row if need be; a run's row that became terminal is let go.
    pub fn apply(&mut self, patch: &SessionPatch) {
        match patch.key {
            SessionKey::Base { job, .. } => {
                if self.bases.len() <= job.index() {
                    self.bases.resize(job.index() + 1, None);
                }
                let first = self.bases[job.index()].get_or_insert(SessionRow::blank(patch.key));
                if first.key == patch.key {
                    patch.apply(first);
                } else {
                    patch.apply(self.others.get_or_insert(patch.key, SessionRow::blank));
                }
            }
            SessionKey::Run { job, .. } => {
                if self.of_job.len() <= job.index() {
                    self.of_job.resize(job.index() + 1, 0);
                }
                let near = &mut self.of_job[job.index()];
                let row = self.others.get_or_insert_near(patch.key, near, SessionRow::blank);
                patch.apply(row);
                if row.status.is_some_and(Status::is_terminal) {
                    self.others.remove(patch.key);
                }
            }
            SessionKey::Main { .. } => patch.apply(self.others.get_or_insert(patch.key, SessionRow::blank)),
        }
    }
}

/// The room that turns lifecycle events into patches.
pub trait Persister: Clone + std::fmt::Debug {
    /// Adds the patches `event` asks for; `table` is as the patches before them left it.
    fn on_event(&mut self, event: &LifecycleEvent, table: &SessionTable, patches: &mut Vec<SessionPatch>);
}

/// The persister as it should be.
#[derive(Clone, Copy, Debug, Default)]
pub struct LifecyclePersister;

impl Persister for LifecyclePersister {
    fn on_event(&mut self, event: &LifecycleEvent, table: &SessionTable, patches: &mut Vec<SessionPatch>) {
        let change = change_of(event);
        for key in [Some(event.key), event.key.base().filter(|base| *base != event.key)].into_iter().flatten()
        {
            if matches!(event.phase, EventPhase::Start) || belongs(table.get(key), event) {
                patches.push(SessionPatch { key, updated_at: event.ts, change });
            }
        }
    }
}

/// Whether the row speaks of the event's run, and that run is not over in it.
fn belongs(row: Option<&SessionRow>, event: &LifecycleEvent) -> bool {
    row.is_some_and(|row| {
        row.run == Some(event.run) && row.seq < event.seq && row.status == Some(Status::Running)
    })
}

/// What an event writes into its rows.
#[must_use]
pub const fn change_of(event: &LifecycleEvent) -> SessionChange {
    match event.phase {
        EventPhase::Start => SessionChange::Start {
            run: event.run,
            session: event.session,
            started_at: event.started_at,
            seq: event.seq,
        },
        EventPhase::End | EventPhase::Error => SessionChange::End {
            status: Status::after(event.phase, event.cause),
            ended_at: event.ended_at,
            runtime_ms: event.runtime_ms,
            cause: event.cause,
            seq: event.seq,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AgentId;

    const KEY: SessionKey = SessionKey::Base { agent: AgentId(0), job: JobId(3) };

    fn written(row: &SessionRow, change: SessionChange) -> SessionRow {
        let mut row = *row;
        SessionPatch { key: KEY, updated_at: Wall::from_millis(90), change }.apply(&mut row);
        row
    }

    #[test]
    fn a_start_inherits_nothing_and_an_end_writes_what_an_end_says() {
        let run = |attempt| RunId { job: JobId(3), attempt, ..RunId::default() };
        let at = |millis| Some(Wall::from_millis(millis));
        let cause = Cause { kind: ErrorKind::Failed, stop_reason: None, timed_out: None, text: None };
        let before = SessionRow {
            session: Some(SessionId(1)),
            status: Some(Status::Failed),
            started_at: at(10),
            ended_at: at(20),
            runtime_ms: Some(10),
            run: Some(run(1)),
            job: Some(JobId(3)),
            seq: 2,
            cause: Some(cause),
            ..SessionRow::blank(KEY)
        };
        let start =
            SessionChange::Start { run: run(2), session: Some(SessionId(5)), started_at: at(30), seq: 1 };
        let started = SessionRow {
            key: KEY,
            session: Some(SessionId(5)),
            status: Some(Status::Running),
            started_at: at(30),
            ended_at: None,
            runtime_ms: None,
            updated_at: Wall::from_millis(90),
            run: Some(run(2)),
            job: Some(JobId(3)),
            seq: 1,
            cause: None,
        };
        assert_eq!(written(&before, start), started);
        let end = SessionChange::End {
            status: Status::Timeout,
            ended_at: at(70),
            runtime_ms: Some(40),
            cause: Some(cause),
            seq: 2,
        };
        let ended = SessionRow {
            status: Some(Status::Timeout),
            ended_at: at(70),
            runtime_ms: Some(40),
            cause: Some(cause),
            seq: 2,
            ..started
        };
        assert_eq!(written(&started, end), ended);
        assert_eq!(written(&before, SessionChange::Replace(ended)), ended);
    }

    #[test]
    fn an_end_is_written_once_and_into_the_row_of_its_own_run() {
        let run = |attempt| RunId { job: JobId(3), attempt, ..RunId::default() };
        let row =
            SessionRow { status: Some(Status::Running), run: Some(run(1)), seq: 1, ..SessionRow::blank(KEY) };
        let ended = SessionRow { status: Some(Status::Done), ..row };
        let end = |run, seq| LifecycleEvent {
            run,
            seq,
            phase: EventPhase::End,
            key: KEY,
            session: None,
            job: JobId(3),
            ts: Wall::from_millis(90),
            started_at: None,
            ended_at: None,
            runtime_ms: None,
            cause: None,
        };
        let cases = [
            (row, end(run(1), 2), 1),
            (row, end(run(1), 1), 0),
            (row, end(run(2), 2), 0),
            (ended, end(run(1), 2), 0),
        ];
        for (row, event, expected) in cases {
            let mut table = SessionTable::default();
            let change = SessionChange::Replace(row);
            table.apply(&SessionPatch { key: KEY, updated_at: row.updated_at, change });
            let mut patches = Vec::new();
            LifecyclePersister.on_event(&event, &table, &mut patches);
            assert_eq!(patches.len(), expected, "{event:?} on {row:?}");
        }
    }

    #[test]
    fn a_job_has_a_base_row_with_each_of_its_agents() {
        let keys = [0, 1].map(|agent| SessionKey::Base { agent: AgentId(agent), job: JobId(3) });
        for order in [keys, [keys[1], keys[0]]] {
            let mut table = SessionTable::default();
            for (key, seq) in order.into_iter().zip(1..) {
                let change = SessionChange::Replace(SessionRow { seq, ..SessionRow::blank(key) });
                table.apply(&SessionPatch { key, updated_at: Wall::from_millis(0), change });
            }
            let rows = order.map(|key| table.get(key).map(|row| (row.key, row.seq)));
            assert_eq!(rows, [Some((order[0], 1)), Some((order[1], 2))]);
        }
    }
}
