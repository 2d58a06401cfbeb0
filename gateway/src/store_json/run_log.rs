//! Reading `runs/<job>.jsonl` back: how a run ended whose session was never told.

use std::path::PathBuf;

use sametick_core::id::Names;
use sametick_core::job::Budget;
use sametick_core::lifecycle::ErrorKind;
use sametick_core::retry::FailureKind;
use sametick_core::run::{Failure, Outcome, Phase, TimedOut};
use sametick_core::time::Wall;
use serde_json::{Map, Value};

use super::document::{bytes, int, text};
use super::error::StoreError;
use super::layout::Layout;
use super::text::picked;
use super::words::OutcomeDoc;

/// The line of a run log that says how a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The file, from the directory on.
    pub path: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
    /// When the run began to work.
    pub began_at: Option<Wall>,
    /// When it ended.
    pub ended_at: Wall,
    /// How.
    pub outcome: Outcome,
    /// Whether the line names the session; else it was found by its time.
    pub names_session: bool,
}

/// The fields of a line that are read.
const FIELDS: [&str; 10] =
    ["ts", "status", "error", "sessionId", "runAtMs", "durationMs", "runId", "outcome", "budget", "phase"];

/// A job's run log, read once.
#[derive(Debug)]
pub(crate) struct RunLog {
    path: PathBuf,
    lines: Vec<(usize, Map<String, Value>)>,
}

impl RunLog {
    /// Reads a job's log. A line that does not read, as a crash in the middle of a write leaves it, says
    /// nothing.
    pub(crate) fn read(layout: &Layout, job: &str) -> Result<Self, StoreError> {
        let path = layout.run_log(job);
        let bytes = bytes(&path)?.unwrap_or_default();
        let path = path.strip_prefix(layout.root()).map_or(path.clone(), PathBuf::from);
        let mut lines = Vec::new();
        for (place, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            // What others say in it may be no Unicode, and is not read.
            match picked(&String::from_utf8_lossy(line), |field| FIELDS.contains(&field)) {
                Some(read) => lines.push((place + 1, read)),
                None => tracing::warn!(?path, line = place + 1, "a line of a run log does not read"),
            }
        }
        Ok(Self { path, lines })
    }

    /// The line of one of `runs`, else of the run in `session`, else of the one that was at work at `moment`;
    /// the last of several.
    ///
    /// A line that names its session is about no other. The field's lines of timed-out runs name none:
    /// they are found by their time alone.
    pub(crate) fn find(
        &self,
        runs: &[String],
        session: Option<&str>,
        moment: Option<Wall>,
        names: &mut Names,
    ) -> Option<LogLine> {
        let named = |line: &Map<String, Value>| session.is_some() && text(line, "sessionId") == session;
        let of_run = |line: &Map<String, Value>| {
            text(line, "runId").is_some_and(|run| runs.iter().any(|known| known == run))
        };
        let in_time = |line: &Map<String, Value>| {
            let nameless = text(line, "sessionId").is_none() && text(line, "runId").is_none();
            let span = int(line, "runAtMs").map(Wall::from_millis).zip(ended_at(line));
            nameless && span.zip(moment).is_some_and(|((from, to), moment)| from <= moment && moment <= to)
        };
        let last = |wanted: &dyn Fn(&Map<String, Value>) -> bool, names: &mut Names| {
            self.lines.iter().rev().filter(|(_, line)| wanted(line)).find_map(|(place, line)| {
                Some(LogLine {
                    path: self.path.clone(),
                    line: *place,
                    began_at: int(line, "runAtMs").map(Wall::from_millis),
                    ended_at: ended_at(line)?,
                    outcome: outcome(line, names)?,
                    names_session: named(line),
                })
            })
        };
        last(&of_run, names).or_else(|| last(&named, names)).or_else(|| last(&in_time, names))
    }
}

/// When the run of a line ended. Not its `ts`: that is when the line was written, and the field writes
/// the lines of a batch when the last of its runs is over.
fn ended_at(line: &Map<String, Value>) -> Option<Wall> {
    let took = int(line, "durationMs").filter(|took| *took >= 0);
    match int(line, "runAtMs").zip(took) {
        Some((began, took)) => Some(Wall::from_millis(began).plus_millis(took)),
        None => int(line, "ts").map(Wall::from_millis),
    }
}

/// How the run of a line ended: in our words where it has them, else in the field's.
fn outcome(line: &Map<String, Value>, names: &mut Names) -> Option<Outcome> {
    let word = |field: &str| text(line, field).map(str::to_owned);
    if let Some(outcome) = word("outcome") {
        let said = OutcomeDoc {
            outcome,
            budget: word("budget"),
            phase: word("phase"),
            text: word("error"),
            ..OutcomeDoc::default()
        };
        return said.read(names);
    }
    let error = text(line, "error").unwrap_or_default();
    match text(line, "status")? {
        "ok" => Some(Outcome::Ok),
        "error" if error.contains("timed out") => {
            Some(Outcome::TimedOut(TimedOut { budget: Budget::Run, phase: Phase::Running }))
        }
        "error" if error == ErrorKind::Cancelled.sentence() => Some(Outcome::Cancelled),
        "error" => {
            let text = (!error.is_empty()).then(|| names.texts.intern(error));
            Some(Outcome::Failed(Failure { kind: FailureKind::Unknown, text }))
        }
        // Skipped: no run at all.
        _ => None,
    }
}
