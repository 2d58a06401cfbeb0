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
mod fields;
mod jobs;
mod layout;
mod left;
mod load;
mod look;
mod patch;
mod policies;
mod run_log;
mod runs;
mod schedules;
mod sessions;
mod states;
mod text;
mod words;

pub use declarations::{Declarations, DeclareError};
pub use disk::{Disk, RealDisk};
pub use error::StoreError;
pub use jobs::Skipped;
pub(crate) use layout::file_name;
pub use left::LeftRun;
pub use look::{FieldSession, Snapshot, look};
pub use run_log::LogLine;
pub use words::{run_id, run_text};

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::ports::Store;

use crate::names::SharedNames;
use crate::process::Programs;
use commit_doc::CommitDoc;
use layout::Layout;

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
    left: Vec<LeftRun>,
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
        let (skipped, stale, left) = (Vec::new(), Vec::new(), Vec::new());
        let programs = Programs::default();
        let declarations = Declarations::new(names.clone(), programs.clone());
        let mut store = Self {
            disk,
            layout,
            names,
            books,
            unfinished,
            skipped,
            stale,
            left,
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

    /// The keys of session rows that said *running* when the directory was read, and named no run this
    /// store knows: another gateway left them behind. [`JsonStore::left`] says what becomes of those of
    /// jobs; all others stay as they are, since nothing here runs in them.
    #[must_use]
    pub fn stale(&self) -> &[String] {
        &self.stale
    }

    /// The runs behind those rows. The machine ends them in its first tick, as it ends any run whose
    /// gateway went down.
    #[must_use]
    pub fn left(&self) -> &[LeftRun] {
        &self.left
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
        let loaded = self.names.with(|names| load::load(&self.layout, &self.books, names))?;
        for (job, program) in loaded.programs {
            self.programs.add(job, program);
        }
        (self.skipped, self.stale, self.left) = (loaded.skipped, loaded.stale, loaded.left);
        (self.books.adopted, self.books.stopped) = (loaded.adopted, loaded.stopped);
        Ok(loaded.rows)
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        self.try_commit(commit).unwrap_or_else(|(answer, error)| {
            tracing::warn!(commit = commit.number, %error, "a commit is not in all files");
            answer
        })
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
