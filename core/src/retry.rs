//! What is tried again, how often, and after how long.

use crate::job::Budget;
use crate::run::{Failure, Outcome, TimedOut};
use crate::time::Span;

/// When a run that did not end well is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retry {
    /// How many attempts an occurrence gets, the first one included; zero counts as one.
    pub attempts: u32,
    /// Which endings are tried again.
    pub on: Endings,
    /// How long each new attempt waits.
    pub backoff: Backoff,
}

/// How long each new attempt waits after the one before it was let go.
///
/// The second attempt waits the first step, the third the second, and all after that the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff(pub [Span; 5]);

/// Why a turn failed, by its kind. A text is for people and never decides anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// Nobody said.
    #[default]
    Unknown,
    /// The provider asked for fewer requests.
    RateLimit,
    /// The provider had no capacity.
    Overloaded,
    /// The way to the provider broke.
    Network,
    /// The provider failed inside.
    Server,
    /// The request itself is wrong, or not allowed: trying again cannot help.
    Permanent,
}

/// A set of ways a run can end other than well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endings(u16);

impl FailureKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::RateLimit, Self::Overloaded, Self::Network, Self::Server, Self::Permanent];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::RateLimit => "rate limit",
            Self::Overloaded => "overloaded",
            Self::Network => "network",
            Self::Server => "server",
            Self::Permanent => "permanent",
        }
    }
}

impl Endings {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// The run timed out.
    pub const TIMED_OUT: Self = Self(1 << 8);
    /// The gateway went down while it was at work.
    pub const INTERRUPTED: Self = Self(1 << 9);
    /// What is likely to pass: rate limits, overload, network, the provider's own failures, timeouts
    /// and interruptions.
    pub const TRANSIENT: Self = Self::failed(FailureKind::RateLimit)
        .and(Self::failed(FailureKind::Overloaded))
        .and(Self::failed(FailureKind::Network))
        .and(Self::failed(FailureKind::Server))
        .and(Self::TIMED_OUT)
        .and(Self::INTERRUPTED);

    /// The turn failed in this way.
    #[must_use]
    pub const fn failed(kind: FailureKind) -> Self {
        Self(1 << kind as u16)
    }

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a run that ended like this is in the set. Who ended well, was cancelled, or ran out of
    /// `total_timeout` never is.
    #[must_use]
    pub const fn holds(self, outcome: Outcome) -> bool {
        let one = match outcome {
            Outcome::Ok | Outcome::Cancelled => Self::NONE,
            // It counts over all attempts: there is no time left for another.
            Outcome::TimedOut(TimedOut { budget: Budget::Total, .. }) => Self::NONE,
            Outcome::Failed(Failure { kind, .. }) => Self::failed(kind),
            Outcome::TimedOut(_) => Self::TIMED_OUT,
            Outcome::Interrupted(_) => Self::INTERRUPTED,
        };
        self.0 & one.0 != 0
    }
}

impl Retry {
    /// Whether an attempt that ended like this is followed by another.
    #[must_use]
    pub const fn follows(&self, attempt: u32, outcome: Outcome) -> bool {
        attempt < self.attempts && self.on.holds(outcome)
    }
}

impl Default for Retry {
    /// One attempt. With more, what is likely to pass is tried again, after the field's steps.
    fn default() -> Self {
        Self { attempts: 1, on: Endings::TRANSIENT, backoff: Backoff::default() }
    }
}

impl Backoff {
    /// These steps; the last one stands for all that follow. None at all means no wait.
    #[must_use]
    pub fn of(steps: &[Span]) -> Self {
        let last = steps.last().copied().unwrap_or(Span::ZERO);
        let mut all = [last; 5];
        for (place, step) in all.iter_mut().zip(steps) {
            *place = *step;
        }
        Self(all)
    }

    /// How long the attempt with this number waits.
    #[must_use]
    pub fn before(&self, attempt: u32) -> Span {
        let place = attempt.saturating_sub(2).min(4);
        self.0[place as usize]
    }
}

impl Default for Backoff {
    /// The field's: 30 s, 1 min, 5 min, 15 min, 1 h.
    fn default() -> Self {
        Self([30, 60, 300, 900, 3_600].map(Span::from_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Phase;

    #[test]
    fn the_last_step_stands_for_all_that_follow() {
        let backoff = Backoff::of(&[Span::from_secs(1), Span::from_secs(4)]);
        let waits: Vec<u64> = (2..6).map(|attempt| backoff.before(attempt).as_millis()).collect();
        assert_eq!(waits, [1_000, 4_000, 4_000, 4_000]);
        assert_eq!(Backoff::of(&[]).before(9), Span::ZERO);
    }

    #[test]
    fn a_kind_decides_and_no_text_does() {
        let failed = |kind| Outcome::Failed(Failure { kind, text: None });
        let retry = Retry { attempts: 3, ..Retry::default() };
        assert!(retry.follows(1, failed(FailureKind::RateLimit)));
        assert!(!retry.follows(1, failed(FailureKind::Permanent)));
        assert!(!retry.follows(3, failed(FailureKind::RateLimit)));
        assert!(!retry.follows(1, Outcome::Cancelled));
    }

    #[test]
    fn each_ending_is_in_its_own_set_and_in_no_other() {
        let failed = |kind| (Endings::failed(kind), Outcome::Failed(Failure { kind, text: None }));
        let late = TimedOut { budget: Budget::Run, phase: Phase::Running };
        let mut all: Vec<(Endings, Outcome)> = FailureKind::ALL.map(failed).into();
        all.push((Endings::TIMED_OUT, Outcome::TimedOut(late)));
        all.push((Endings::INTERRUPTED, Outcome::Interrupted(Phase::Running)));
        for (place, (set, _)) in all.iter().enumerate() {
            let held: Vec<usize> = (0..all.len()).filter(|other| set.holds(all[*other].1)).collect();
            assert_eq!(held, [place], "{set:?}");
        }
        let total = Outcome::TimedOut(TimedOut { budget: Budget::Total, ..late });
        assert!(!Endings::TIMED_OUT.holds(total), "no time is left for another");
    }
}
