//! One run, queued to settled: the timeout race.
//!
//! ```text
//!             granted           ready            completed / deadline / cancelled / interrupted
//!  Queued ─────────────▶ Starting ──────▶ Running ─────────────────────────────▶ Settled(outcome)
//!    │ deadline / cancelled     │ (the same four)                                      ▲
//!    └──────────────────────────┴──────────────────────────────────────────────────────┘
//!  after settling, the drain:  Open ── stopped / completed ──▶ Confirmed
//!                                ├──── grace ended ──────────▶ Abandoned
//!                                └──── grace ended ──▶ Held ── stopped / completed ──▶ Confirmed
//! ```
//!
//! [`step`] is the whole table. What a step *does* (publish, abort, free the slot) is the gateway's;
//! what is *published* is the [`Race`]'s.

use crate::id::{AgentId, RunId, SessionId, SessionKey, TextId};
use crate::job::{Budget, Target};
use crate::lifecycle::{self, LifecycleEvent};
use crate::ports::{Bus, Clock};
use crate::retry::FailureKind;
use crate::time::Wall;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    /// It waits in its lane.
    Queued,
    /// It holds a slot; its session is not ready yet.
    Starting,
    /// Its session is live.
    Running,
    /// It is over, once and for all.
    Settled(Outcome),
}

/// The three phases of a run that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Waiting in its lane.
    Queued,
    /// Granted, setting its session up.
    Starting,
    /// Its turn is at work.
    Running,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The turn did its work.
    Ok,
    /// The turn said that it failed.
    Failed(Failure),
    /// A budget ran out.
    TimedOut(TimedOut),
    /// Somebody asked for its end.
    Cancelled,
    /// The gateway went down in this phase.
    Interrupted(Phase),
}

/// Why a turn failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Failure {
    /// Its kind, which decides whether it is tried again.
    pub kind: FailureKind,
    /// What the turn said, for people.
    pub text: Option<TextId>,
}

/// Which budget ran out, and where the run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimedOut {
    /// The budget.
    pub budget: Budget,
    /// The phase it ran out in.
    pub phase: Phase,
}

/// What a turn says of its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finish {
    /// It did its work.
    Ok,
    /// It failed.
    Failed(Failure),
}

/// Whether the turn of a settled run is known to have stopped. Slot and overlap fence follow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Drain {
    /// There was nothing to stop.
    #[default]
    None,
    /// It was asked to stop and has not answered.
    Open,
    /// It stopped.
    Confirmed,
    /// Its grace ended: the stop is not proven, and slot and fences went back.
    Abandoned,
    /// Its grace ended: the stop is not proven, and slot and fences are held until it is.
    Held,
}

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunEvent {
    /// The lane gave it a slot.
    Granted,
    /// Its session is ready.
    Ready,
    /// Its turn said how it ended.
    Completed(Finish),
    /// Its turn confirmed that it stopped after an abort.
    Stopped,
    /// A budget ran out.
    Deadline(Budget),
    /// The grace of its abort ran out.
    GraceEnded,
    /// Somebody asked for its end.
    Cancelled,
    /// It was found unfinished after a crash.
    Interrupted,
}

/// What an event makes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// It leaves the lane and its turn is called.
    Start,
    /// Its session goes live.
    Open,
    /// It is over. The turn is known to have ended by itself.
    Settle(Outcome),
    /// It is over, and its turn has to be asked to stop.
    SettleAndDrain(Outcome),
    /// Its drain ends.
    Close(Drain),
    /// The turn answered after the run was over: noted, and its drain ends.
    LateAndClose,
    /// The turn spoke after the run was over: noted, nothing more.
    Late,
    /// It says of an open run what is known already.
    Repeat,
    /// It no longer applies.
    Stale,
}

/// The complete table: what `event` makes of a run in `state` with `drain`.
#[must_use]
pub fn step(state: RunState, drain: Drain, event: RunEvent) -> Step {
    match state {
        RunState::Queued => queued(event),
        RunState::Starting => starting(event),
        RunState::Running => running(event),
        RunState::Settled(_) => settled(drain, event),
    }
}

