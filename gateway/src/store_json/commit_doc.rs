//! `sametick.json`: the store's own bookkeeping, with the last commit's changes in full.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{Commit, JobStatus};
use sametick_core::id::Names;
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::Wall;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::declarations::Declarations;
use super::document::object_at;
use super::left::Adopted;
use super::runs::{self, EventDoc, RunDoc};
use super::{sessions, states, words};

/// What the store knows besides the field's documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommitDoc {
    /// The version of this document.
    pub(crate) version: u32,
    /// The owner's epoch: rises with every opening of the directory.
    pub(crate) epoch: u64,
    /// The number of the last commit.
    pub(crate) last_commit: u64,
    /// The highest generation any job was ever given.
    #[serde(default)]
    pub(crate) generations: u32,
    /// Runs that are not closed, by id.
    pub(crate) runs: BTreeMap<String, RunDoc>,
    /// The offset of the first of `events`, or of the next one.
    pub(crate) first_offset: u64,
    /// Events nobody acknowledged.
    pub(crate) events: Vec<EventDoc>,
    /// What the last commit changes in the field's documents.
    pub(crate) changes: Changes,
    /// What another gateway left running, as long as this store lives.
    #[serde(skip)]
    pub(crate) adopted: Adopted,
    /// Jobs whose declaration says that their schedule is not followed.
    #[serde(skip)]
    pub(crate) stopped: BTreeSet<String>,
}

/// What one commit changes in the field's documents: patches, so that writing them twice is writing
/// them once, and nothing that others put into the documents is touched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changes {
    /// Session key to fields.
    pub(crate) sessions: Map<String, Value>,
    /// Job to lines of its run log.
    pub(crate) run_lines: BTreeMap<String, Vec<Value>>,
    /// Job to fields of its state.
    pub(crate) states: Map<String, Value>,
    /// Declared jobs.
    pub(crate) jobs: Vec<Map<String, Value>>,
    /// Jobs that were removed.
    #[serde(default)]
    pub(crate) removed: Vec<String>,
    /// Jobs that somebody disabled, or resumed though their declaration says that they stand still.
    #[serde(default)]
    pub(crate) enabled: BTreeMap<String, bool>,
    /// Lines about what did not run and what came late.
    pub(crate) notes: Vec<Value>,
    /// The commit's own time.
    pub(crate) at: Option<i64>,
}

impl CommitDoc {
    /// The bookkeeping after `commit`, given the bookkeeping before it.
    pub(crate) fn after(&self, commit: &Commit, declared: &Declarations, names: &Names) -> Self {
        let mut next = Self {
            version: 1,
            epoch: self.epoch,
            last_commit: commit.number,
            generations: commit.generations,
            changes: Changes {
                removed: commit.removed.iter().map(|job| names.jobs.name(job.0).to_owned()).collect(),
                jobs: commit.declared.iter().map(|job| declared.object(job, names)).collect(),
                ..self.changes_of(commit, names)
            },
            ..self.clone()
        };
        next.follow(commit, names);
        for run in &commit.runs {
            let id = words::run_text(run.id, names);
            if run.is_closed() {
                next.runs.remove(&id);
            } else {
                next.runs.insert(id, RunDoc::of(run, names));
            }
        }
        next.events.extend(commit.events.iter().map(|event| EventDoc::of(event, names)));
        let heard = commit.acknowledged.saturating_sub(next.first_offset);
        let heard = usize::try_from(heard).unwrap_or(usize::MAX).min(next.events.len());
        next.events.drain(..heard);
        next.first_offset += heard as u64;
        next
    }

    /// A declaration says whether its schedule is followed, as the field's own do: one that says otherwise
    /// would undo at the next start what somebody asked for.
    fn follow(&mut self, commit: &Commit, names: &Names) {
        for declared in &commit.declared {
            self.stopped.remove(names.jobs.name(declared.id.0));
        }
        for row in &commit.jobs {
            let job = names.jobs.name(row.id.0);
            let enabled = match row.status {
                JobStatus::Active => self.stopped.remove(job).then_some(true),
                JobStatus::Disabled => self.stopped.insert(job.to_owned()).then_some(false),
                JobStatus::Paused | JobStatus::Exhausted => None,
            };
            self.changes.enabled.extend(enabled.map(|enabled| (job.to_owned(), enabled)));
        }
    }

    fn changes_of(&self, commit: &Commit, names: &Names) -> Changes {
        let mut changes = Changes {
            notes: runs::notes(commit, names),
            at: time_of(commit).map(Wall::as_millis),
            ..Changes::default()
        };
        for patch in &commit.sessions {
            let key = patch.key.render(names);
            if let Some(fields) = object_at(&mut changes.sessions, &key) {
                // Not `merge`: a field that is taken away has to stay in the patch as `null`.
                fields.extend(sessions::patch(patch, names));
                let ended = |run| commit.events.iter().any(|event| event.run == run);
                if let Some((run, given)) = self.adopted.rows.get(&key)
                    && ended(*run)
                {
                    fields.extend(given.clone());
                }
            }
        }
        for run in &commit.runs {
            if let Some(line) = self.line_of(run, commit, names) {
                let job = names.jobs.name(run.id.job.0).to_owned();
                changes.run_lines.entry(job).or_default().push(Value::Object(line));
            }
        }
        for row in &commit.jobs {
            let patch = states::patch(row, self.granted_at(row.running, commit, names), names);
            changes.states.insert(names.jobs.name(row.id.0).to_owned(), Value::Object(patch));
        }
        changes
    }

    /// The line of a run that this commit settles; none when an earlier one did.
    fn line_of(&self, run: &RunRow, commit: &Commit, names: &Names) -> Option<Map<String, Value>> {
        let outcome = match run.state {
            RunState::Settled(outcome) => outcome,
            RunState::Queued | RunState::Starting | RunState::Running => return None,
        };
        if self.adopted.logged.contains(&run.id) {
            return None;
        }
        let before = self.runs.get(&words::run_text(run.id, names));
        if before.is_some_and(RunDoc::is_settled) {
            return None;
        }
        let job = commit.jobs.iter().find(|row| row.id == run.id.job);
        Some(runs::line(run, outcome, job, names))
    }

    fn granted_at(
        &self,
        run: Option<sametick_core::id::RunId>,
        commit: &Commit,
        names: &Names,
    ) -> Option<Wall> {
        let run = run?;
        match commit.runs.iter().find(|row| row.id == run) {
            Some(row) => row.granted_at,
            None => self.runs.get(&words::run_text(run, names))?.granted_at.map(Wall::from_millis),
        }
    }
}

/// The latest time any row of the commit speaks of: the store reads no clock.
fn time_of(commit: &Commit) -> Option<Wall> {
    let runs = commit.runs.iter().flat_map(|run| {
        [Some(run.queued_at), run.granted_at, run.started_at, run.settled_at].into_iter().flatten()
    });
    runs.chain(commit.sessions.iter().map(|patch| patch.updated_at)).max()
}
