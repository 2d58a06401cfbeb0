//! Scenarios: what happens in a world and what must hold, as files that read aloud.
//!
//! A scenario without ranges is one world, and its `expect` is the world's transcript. One with
//! ranges is a family from which seeds draw, and it states claims.

mod begins;
mod claim;
mod error;
mod event;
mod expect;
mod fault;
mod folder;
mod job;
mod parse;
mod read;
mod schedule;
mod span;
mod turn;

pub use error::ScenarioError;
pub use fault::{CrashPoint, Fault, FaultAt, FaultKind, Moment};
pub use folder::files_below;
pub use span::{Offset, SpanRange, parse_offset, parse_span};

use sametick_core::Config;
use sametick_core::commit::{JobStatus, Unran};
use sametick_core::id::{AgentId, Names, SessionKey};
use sametick_core::job::Job;
use sametick_core::run::Finish;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};

use crate::oracle::{Dues, Times};

/// The wall time at which a world begins unless its scenario says otherwise: 2026-01-01T00:00:00Z.
pub const WORLD_BEGINS: Wall = Wall::from_millis(1_767_225_600_000);

/// What hosts are called, the first of which owns the store when a world begins.
pub const HOST_NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A scenario, read and checked.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The path without `scenarios/` and `.toml`: `timeouts/after_session_start`.
    pub name: String,
    /// Where it was read from.
    pub path: String,
    /// The file's text.
    pub text: String,
    /// The sentence in its first comment.
    pub sentence: String,
    /// How many seeds a plain `run` draws; one for a scenario without ranges.
    pub seeds: u64,
    /// Whether anything is drawn.
    pub is_family: bool,
    /// The machine's limits.
    pub config: Config,
    /// What the wall clock shows when a world begins.
    pub begins: Wall,
    /// How late the host's ticks come.
    pub lag: SpanRange,
    /// When the world is left alone to end; it ends by itself before, if it comes to rest.
    pub until: Span,
    /// How long the store takes to answer.
    pub store_answers: SpanRange,
    /// How many hosts may own the store.
    pub hosts: usize,
    /// The jobs.
    pub jobs: Vec<ScenarioJob>,
    /// What jobs with a cron schedule say of it, by job, for the oracle.
    pub(crate) times: Vec<Option<Times>>,
    /// How long subscribers take to acknowledge an event; at once when absent.
    pub subscribers: Option<SpanRange>,
    /// What befalls the reports of turns.
    pub reports: Reports,
    /// How turns behave; the first that fits counts.
    pub turns: Vec<TurnRule>,
    /// What the store and the process do at certain commits and ticks.
    pub faults: Vec<Fault>,
    /// What happens at certain times.
    pub timeline: Vec<Event>,
    /// What must be true of certain runs.
    pub claims: Vec<Claim>,
    /// The transcript, for a scenario without ranges.
    pub expect: Option<String>,
    /// The names of jobs and agents.
    pub names: Names,
}

/// A job of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct ScenarioJob {
    /// The declaration.
    pub job: Job,
    /// By how much its first occurrence is later, when that is drawn.
    pub shift: SpanRange,
    /// Whether it is in the store when the world begins.
    pub declared: bool,
    /// Whether its schedule is followed when the world begins.
    pub status: JobStatus,
}

/// Which runs a rule speaks of: those of a job, or of one occurrence or request, or one attempt at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPattern {
    /// The index of the job.
    pub job: u32,
    /// The occurrence, counted from 1; all of them when absent.
    pub occurrence: Option<u64>,
    /// The request that asked for it, counted from 1.
    pub asked: Option<u32>,
    /// The attempt, counted from 1; all of them when absent.
    pub attempt: Option<u32>,
}