fn queued(event: RunEvent) -> Step {
    match event {
        RunEvent::Granted => Step::Start,
        RunEvent::Deadline(budget) => Step::Settle(timed_out(budget, Phase::Queued)),
        RunEvent::Cancelled => Step::Settle(Outcome::Cancelled),
        // A queued run survives a crash: it is queued again.
        RunEvent::Interrupted => Step::Stale,
        // No turn was called, so nothing a turn says can be about this run.
        RunEvent::Ready | RunEvent::Completed(_) | RunEvent::Stopped => Step::Stale,
        RunEvent::GraceEnded => Step::Stale,
    }
}

fn starting(event: RunEvent) -> Step {
    match event {
        RunEvent::Granted => Step::Repeat,
        RunEvent::Ready => Step::Open,
        // A turn may end before its session is ready; its word counts all the same.
        RunEvent::Completed(finish) => Step::Settle(finished(finish)),
        // A turn that stops unasked, without a result, has failed.
        RunEvent::Stopped => {
            Step::Settle(Outcome::Failed(Failure { kind: FailureKind::Unknown, text: None }))
        }
        RunEvent::Deadline(budget) => Step::SettleAndDrain(timed_out(budget, Phase::Starting)),
        RunEvent::Cancelled => Step::SettleAndDrain(Outcome::Cancelled),
        RunEvent::Interrupted => Step::SettleAndDrain(Outcome::Interrupted(Phase::Starting)),
        RunEvent::GraceEnded => Step::Stale,
    }
}

fn running(event: RunEvent) -> Step {
    match event {
        RunEvent::Granted | RunEvent::Ready => Step::Repeat,
        RunEvent::Completed(finish) => Step::Settle(finished(finish)),
        RunEvent::Stopped => {
            Step::Settle(Outcome::Failed(Failure { kind: FailureKind::Unknown, text: None }))
        }
        RunEvent::Deadline(budget) => Step::SettleAndDrain(timed_out(budget, Phase::Running)),
        RunEvent::Cancelled => Step::SettleAndDrain(Outcome::Cancelled),
        RunEvent::Interrupted => Step::SettleAndDrain(Outcome::Interrupted(Phase::Running)),
        RunEvent::GraceEnded => Step::Stale,
    }
}

fn settled(drain: Drain, event: RunEvent) -> Step {
    match (drain, event) {
        (Drain::Open | Drain::Held, RunEvent::Completed(_)) => Step::LateAndClose,
        (Drain::Open | Drain::Held, RunEvent::Stopped) => Step::Close(Drain::Confirmed),
        (Drain::Open, RunEvent::GraceEnded) => Step::Close(Drain::Abandoned),
        // What is said of a closed run is noted, also what was said before: a tick later the run is
        // forgotten, and what is noted must not depend on how time is cut into ticks.
        (Drain::None | Drain::Confirmed | Drain::Abandoned, RunEvent::Completed(_) | RunEvent::Stopped) => {
            Step::Late
        }
        (_, RunEvent::Ready) => Step::Late,
        (_, RunEvent::Granted | RunEvent::Deadline(_) | RunEvent::Cancelled) => Step::Stale,
        (_, RunEvent::Interrupted) => Step::Stale,
        (Drain::None | Drain::Confirmed | Drain::Abandoned | Drain::Held, RunEvent::GraceEnded) => {
            Step::Stale
        }
    }
}

const fn timed_out(budget: Budget, phase: Phase) -> Outcome {
    Outcome::TimedOut(TimedOut { budget, phase })
}

const fn finished(finish: Finish) -> Outcome {
    match finish {
        Finish::Ok => Outcome::Ok,
        Finish::Failed(failure) => Outcome::Failed(failure),
    }
}

impl RunState {
    /// The phase, unless the run is over.
    #[must_use]
    pub const fn phase(self) -> Option<Phase> {
        match self {
            Self::Queued => Some(Phase::Queued),
            Self::Starting => Some(Phase::Starting),
            Self::Running => Some(Phase::Running),
            Self::Settled(_) => None,
        }
    }

    /// The outcome, if the run is over.
    #[must_use]
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Settled(outcome) => Some(outcome),
            Self::Queued | Self::Starting | Self::Running => None,
        }
    }
}

impl Phase {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
        }
    }
}

