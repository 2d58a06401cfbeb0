//! From the documents to what a machine needs to go on. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sametick_core::commit::{JobRow, Rows};
use sametick_core::id::{JobId, Names, SessionKey};
use sametick_core::job::Job;

use super::books::Books;
use super::changes::Changes;
use super::document::{syntax, text, text_of};
use super::error::StoreError;
use super::fields::Fields;
use super::jobs::{self, Skipped};
use super::layout::Layout;
use super::left::{self, Adopted, LeftRun};
use super::patch::Misfit;
use super::text::{Parts, picked};
use super::{sessions, states};
use crate::process::Program;

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
pub(crate) fn load(
    layout: &Layout,
    texts: &Texts,
    books: &Books,
    names: &mut Names,
) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded::default();
    loaded.load_jobs(layout, texts, names)?;
    let path = layout.books();
    let wrong = |place: &str| StoreError::shape(&path, (1, 1), place, "as this version writes it");
    for (id, run) in &books.runs {
        let row = run.read(names).ok_or_else(|| wrong(id))?;
        loaded.rows.terms.extend(run.read_terms(&row, names).ok_or_else(|| wrong(id))?);
        loaded.rows.runs.push(row);
    }
    let events = books.events.iter();
    let events = events.map(|event| event.read(names).ok_or_else(|| wrong("\"events\"")));
    loaded.rows.events = events.collect::<Result<_, _>>()?;
    loaded.load_sessions(layout, texts, books, names)?;
    (loaded.rows.first_offset, loaded.rows.last_commit) = (books.first_offset, books.last_commit);
    loaded.rows.generations = books.generations;
    Ok(loaded)
}

/// The texts of the field's documents; those that are not there are empty.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) jobs: String,
    states: String,
    pub(crate) sessions: String,
}

impl Texts {
    /// Reads them.
    pub(crate) fn read(layout: &Layout) -> Result<Self, StoreError> {
        let text = |path: &Path| Ok::<_, StoreError>(text_of(path)?.unwrap_or_else(|| "{}".to_owned()));
        Ok(Self {
            jobs: text(&layout.jobs())?,
            states: text(&layout.states())?,
            sessions: text(&layout.sessions())?,
        })
    }

    /// As they will be.
    pub(crate) fn with(&self, changes: &Changes, layout: &Layout) -> Result<Self, StoreError> {
        let (jobs, states, sessions) = (&self.jobs, &self.states, &self.sessions);
        let wrong = |path: PathBuf, text| move |misfit: Misfit| misfit.in_file(&path, text);
        Ok(Self {
            jobs: changes.patch_jobs(jobs).map_err(wrong(layout.jobs(), jobs))?,
            states: changes.patch_states(states, Some(jobs)).map_err(wrong(layout.states(), states))?,
            sessions: changes.patch_sessions(sessions).map_err(wrong(layout.sessions(), sessions))?,
        })
    }
}

/// Whether a row is that of a run which is over, as nearly all are: nothing of those is needed. Told without
/// taking it apart, since a large directory has a million.
fn is_over(key: &str, row: &str) -> bool {
    // A word can be spelled with escapes.
    let may_run = || row.contains("running") || row.contains("\\u");
    row.starts_with('{') && key.contains(":run:") && !may_run()
}

/// The fields of a row that are read here.
fn is_lifecycle(field: &str) -> bool {
    sessions::FIELDS.contains(&field)
}

