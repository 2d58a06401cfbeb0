//! Looking at a directory without touching it.

use std::io;
use std::path::Path;

use sametick_core::commit::Rows;
use sametick_core::id::SessionKey;
use sametick_core::time::Wall;

use super::commit_doc::CommitDoc;
use super::document::{int, read, text, text_of};
use super::error::StoreError;
use super::jobs::Skipped;
use super::layout::Layout;
use super::left::LeftRun;
use super::load::{load, members};
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

/// Reads a directory as [`JsonStore::open`](super::JsonStore::open) would. Nothing in it is made, locked
/// or changed, so a gateway may be at work on it meanwhile.
///
/// # Errors
/// When a file does not read, there is no `sessions.json`, or a commit of ours is not in every file yet.
pub fn look(root: &Path, names: &SharedNames) -> Result<Snapshot, StoreError> {
    let layout = Layout::new(root.to_owned());
    let books: CommitDoc = read(&layout.books())?.unwrap_or_default();
    let next = read::<CommitDoc>(&layout.next_books())?;
    if next.is_some_and(|next| next.last_commit > books.last_commit) {
        return Err(StoreError::Unfinished { path: layout.next_books() });
    }
    let path = layout.sessions();
    let missing = || StoreError::io("read", &path, io::Error::from(io::ErrorKind::NotFound));
    let document = text_of(&path)?.ok_or_else(missing)?;
    let rows = members(&path, &document)?;
    names.with(|names| {
        let loaded = load(&layout, &books, names)?;
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
