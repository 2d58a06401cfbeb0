//! Looking at a directory without touching it.

use std::io;
use std::path::Path;

use sametick_core::commit::Rows;
use sametick_core::id::SessionKey;
use sametick_core::time::Wall;

use super::books::Books;
use super::changes::Changes;
use super::document::{int, read, text, text_of};
use super::error::StoreError;
use super::jobs::Skipped;
use super::journal::Journal;
use super::layout::Layout;
use super::left::LeftRun;
use super::load::{Texts, load, members};
use super::sessions;
use super::text::picked;
use crate::names::SharedNames;

/// What a store would load from a directory, and what the session rows in it say.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What a machine would start from.
    pub rows: Rows,
    /// The runs that another gateway left behind; their records are among `rows`.
    pub left: Vec<LeftRun>,
    /// Jobs that are not scheduled.
    pub skipped: Vec<Skipped>,
    /// The session rows, in the order of the file.
    pub sessions: Vec<FieldSession>,
}

/// What a session row in the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSession {
    /// Its key as it stands there.
    pub name: String,
    /// The key, if it is one of an agent's main session or of a job.
    pub key: Option<SessionKey>,
    /// `status`, whatever word it is.
    pub status: Option<String>,
    /// `startedAt`.
    pub started_at: Option<Wall>,
    /// `endedAt`.
    pub ended_at: Option<Wall>,
    /// `updatedAt`.
    pub updated_at: Option<Wall>,
    /// `errorKind`.
    pub error_kind: Option<String>,
}

/// Reads a directory as [`JsonStore::open`](super::JsonStore::open) would, with the commits that are not in
/// every file yet. Nothing in it is made, locked or changed, so a gateway may be at work on it meanwhile.
///
/// # Errors
/// When a file does not read, or there is no `sessions.json`.
pub fn look(root: &Path, names: &SharedNames) -> Result<Snapshot, StoreError> {
    let layout = Layout::new(root.to_owned());
    let (mut books, mut texts, journal) = one_moment(&layout)?;
    let path = layout.sessions();
    if text_of(&path)?.is_none() {
        return Err(StoreError::io("read", &path, io::Error::from(io::ErrorKind::NotFound)));
    }
    let mut changes = Changes::default();
    for entry in journal.entries {
        books.enter(&entry);
        changes.add(entry.changes);
    }
    if !changes.is_empty() {
        texts = texts.with(&changes, &layout)?;
    }
    let rows = members(&path, &texts.sessions)?;
    names.with(|names| {
        let loaded = load(&layout, &texts, &books, names)?;
        let sessions = rows.members().map(|(name, row)| {
            let row = picked(row, |field| sessions::FIELDS.contains(&field)).unwrap_or_default();
            let wall = |field| int(&row, field).map(Wall::from_millis);
            FieldSession {
                name: name.to_string(),
                key: SessionKey::parse(name, names).ok(),
                status: text(&row, "status").map(str::to_owned),
                started_at: wall("startedAt"),
                ended_at: wall("endedAt"),
                updated_at: wall("updatedAt"),
                error_kind: text(&row, "errorKind").map(str::to_owned),
            }
        });
        let sessions = sessions.collect();
        Ok(Snapshot { rows: loaded.rows, left: loaded.left, skipped: loaded.skipped, sessions })
    })
}

/// How often a directory is read again that a gateway is rewriting.
const TRIES: u32 = 8;

/// Books, documents and journal that belong together. A gateway writes the documents, then the books, then empties
/// the journal: while the books stay the same, the journal has everything that the documents may lack.
fn one_moment(layout: &Layout) -> Result<(Books, Texts, Journal), StoreError> {
    let books = || Ok::<Books, StoreError>(read(&layout.books())?.unwrap_or_default());
    let mut tries = 0;
    loop {
        tries += 1;
        let (before, texts) = (books()?, Texts::read(layout)?);
        let journal = Journal::read(&layout.journal(), before.last_commit);
        if books()?.last_commit == before.last_commit || tries == TRIES {
            return Ok((before, texts, journal?));
        }
    }
}
