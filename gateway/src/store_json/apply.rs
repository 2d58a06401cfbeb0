//! From the changes of a commit to writes, in the order in which they may be seen.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::commit_doc::Changes;
use super::disk::Disk;
use super::document::{pretty, read};
use super::error::StoreError;
use super::layout::Layout;

/// How much of a log's end is searched for lines that an interrupted commit has written already.
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
        let sessions = layout.sessions();
        writes.push(patched(&sessions, |document| changes.patch_sessions(document))?);
    }
    for (job, lines) in &changes.run_lines {
        writes.extend(appended(&layout.run_log(job), lines)?);
    }
    writes.extend(appended(&layout.notes(), &changes.notes)?);
    if !changes.states.is_empty() || !changes.removed.is_empty() {
        let inline = inline_states(&layout.jobs())?;
        let inline = |job: &str| inline.get(job).and_then(Value::as_object).cloned();
        writes.push(patched(&layout.states(), |document| changes.patch_states(document, inline))?);
    }
    if !changes.jobs.is_empty() || !changes.removed.is_empty() || !changes.enabled.is_empty() {
        writes.push(patched(&layout.jobs(), |document| changes.patch_jobs(document))?);
    }
    Ok(writes)
}

/// Carries writes out and makes them durable.
pub(crate) fn perform(disk: &mut impl Disk, writes: Vec<Write>, layout: &Layout) -> Result<(), StoreError> {
    let mut logs_changed = false;
    for write in writes {
        match write {
            Write::Replace { path, bytes } => {
                disk.replace(&path, &bytes).map_err(|error| StoreError::io("replace", &path, error))?;
            }
            Write::Append { path, keep, bytes } => {
                logs_changed |= path.starts_with(layout.run_logs());
                disk.append(&path, keep, &bytes)
                    .map_err(|error| StoreError::io("append to", &path, error))?;
            }
        }
    }
    if logs_changed {
        sync_dir(disk, &layout.run_logs())?;
    }
    sync_dir(disk, layout.root())
}

pub(crate) fn sync_dir(disk: &mut impl Disk, path: &Path) -> Result<(), StoreError> {
    disk.sync_dir(path).map_err(|error| StoreError::io("make durable", path, error))
}

/// A document as it is, patched: others may have written into it since we looked last, and what they
/// wrote is not ours to lose.
fn patched(
    path: &Path,
    patch: impl FnOnce(&mut Map<String, Value>) -> Result<(), String>,
) -> Result<Write, StoreError> {
    let mut document = read::<Map<String, Value>>(path)?.unwrap_or_default();
    patch(&mut document).map_err(|place| StoreError::shape(path, place, "an object (or a list of jobs)"))?;
    Ok(Write::Replace { path: path.to_owned(), bytes: pretty(&document) })
}

/// The states that releases up to 2026.4.15 kept inside `jobs.json`, by job.
fn inline_states(path: &Path) -> Result<Map<String, Value>, StoreError> {
    let document = read::<Map<String, Value>>(path)?.unwrap_or_default();
    let jobs = document.get("jobs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let pair = |job: &Value| Some((job.get("id")?.as_str()?.to_owned(), job.get("state")?.clone()));
    Ok(jobs.iter().filter_map(pair).collect())
}

/// The lines that are not at the log's end already; none when all are. A line that was cut short by a
/// crash is written again whole.
fn appended(path: &Path, lines: &[Value]) -> Result<Option<Write>, StoreError> {
    if lines.is_empty() {
        return Ok(None);
    }
    let (len, tail) = tail(path)?;
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    let torn = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let ours = !torn.is_empty() && lines.iter().any(|line| line.as_bytes().starts_with(torn));
    let whole: Vec<&[u8]> = tail.split_inclusive(|byte| *byte == b'\n').collect();
    let mut bytes = if torn.is_empty() || ours { Vec::new() } else { b"\n".to_vec() };
    let before = bytes.len();
    for line in lines.iter().filter(|line| !whole.contains(&line.as_bytes())) {
        bytes.extend_from_slice(line.as_bytes());
    }
    let keep = if ours { len - torn.len() as u64 } else { len };
    Ok((bytes.len() > before).then(|| Write::Append { path: path.to_owned(), keep, bytes }))
}

/// A file's length and the end of its content.
fn tail(path: &Path) -> Result<(u64, Vec<u8>), StoreError> {
    let wrong = |error| StoreError::io("read", path, error);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((0, Vec::new())),
        Err(error) => return Err(wrong(error)),
    };
    let len = file.metadata().map_err(wrong)?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL))).map_err(wrong)?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).map_err(wrong)?;
    Ok((len, tail))
}
