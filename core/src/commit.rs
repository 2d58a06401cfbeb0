//! What one tick makes durable, and what a machine needs back after a crash.

use crate::id::{JobId, RunId};
use crate::job::{Job, Terms};
use crate::lifecycle::LifecycleEvent;
use crate::run::{Finish, Outcome, RunRow};
use crate::session::{SessionPatch, SessionRow};
use crate::time::Wall;

/// Every row one tick changed and every event it published, to be stored atomically.
///
/// Its bytes never change once emitted: a retry is an effect with the same number.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub struct Commit {
    /// Its place in the owner's sequence, without gaps.
    pub number: u64,
    /// The owner's epoch.
    pub epoch: u64,
    /// Jobs declared or edited in this tick.
    pub declared: Vec<Job>,
    /// Jobs removed in this tick; one that is declared again in the same tick is not among them.
    pub removed: Vec<JobId>,
    /// The highest generation any job was ever given.
    pub generations: u32,
    /// Job rows as the tick left them.
    pub jobs: Vec<JobRow>,
    /// Run records as the tick left them.
    pub runs: Vec<RunRow>,
    /// What the runs among them go by that began in this tick.
    pub terms: Vec<TermsRow>,
    /// Session patches, in the order to apply them.
    pub sessions: Vec<SessionPatch>,
    /// Occurrences that did not run.
    pub ledger: Vec<LedgerRow>,
    /// Reports that came after their run was over.
    pub late: Vec<LateNote>,
    /// Lifecycle events, in the order published.
    pub events: Vec<LifecycleEvent>,
    /// The offset of the first of `events` in the store's stream.
    pub first_offset: u64,
    /// Every event below this offset was acknowledged by the subscribers.
    pub acknowledged: u64,
}

impl Clone for Commit {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.clone_from(self);
        copy
    }

    /// Keeps the memory it has: a host that copies commit after commit allocates nothing.
    fn clone_from(&mut self, other: &Self) {
        self.number = other.number;
        self.epoch = other.epoch;
        self.declared.clone_from(&other.declared);
        self.removed.clone_from(&other.removed);
        self.generations = other.generations;
        self.jobs.clone_from(&other.jobs);
        self.runs.clone_from(&other.runs);
        self.terms.clone_from(&other.terms);
        self.sessions.clone_from(&other.sessions);
        self.ledger.clone_from(&other.ledger);
        self.late.clone_from(&other.late);
        self.events.clone_from(&other.events);
        self.first_offset = other.first_offset;
        self.acknowledged = other.acknowledged;
    }
}

impl Commit {
    /// Whether the tick changed anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.declared.is_empty()
            && self.removed.is_empty()
            && self.jobs.is_empty()
            && self.runs.is_empty()
            && self.terms.is_empty()
            && self.sessions.is_empty()
            && self.ledger.is_empty()
            && self.late.is_empty()
            && self.events.is_empty()
    }

    /// Empties the commit, keeping its memory.
    pub fn clear(&mut self) {
        self.declared.clear();
        self.removed.clear();
        self.jobs.clear();
        self.runs.clear();
        self.terms.clear();
        self.sessions.clear();
        self.ledger.clear();
        self.late.clear();
        self.events.clear();
    }
}

/// What a store says of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It is durable.
    Applied,
    /// It is not, and nothing of it is.
    NotApplied,
    /// It was sent and nobody answered: it may be durable or not.
    Unknown,
    /// A newer owner holds the store: nothing of this owner is taken any more.
    Fenced,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobRow {
    /// Which job.
    pub id: JobId,
    /// Which declaration of it.
    pub generation: u32,
    /// Whether its schedule is followed.
    pub status: JobStatus,
    /// When it is due next; while its schedule is not followed, the first occurrence that was not.
    pub next_due: Option<Wall>,
    /// The latest occurrence that was met.
    pub last_due: Option<Wall>,
    /// How many runs were asked for, beside the schedule.
    pub asked: u32,
    /// The run that got a slot last and has not settled.
    pub running: Option<RunId>,
    /// Its latest settled run.
    pub last: Option<LastRun>,
    /// How many runs in a row did not end well.
    pub consecutive_errors: u32,
}

/// Whether a job's schedule is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobStatus {
    /// It is.
    #[default]
    Active,
    /// It is not, until somebody resumes it. What waits already goes on.
    Paused,
    /// It is not, and nothing of it waits: somebody disabled it.
    Disabled,
    /// It is not, as nothing is left of it: a job that is due once did not end well and is not tried again, or did not
    /// run at all.
    Exhausted,
}

impl JobStatus {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Exhausted => "exhausted",
        }
    }

    /// Whether the schedule is followed.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active)
    }
}

/// What a job row says of its latest settled run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LastRun {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it got its slot, or entered the lane if it never did.
    pub at: Wall,
    /// Milliseconds from there to its end.
    pub duration_ms: u64,
}