impl Outcome {
    /// The word for it: `ok`, `failed`, `timed out`, `cancelled`, `interrupted`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed(_) => "failed",
            Self::TimedOut(_) => "timed out",
            Self::Cancelled => "cancelled",
            Self::Interrupted(_) => "interrupted",
        }
    }
}

/// The durable record of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunRow {
    /// Which run.
    pub id: RunId,
    /// The agent it works for.
    pub agent: AgentId,
    /// The session its turn runs in.
    pub target: Target,
    /// The run that asked for it, whose slot it shares.
    pub parent: Option<RunId>,
    /// Where it stands.
    pub state: RunState,
    /// Whether its turn is known to have stopped.
    pub drain: Drain,
    /// The session it opened, once it did.
    pub session: Option<SessionId>,
    /// When it was due, or asked for, or the attempt before it was let go.
    pub queued_at: Wall,
    /// Before this it does not enter its lane: it waits to be tried again.
    pub not_before: Option<Wall>,
    /// When it got its slot.
    pub granted_at: Option<Wall>,
    /// When its session was ready.
    pub started_at: Option<Wall>,
    /// When it was over; never before it started.
    pub settled_at: Option<Wall>,
    /// Monotonic milliseconds from ready to settled; unknown across a crash.
    pub runtime_ms: Option<u64>,
    /// When its turn was last heard making progress.
    pub last_progress: Option<Wall>,
    /// The last sequence number of its lifecycle events.
    pub seq: u32,
}

impl RunRow {
    /// A run that has just begun to wait.
    #[must_use]
    pub const fn queued(id: RunId, agent: AgentId, target: Target, at: Wall) -> Self {
        Self {
            id,
            agent,
            target,
            parent: None,
            state: RunState::Queued,
            drain: Drain::None,
            session: None,
            queued_at: at,
            not_before: None,
            granted_at: None,
            started_at: None,
            settled_at: None,
            runtime_ms: None,
            last_progress: None,
            seq: 0,
        }
    }

    /// The key of its session: the shared one it runs in, or its own once it has one, the job's base
    /// key until then.
    #[must_use]
    pub const fn session_key(&self) -> SessionKey {
        match (self.target, self.session) {
            (Target::Main, _) => SessionKey::Main { agent: self.agent },
            (Target::Isolated, Some(session)) => {
                SessionKey::Run { agent: self.agent, job: self.id.job, session }
            }
            (Target::Isolated, None) => SessionKey::Base { agent: self.agent, job: self.id.job },
        }
    }

    /// Whether its turn may still be at work.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        match self.state {
            RunState::Queued => false,
            RunState::Starting | RunState::Running => true,
            RunState::Settled(_) => matches!(self.drain, Drain::Open | Drain::Held),
        }
    }

    /// Whether nothing about it can change any more but for late notes.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, RunState::Settled(_)) && !matches!(self.drain, Drain::Open | Drain::Held)
    }
}

/// How a run's terminal lifecycle event is published. Both shapes make the same commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// By the deadline itself.
    #[default]
    Emit,
    /// By result handling, from a structured result that carries the session key.
    Synthesize,
}

/// What a settled run hands to result handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunResult {
    /// The record as it settled.
    pub run: RunRow,
    /// The terminal event that result handling still has to publish.
    pub to_publish: Option<LifecycleEvent>,
}

/// The room that decides a run's steps and publishes its lifecycle.
pub trait Race: Clone + std::fmt::Debug {
    /// What `event` makes of `run`.
    fn step(&mut self, run: &RunRow, event: RunEvent) -> Step {
        step(run.state, run.drain, event)
    }

    /// The run's session is live: publishes its start.
    fn opened<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B);

    /// The run, which had been granted a slot, is over: publishes its end, or says in the result
    /// what is to be published.
    fn settled<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) -> RunResult;
}

/// The race as it should be, in either shape.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeoutRace {
    /// How terminal events are published.
    pub shape: Shape,
}

impl Race for TimeoutRace {
    fn opened<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) {
        bus.publish(lifecycle::started(run, clock.wall()));
    }

    fn settled<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) -> RunResult {
        let event = lifecycle::ended(run, clock.wall());
        match self.shape {
            Shape::Emit => {
                bus.publish(event);
                RunResult { run: *run, to_publish: None }
            }
            Shape::Synthesize => RunResult { run: *run, to_publish: Some(event) },
        }
    }
}
