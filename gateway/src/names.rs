//! The names a gateway, its store and its turn runner share.

use std::sync::{Arc, Mutex, PoisonError};

use sametick_core::id::Names;

/// One table of names for everybody who turns the machine's numbers into text or back.
///
/// The lock is held for a look-up and never across a wait. Names are never taken away: a number
/// means the same text for as long as the process lives.
#[derive(Clone, Debug, Default)]
pub struct SharedNames(Arc<Mutex<Names>>);

impl SharedNames {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks names up, or adds some.
    ///
    /// ```
    /// use sametick_gateway::SharedNames;
    /// let names = SharedNames::new();
    /// let job = names.with(|names| names.jobs.intern("digest"));
    /// assert_eq!(names.with(|names| names.jobs.name(job.0).to_owned()), "digest");
    /// ```
    pub fn with<R>(&self, look: impl FnOnce(&mut Names) -> R) -> R {
        // A panic while the table was locked cannot leave it half changed in a way that matters:
        // a name without a number is a name nobody uses.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
