//! A store in memory: applies commits as they come and can be looked at from outside.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use sametick_core::commit::{Answer, Commit, JobRow, LateNote, LedgerRow, Rows, TermsRow};
use sametick_core::id::{JobId, RunId, SessionKey};
use sametick_core::job::{Job, Terms};
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::ports::Store;
use sametick_core::run::RunRow;
use sametick_core::session::{SessionRow, Status};
use sametick_core::time::Wall;

/// Everything a store in memory holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Declared jobs with their state.
    pub jobs: BTreeMap<JobId, (Job, JobRow)>,
    /// Every run there ever was.
    pub runs: BTreeMap<RunId, RunRow>,
    /// What each of them goes by.
    pub terms: BTreeMap<RunId, Terms>,
    /// Session rows.
    pub sessions: BTreeMap<SessionKey, SessionRow>,
    /// Occurrences that did not run, by job, generation and first due time.
    pub ledger: BTreeMap<(JobId, u32, Wall), LedgerRow>,
    /// Reports that came too late.
    pub late: Vec<LateNote>,
    /// Every lifecycle event, by offset.
    pub events: BTreeMap<u64, LifecycleEvent>,
    /// The offset after the last event.
    pub next_offset: u64,
    /// Every event below this offset was acknowledged.
    pub acknowledged: u64,
    /// The last commit applied.
    pub last_commit: u64,
    /// The highest generation any job was ever given.
    pub generations: u32,
    /// The newest owner seen.
    pub epoch: u64,
}

/// A store in memory. Clones look into the same books.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    books: Arc<Mutex<Books>>,
}

impl MemoryStore {
    /// A store that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that holds these jobs, none of which ever ran. Each is due first at the time given.
    #[must_use]
    pub fn with_jobs(jobs: impl IntoIterator<Item = (Job, Wall)>) -> Self {
        let store = Self::new();
        store.change(|books| {
            for (job, due) in jobs {
                books.jobs.insert(job.id, (job, JobRow::new(job.id, 1, Some(due))));
            }
        });
        store
    }

    /// A copy of what the store holds at this moment.
    #[must_use]
    pub fn books(&self) -> Books {
        self.change(|books| books.clone())
    }

    /// What a machine needs to go on.
    #[must_use]
    pub fn rows(&self) -> Rows {
        self.change(|books| books.rows())
    }

    /// Takes the store over: the epoch for the new owner. Older owners are fenced from now on.
    #[must_use]
    pub fn take_over(&self) -> u64 {
        self.change(|books| {
            books.epoch += 1;
            books.epoch
        })
    }

    fn change<R>(&self, change: impl FnOnce(&mut Books) -> R) -> R {
        change(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for MemoryStore {
    type Error = Infallible;

    fn load(&mut self) -> Result<Rows, Infallible> {
        Ok(self.rows())
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        self.change(|books| books.commit(commit))
    }

    fn renew(&mut self, epoch: u64) -> Answer {
        self.change(|books| if epoch < books.epoch { Answer::Fenced } else { Answer::Applied })
    }
}

/// A store that keeps a copy of every commit another one applied, for tests that compare machines.
#[derive(Clone, Debug, Default)]
pub struct Recorded<S> {
    inner: S,
    commits: Arc<Mutex<Vec<Commit>>>,
}

impl<S> Recorded<S> {
    /// Wraps a store.
    pub fn new(inner: S) -> Self {
        Self { inner, commits: Arc::default() }
    }

    /// Every commit applied so far, in order and without repeats. Clones share them.
    #[must_use]
    pub fn commits(&self) -> Vec<Commit> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Store> Store for Recorded<S> {
    type Error = S::Error;

    fn load(&mut self) -> Result<Rows, S::Error> {
        self.inner.load()
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        let answer = self.inner.commit(commit);
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        if answer == Answer::Applied && commits.last().is_none_or(|last| last.number < commit.number) {
            commits.push(commit.clone());
        }
        answer
    }

    fn renew(&mut self, epoch: u64) -> Answer {
        self.inner.renew(epoch)
    }
}

impl Books {
    /// What a machine needs to go on.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let open = self.events.range(self.acknowledged..);
        let first_offset = open.clone().next().map_or(self.next_offset, |(offset, _)| *offset);
        let mut rows = Rows {
            generations: self.generations,
            jobs: self.jobs.values().copied().collect(),
            runs: Vec::new(),
            terms: Vec::new(),
            sessions: self.sessions.values().filter(|row| can_change(row)).copied().collect(),
            events: open.map(|(_, event)| *event).collect(),
            first_offset,
            last_commit: self.last_commit,
        };
        rows.take_runs(self.runs.values(), |run| self.runs.get(&run));
        let terms =
            |row: &RunRow| self.terms.get(&row.id).map(|terms| TermsRow { run: row.id, terms: *terms });
        rows.terms = rows.runs.iter().filter_map(terms).collect();
        rows
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        if commit.epoch < self.epoch {
            return Answer::Fenced;
        }
        if commit.number <= self.last_commit {
            return Answer::Applied;
        }
        if commit.number > self.last_commit + 1 {
            return Answer::NotApplied;
        }
        self.apply(commit);
        Answer::Applied
    }

    fn apply(&mut self, commit: &Commit) {
        for job in &commit.removed {
            self.jobs.remove(job);
        }
        for job in &commit.declared {
            let new = || (*job, JobRow::new(job.id, commit.generations, None));
            self.jobs.entry(job.id).or_insert_with(new).0 = *job;
        }
        for row in &commit.jobs {
            if let Some((_, held)) = self.jobs.get_mut(&row.id) {
                *held = *row;
            }
        }
        for run in &commit.runs {
            self.runs.insert(run.id, *run);
        }
        self.terms.extend(commit.terms.iter().map(|row| (row.run, row.terms)));
        for patch in &commit.sessions {
            patch.apply(self.sessions.entry(patch.key).or_insert(SessionRow::blank(patch.key)));
        }
        for row in &commit.ledger {
            self.ledger.insert((row.job, row.generation, row.first), *row);
        }
        self.late.extend(&commit.late);
        self.events.extend((commit.first_offset..).zip(commit.events.iter().copied()));
        self.next_offset = commit.first_offset + commit.events.len() as u64;
        self.acknowledged = commit.acknowledged;
        self.last_commit = commit.number;
        self.generations = commit.generations;
        self.epoch = commit.epoch;
    }
}

/// Whether a row can still change: a job's base row always, a run's own row while it is running.
pub(crate) fn can_change(row: &SessionRow) -> bool {
    match row.key {
        SessionKey::Main { .. } | SessionKey::Base { .. } => true,
        SessionKey::Run { .. } => row.status.is_some_and(|status| status == Status::Running),
    }
}
