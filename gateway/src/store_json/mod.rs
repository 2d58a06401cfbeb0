//! A store in the field's file layout: `jobs.json`, `jobs-state.json`, `sessions.json` and
//! `runs/<job>.jsonl`.
//!
//! # How a commit over several files is atomic
//!
//! ```text
//! 1  sametick-commit.json      the whole commit, as patches        ── durable: from here it happened
//! 2  sessions.json             ┐
//! 3  runs/<job>.jsonl          │ each new beside the old, synced, renamed; in this order, so whoever
//! 4  jobs-state.json           │ reads that a run is over finds its session over too
//! 5  jobs.json                 ┘
//! 6  sametick-commit.json  ─▶  sametick.json                       ── done
//! ```
//!
//! A crash before 1 leaves the old state, one after it is finished by the next [`JsonStore::open`]:
//! patches that are written twice are written once. A document is read again before it is patched,
//! and only lifecycle fields are patched, so what others keep in it is never lost to an old copy.
//!
//! The lock keeps other gateways of this kind away. The field's own gateway knows nothing of it: stop
//! that one first.

mod apply;
mod commit_doc;
mod cron;
mod declarations;
mod disk;
mod document;
mod error;
mod jobs;
mod layout;
mod runs;
mod sessions;
mod states;
mod words;

pub use declarations::{Declarations, DeclareError};
pub use disk::{Disk, RealDisk};
pub use error::StoreError;
pub use jobs::Skipped;
pub(crate) use layout::file_name;
pub use words::{run_id, run_text};

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use sametick_core::commit::{Answer, Commit, JobRow, Rows};
use sametick_core::id::{JobId, Names, SessionKey};
use sametick_core::job::Job;
use sametick_core::ports::Store;
use sametick_core::session::SessionRow;
use serde_json::{Map, Value};

use crate::names::SharedNames;
use crate::process::{Program, Programs};
use commit_doc::CommitDoc;
use layout::Layout;

type Object = Map<String, Value>;

/// A store over a directory in the field's layout. Holds the directory's lock while it lives.
#[derive(Debug)]
pub struct JsonStore<D = RealDisk> {
    disk: D,
    layout: Layout,
    names: SharedNames,
    books: CommitDoc,
    /// A commit that has happened and is not in all files yet.
    unfinished: Option<CommitDoc>,
    skipped: Vec<Skipped>,
    stale: Vec<String>,
    programs: Programs,
    declarations: Declarations,
    /// Released when it is dropped, or the process ends in whatever way.
    _lock: File,
}

impl JsonStore {
    /// Opens a directory as its new owner; makes it if there is none.
    ///
    /// # Errors
    /// When another gateway has it open, or a file in it does not read. Nothing is overwritten then.
    pub fn open(root: impl Into<PathBuf>, names: SharedNames) -> Result<Self, StoreError> {
        Self::open_on(RealDisk, root, names)
    }
}

impl<D: Disk> JsonStore<D> {
    /// Opens a directory through `disk`.
    ///
    /// # Errors
    /// As [`JsonStore::open`].
    pub fn open_on(disk: D, root: impl Into<PathBuf>, names: SharedNames) -> Result<Self, StoreError> {
        let layout = Layout::new(root.into());
        let logs = layout.run_logs();
        fs::create_dir_all(&logs).map_err(|error| StoreError::io("make", &logs, error))?;
        let lock = lock(&layout)?;
        let books = document::read(&layout.books())?.unwrap_or_default();
        let unfinished = document::read(&layout.next_books())?;
        let (skipped, stale, programs) = (Vec::new(), Vec::new(), Programs::default());
        let declarations = Declarations::new(names.clone(), programs.clone());
        let mut store = Self {
            disk,
            layout,
            names,
            books,
            unfinished,
            skipped,
            stale,
            programs,
            declarations,
            _lock: lock,
        };
        store.check_follows()?;
        store.finish()?;
        // Everything reads, or the epoch stays as it is.
        store.load()?;
        store.books.epoch += 1;
        store.books.version = 1;
        let path = store.layout.books();
        store
            .disk
            .replace(&path, &document::pretty(&store.books))
            .map_err(|error| StoreError::io("replace", &path, error))?;
        apply::sync_dir(&mut store.disk, store.layout.root())?;
        Ok(store)
    }

