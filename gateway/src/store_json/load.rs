//! From the documents to what a machine needs to go on. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{JobRow, Rows};
use sametick_core::id::{JobId, Names, SessionKey};
use sametick_core::job::Job;
use serde_json::{Map, Value};

use super::commit_doc::CommitDoc;
use super::document::{read, text};
use super::error::StoreError;
use super::fields::Fields;
use super::jobs::{self, Skipped};
use super::layout::Layout;
use super::left::{self, Adopted, LeftRun};
use super::{sessions, states};
use crate::process::Program;

type Object = Map<String, Value>;

/// What a directory holds.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) rows: Rows,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) stale: Vec<String>,
    pub(crate) left: Vec<LeftRun>,
    pub(crate) adopted: Adopted,
    /// Jobs whose declaration says that their schedule is not followed.
    pub(crate) stopped: BTreeSet<String>,
    pub(crate) programs: Vec<(JobId, Program)>,
}

/// Reads everything, or says what does not read.
pub(crate) fn load(layout: &Layout, books: &CommitDoc, names: &mut Names) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    loaded.load_jobs(layout, names)?;
    let path = layout.books();
    let wrong = |place: &str| StoreError::shape(&path, place, "as this version writes it");
    let runs = books.runs.iter().map(|(id, run)| run.read(names).ok_or_else(|| wrong(id)));
    loaded.rows.runs = runs.collect::<Result<_, _>>()?;
    let events = books.events.iter();
    let events = events.map(|event| event.read(names).ok_or_else(|| wrong("\"events\"")));
    loaded.rows.events = events.collect::<Result<_, _>>()?;
    loaded.load_sessions(layout, books, names)?;
    (loaded.rows.first_offset, loaded.rows.last_commit) = (books.first_offset, books.last_commit);
    loaded.rows.generations = books.generations;
    Ok(loaded)
}

impl Loaded {
    fn load_jobs(&mut self, layout: &Layout, names: &mut Names) -> Result<(), StoreError> {
        let path = layout.jobs();
        let document: Object = read(&path)?.unwrap_or_default();
        let none = Vec::new();
        let declared = match document.get("jobs") {
            None => &none,
            Some(Value::Array(jobs)) => jobs,
            Some(_) => return Err(StoreError::shape(&path, "\"jobs\"", "a list")),
        };
        let states = load_states(layout)?;
        let mut jobs: BTreeMap<JobId, (Job, JobRow)> = BTreeMap::new();
        for (place, job) in declared.iter().enumerate() {
            let named = job.as_object().and_then(|job| Some((text(job, "id")?, job)));
            let Some((id, job)) = named else {
                let why = "id is missing; write a text that no other job has".to_owned();
                self.skip(&format!("jobs[{place}]"), place, why);
                continue;
            };
            match jobs::read(job, id, names) {
                Ok(read) if jobs.contains_key(&read.id) => {
                    let why =
                        format!("id is {id:?}, as that of a job before it, which is run; write another");
                    self.skip(id, place, why);
                }
                Ok(read) => {
                    let inline = job.get("state").and_then(Value::as_object).cloned().unwrap_or_default();
                    let state = states.get(id).unwrap_or(&inline);
                    if jobs::status(&Fields::of_job(job)).is_ok_and(|status| !status.is_active()) {
                        self.stopped.insert(id.to_owned());
                    }
                    jobs.insert(read.id, (read, states::read(&read, job, state, names)));
                    if let Some(argv) = jobs::command(job) {
                        self.programs.push((read.id, Program { agent: read.agent, argv }));
                    }
                }
                Err(why) => self.skip(id, place, why),
            }
        }
        self.rows.jobs = jobs.into_values().collect();
        Ok(())
    }

    fn load_sessions(
        &mut self,
        layout: &Layout,
        books: &CommitDoc,
        names: &mut Names,
    ) -> Result<(), StoreError> {
        let path = layout.sessions();
        let document: Object = read(&path)?.unwrap_or_default();
        let mut stale = Vec::new();
        for (key, value) in &document {
            let row =
                value.as_object().ok_or_else(|| StoreError::shape(&path, format!("{key:?}"), "an object"))?;
            let is_running = text(row, "status") == Some("running");
            let is_stale = is_running && text(row, "runId").is_none_or(|run| !books.runs.contains_key(run));
            if is_stale {
                self.stale.push(key.clone());
            }
            if key.contains(":run:") && !is_running {
                continue;
            }
            let Ok(parsed) = SessionKey::parse(key, names) else { continue };
            let of_known_job = match parsed {
                SessionKey::Main { .. } => continue,
                SessionKey::Base { job, .. } | SessionKey::Run { job, .. } => self.knows(job),
            };
            let read = sessions::read(parsed, row, names);
            if is_stale {
                stale.push(read);
            } else if of_known_job && sessions::can_change(&read) {
                self.rows.sessions.push(read);
            }
        }
        let taken = |run: &str| books.runs.contains_key(run);
        let found = left::adopt(stale, &document, layout, taken, names)?;
        // The row of a run that was left behind takes the place of what was read of it before.
        self.rows.sessions.retain(|row| found.sessions.iter().all(|ours| ours.key != row.key));
        self.rows.sessions.extend(found.sessions);
        self.rows.runs.extend(found.runs);
        (self.left, self.adopted) = (found.left, found.adopted);
        Ok(())
    }

    fn knows(&self, job: JobId) -> bool {
        // In the order of their ids.
        self.rows.jobs.binary_search_by_key(&job, |(known, _)| known.id).is_ok()
    }

    fn skip(&mut self, job: &str, place: usize, why: String) {
        self.skipped.push(Skipped { job: job.to_owned(), place, why });
    }
}

fn load_states(layout: &Layout) -> Result<BTreeMap<String, Object>, StoreError> {
    let path = layout.states();
    let document: Object = read(&path)?.unwrap_or_default();
    let mut states = BTreeMap::new();
    let jobs = match document.get("jobs") {
        None => return Ok(states),
        Some(jobs) => jobs.as_object().ok_or_else(|| StoreError::shape(&path, "\"jobs\"", "an object"))?,
    };
    for (job, entry) in jobs {
        let wrong = || StoreError::shape(&path, format!("\"jobs\" / {job:?}"), "an object");
        let entry = entry.as_object().ok_or_else(wrong)?;
        let state = match entry.get("state") {
            None => Object::new(),
            Some(state) => state.as_object().ok_or_else(wrong)?.clone(),
        };
        states.insert(job.clone(), state);
    }
    Ok(states)
}
