//! From the changes of a commit to writes, in the order in which they may be seen.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::changes::Changes;
use super::disk::Disk;
use super::document::text_of;
use super::error::StoreError;
use super::layout::Layout;
use super::patch::Misfit;

/// How much of a log's end is searched, beyond the length of new lines, for those that were written already before
/// a crash: others may have added theirs since.
const TAIL: u64 = 256 * 1_024;

/// One file to change.
#[derive(Debug)]
pub(crate) enum Write {
    /// Gets a new content.
    Replace { path: PathBuf, bytes: Vec<u8> },
    /// Keeps its first bytes, and gets more.
    Append { path: PathBuf, keep: u64, bytes: Vec<u8> },
}

/// The writes that bring `changes` into the documents as they are at this moment, sessions before
/// runs before jobs: whoever reads that a run is over finds its session over too. Nothing is written
/// here; a document that does not read is an error before anything is.
pub(crate) fn writes(changes: &Changes, layout: &Layout) -> Result<Vec<Write>, StoreError> {
    let mut writes = Vec::new();
    if !changes.sessions.is_empty() {
        writes.extend(patched(&layout.sessions(), |text| changes.patch_sessions(text))?);
    }
    for (job, lines) in &changes.run_lines {
        writes.extend(appended(&layout.run_log(job), lines)?);
    }
    writes.extend(appended(&layout.notes(), &changes.notes)?);
    if !changes.states.is_empty() || !changes.removed.is_empty() {
        let jobs = text_of(&layout.jobs())?;
        writes.extend(patched(&layout.states(), |text| changes.patch_states(text, jobs.as_deref()))?);
    }
    let declares = !changes.jobs.is_empty() || !changes.edited.is_empty();
    if declares || !changes.removed.is_empty() || !changes.enabled.is_empty() {
        writes.extend(patched(&layout.jobs(), |text| changes.patch_jobs(text))?);
    }
    Ok(writes)
}

/// Carries writes out and makes them durable.
pub(crate) fn perform(disk: &mut impl Disk, writes: Vec<Write>, layout: &Layout) -> Result<(), StoreError> {
    let mut logs_changed = false;
    for write in writes {
        logs_changed |= matches!(&write, Write::Append { path, .. } if path.starts_with(layout.run_logs()));
        perform_one(disk, write)?;
    }
    if logs_changed {
        sync_dir(disk, &layout.run_logs())?;
    }
    sync_dir(disk, layout.root())
}

/// Carries one write out. A file that is new is durable with its directory.
pub(crate) fn perform_one(disk: &mut impl Disk, write: Write) -> Result<(), StoreError> {
    match write {
        Write::Replace { path, bytes } => {
            disk.replace(&path, &bytes).map_err(|error| StoreError::io("replace", &path, error))
        }
        Write::Append { path, keep, bytes } => {
            disk.append(&path, keep, &bytes).map_err(|error| StoreError::io("append to", &path, error))
        }
    }
}

pub(crate) fn sync_dir(disk: &mut impl Disk, path: &Path) -> Result<(), StoreError> {
    disk.sync_dir(path).map_err(|error| StoreError::io("make durable", path, error))
}

/// A document as it is, patched: others may have written into it since we looked last, and what they
/// wrote is not ours to lose. None when it says all of it already.
fn patched(
    path: &Path,
    patch: impl FnOnce(&str) -> Result<String, Misfit>,
) -> Result<Option<Write>, StoreError> {
    let there = text_of(path)?;
    let text = there.as_deref().unwrap_or("{}");
    let patched = patch(text).map_err(|misfit| misfit.in_file(path, text))?;
    if there.as_deref() == Some(&patched) {
        return Ok(None);
    }
    // A link stays one: the file it leads to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Ok(Some(Write::Replace { path, bytes: patched.into_bytes() }))
}

/// The lines that are not at the log's end already; none when all are. A line that was cut short by a
/// crash is written again whole.
fn appended(path: &Path, lines: &[Value]) -> Result<Option<Write>, StoreError> {
    if lines.is_empty() {
        return Ok(None);
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    let new: usize = lines.iter().map(String::len).sum();
    let (len, tail) = tail(path, TAIL + new as u64)?;
    let torn = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let ours = !torn.is_empty() && lines.iter().any(|line| line.as_bytes().starts_with(torn));
    let whole: BTreeSet<&[u8]> = tail.split_inclusive(|byte| *byte == b'\n').collect();
    let mut bytes = if torn.is_empty() || ours { Vec::new() } else { b"\n".to_vec() };
    let before = bytes.len();
    for line in lines.iter().filter(|line| !whole.contains(line.as_bytes())) {
        bytes.extend_from_slice(line.as_bytes());
    }
    let keep = if ours { len - torn.len() as u64 } else { len };
    Ok((bytes.len() > before).then(|| Write::Append { path: path.to_owned(), keep, bytes }))
}

/// A file's length and the end of its content.
fn tail(path: &Path, most: u64) -> Result<(u64, Vec<u8>), StoreError> {
    let wrong = |error| StoreError::io("read", path, error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((0, Vec::new())),
        Err(error) => return Err(wrong(error)),
    };
    let len = file.metadata().map_err(wrong)?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(most))).map_err(wrong)?;
    let mut tail = Vec::new();
    file.take(most).read_to_end(&mut tail).map_err(wrong)?;
    Ok((len, tail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is appended to a log of this content.
    fn added(log: &[u8], lines: &[Value]) -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        std::fs::write(&path, log).expect("a write");
        match appended(&path, lines).expect("a log") {
            Some(Write::Append { keep, bytes, .. }) => {
                [&log[..usize::try_from(keep).expect("a short log")], &bytes].concat()
            }
            Some(Write::Replace { .. }) | None => log.to_vec(),
        }
    }

    #[test]
    fn lines_of_a_batch_that_a_crash_cut_anywhere_are_there_once() {
        // Far more than what others may have added.
        let batch: Vec<Value> = (0..40).map(|n| json!({ "n": n, "text": "x".repeat(20_000) })).collect();
        let text: String = batch.iter().map(|line| format!("{line}\n")).collect();
        let before = "{\"n\":-1}\n";
        for cut in [0, 1, 5_000, 20_030, 400_000, text.len() - 1, text.len()] {
            let log = format!("{before}{}", &text[..cut]);
            assert!(added(log.as_bytes(), &batch) == format!("{before}{text}").into_bytes(), "{cut}");
        }
        let torn = added(b"{\"other\":", &batch);
        assert!(torn == format!("{{\"other\":\n{text}").into_bytes(), "somebody else's line stays as it is");
    }
}
