//! Which job runs which program.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sametick_core::id::{AgentId, JobId};

/// What a job's turns run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The agent whose session it is.
    pub agent: AgentId,
    /// The program and its arguments. No shell reads them.
    pub argv: Vec<String>,
}

/// Programs by job. Clones share them, so that a job declared while the gateway runs has its program.
#[derive(Clone, Debug, Default)]
pub struct Programs(Arc<Mutex<BTreeMap<JobId, Program>>>);

impl Programs {
    /// The program of a job.
    #[must_use]
    pub fn get(&self, job: JobId) -> Option<Program> {
        self.lock().get(&job).cloned()
    }

    /// Gives a job its program, unless it has one. Whether it had none.
    pub fn add(&self, job: JobId, program: Program) -> bool {
        let mut programs = self.lock();
        let is_new = !programs.contains_key(&job);
        programs.entry(job).or_insert(program);
        is_new
    }

    /// Takes a job's program away.
    pub fn remove(&self, job: JobId) {
        self.lock().remove(&job);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, Program>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromIterator<(JobId, Program)> for Programs {
    fn from_iter<I: IntoIterator<Item = (JobId, Program)>>(programs: I) -> Self {
        Self(Arc::new(Mutex::new(programs.into_iter().collect())))
    }
}
