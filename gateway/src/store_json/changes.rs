//! What commits change in the field's documents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::jobs::id_of;

/// Changes of documents: patches, so that writing them twice is writing them once, and nothing that others
/// put into the documents is touched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Changes {
    /// Session key to fields.
    pub(crate) sessions: Map<String, Value>,
    /// Job to lines of its run log.
    pub(crate) run_lines: BTreeMap<String, Vec<Value>>,
    /// Job to fields of its state.
    pub(crate) states: Map<String, Value>,
    /// Job to when its state changed.
    pub(crate) stamps: BTreeMap<String, i64>,
    /// Declared jobs, as somebody wrote them.
    pub(crate) jobs: Vec<Map<String, Value>>,
    /// Declared or edited jobs, as far as the machine knows them; `null` where it has a default.
    pub(crate) edited: Vec<Map<String, Value>>,
    /// Jobs that were removed, before those above were declared.
    pub(crate) removed: Vec<String>,
    /// Jobs that somebody disabled, or resumed though their declaration says that they stand still.
    pub(crate) enabled: BTreeMap<String, bool>,
    /// Lines about what did not run and what came late.
    pub(crate) notes: Vec<Value>,
}

impl Changes {
    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what a later commit changes.
    pub(crate) fn add(&mut self, later: Self) {
        for job in later.removed {
            self.forget(&job);
            if !self.removed.contains(&job) {
                self.removed.push(job);
            }
        }
        for (key, patch) in later.sessions {
            put(&mut self.sessions, key, patch);
        }
        for (job, lines) in later.run_lines {
            self.run_lines.entry(job).or_default().extend(lines);
        }
        for (job, patch) in later.states {
            put(&mut self.states, job, patch);
        }
        self.stamps.extend(later.stamps);
        for job in later.jobs {
            self.jobs.retain(|known| id_of(known) != id_of(&job));
            self.edited.retain(|known| id_of(known) != id_of(&job));
            self.jobs.push(job);
        }
        for job in later.edited {
            self.edited.retain(|known| id_of(known) != id_of(&job));
            self.edited.push(job);
        }
        self.enabled.extend(later.enabled);
        self.notes.extend(later.notes);
    }

    /// What was to be written of a job that is removed since.
    fn forget(&mut self, job: &str) {
        self.jobs.retain(|known| id_of(known) != job);
        self.edited.retain(|known| id_of(known) != job);
        self.states.shift_remove(job);
        self.stamps.remove(job);
        self.enabled.remove(job);
    }
}

/// A later patch of an object over an earlier one.
fn put(all: &mut Map<String, Value>, name: String, later: Value) {
    match (all.get_mut(&name), later) {
        (Some(Value::Object(earlier)), Value::Object(later)) => earlier.extend(later),
        (_, later) => {
            all.insert(name, later);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_later_patch_goes_over_an_earlier_one_field_by_field() {
        let patch = |fields: Value| {
            let sessions = Map::from_iter([("k".to_owned(), fields)]);
            Changes { sessions, ..Changes::default() }
        };
        let mut all = patch(json!({ "status": "running", "endedAt": null, "runId": "r" }));
        all.add(patch(json!({ "status": "timeout", "endedAt": 5 })));
        assert_eq!(all, patch(json!({ "status": "timeout", "endedAt": 5, "runId": "r" })));
    }

    #[test]
    fn a_job_that_is_removed_takes_along_what_was_not_written_of_it() {
        let job = || Map::from_iter([("id".to_owned(), json!("j"))]);
        let mut all =
            Changes { jobs: vec![job()], stamps: [("j".to_owned(), 1)].into(), ..Changes::default() };
        all.add(Changes { removed: vec!["j".to_owned()], ..Changes::default() });
        assert_eq!(all, Changes { removed: vec!["j".to_owned()], ..Changes::default() });
        all.add(Changes { edited: vec![job()], ..Changes::default() });
        assert_eq!((all.removed.len(), all.edited.len()), (1, 1), "made anew, not patched");
    }
}
