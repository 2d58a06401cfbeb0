//! The store of a world: the durable rows, and what each commit changed in them.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use sametick_core::commit::{Answer, Commit, JobRow, LateNote, LedgerRow, Rows};
use sametick_core::id::{JobId, RunId, SessionKey};
use sametick_core::job::Job;
use sametick_core::lifecycle::{EventPhase, LifecycleEvent};
use sametick_core::run::{RunRow, RunState};
use sametick_core::session::{SessionRow, Status};

/// A table that is found by key and walked in the order rows came in.
pub type Table<K, V> = IndexMap<K, V, FxBuildHasher>;

/// What is durable in a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Jobs, by number.
    pub jobs: Vec<Option<(Job, JobRow)>>,
    /// Run records, with what was published of each.
    pub runs: Table<RunId, RunBook>,
    /// Session rows.
    pub sessions: Table<SessionKey, SessionRow>,
    /// Occurrences that did not run.
    pub ledger: Vec<LedgerRow>,
    /// Late reports.
    pub late: Vec<LateNote>,
    /// Every lifecycle event, by offset.
    pub events: Vec<LifecycleEvent>,
    /// Every event below this offset was acknowledged.
    pub acknowledged: u64,
    /// The last commit applied.
    pub last_commit: u64,
}

/// A run's record and the terminal events published of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBook {
    /// The record.
    pub row: RunRow,
    /// How many terminal events there are.
    pub ends: u32,
}

/// What one commit changed, each row before and after.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Run records.
    pub runs: Vec<(Option<RunRow>, RunRow)>,
    /// Session rows, one entry a row however many patches it got.
    pub sessions: Vec<(Option<SessionRow>, SessionRow)>,
    /// Job rows.
    pub jobs: Vec<(Option<JobRow>, JobRow)>,
}

impl Books {
    /// Empties the books and writes jobs that were declared before the world began.
    pub fn open(&mut self, jobs: &[(Job, JobRow)]) {
        self.jobs.clear();
        self.runs.clear();
        self.sessions.clear();
        self.ledger.clear();
        self.late.clear();
        self.events.clear();
        self.acknowledged = 0;
        self.last_commit = 0;
        for (job, row) in jobs {
            self.put_job(*job, *row);
        }
    }

    /// Applies a commit, or says why not; `changes` holds what it changed.
    pub fn apply(&mut self, commit: &Commit, changes: &mut Changes) -> Answer {
        changes.clear();
        if commit.number <= self.last_commit {
            return Answer::Applied;
        }
        if commit.number != self.last_commit + 1 {
            return Answer::NotApplied;
        }
        self.last_commit = commit.number;
        self.acknowledged = commit.acknowledged;
        for job in &commit.declared {
            self.put_job(*job, JobRow::new(job.id, 1, None));
        }
        for row in &commit.jobs {
            if let Some((_, kept)) = self.jobs.get_mut(row.id.index()).and_then(Option::as_mut) {
                changes.jobs.push((Some(*kept), *row));
                *kept = *row;
            }
        }
        for row in &commit.runs {
            let before = self.runs.get(&row.id).map(|book| book.row);
            changes.runs.push((before, *row));
            self.runs.entry(row.id).or_insert(RunBook { row: *row, ends: 0 }).row = *row;
        }
        for patch in &commit.sessions {
            let before = self.sessions.get(&patch.key).copied();
            let mut after = before.unwrap_or(SessionRow::blank(patch.key));
            patch.apply(&mut after);
            match changes.sessions.iter_mut().find(|(_, changed)| changed.key == patch.key) {
                Some((_, changed)) => *changed = after,
                None => changes.sessions.push((before, after)),
            }
            self.sessions.insert(patch.key, after);
        }
        for event in &commit.events {
            self.events.push(*event);
            if event.phase != EventPhase::Start
                && let Some(book) = self.runs.get_mut(&event.run)
            {
                book.ends += 1;
            }
        }
        for row in &commit.ledger {
            self.write_ledger(*row);
        }
        self.late.extend_from_slice(&commit.late);
        Answer::Applied
    }

    /// What a machine gets back after a crash.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::default();
        self.rows_into(&mut rows);
        rows
    }

    /// [`Self::rows`] into memory that is there already.
    pub fn rows_into(&self, rows: &mut Rows) {
        rows.jobs.clear();
        rows.jobs.extend(self.jobs.iter().flatten());
        rows.runs.clear();
        rows.runs.extend(self.runs.values().map(|book| book.row).filter(|row| !row.is_closed()));
        rows.sessions.clear();
        let live = |row: &&SessionRow| match row.key {
            SessionKey::Run { .. } => !row.status.is_some_and(Status::is_terminal),
            SessionKey::Base { .. } | SessionKey::Main { .. } => true,
        };
        rows.sessions.extend(self.sessions.values().filter(live));
        rows.events.clear();
        let heard = usize::try_from(self.acknowledged).unwrap_or(usize::MAX).min(self.events.len());
        rows.events.extend_from_slice(&self.events[heard..]);
        rows.first_offset = heard as u64;
        rows.last_commit = self.last_commit;
    }

    /// The record of a run.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<&RunRow> {
        self.runs.get(&id).map(|book| &book.row)
    }

    /// The row of a job.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&(Job, JobRow)> {
        self.jobs.get(id.index())?.as_ref()
    }

    /// Whether a run is over.
    #[must_use]
    pub fn is_settled(&self, id: RunId) -> bool {
        self.run(id).is_some_and(|row| matches!(row.state, RunState::Settled(_)))
    }

    fn put_job(&mut self, job: Job, row: JobRow) {
        if self.jobs.len() <= job.id.index() {
            self.jobs.resize(job.id.index() + 1, None);
        }
        self.jobs[job.id.index()] = Some((job, row));
    }

    fn write_ledger(&mut self, row: LedgerRow) {
        let same = |kept: &&mut LedgerRow| {
            kept.job == row.job && kept.generation == row.generation && kept.first == row.first
        };
        match self.ledger.iter_mut().rev().find(same) {
            Some(kept) => *kept = row,
            None => self.ledger.push(row),
        }
    }
}

impl Changes {
    fn clear(&mut self) {
        self.runs.clear();
        self.sessions.clear();
        self.jobs.clear();
    }
}
