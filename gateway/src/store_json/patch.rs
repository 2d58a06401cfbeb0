//! What a commit changes, written into the texts of the field's documents.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::changes::Changes;
use super::document::{syntax, text};
use super::error::StoreError;
use super::jobs::{self, id_of};
use super::text::{Cuts, Parts, line_and_column, merged, picked, spelled};

/// A document that does not read, or a place in it that holds something else than it should.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// It is no JSON, or no object.
    Syntax(serde_json::Error),
    /// The text that stands there, by its offset, what it is in the document, and what it should be.
    Shape(usize, String, &'static str),
}

impl Misfit {
    pub(crate) fn in_file(self, path: &Path, document: &str) -> StoreError {
        match self {
            Self::Syntax(error) => syntax(path, &error),
            Self::Shape(offset, place, wanted) => {
                StoreError::shape(path, line_and_column(document, offset), place, wanted)
            }
        }
    }

    /// `part` is a part of `document`.
    pub(crate) fn at(document: &str, part: &str, place: impl Into<String>, wanted: &'static str) -> Self {
        let offset = (part.as_ptr() as usize).checked_sub(document.as_ptr() as usize);
        let offset = offset.filter(|offset| *offset <= document.len()).unwrap_or_default();
        Self::Shape(offset, place.into(), wanted)
    }
}

/// The line end before the closing bracket of a document.
const ROOT: &str = "\n";

impl Changes {
    /// Writes the session patches into the document.
    pub(crate) fn patch_sessions(&self, document: &str) -> Result<String, Misfit> {
        let rows = Parts::of_object(document).map_err(Misfit::Syntax)?;
        let lead = rows.lead(ROOT);
        let (mut cuts, mut seen) = (Cuts::new(), BTreeSet::new());
        for (place, (key, row)) in rows.members().enumerate() {
            let Some(patch) = self.sessions.get(key.as_ref()).and_then(Value::as_object) else { continue };
            let wrong = |_| Misfit::at(document, row, format!("{key:?}"), "an object");
            cuts.insert(place, Some(merged(row, patch, &lead).map_err(wrong)?));
            seen.insert(key.as_ref());
        }
        let new = self.sessions.iter().filter(|(key, _)| !seen.contains(key.as_str()));
        let added: Vec<(String, String)> =
            new.map(|(key, patch)| (key.clone(), said(patch, &lead))).collect();
        Ok(rows.changed(&cuts, &added, ROOT))
    }

    /// Writes the job states into the document. `declared` is `jobs.json`, which older releases kept the
    /// states in: a job that has no state of its own yet starts from there.
    pub(crate) fn patch_states(&self, document: &str, declared: Option<&str>) -> Result<String, Misfit> {
        within(document, "{}", |jobs, lead| {
            let states =
                Parts::of_object(jobs).map_err(|_| Misfit::at(document, jobs, "\"jobs\"", "an object"))?;
            let inner = states.lead(lead);
            let (mut cuts, mut seen) = (Cuts::new(), BTreeSet::new());
            for (place, (job, entry)) in states.members().enumerate() {
                if self.is_removed(Some(job)) {
                    cuts.insert(place, None);
                } else if let Some(patch) = self.states.get(job.as_ref()) {
                    let wrong = || Misfit::at(document, entry, format!("\"jobs\" / {job:?}"), "an object");
                    cuts.insert(place, Some(self.state_in(job, entry, patch, &inner).ok_or_else(wrong)?));
                    seen.insert(job.as_ref());
                }
            }
            let mut added = Vec::new();
            for (job, patch) in self.states.iter().filter(|(job, _)| !seen.contains(job.as_str())) {
                let declared = declared.filter(|_| !self.is_removed(Some(job)));
                let inline = declared.and_then(|declared| inline_state(declared, job));
                let state = inline.as_deref().unwrap_or("{}");
                let entry = Parts::of_object("{}").map_err(Misfit::Syntax)?;
                let fields = entry.lead(&inner);
                let state = merged(state, fields_of(patch), &fields).unwrap_or_else(|_| said(patch, &fields));
                let stamp = self.stamps.get(job).map(|at| ("updatedAtMs".to_owned(), at.to_string()));
                let members: Vec<(String, String)> =
                    stamp.into_iter().chain([("state".to_owned(), state)]).collect();
                added.push((job.clone(), entry.changed(&Cuts::new(), &members, &inner)));
            }
            Ok(states.changed(&cuts, &added, lead))
        })
    }

    /// A job's entry with its state patched; nothing when one of them is no object.
    fn state_in(&self, job: &str, entry: &str, patch: &Value, inside: &str) -> Option<String> {
        let stamp = self.stamps.get(job).map(|at| json!({ "updatedAtMs": at }));
        let stamped = merged(entry, stamp.as_ref().map_or(&Map::new(), fields_of), inside).ok()?;
        let fields = Parts::of_object(&stamped).ok()?;
        let lead = fields.lead(inside);
        let state = merged(fields.get("state").unwrap_or("{}"), fields_of(patch), &lead).ok()?;
        with_member(&fields, "state", state, inside)
    }