impl Loaded {
    fn load_jobs(&mut self, layout: &Layout, texts: &Texts, names: &mut Names) -> Result<(), StoreError> {
        let (path, document) = (layout.jobs(), texts.jobs.as_str());
        let declared = members(&path, document)?;
        let list = declared.get("jobs").unwrap_or("[]");
        let wrong = |_| Misfit::at(document, list, "\"jobs\"", "a list").in_file(&path, document);
        let list = Parts::of_list(list).map_err(wrong)?;
        let states = states_in(&layout.states(), &texts.states)?;
        let mut jobs: BTreeMap<JobId, (Job, JobRow)> = BTreeMap::new();
        for (place, job) in list.texts().enumerate() {
            let Some(declared) = picked(job, |field| field != "state") else {
                self.skip(
                    &format!("jobs[{place}]"),
                    place,
                    "it is no object; write a job there, or take it out".to_owned(),
                );
                continue;
            };
            let Some(id) = text(&declared, "id") else {
                let why = "id is missing; write a text that no other job has".to_owned();
                self.skip(&format!("jobs[{place}]"), place, why);
                continue;
            };
            match jobs::read(&declared, id, names) {
                Ok(read) if jobs.contains_key(&read.id) => {
                    let why =
                        format!("id is {id:?}, as that of a job before it, which is run; write another");
                    self.skip(id, place, why);
                }
                Ok(read) => {
                    let inline = || picked(Parts::of_object(job).ok()?.get("state")?, |_| true);
                    let state = states.get(id).and_then(|state| picked(state, |_| true));
                    let state = state.or_else(inline).unwrap_or_default();
                    if jobs::status(&Fields::of_job(&declared)).is_ok_and(|status| !status.is_active()) {
                        self.stopped.insert(id.to_owned());
                    }
                    jobs.insert(read.id, (read, states::read(&read, &declared, &state, names)));
                    if let Some(argv) = jobs::command(&declared) {
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
        texts: &Texts,
        books: &Books,
        names: &mut Names,
    ) -> Result<(), StoreError> {
        let (path, sessions) = (layout.sessions(), texts.sessions.as_str());
        let document = members(&path, sessions)?;
        let mut stale = Vec::new();
        for (key, value) in document.members() {
            if is_over(key, value) {
                continue;
            }
            let wrong = || Misfit::at(sessions, value, format!("{key:?}"), "an object");
            let row = picked(value, is_lifecycle).ok_or_else(|| wrong().in_file(&path, sessions))?;
            let is_running = text(&row, "status") == Some("running");
            let is_stale = is_running && text(&row, "runId").is_none_or(|run| !books.runs.contains_key(run));
            if is_stale {
                self.stale.push(key.to_string());
            }
            if key.contains(":run:") && !is_running {
                continue;
            }
            let Ok(parsed) = SessionKey::parse(key, names) else { continue };
            let of_known_job = match parsed {
                // Others run turns there; ours is the row while it speaks of a run of ours.
                SessionKey::Main { .. } => is_running && !is_stale,
                SessionKey::Base { job, .. } | SessionKey::Run { job, .. } => self.knows(job),
            };
            let read = sessions::read(parsed, &row, names);
            // What others left in a main session is theirs; a run of ours names itself.
            let is_ours = !matches!(parsed, SessionKey::Main { .. }) || read.run.is_some();
            if is_stale && is_ours {
                stale.push(read);
            } else if of_known_job && sessions::can_change(&read) {
                self.rows.sessions.push(read);
            }
        }
        let taken = |run: &str| books.runs.contains_key(run);
        let found = left::adopt(stale, &document, layout, taken, names)?;
        // The row of a run that was left behind takes the place of what was read of it before.
        let ours: BTreeSet<SessionKey> = found.sessions.iter().map(|row| row.key).collect();
        self.rows.sessions.retain(|row| !ours.contains(&row.key));
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

/// A document's members, or why it has none.
pub(crate) fn members<'t>(path: &Path, document: &'t str) -> Result<Parts<'t>, StoreError> {
    Parts::of_object(document).map_err(|error| syntax(path, &error))
}

/// The text of each job's state.
fn states_in<'t>(path: &Path, document: &'t str) -> Result<BTreeMap<String, &'t str>, StoreError> {
    let mut states = BTreeMap::new();
    let Some(jobs) = members(path, document)?.get("jobs") else { return Ok(states) };
    let wrong =
        |part: &str, place: String| Misfit::at(document, part, place, "an object").in_file(path, document);
    let entries = Parts::of_object(jobs).map_err(|_| wrong(jobs, "\"jobs\"".to_owned()))?;
    for (job, entry) in entries.members() {
        let place = || format!("\"jobs\" / {job:?}");
        let fields = Parts::of_object(entry).map_err(|_| wrong(entry, place()))?;
        let state = fields.get("state").unwrap_or("{}");
        if !state.starts_with('{') {
            return Err(wrong(state, format!("{} / \"state\"", place())));
        }
        states.insert(job.to_string(), state);
    }
    Ok(states)
}
