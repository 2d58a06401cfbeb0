//! Where which file is.

use std::path::{Path, PathBuf};

/// The names of the field's files in a directory, and of ours beside them.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn jobs(&self) -> PathBuf {
        self.root.join("jobs.json")
    }

    pub(crate) fn states(&self) -> PathBuf {
        self.root.join("jobs-state.json")
    }

    pub(crate) fn sessions(&self) -> PathBuf {
        self.root.join("sessions.json")
    }

    pub(crate) fn run_logs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// A job's run log. An id that is no file name gets one: the field's ids are UUIDs.
    pub(crate) fn run_log(&self, job: &str) -> PathBuf {
        self.run_logs().join(format!("{}.jsonl", file_name(job)))
    }

    /// What did not run, and what came too late.
    pub(crate) fn notes(&self) -> PathBuf {
        self.root.join("sametick-notes.jsonl")
    }

    /// The bookkeeping after the last commit that is in every file.
    pub(crate) fn books(&self) -> PathBuf {
        self.root.join("sametick.json")
    }

    /// Commits that are not in every file yet.
    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("sametick-journal.jsonl")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("sametick.lock")
    }
}

/// The longest name that every file system takes, less room for an ending.
const LONGEST: usize = 200;

/// A text as a file name: anything but letters, digits, `-`, `_` and `.` in hex. One that is too long
/// ends in a number made of all of it.
pub(crate) fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    if name.len() > LONGEST {
        // FNV-1a: the same on every machine and in every release.
        let number = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |number, byte| {
            (number ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        name.truncate(LONGEST - 17);
        name.push_str(&format!("-{number:016x}"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_out_of_the_directory() {
        assert_eq!(file_name("36892ffd-6752"), "36892ffd-6752");
        assert_eq!(file_name("../a b"), "%2E.%2Fa%20b");
        let (long, other) = (file_name(&"x".repeat(999)), file_name(&"x".repeat(998)));
        assert_eq!((long.len(), long == other), (200, false));
    }
}