impl JobRow {
    /// A job that has never run.
    #[must_use]
    pub const fn new(id: JobId, generation: u32, next_due: Option<Wall>) -> Self {
        Self {
            id,
            generation,
            status: JobStatus::Active,
            next_due,
            last_due: None,
            asked: 0,
            running: None,
            last: None,
            consecutive_errors: 0,
        }
    }
}

/// What a run goes by from its beginning to its end, whatever becomes of its job: written down once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TermsRow {
    /// The run.
    pub run: RunId,
    /// What it goes by.
    pub terms: Terms,
}

/// A range of occurrences that had the same end without running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LedgerRow {
    /// The job.
    pub job: JobId,
    /// Its generation.
    pub generation: u32,
    /// The first due time.
    pub first: Wall,
    /// The last due time.
    pub last: Wall,
    /// How many there are.
    pub count: u64,
    /// What became of them.
    pub end: Unran,
}

/// Why an occurrence did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unran {
    /// A run before it was still open.
    Overlap,
    /// It was due while no gateway ran, or too long before one got to it.
    Missed,
    /// A run for another occurrence stands for it too.
    Coalesced,
    /// Its job was edited before it was met.
    Superseded,
    /// Its job was paused or disabled.
    Paused,
    /// Its lane had no room.
    LaneFull,
}

impl Unran {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overlap => "skipped by overlap",
            Self::Missed => "missed",
            Self::Coalesced => "coalesced",
            Self::Superseded => "superseded",
            Self::Paused => "paused",
            Self::LaneFull => "skipped by a full lane",
        }
    }
}

/// A report that came after its run was over. It changes nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LateNote {
    /// The run.
    pub run: RunId,
    /// When the report was heard.
    pub at: Wall,
    /// What it said.
    pub said: LateWord,
}

/// What a late report said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LateWord {
    /// The session was ready.
    Ready,
    /// The turn ended.
    Completed(Finish),
    /// The turn stopped.
    Stopped,
}

/// What a store holds, as a machine needs it to go on.
///
/// Run rows of sessions that are over may be left out, and closed runs but for those that [`Rows::take_runs`] takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The highest generation any job was ever given.
    pub generations: u32,
    /// Declared jobs, in the order of their ids, each with its state.
    pub jobs: Vec<(Job, JobRow)>,
    /// Runs that are not over, or whose drain is open, and the ancestors of those.
    pub runs: Vec<RunRow>,
    /// What these runs go by, in any order. One that is not here goes by its job as that is declared now.
    pub terms: Vec<TermsRow>,
    /// Session rows that can still change.
    pub sessions: Vec<SessionRow>,
    /// Events that no subscriber acknowledged, in order.
    pub events: Vec<LifecycleEvent>,
    /// The offset of the first of `events`; the next event's, when there is none.
    pub first_offset: u64,
    /// The number of the last commit applied; zero for an empty store.
    pub last_commit: u64,
}

impl Rows {
    /// Takes what a machine needs of all runs: those that are not closed, and of closed ones the ancestors of those,
    /// as a slot is held until the last of a family has let go.
    pub fn take_runs<'r>(
        &mut self,
        all: impl IntoIterator<Item = &'r RunRow>,
        find: impl Fn(RunId) -> Option<&'r RunRow>,
    ) {
        let first = self.runs.len();
        self.runs.extend(all.into_iter().filter(|row| !row.is_closed()));
        let open = self.runs.len();
        for place in first..open {
            let mut elder = self.runs[place].parent;
            while let Some(row) = elder.and_then(&find).filter(|row| row.is_closed()) {
                if self.runs[open..].iter().any(|taken| taken.id == row.id) {
                    break;
                }
                self.runs.push(*row);
                elder = row.parent;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AgentId;
    use crate::job::Target;
    use crate::run::{Drain, RunState};

    #[test]
    fn what_is_open_comes_with_its_ancestors_and_each_of_them_once() {
        let run = |job| RunId::scheduled(JobId(job), 1, Wall::from_millis(0));
        // Each is the child of the one before it, but for the last, whose parent is the last but two.
        let all: Vec<RunRow> = [(0, None), (1, Some(0)), (2, Some(1)), (3, Some(2)), (4, Some(2))]
            .map(|(job, parent)| {
                let row = RunRow::queued(run(job), AgentId(0), Target::Isolated, Wall::from_millis(0));
                let closed = RunState::Settled(Outcome::Ok);
                let state = if job < 3 { closed } else { RunState::Running };
                RunRow { parent: parent.map(run), state, drain: Drain::None, ..row }
            })
            .into();
        let mut rows = Rows::default();
        rows.take_runs(&all, |run| all.get(run.job.index()));
        let taken: Vec<u32> = rows.runs.iter().map(|row| row.id.job.0).collect();
        assert_eq!(taken, [3, 4, 2, 1, 0]);
    }
}
