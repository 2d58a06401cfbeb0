//! What can be wrong with a directory of documents, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not be opened, read or written. Nothing was overwritten.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("could not {doing} {path}: {source}; {fix}; nothing was overwritten", path = path.display(), fix = fix(source))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that should hold a document holds nothing.
    #[error(
        "{path}:1:1: the file is empty, as a write that was cut short leaves it; put a copy back, or delete \
         it to start without what it held; nothing was overwritten", path = path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file that does not read as JSON.
    #[error(
        "{path}:{line}:{column}: {what}; correct it there, put a copy back, or delete the file to start \
         without what it held; nothing was overwritten", path = path.display()
    )]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser met.
        what: String,
    },
    /// A line of the journal that was durable and is not what was written.
    #[error(
        "{path}:{line}: the line is damaged: it does not add up to the sum at its end; put a copy of the whole \
         directory back, or delete the line and those after it to start without their commits; nothing was overwritten",
        path = path.display()
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A document that reads as JSON and has another shape than it should.
    #[error(
        "{path}:{line}:{column}: {place} should be {wanted}; correct it there; nothing was overwritten",
        path = path.display()
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The place in the document.
        place: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// Another gateway has the directory open.
    #[error(
        "another gateway works on {path}: stop it, or choose another directory (the lock goes away with the \
         process that holds it; there is no file to delete)", path = path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A commit in the journal that does not follow the last one.
    #[error(
        "{path} holds commit {found}, which does not follow commit {last}: the directory was put together \
         from two copies; restore one of them whole; nothing was overwritten", path = path.display()
    )]
    Gap {
        /// The journal.
        path: PathBuf,
        /// Its number.
        found: u64,
        /// The one before it.
        last: u64,
    },
}

impl StoreError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    /// `at` is the line and the column.
    pub(crate) fn shape(
        path: &Path,
        at: (usize, usize),
        place: impl Into<String>,
        wanted: &'static str,
    ) -> Self {
        let (line, column) = at;
        Self::Shape { path: path.to_owned(), line, column, place: place.into(), wanted }
    }
}

/// What to do about what the system said.
fn fix(said: &io::Error) -> &'static str {
    // Links that lead back to themselves have no kind of their own yet.
    if said.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return "put the file itself in the place of the link";
    }
    // There are more kinds than anybody could do something about.
    #[allow(clippy::wildcard_enum_match_arm, reason = "the kinds are somebody else's, and not all of them")]
    match said.kind() {
        io::ErrorKind::PermissionDenied => "give the gateway's user the right to it",
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
            "move what is there away, and put a plain file in its place"
        }
        io::ErrorKind::NotFound => "name a directory that has it",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space on that disk",
        io::ErrorKind::ReadOnlyFilesystem => "choose a directory that can be written to",
        _ => "look at the disk, and try again",
    }
}
