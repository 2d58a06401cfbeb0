//! `sametick-journal.jsonl`: a line for each commit that is not in every file yet.

use std::path::Path;

use super::books::Entry;
use super::document::{bytes, without_place};
use super::error::StoreError;

/// What a journal holds.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// The entries, in order.
    pub(crate) entries: Vec<Entry>,
    /// How many bytes of the file they are; what comes after is a write that was cut short.
    pub(crate) len: u64,
}

impl Journal {
    /// Reads the entries after a commit.
    pub(crate) fn read(path: &Path, last: u64) -> Result<Self, StoreError> {
        let bytes = bytes(path)?.unwrap_or_default();
        let mut journal = Self::default();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let mut follows = last;
        for (place, line) in lines.iter().enumerate() {
            let is_last = place + 1 == lines.len();
            let entry: Entry = match serde_json::from_slice(line) {
                Ok(entry) if line.ends_with(b"\n") => entry,
                // Nobody was told that it is durable.
                Ok(_) | Err(_) if is_last => break,
                Ok(_) => unreachable!("only the last line has no end"),
                Err(error) => {
                    let (line, column, what) = (place + 1, error.column().max(1), without_place(&error));
                    return Err(StoreError::Syntax { path: path.to_owned(), line, column, what });
                }
            };
            journal.len += line.len() as u64;
            if entry.commit <= last {
                // It is in every file, and the journal was about to be emptied.
                continue;
            }
            if entry.commit != follows + 1 {
                let found = entry.commit;
                return Err(StoreError::Gap { path: path.to_owned(), found, last: follows });
            }
            follows = entry.commit;
            journal.entries.push(entry);
        }
        Ok(journal)
    }
}

/// An entry as a line.
pub(crate) fn line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("entries have text keys and finite numbers");
    line.push(b'\n');
    line
}