    /// The epoch of this owner, for [`Driver::run`](crate::Driver::run).
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.books.epoch
    }

    /// The jobs in the file that are not scheduled, each with the reason. They stay in the file.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The keys of session rows that say *running* and name no run this store knows: another gateway
    /// left them behind. They stay as they are until a run starts in their session; nothing here
    /// can know what became of their run.
    #[must_use]
    pub fn stale(&self) -> &[String] {
        &self.stale
    }

    /// The programs that jobs name in `payload.command`, for a process runner.
    #[must_use]
    pub fn programs(&self) -> Programs {
        self.programs.clone()
    }

    /// A way to declare jobs while the gateway runs.
    #[must_use]
    pub fn declarations(&self) -> Declarations {
        self.declarations.clone()
    }

    /// An unfinished commit may be one further than the next: it is only begun when the one before it
    /// is in every file, and a power cut can lose that one's last rename and keep this one's first.
    fn check_follows(&mut self) -> Result<(), StoreError> {
        let last = self.books.last_commit;
        match self.unfinished.as_ref().map(|next| next.last_commit) {
            Some(found) if found < last || found > last + 2 => {
                Err(StoreError::Gap { path: self.layout.next_books(), found, last })
            }
            Some(found) if found == last => {
                self.unfinished = None;
                Ok(())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes a commit from the point where it has happened to the point where every file shows it.
    fn finish(&mut self) -> Result<(), StoreError> {
        let Some(next) = &self.unfinished else { return Ok(()) };
        // Perhaps what failed was making the commit itself durable, and no file may be ahead of it.
        apply::sync_dir(&mut self.disk, self.layout.root())?;
        let writes = apply::writes(&next.changes, &self.layout)?;
        self.finish_with(writes)
    }

    fn finish_with(&mut self, writes: Vec<apply::Write>) -> Result<(), StoreError> {
        apply::perform(&mut self.disk, writes, &self.layout)?;
        let (from, to) = (self.layout.next_books(), self.layout.books());
        self.disk.rename(&from, &to).map_err(|error| StoreError::io("rename", &from, error))?;
        // Not synced: if this rename is lost, the commit is finished again, to the same end.
        if let Some(next) = self.unfinished.take() {
            self.books = next;
        }
        Ok(())
    }

    fn try_commit(&mut self, commit: &Commit) -> Result<Answer, (Answer, StoreError)> {
        if commit.epoch != self.books.epoch {
            return Ok(Answer::Fenced);
        }
        let unknown = |error| (Answer::Unknown, error);
        self.finish().map_err(unknown)?;
        if commit.number <= self.books.last_commit {
            return Ok(Answer::Applied);
        }
        if commit.number > self.books.last_commit + 1 {
            return Ok(Answer::NotApplied);
        }
        let next = self.names.with(|names| self.books.after(commit, &self.declarations, names));
        let not_applied = |error| (Answer::NotApplied, error);
        let writes = apply::writes(&next.changes, &self.layout).map_err(not_applied)?;
        let path = self.layout.next_books();
        let failed = |error| (Answer::Unknown, StoreError::io("replace", &path, error));
        self.disk.replace(&path, &document::pretty(&next)).map_err(failed)?;
        self.unfinished = Some(next);
        apply::sync_dir(&mut self.disk, self.layout.root()).map_err(unknown)?;
        self.finish_with(writes).map_err(unknown)?;
        Ok(Answer::Applied)
    }
}

impl<D: Disk> Store for JsonStore<D> {
    type Error = StoreError;

    fn load(&mut self) -> Result<Rows, StoreError> {
        let names = self.names.clone();
        names.with(|names| {
            let jobs = self.load_jobs(names)?;
            let known: BTreeSet<JobId> = jobs.iter().map(|(job, _)| job.id).collect();
            let sessions = self.load_sessions(&known, names)?;
            let books = self.layout.books();
            let wrong = |place: &str| StoreError::shape(&books, place, "as this version writes it");
            let runs = self.books.runs.iter().map(|(id, run)| run.read(names).ok_or_else(|| wrong(id)));
            let runs = runs.collect::<Result<_, _>>()?;
            let events = self.books.events.iter();
            let events = events.map(|event| event.read(names).ok_or_else(|| wrong("\"events\"")));
            let events = events.collect::<Result<_, _>>()?;
            let (first_offset, last_commit) = (self.books.first_offset, self.books.last_commit);
            let generations = self.books.generations;
            Ok(Rows { generations, jobs, runs, sessions, events, first_offset, last_commit })
        })
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        self.try_commit(commit).unwrap_or_else(|(answer, error)| {
            tracing::warn!(commit = commit.number, %error, "a commit is not in all files");
            answer
        })
    }
}

impl<D> JsonStore<D> {
    fn load_jobs(&mut self, names: &mut Names) -> Result<Vec<(Job, JobRow)>, StoreError> {
        let path = self.layout.jobs();
        let document: Object = document::read(&path)?.unwrap_or_default();
        let none = Vec::new();
        let declared = match document.get("jobs") {
            None => &none,
            Some(Value::Array(jobs)) => jobs,
            Some(_) => return Err(StoreError::shape(&path, "\"jobs\"", "a list")),
        };
        let states = self.load_states()?;
        let mut jobs: BTreeMap<JobId, (Job, JobRow)> = BTreeMap::new();
        self.skipped.clear();
        for (place, job) in declared.iter().enumerate() {
            let Some((id, job)) = job.as_object().and_then(|job| Some((document::text(job, "id")?, job)))
            else {
                self.skip(&format!("jobs[{place}]"), "it has no id".to_owned());
                continue;
            };
            match jobs::read(job, id, names) {
                Ok(read) if jobs.contains_key(&read.id) => self.skip(id, "it is there twice".to_owned()),
                Ok(read) => {
                    let inline = job.get("state").and_then(Value::as_object).cloned().unwrap_or_default();
                    let state = states.get(id).unwrap_or(&inline);
                    jobs.insert(read.id, (read, states::read(&read, job, state, names)));
                    if let Some(argv) = jobs::command(job) {
                        self.programs.add(read.id, Program { agent: read.agent, argv });
                    }
                }
                Err(why) => self.skip(id, why),
            }
        }
        Ok(jobs.into_values().collect())
    }

    fn load_states(&self) -> Result<BTreeMap<String, Object>, StoreError> {
        let path = self.layout.states();
        let document: Object = document::read(&path)?.unwrap_or_default();
        let mut states = BTreeMap::new();
        let jobs = match document.get("jobs") {
            None => return Ok(states),
            Some(jobs) => {
                jobs.as_object().ok_or_else(|| StoreError::shape(&path, "\"jobs\"", "an object"))?
            }
        };
        for (job, entry) in jobs {
            let wrong = || StoreError::shape(&path, format!("\"jobs\" / {job:?}"), "an object");
            let entry = entry.as_object().ok_or_else(wrong)?;
            let state = match entry.get("state") {
                None => Object::new(),
                Some(state) => state.as_object().ok_or_else(wrong)?.clone(),
            };
            states.insert(job.clone(), state);
        }
        Ok(states)
    }

    fn load_sessions(
        &mut self,
        known: &BTreeSet<JobId>,
        names: &mut Names,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let path = self.layout.sessions();
        let document: Object = document::read(&path)?.unwrap_or_default();
        let mut rows = Vec::new();
        self.stale.clear();
        for (key, row) in &document {
            let row =
                row.as_object().ok_or_else(|| StoreError::shape(&path, format!("{key:?}"), "an object"))?;
            if self.is_stale(row) {
                self.stale.push(key.clone());
            }
            if key.contains(":run:") && document::text(row, "status") != Some("running") {
                continue;
            }
            let Ok(key) = SessionKey::parse(key, names) else { continue };
            let of_known_job = match key {
                SessionKey::Main { .. } => false,
                SessionKey::Base { job, .. } | SessionKey::Run { job, .. } => known.contains(&job),
            };
            let row = sessions::read(key, row, names);
            rows.extend((of_known_job && sessions::can_change(&row)).then_some(row));
        }
        Ok(rows)
    }

    fn is_stale(&self, row: &Object) -> bool {
        let known = document::text(row, "runId").is_some_and(|run| self.books.runs.contains_key(run));
        document::text(row, "status") == Some("running") && !known
    }

    fn skip(&mut self, job: &str, why: String) {
        self.skipped.push(Skipped { job: job.to_owned(), why });
    }
}

/// The directory's lock. It belongs to the open file, so it goes away with the process.
fn lock(layout: &Layout) -> Result<File, StoreError> {
    let path = layout.lock();
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|error| StoreError::io("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: Path::to_owned(layout.root()) }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &path, error)),
    }
}
