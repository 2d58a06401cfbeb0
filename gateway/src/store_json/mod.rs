//! A store in the field's file layout: `jobs.json`, `jobs-state.json`, `sessions.json` and
//! `runs/<job>.jsonl`.
//!
//! # How a commit over several files is atomic, and costs the same in a small directory and a large one
//!
//! ```text
//! 1  sametick-journal.jsonl    one line, the whole commit as patches  ── durable: from here it happened
//!    ⋮                         further commits; what follows may be put off and is done once for all
//! 2  sessions.json             ┐
//! 3  runs/<job>.jsonl          │ each new beside the old, synced, renamed; in this order, so whoever
//! 4  jobs-state.json           │ reads that a run is over finds its session over too
//! 5  jobs.json                 ┘
//! 6  sametick.json             the bookkeeping after the last of these commits
//! 7  sametick-journal.jsonl    empty again                            ── done
//! ```
//!
//! A crash before 1 leaves the old state, one after it is finished by the next [`JsonStore::open`]:
//! patches that are written twice are written once. A document is read again before it is patched,
//! and only lifecycle fields are patched, so what others keep in it is never lost to an old copy.
//!
//! Steps 2 to 7 rewrite documents whole. In a small directory they follow at once; in a large one when the store
//! has nothing else to do, or when the journal has grown to a part of what a rewrite costs.
//!
//! The lock keeps other gateways of this kind away. The field's own gateway knows nothing of it: stop
//! that one first.

mod apply;
mod books;
mod changes;
mod cron;
mod declarations;
mod disk;
mod document;
mod error;
mod fields;
mod jobs;
mod journal;
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
mod terms;
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

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::ports::Store;

use crate::names::SharedNames;
use crate::process::Programs;
use books::{Books, Entry};
use changes::Changes;
use journal::Journal;
use layout::Layout;
use load::Texts;

/// Documents of no more than this are rewritten at once: it costs less than making a file durable.
const SMALL: u64 = 256 * 1_024;

/// The journal is put into the documents before it is larger than this, or than a quarter of them.
const LARGE: u64 = 4 * 1_024 * 1_024;

/// A store over a directory in the field's layout. Holds the directory's lock while it lives.
#[derive(Debug)]
pub struct JsonStore<D = RealDisk> {
    disk: D,
    layout: Layout,
    names: SharedNames,
    /// As the last commit left them.
    books: Books,
    /// What commits in the journal change in the documents, but for what is being written.
    put_off: Changes,
    /// What is being written at this moment, part by part.
    round: Option<Round>,
    /// How long the journal is, without what a write that failed may have left behind.
    journal: u64,
    /// How long the documents were when they were written last.
    documents: u64,
    /// What was read when the directory was opened, until somebody asks for it.
    loaded: Option<Rows>,
    skipped: Vec<Skipped>,
    stale: Vec<String>,
    left: Vec<LeftRun>,
    programs: Programs,
    declarations: Declarations,
    /// Released when it is dropped, or the process ends in whatever way.
    _lock: File,
}

/// Documents on their way to where the journal was at a moment.
#[derive(Debug)]
struct Round {
    changes: Changes,
    /// What is left to write.
    targets: VecDeque<apply::Target>,
    /// As they were at that moment.
    books: Books,
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
        let books: Books = document::read(&layout.books())?.unwrap_or_default();
        let journal = Journal::read(&layout.journal(), books.last_commit)?;
        let (skipped, stale, left) = (Vec::new(), Vec::new(), Vec::new());
        let programs = Programs::default();
        let declarations = Declarations::new(names.clone(), programs.clone());
        let mut store = Self {
            disk,
            layout,
            names,
            books,
            put_off: Changes::default(),
            round: None,
            journal: journal.len,
            documents: 0,
            loaded: None,
            skipped,
            stale,
            left,
            programs,
            declarations,
            _lock: lock,
        };
        for entry in journal.entries {
            store.enter(entry);
        }
        let writes = apply::writes(&store.put_off, &store.layout)?;
        store.write_out(writes)?;
        // Everything reads, or the epoch stays as it is.
        store.loaded = Some(store.load()?);
        store.books.epoch += 1;
        store.books.version = 1;
        // The journal is there before the directory is made durable, and no commit has to do that.
        let path = store.layout.journal();
        store.disk.append(&path, store.journal, b"").map_err(|error| StoreError::io("make", &path, error))?;
        let books = store.books.clone();
        store.write_books(&books)?;
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

    /// Takes what a commit says into the books, and what it changes to what is put off.
    fn enter(&mut self, entry: Entry) {
        self.books.enter(&entry);
        self.put_off.add(entry.changes);
    }

    /// Brings the documents to where the journal is, and empties it. The writes are those of all that was put off.
    fn write_out(&mut self, writes: Vec<apply::Write>) -> Result<(), StoreError> {
        self.put_off = self.all_put_off();
        if !self.put_off.is_empty() {
            apply::perform(&mut self.disk, writes, &self.layout)?;
        }
        self.empty_journal()?;
        self.put_off = Changes::default();
        Ok(())
    }

    /// Everything is in the documents.
    fn empty_journal(&mut self) -> Result<(), StoreError> {
        if self.journal > 0 {
            // In this order: the journal is needed until the books say that it is not.
            let books = self.books.clone();
            self.write_books(&books)?;
            let path = self.layout.journal();
            self.disk.append(&path, 0, b"").map_err(|error| StoreError::io("empty", &path, error))?;
        }
        self.journal = 0;
        self.measure();
        Ok(())
    }

