//! `sametick.json`, the store's own bookkeeping, and what one commit adds to it.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{Commit, JobStatus};
use sametick_core::id::{Names, RunId};
use sametick_core::job::Terms;
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::Wall;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::changes::Changes;
use super::declarations::Declarations;
use super::document::object_at;
use super::left::Adopted;
use super::runs::{self, EventDoc, RunDoc};
use super::terms::TermsDoc;
use super::{jobs, sessions, states, words};

/// What the store knows besides the field's documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Books {
    /// The version of this document.
    pub(crate) version: u32,
    /// The owner's epoch: rises with every opening of the directory.
    pub(crate) epoch: u64,
    /// The number of the last commit that is in every file.
    pub(crate) last_commit: u64,
    /// The highest generation any job was ever given.
    #[serde(default)]
    pub(crate) generations: u32,
    /// Runs that are not closed and the ancestors of those, by id.
    pub(crate) runs: BTreeMap<String, RunDoc>,
    /// The offset of the first of `events`, or of the next one.
    pub(crate) first_offset: u64,
    /// Events nobody acknowledged.
    pub(crate) events: Vec<EventDoc>,
    /// What another gateway left running, as long as this store lives.
    #[serde(skip)]
    pub(crate) adopted: Adopted,
    /// Jobs whose declaration says that their schedule is not followed.
    #[serde(skip)]
    pub(crate) stopped: BTreeSet<String>,
}

/// One commit, as a line of the journal has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) commit: u64,
    generations: u32,
    /// Runs that changed and are needed further.
    runs: Vec<RunDoc>,
    /// Runs that are not needed any more.
    closed: Vec<String>,
    /// How many of the oldest events were acknowledged, these included.
    heard: usize,
    events: Vec<EventDoc>,
    /// What it changes in the field's documents.
    pub(crate) changes: Changes,
}

impl Books {
    /// What a commit adds to these books.
    pub(crate) fn entry(&self, commit: &Commit, declared: &Declarations, names: &Names) -> Entry {
        let mut runs = self.documents(commit, names);
        let closed = self.closed(&mut runs);
        let known = self.events.len() + commit.events.len();
        let heard = usize::try_from(commit.acknowledged.saturating_sub(self.first_offset)).unwrap_or(known);
        Entry {
            commit: commit.number,
            generations: commit.generations,
            runs,
            closed,
            heard: heard.min(known),
            events: commit.events.iter().map(|event| EventDoc::of(event, names)).collect(),
            changes: self.changes_of(commit, declared, names),
        }
    }

    /// Enters what a commit adds.
    pub(crate) fn enter(&mut self, entry: &Entry) {
        (self.version, self.last_commit, self.generations) = (1, entry.commit, entry.generations);
        for run in &entry.runs {
            self.runs.insert(run.run_id.clone(), run.clone());
        }
        for run in &entry.closed {
            self.runs.remove(run);
        }
        self.events.extend(entry.events.iter().cloned());
        let heard = entry.heard.min(self.events.len());
        self.events.drain(..heard);
        self.first_offset += heard as u64;
        for declared in &entry.changes.jobs {
            self.stopped.remove(jobs::id_of(declared));
        }
        for (job, enabled) in &entry.changes.enabled {
            if *enabled {
                self.stopped.remove(job);
            } else {
                self.stopped.insert(job.clone());
            }
        }
    }

    /// The records that changed, each with what the run goes by.
    fn documents(&self, commit: &Commit, names: &Names) -> Vec<RunDoc> {
        let new: BTreeMap<RunId, &Terms> = commit.terms.iter().map(|row| (row.run, &row.terms)).collect();
        let documents = commit.runs.iter().map(|run| {
            let terms = match new.get(&run.id) {
                Some(terms) => Some(TermsDoc::of(terms, names)),
                None => self.runs.get(&words::run_text(run.id, names)).and_then(|doc| doc.terms.clone()),
            };
            RunDoc::of(run, terms, names)
        });
        documents.collect()
    }

    /// Takes the closed runs out of those that changed, and names them and those that were kept before: all but the
    /// ancestors of a run that is not closed, which are needed as long as it is there.
    fn closed(&self, changed: &mut Vec<RunDoc>) -> Vec<String> {
        if !changed.iter().any(RunDoc::is_closed) {
            return Vec::new();
        }
        let new: BTreeSet<&str> = changed.iter().map(|doc| doc.run_id.as_str()).collect();
        let kept = self.runs.values().filter(|doc| !new.contains(doc.run_id.as_str()));
        let all: BTreeMap<&str, &RunDoc> =
            kept.chain(changed.iter()).map(|doc| (doc.run_id.as_str(), doc)).collect();
        let mut needed = BTreeSet::new();
        for doc in all.values().filter(|doc| !doc.is_closed()) {
            let mut elder = doc.parent.as_deref();
            while let Some(parent) = elder.filter(|parent| needed.insert((*parent).to_owned())) {
                elder = all.get(parent).and_then(|doc| doc.parent.as_deref());
            }
        }
        let gone = |doc: &RunDoc| doc.is_closed() && !needed.contains(&doc.run_id);
        let closed = all.values().filter(|doc| gone(doc)).map(|doc| doc.run_id.clone()).collect();
        changed.retain(|doc| !gone(doc));
        closed
    }

    /// A declaration says whether its schedule is followed, as the field's own do: one that says otherwise
    /// would undo at the next start what somebody asked for.
    fn enabled_by(&self, commit: &Commit, names: &Names) -> BTreeMap<String, bool> {
        let news = commit.jobs.iter().filter_map(|row| {
            let job = names.jobs.name(row.id.0);
            let stands_still = self.stopped.contains(job);
            match row.status {
                JobStatus::Active => stands_still.then(|| (job.to_owned(), true)),
                JobStatus::Disabled => (!stands_still).then(|| (job.to_owned(), false)),
                JobStatus::Paused | JobStatus::Exhausted => None,
            }
        });
        news.collect()
    }

    fn changes_of(&self, commit: &Commit, declared: &Declarations, names: &Names) -> Changes {
        let at = time_of(commit).map(Wall::as_millis);
        let mut changes = Changes {
            notes: runs::notes(commit, names),
            removed: commit.removed.iter().map(|job| names.jobs.name(job.0).to_owned()).collect(),
            enabled: self.enabled_by(commit, names),
            ..Changes::default()
        };
        for job in &commit.declared {
            match declared.draft(job.id) {
                Some(object) => changes.jobs.push(jobs::stamped(object, at)),
                None => changes.edited.push(jobs::stamped(jobs::write(job, names), at)),
            }
        }
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
            let job = names.jobs.name(row.id.0).to_owned();
            changes.stamps.extend(at.map(|at| (job.clone(), at)));
            changes.states.insert(job, Value::Object(patch));
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

    fn granted_at(&self, run: Option<RunId>, commit: &Commit, names: &Names) -> Option<Wall> {
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
