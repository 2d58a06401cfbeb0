//! Lifecycle events, and the bus that carries them inside a tick.

use educe::Educe;

use crate::id::{JobId, RunId, SessionId, SessionKey, TextId};
use crate::ports::Bus;
use crate::queue::Queue;
use crate::run::{Outcome, RunRow, TimedOut};
use crate::time::Wall;

/// What subscribers hear of a run. A terminal event is definitive and is published once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LifecycleEvent {
    /// Whose event it is.
    pub run: RunId,
    /// Its place among the run's events, from 1.
    pub seq: u32,
    /// Start, end or error.
    pub phase: EventPhase,
    /// The run's own session key; the job's base key while it has no session.
    pub key: SessionKey,
    /// The session, if the run opened one.
    pub session: Option<SessionId>,
    /// The job.
    pub job: JobId,
    /// When it was published.
    pub ts: Wall,
    /// When the session went live.
    pub started_at: Option<Wall>,
    /// When the run was over.
    pub ended_at: Option<Wall>,
    /// Monotonic milliseconds from start to end.
    pub runtime_ms: Option<u64>,
    /// Why it is an error.
    pub cause: Option<Cause>,
}

/// The three phases of a run's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventPhase {
    /// The session went live.
    Start,
    /// The run did its work.
    End,
    /// The run ended in any other way.
    Error,
}

/// Why a run ended in error, in the field's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// `errorKind`.
    pub kind: ErrorKind,
    /// `stopReason`.
    pub stop_reason: Option<StopReason>,
    /// Which budget and phase, for a timeout.
    pub timed_out: Option<TimedOut>,
    /// The turn's own words, for a failure.
    pub text: Option<TextId>,
}

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A budget ran out.
    Timeout,
    /// Somebody asked for the end.
    Cancelled,
    /// The gateway went down.
    Interrupted,
    /// The turn failed.
    Failed,
}

/// Why a turn was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// A budget ran out.
    Timeout,
    /// Somebody asked for it.
    Aborted,
    /// The gateway was started again.
    Restart,
}

/// The start event of a run whose session is live.
#[must_use]
pub fn started(run: &RunRow, ts: Wall) -> LifecycleEvent {
    event(run, EventPhase::Start, ts, None)
}

/// The terminal event of a settled run.
#[must_use]
pub fn ended(run: &RunRow, ts: Wall) -> LifecycleEvent {
    match run.state.outcome().and_then(cause) {
        None => event(run, EventPhase::End, ts, None),
        Some(cause) => event(run, EventPhase::Error, ts, Some(cause)),
    }
}

fn event(run: &RunRow, phase: EventPhase, ts: Wall, cause: Option<Cause>) -> LifecycleEvent {
    LifecycleEvent {
        run: run.id,
        seq: run.seq,
        phase,
        key: run.session_key(),
        session: run.session,
        job: run.id.job,
        ts,
        started_at: run.started_at,
        ended_at: run.settled_at,
        runtime_ms: run.runtime_ms,
        cause,
    }
}

/// What the lifecycle says of an outcome; nothing of a good one.
#[must_use]
pub const fn cause(outcome: Outcome) -> Option<Cause> {
    let (kind, stop_reason) = match outcome {
        Outcome::Ok => return None,
        Outcome::Failed(_) => (ErrorKind::Failed, None),
        Outcome::TimedOut(_) => (ErrorKind::Timeout, Some(StopReason::Timeout)),
        Outcome::Cancelled => (ErrorKind::Cancelled, Some(StopReason::Aborted)),
        Outcome::Interrupted(_) => (ErrorKind::Interrupted, Some(StopReason::Restart)),
    };
    let (timed_out, text) = match outcome {
        Outcome::TimedOut(which) => (Some(which), None),
        Outcome::Failed(failure) => (None, failure.text),
        Outcome::Ok | Outcome::Cancelled | Outcome::Interrupted(_) => (None, None),
    };
    Some(Cause { kind, stop_reason, timed_out, text })
}

impl EventPhase {
    /// The field's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::End => "end",
            Self::Error => "error",
        }
    }
}

impl ErrorKind {
    /// The field's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }

    /// The field's sentence, where the turn has no words of its own.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Timeout => "cron: job execution timed out",
            Self::Cancelled => "cron: job cancelled",
            Self::Interrupted => "cron: gateway restarted during the run",
            Self::Failed => "cron: job failed",
        }
    }
}

impl StopReason {
    /// The field's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Aborted => "aborted",
            Self::Restart => "restart",
        }
    }
}

/// The bus as it should be: first in, first out, nothing lost.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub struct TickBus {
    queue: Queue<LifecycleEvent>,
}

impl Bus for TickBus {
    fn publish(&mut self, event: LifecycleEvent) {
        self.queue.push_back(event);
    }

    fn next(&mut self) -> Option<LifecycleEvent> {
        self.queue.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_fields() {
        let kinds = [ErrorKind::Timeout, ErrorKind::Cancelled, ErrorKind::Interrupted, ErrorKind::Failed];
        assert_eq!(kinds.map(ErrorKind::name), ["timeout", "cancelled", "interrupted", "failed"]);
        let sentences = [
            "cron: job execution timed out",
            "cron: job cancelled",
            "cron: gateway restarted during the run",
            "cron: job failed",
        ];
        assert_eq!(kinds.map(ErrorKind::sentence), sentences);
        let reasons = [StopReason::Timeout, StopReason::Aborted, StopReason::Restart];
        assert_eq!(reasons.map(StopReason::name), ["timeout", "aborted", "restart"]);
        let phases = [EventPhase::Start, EventPhase::End, EventPhase::Error];
        assert_eq!(phases.map(EventPhase::name), ["start", "end", "error"]);
    }
}