/// How turns behave.
#[derive(Clone, Copy, Debug)]
pub struct TurnRule {
    /// Whose.
    pub runs: RunPattern,
    /// From the start until the session is ready; never when absent.
    pub ready: Option<SpanRange>,
    /// When it ends by itself.
    pub ends: TurnEnd,
    /// How it ends by itself.
    pub finish: Finish,
    /// What it does when asked to stop.
    pub on_abort: OnAbort,
    /// Who goes first when its report and a deadline meet.
    pub order: Order,
    /// How often it reports progress while it is at work; never when absent.
    pub progress: Option<Span>,
    /// How much later each of its reports is heard a second time; as `[reports]` says when absent.
    pub again: Option<SpanRange>,
    /// How long each of its reports is on its way, each for itself; as `[reports]` says when absent.
    pub delayed: Option<SpanRange>,
}

/// What befalls the reports of all turns that do not say otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reports {
    /// How much later each is heard a second time; not at all when absent.
    pub again: Option<SpanRange>,
    /// How long each is on its way, so that a later one may come first; none is when absent.
    pub delayed: Option<SpanRange>,
}

/// When a turn ends by itself.
#[derive(Clone, Copy, Debug)]
pub enum TurnEnd {
    /// Never.
    Never,
    /// So long after its session was ready.
    After(SpanRange),
    /// So far from the instant its `timeout` ends.
    NearTimeout(Offset, Offset),
    /// So far from the instant its `total_timeout` ends.
    NearTotal(Offset, Offset),
}

/// What a turn does when asked to stop.
#[derive(Clone, Copy, Debug)]
pub enum OnAbort {
    /// It stops and says so after this time.
    Stops(SpanRange),
    /// It goes on as if nobody had asked.
    Ignores,
}

/// Who goes first when a report and a deadline meet in one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The host hears the report in the tick of the deadline.
    ReportFirst,
    /// The host's timer rings first; the report comes one nanosecond later.
    DeadlineFirst,
    /// The seed decides.
    Either,
}

/// Something that happens at a certain time.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// When, from the world's beginning.
    pub at: SpanRange,
    /// What.
    pub kind: EventKind,
}

/// The kinds of events of a timeline.
#[derive(Clone, Copy, Debug)]
pub enum EventKind {
    /// Somebody cancels a run.
    Cancel(RunPattern),
    /// The process dies and comes back.
    Crash {
        /// Which host; the owner, unless it says so.
        host: Option<usize>,
        /// How long it is down.
        down: SpanRange,
    },
    /// A host stands still, and its turns with it.
    Freeze {
        /// Which.
        host: usize,
        /// For how long.
        lasts: SpanRange,
    },
    /// Nothing gets through between a host and the store.
    Cut {
        /// Which.
        host: usize,
        /// For how long.
        lasts: SpanRange,
    },
    /// The subscribers die with what they have not acknowledged, and resume at their place in the stream.
    SubscribersDie {
        /// How long they are away.
        lasts: SpanRange,
    },
    /// A host takes the store over, unless it has it.
    Takeover {
        /// Which.
        host: usize,
    },
    /// The wall clock steps.
    Clock {
        /// The least it steps by.
        low: Offset,
        /// The most it steps by.
        high: Offset,
        /// How long until the host reads it anew, if nothing happens before.
        noticed: SpanRange,
    },
    /// Another part of the gateway runs a turn in the main session.
    Foreign {
        /// For how long.
        lasts: SpanRange,
    },
    /// Somebody asks for something with a job.
    Job(JobCommand, u32),
    /// Somebody edits a job.
    Edit {
        /// The job.
        job: u32,
        /// The one whose declaration it gets.
        like: u32,
    },
    /// A run asks for a child.
    Spawn {
        /// The child's job.
        job: u32,
        /// The parent.
        parent: RunPattern,
    },
}

impl EventKind {
    /// By how many milliseconds it may put the wall clock forward.
    const fn most_ahead_ms(self) -> i64 {
        match self {
            Self::Clock { high, .. } if high.0 > 0 => high.0 / 1_000_000,
            Self::Clock { .. }
            | Self::Cancel(_)
            | Self::Crash { .. }
            | Self::Freeze { .. }
            | Self::Cut { .. }
            | Self::Takeover { .. }
            | Self::SubscribersDie { .. }
            | Self::Foreign { .. }
            | Self::Job(..)
            | Self::Edit { .. }
            | Self::Spawn { .. } => 0,
        }
    }
}

