//! What a user declares: when a job is due, and how long its runs may take.

use crate::id::{AgentId, JobId};
use crate::schedule::Schedule;
use crate::time::Span;

/// A declared job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The agent whose sessions its runs open.
    pub agent: AgentId,
    /// When it is due.
    pub schedule: Schedule,
    /// How long its runs may take.
    pub budgets: Budgets,
    /// Whether each result is delivered to somebody.
    pub deliver: bool,
    /// What becomes of an occurrence that was due while no gateway ran.
    pub catch_up: CatchUp,
}

/// How long one run may spend where. `None` means no limit; zero means "not at all".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// From the occurrence until the lane grants a slot.
    pub queue_timeout: Option<Span>,
    /// From the grant until the turn closes: the field's `timeoutSeconds`. Waiting in a lane never
    /// eats it.
    pub timeout: Option<Span>,
    /// From the occurrence until the run closes, over all attempts.
    pub total_timeout: Option<Span>,
    /// How long an aborted turn has to confirm that it stopped.
    pub abort_grace: Span,
}

impl Default for Budgets {
    /// No limits, and the field's habit of ten seconds for an abort.
    fn default() -> Self {
        Self { queue_timeout: None, timeout: None, total_timeout: None, abort_grace: Span::from_secs(10) }
    }
}

/// The budgets, narrowest first: of two that end in one instant, the narrower is the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Budget {
    /// `queue_timeout`.
    Queue,
    /// `timeout`.
    Run,
    /// `total_timeout`.
    Total,
}

impl Budget {
    /// The field's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue_timeout",
            Self::Run => "timeout",
            Self::Total => "total_timeout",
        }
    }
}

/// What becomes of occurrences that were due while no gateway ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CatchUp {
    /// They are recorded as missed.
    #[default]
    Skip,
    /// The latest runs now; those before it are recorded as missed.
    One,
}