    fn is_removed(&self, job: Option<&str>) -> bool {
        job.is_some_and(|job| self.removed.iter().any(|removed| removed == job))
    }

    /// Writes the declared jobs into the document, and takes the removed ones out.
    pub(crate) fn patch_jobs(&self, document: &str) -> Result<String, Misfit> {
        within(document, "[]", |jobs, lead| {
            let wrong = |_| Misfit::at(document, jobs, "\"jobs\"", "a list");
            let list = Parts::of_list(jobs).map_err(wrong)?;
            let inner = list.lead(lead);
            let (mut cuts, mut seen) = (Cuts::new(), BTreeSet::new());
            for (place, job) in list.texts().enumerate() {
                let Some(there) = picked(job, |field| field != "state") else { continue };
                let Some(id) = text(&there, "id") else { continue };
                if self.is_removed(Some(id)) {
                    cuts.insert(place, None);
                } else if let Some(patch) = self.job_patch(id, &there).filter(|_| seen.insert(id.to_owned()))
                {
                    cuts.insert(place, Some(merged(job, &patch, &inner).unwrap_or_else(|_| job.to_owned())));
                }
            }
            let new = self.jobs.iter().chain(&self.edited).filter(|job| seen.insert(id_of(job).to_owned()));
            let added = new.map(|job| {
                let mut patch = self.job_patch(id_of(job), &Map::new()).unwrap_or_default();
                for (field, value) in job {
                    patch.entry(field).or_insert_with(|| value.clone());
                }
                (String::new(), said(&Value::Object(patch), &inner))
            });
            Ok(list.changed(&cuts, &added.collect::<Vec<_>>(), lead))
        })
    }

    /// What changes in the declaration of a job, given what the file has of it.
    fn job_patch(&self, id: &str, there: &Map<String, Value>) -> Option<Map<String, Value>> {
        let is_it = |job: &&Map<String, Value>| id_of(job) == id;
        let mut patch = self.jobs.iter().find(is_it).cloned();
        if let Some(edited) = self.edited.iter().find(is_it) {
            let there = patch.as_ref().unwrap_or(there);
            let edit = if there.is_empty() { edited.clone() } else { jobs::edit(there, edited) };
            patch.get_or_insert_default().extend(edit);
        }
        if let Some(enabled) = self.enabled.get(id) {
            let patch = patch.get_or_insert_default();
            patch.insert("enabled".to_owned(), json!(enabled));
            if *enabled {
                patch.insert("paused".to_owned(), Value::Null);
            }
        }
        patch
    }
}

/// A document of the form `{"version": 1, "jobs": …}` with its jobs changed; `none` is what they are when
/// nothing is there.
fn within(
    document: &str,
    none: &'static str,
    change: impl FnOnce(&str, &str) -> Result<String, Misfit>,
) -> Result<String, Misfit> {
    let members = Parts::of_object(document).map_err(Misfit::Syntax)?;
    let lead = members.lead(ROOT);
    let jobs = match members.get("jobs") {
        Some(jobs) => change(jobs, &lead)?,
        None => change(none, &lead)?,
    };
    let version = members.get("version").is_none().then(|| ("version".to_owned(), "1".to_owned()));
    match members.members().position(|(name, _)| name == "jobs") {
        Some(place) => Ok(members.changed(
            &Cuts::from([(place, Some(jobs))]),
            &version.into_iter().collect::<Vec<_>>(),
            ROOT,
        )),
        None => {
            let added: Vec<(String, String)> =
                version.into_iter().chain([("jobs".to_owned(), jobs)]).collect();
            Ok(members.changed(&Cuts::new(), &added, ROOT))
        }
    }
}

/// An object with one member's text put in its place, or added.
fn with_member(object: &Parts<'_>, name: &str, text: String, inside: &str) -> Option<String> {
    let place = object.members().position(|(known, _)| known == name);
    Some(match place {
        Some(place) => object.changed(&Cuts::from([(place, Some(text))]), &[], inside),
        None => object.changed(&Cuts::new(), &[(name.to_owned(), text)], inside),
    })
}

/// The state that a release up to 2026.4.15 kept inside `jobs.json`.
fn inline_state(declared: &str, id: &str) -> Option<String> {
    let document = Parts::of_object(declared).ok()?;
    let list = Parts::of_list(document.get("jobs")?).ok()?;
    let is_it = |job: &&str| picked(job, |name| name == "id").is_some_and(|job| text(&job, "id") == Some(id));
    let job = Parts::of_object(list.texts().find(is_it)?).ok()?;
    Some(job.get("state")?.to_owned())
}

fn fields_of(patch: &Value) -> &Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    patch.as_object().unwrap_or(&NONE)
}

/// A patch as an object of its own.
fn said(patch: &Value, lead: &str) -> String {
    let mut fields = fields_of(patch).clone();
    fields.retain(|_, value| !value.is_null());
    spelled(&Value::Object(fields), lead)
}
