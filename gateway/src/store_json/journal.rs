//! `sametick-journal.jsonl`: a line for each commit that is not in every file yet.
//!
//! A line is durable before anybody hears of its commit. So one without an end is a write that was cut short, which nobody
//! was told of, and is dropped; one with an end was durable, and when it does not add up any more the disk has lost
//! something that somebody relies on.

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
        let mut follows = last;
        for (place, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let Some(whole) = line.strip_suffix(b"\n") else { break };
            let entry: Entry = serde_json::from_slice(whole).map_err(|error| {
                let (line, column, what) = (place + 1, error.column().max(1), without_place(&error));
                StoreError::Syntax { path: path.to_owned(), line, column, what }
            })?;
            if !adds_up(whole) {
                return Err(StoreError::Damaged { path: path.to_owned(), line: place + 1 });
            }
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

/// An entry as a line: its object, with the sum of all that stands before it as the last field.
pub(crate) fn line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("entries have text keys and finite numbers");
    line.pop();
    let sum = sum_field(&line);
    line.extend_from_slice(sum.as_bytes());
    line.push(b'\n');
    line
}

/// Whether a line still is what was written.
fn adds_up(line: &[u8]) -> bool {
    let at = line.len().saturating_sub(sum_field(b"").len());
    let (fields, sum) = line.split_at(at);
    sum == sum_field(fields).as_bytes()
}

/// The last field of a line that begins with these bytes.
fn sum_field(fields: &[u8]) -> String {
    format!(r#","sum":"{:016x}"}}"#, sum(fields))
}

/// FNV-1a over 64 bits: no single byte can change without the sum.
fn sum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