/// What somebody can ask for with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobCommand {
    /// Declare it.
    Add,
    /// Take it away.
    Remove,
    /// Follow its schedule no longer.
    Pause,
    /// Follow its schedule no longer, and cancel what waits.
    Disable,
    /// Follow its schedule again.
    Resume,
    /// Run it now.
    RunNow,
}

/// What a claim counts of a job, at the world's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Run records.
    Runs,
    /// Late notes.
    Late,
    /// Results that left.
    Delivered,
    /// Occurrences that had this end.
    Unran(Unran),
}

/// What must be true of the runs it speaks of.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which runs.
    pub runs: RunPattern,
    /// Only worlds whose turn ends within this distance of its deadline.
    pub when: Option<(Offset, Offset)>,
    /// How they end: `ok`, `timed out`, …
    pub outcome: Option<String>,
    /// The budget that ran out.
    pub budget: Option<String>,
    /// The phase it ran out in.
    pub phase: Option<String>,
    /// The status of their session row; `none` for no row.
    pub session: Option<String>,
    /// How many there are of what, each with its key.
    pub counts: Vec<(Counted, &'static str, u64)>,
    /// Where it stands in the file, for messages.
    pub line: usize,
}

impl Claim {
    /// Whether it says something of each run it speaks of.
    #[must_use]
    pub const fn speaks_of_runs(&self) -> bool {
        self.outcome.is_some() || self.budget.is_some() || self.phase.is_some() || self.session.is_some()
    }
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] with file, line and column, what is wrong and what to do.
    pub fn parse(path: &str, text: &str) -> Result<Self, ScenarioError> {
        parse::scenario(path, text)
    }

    /// What both clocks show at an instant of a world whose wall clock never stepped.
    #[must_use]
    pub fn reading(&self, at: Mono) -> Now {
        let millis = i64::try_from(at.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        Now { mono: at, wall: self.begins.plus_millis(millis) }
    }

    /// When a schedule of this scenario is due, as the oracle has it; nothing when that is beyond the oracle.
    pub(crate) fn dues(&self, schedule: &Schedule) -> Option<Dues<'_>> {
        if let Some(dues) = Dues::of(schedule) {
            return Some(dues);
        }
        let place = self.jobs.iter().position(|planned| planned.job.schedule == *schedule)?;
        let ahead: i64 = self.timeline.iter().map(|event| event.kind.most_ahead_ms()).sum();
        let until = i64::try_from(self.until.as_millis()).unwrap_or(i64::MAX).saturating_add(ahead);
        self.times.get(place)?.as_ref()?.through(self.begins, self.begins.plus_millis(until))
    }

    /// The session that jobs with `session = "main"` share.
    #[must_use]
    pub const fn main_session(&self) -> SessionKey {
        SessionKey::Main { agent: AgentId(0) }
    }

    /// How late a tick can come at most, for whatever reason. A late host that stands still does so before a tick it is
    /// late for, and is late once more as it goes on.
    #[must_use]
    pub fn lateness(&self) -> Span {
        let late = self.lag.high.as_nanos();
        let frozen = self.timeline.iter().filter_map(|event| {
            if let EventKind::Freeze { lasts, .. } = event.kind { Some(lasts.high.as_nanos()) } else { None }
        });
        Span::from_nanos(frozen.fold(late, |sum, lasts| sum.saturating_add(lasts).saturating_add(late)))
    }

    /// The name of a host: `a`, `b`, …
    #[must_use]
    pub fn host_name(host: usize) -> &'static str {
        HOST_NAMES.get(host).copied().unwrap_or("?")
    }

    /// The name of a job.
    #[must_use]
    pub fn job_name(&self, job: u32) -> &str {
        self.names.jobs.name(job)
    }
}