    fn measure(&mut self) {
        let length = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
        let paths = [self.layout.sessions(), self.layout.states(), self.layout.jobs()];
        self.documents = paths.iter().map(|path| length(path)).sum();
    }

    fn write_books(&mut self, books: &Books) -> Result<(), StoreError> {
        let (path, text) = (self.layout.books(), document::pretty(books));
        self.disk.replace(&path, &text).map_err(|error| StoreError::io("replace", &path, error))?;
        apply::sync_dir(&mut self.disk, self.layout.root())
    }

    /// What is put off, and what is being written and perhaps is in some documents only. It is one again.
    fn all_put_off(&mut self) -> Changes {
        let later = std::mem::take(&mut self.put_off);
        match self.round.take() {
            Some(mut round) => {
                round.changes.add(later);
                round.changes
            }
            None => later,
        }
    }

    /// One part of what was put off; whether there is another.
    fn next_part(&mut self) -> Result<bool, StoreError> {
        let Some(round) = &mut self.round else {
            if self.put_off.is_empty() {
                return Ok(false);
            }
            let (changes, books) = (std::mem::take(&mut self.put_off), self.books.clone());
            self.round = Some(Round { targets: apply::targets(&changes), changes, books });
            return Ok(true);
        };
        if let Some(target) = round.targets.pop_front() {
            // Read now, so that what others write in the meantime is not lost to an old copy.
            if let Some(write) = apply::write(&target, &round.changes, &self.layout)? {
                apply::perform_one(&mut self.disk, write)?;
            }
            return Ok(true);
        }
        apply::sync_dir(&mut self.disk, &self.layout.run_logs())?;
        apply::sync_dir(&mut self.disk, self.layout.root())?;
        if self.put_off.is_empty() {
            self.empty_journal()?;
        } else {
            // Further commits came: the journal stays until a round is over before the next one comes.
            let books = round.books.clone();
            self.write_books(&books)?;
        }
        self.round = None;
        self.measure();
        Ok(false)
    }

    /// Whether the documents are to show a commit before the next one is taken.
    const fn at_once(&self) -> bool {
        let most = if self.documents / 4 > LARGE { self.documents / 4 } else { LARGE };
        self.documents <= SMALL || self.journal > most
    }

    fn try_commit(&mut self, commit: &Commit) -> Result<Answer, (Answer, StoreError)> {
        if commit.epoch != self.books.epoch {
            return Ok(Answer::Fenced);
        }
        if commit.number <= self.books.last_commit {
            return Ok(Answer::Applied);
        }
        if commit.number > self.books.last_commit + 1 {
            return Ok(Answer::NotApplied);
        }
        let entry = self.names.with(|names| self.books.entry(commit, &self.declarations, names));
        let writes = if self.at_once() { Some(self.writes_with(&entry)?) } else { None };
        let (path, line) = (self.layout.journal(), journal::line(&entry));
        let failed = |error| (Answer::Unknown, StoreError::io("append to", &path, error));
        self.disk.append(&path, self.journal, &line).map_err(failed)?;
        self.journal += line.len() as u64;
        self.loaded = None;
        self.enter(entry);
        if let Some(writes) = writes
            && let Err(error) = self.write_out(writes)
        {
            // It is durable, and the next one brings the documents along.
            tracing::warn!(commit = commit.number, %error, "a commit is not in all files");
        }
        Ok(Answer::Applied)
    }

    /// What brings the documents to where they are after one more commit. Documents that do not read take no
    /// further commit: somebody has to mend them before there is more to put off.
    fn writes_with(&self, entry: &Entry) -> Result<Vec<apply::Write>, (Answer, StoreError)> {
        let mut changes = self.round.as_ref().map_or_else(Changes::default, |round| round.changes.clone());
        changes.add(self.put_off.clone());
        changes.add(entry.changes.clone());
        apply::writes(&changes, &self.layout).map_err(|error| (Answer::NotApplied, error))
    }
}

impl<D: Disk> Store for JsonStore<D> {
    type Error = StoreError;

    fn load(&mut self) -> Result<Rows, StoreError> {
        if let Some(rows) = self.loaded.take() {
            return Ok(rows);
        }
        let mut texts = Texts::read(&self.layout)?;
        self.put_off = self.all_put_off();
        if !self.put_off.is_empty() {
            texts = texts.with(&self.put_off, &self.layout)?;
        }
        let loaded = self.names.with(|names| load::load(&self.layout, &texts, &self.books, names))?;
        for (job, program) in loaded.programs {
            self.programs.add(job, program);
        }
        (self.skipped, self.stale, self.left) = (loaded.skipped, loaded.stale, loaded.left);
        (self.books.adopted, self.books.stopped) = (loaded.adopted, loaded.stopped);
        Ok(loaded.rows)
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        self.try_commit(commit).unwrap_or_else(|(answer, error)| {
            tracing::warn!(commit = commit.number, %error, "a commit was not taken");
            answer
        })
    }

    /// The directory's lock is this store's, so nobody else can have opened it.
    fn renew(&mut self, epoch: u64) -> Answer {
        if epoch == self.books.epoch { Answer::Applied } else { Answer::Fenced }
    }

    fn has_put_off(&self) -> bool {
        self.round.is_some() || !self.put_off.is_empty()
    }

    fn do_put_off(&mut self) -> bool {
        self.next_part().unwrap_or_else(|error| {
            tracing::warn!(commit = self.books.last_commit, %error, "commits are not in all files");
            self.put_off = self.all_put_off();
            false
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
