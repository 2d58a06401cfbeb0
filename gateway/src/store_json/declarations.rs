//! Jobs that are declared while the gateway runs, in the field's own words.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sametick_core::effect::{Command, Refusal};
use sametick_core::id::JobId;
use serde_json::{Map, Value};

use super::document::text;
use super::jobs;
use crate::mailbox::{CommandError, Handle};
use crate::names::SharedNames;
use crate::process::{Program, Programs};

/// Why a job was not declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeclareError {
    /// The object is no job that this version runs.
    #[error("the job cannot be declared: {0}")]
    Wrong(String),
    /// The machine refused it, or is gone.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// A way to declare jobs as `jobs.json` has them. Clones are the same way.
#[derive(Clone, Debug, Default)]
pub struct Declarations {
    names: SharedNames,
    programs: Programs,
    /// Objects on their way into the file: the machine knows nothing of most of their fields.
    drafts: Arc<Mutex<BTreeMap<JobId, Map<String, Value>>>>,
}

impl Declarations {
    pub(crate) fn new(names: SharedNames, programs: Programs) -> Self {
        Self { names, programs, drafts: Arc::default() }
    }

    /// Declares a job and waits until it is durable. The file gets the object as it is given.
    /// The call is to be awaited to its end: one that is given up keeps the id taken until a restart.
    ///
    /// # Errors
    /// When the object is no job that this version runs, its id is taken, or the gateway stops.
    pub async fn add(&self, handle: &Handle, declared: Map<String, Value>) -> Result<JobId, DeclareError> {
        let id = text(&declared, "id").ok_or_else(|| DeclareError::Wrong("it has no id".to_owned()))?;
        let job = self.names.with(|names| jobs::read(&declared, id, names)).map_err(DeclareError::Wrong)?;
        let argv = jobs::command(&declared);
        match self.lock().entry(job.id) {
            Entry::Vacant(draft) => draft.insert(declared),
            // Somebody is declaring it at this moment.
            Entry::Occupied(_) => return Err(CommandError::Refused(Refusal::JobExists).into()),
        };
        // Before the machine knows the job: its first run may start before the answer is heard here.
        let new_program =
            argv.is_some_and(|argv| self.programs.add(job.id, Program { agent: job.agent, argv }));
        let answer = handle.command(Command::Add(Box::new(job))).await;
        self.lock().remove(&job.id);
        if answer.is_err() && new_program {
            self.programs.remove(job.id);
        }
        Ok(answer.map(|_| job.id)?)
    }

    /// The object of a job that somebody is declaring at this moment.
    pub(crate) fn draft(&self, job: JobId) -> Option<Map<String, Value>> {
        self.lock().get(&job).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, Map<String, Value>>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
