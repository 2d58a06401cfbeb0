//! What a user declares: when a job is due, where it runs, and how long its runs may take.

use crate::id::{AgentId, JobId, LaneId};
use crate::retry::Retry;
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
    /// What becomes of an occurrence while a run of the job is open.
    pub overlap: Overlap,
    /// What becomes of missed occurrences.
    pub catch_up: CatchUp,
    /// How old a missed occurrence may be and still be caught up on; any age when absent.
    pub catch_up_window: Option<Span>,
    /// How late an occurrence may be met and still count as on time. Later, it is *missed*, as is one
    /// that was due before the gateway started.
    pub misfire_after: Span,
    /// What its runs go by.
    pub terms: Terms,
    /// Whether a job whose schedule has no occurrence left is removed once its last run is over.
    pub delete_after_run: bool,
}

/// What a run goes by, from its beginning to its end: an edit of its job changes later runs only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// The session its turn runs in.
    pub target: Target,
    /// The lane it waits in.
    pub lane: LaneId,
    /// Whether it begins beside no other run of its job. Who need not be alone may begin beside it, as after an edit that
    /// lets runs overlap.
    pub alone: bool,
    /// How long it may take.
    pub budgets: Budgets,
    /// What becomes of slot and fences when the grace of its abort ends without proof.
    pub on_abandon: OnAbandon,
    /// Whether, when and after what it is tried again.
    pub retry: Retry,
    /// Whether its result is delivered to somebody.
    pub deliver: bool,
}

/// The session a turn runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// One of its own.
    #[default]
    Isolated,
    /// The agent's main session, which it shares with whatever else runs there.
    Main,
}

/// What becomes of an occurrence that is due while a run of the job is open: queued, at work,
/// draining, or waiting to be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// It is skipped.
    #[default]
    Skip,
    /// It waits, if no other does; one that is due while another waits is coalesced into that.
    BufferOne,
    /// It waits behind those that wait; beyond this many it is skipped.
    BufferAll(u32),
    /// It takes their place: they are cancelled, and it starts once they have stopped.
    CancelOther,
    /// It runs beside them.
    Allow,
}

/// What becomes of missed occurrences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CatchUp {
    /// They are recorded as missed.
    #[default]
    Skip,
    /// The latest runs now; those before it are coalesced into it.
    One,
    /// They run now, one after the other; of more than this many, the latest.
    All(u32),
}

/// What becomes of slot and fences when the grace of an abort ends without proof of a stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnAbandon {
    /// They go back, though the turn may be alive.
    #[default]
    Release,
    /// They are held until the turn is known to have stopped. Only for runners that can be certain of
    /// a kill in the end: otherwise they are held for ever.
    Hold,
}

/// How long one run may spend where. `None` means no limit; zero means "not at all".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// From the occurrence until the lane grants a slot.
    pub queue_timeout: Option<Span>,
    /// From the grant until the session is ready. It only tightens `timeout`.
    pub start_timeout: Option<Span>,
    /// From the grant, or the latest sign of progress, to the next one.
    pub stall_timeout: Option<Span>,
    /// From the grant until the turn closes: the field's `timeoutSeconds`. Waiting in a lane never
    /// eats it.
    pub timeout: Option<Span>,
    /// From the occurrence until the run closes, over all attempts.
    pub total_timeout: Option<Span>,
    /// How long an aborted turn has to confirm that it stopped.
    pub abort_grace: Span,
}

/// The budgets, narrowest first: of two that end in one instant, the narrower is the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Budget {
    /// `queue_timeout`.
    Queue,
    /// `start_timeout`.
    Start,
    /// `stall_timeout`.
    Stall,
    /// `timeout`.
    Run,
    /// `total_timeout`.
    Total,
}

impl Job {
    /// A job with this schedule, and the defaults for everything else.
    #[must_use]
    pub fn new(id: JobId, agent: AgentId, schedule: Schedule) -> Self {
        Self {
            id,
            agent,
            schedule,
            overlap: Overlap::default(),
            catch_up: CatchUp::default(),
            catch_up_window: None,
            misfire_after: Self::MISFIRE_AFTER,
            terms: Terms::default(),
            delete_after_run: false,
        }
    }

    /// How late an occurrence may be unless the job says so: a minute.
    pub const MISFIRE_AFTER: Span = Span::from_secs(60);

    /// The same job with other budgets.
    #[must_use]
    pub const fn with_budgets(mut self, budgets: Budgets) -> Self {
        self.terms.budgets = budgets;
        self
    }
}

impl Default for Terms {
    /// A session of its own in the first lane, one run at a time, no budgets, no retry, no delivery.
    fn default() -> Self {
        Self {
            target: Target::default(),
            lane: LaneId(0),
            alone: true,
            budgets: Budgets::default(),
            on_abandon: OnAbandon::default(),
            retry: Retry::default(),
            deliver: false,
        }
    }
}

impl Default for Budgets {
    /// No limits, and the field's habit of ten seconds for an abort.
    fn default() -> Self {
        Self {
            queue_timeout: None,
            start_timeout: None,
            stall_timeout: None,
            timeout: None,
            total_timeout: None,
            abort_grace: Span::from_secs(10),
        }
    }
}

impl Budget {
    /// All of them, narrowest first.
    pub const ALL: [Self; 5] = [Self::Queue, Self::Start, Self::Stall, Self::Run, Self::Total];

    /// The field's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue_timeout",
            Self::Start => "start_timeout",
            Self::Stall => "stall_timeout",
            Self::Run => "timeout",
            Self::Total => "total_timeout",
        }
    }
}
