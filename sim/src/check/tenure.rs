//! An owner whose lease holds goes on, asks for more of it three times in its time and until its end, and one that steps down
//! says so to whoever asked it for something in that tick.
//!
//! The first is judged while nobody else has come: of two owners a step down does not say whose it is.

use educe::Educe;
use sametick_core::commit::Answer;
use sametick_core::effect::{Effect, Input, InputKind};
use sametick_core::time::{Mono, Span};

use super::{CheckName, Departure, Failure, Rest};
use crate::scenario::{Event, EventKind, Scenario};

/// Ticks come by the nanosecond, and instants that a lease is reckoned from may be a tick apart.
const ROUNDING: Span = Span::from_millis(2);

/// From when a lease is to count, if an effect asks for it.
const fn renewal(effect: &Effect) -> Option<Mono> {
    if let Effect::Renew { sent } = effect { Some(*sent) } else { None }
}

/// What the first owner of a world was told of its lease.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Tenure {
    /// When the latest renewal was asked for that the store agreed to in time.
    renewed: Mono,
    /// As of the latest tick, which may have come too late to believe it.
    heard: Mono,
    /// When it last asked for a renewal.
    asked_at: Mono,
    /// Whether it was told that another owns the store.
    fenced: bool,
    /// The commands of the latest tick of any owner that have no reply yet.
    asked: Vec<u64>,
    /// Those among them that were heard in the tick in which an owner stepped down.
    owed: Vec<u64>,
}

impl Tenure {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What the owner hears.
    pub(super) fn hear(&mut self, inputs: &[Input], lease: Option<Span>) {
        self.asked.clear();
        let Some(lease) = lease else { return };
        self.renewed = self.heard;
        for input in inputs {
            match input.kind {
                InputKind::Renewal { sent, answer: Answer::Applied } if input.at < self.renewed + lease => {
                    self.heard = self.heard.max(sent);
                }
                InputKind::Renewal { answer: Answer::Fenced, .. }
                | InputKind::Answer { answer: Answer::Fenced, .. } => self.fenced = true,
                InputKind::Renewal { .. }
                | InputKind::Answer { .. }
                | InputKind::Heard { .. }
                | InputKind::Report { .. }
                | InputKind::Command { .. }
                | InputKind::Foreign { .. }
                | InputKind::ClockStepped => {}
            }
        }
    }

    /// It is asked for something.
    pub(super) fn hear_commands(&mut self, inputs: &[Input]) {
        self.asked.extend(inputs.iter().filter_map(|input| match input.kind {
            InputKind::Command { ticket, .. } => Some(ticket),
            InputKind::Renewal { .. }
            | InputKind::Answer { .. }
            | InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => None,
        }));
    }

    /// It steps down.
    pub(super) fn judge(&self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        let Departure { at, effect, labels, .. } = *departure;
        let lease = labels.scenario().config.lease;
        let Some(lease) = lease.filter(|_| matches!(effect, Effect::StepDown) && !self.fenced) else {
            return;
        };
        let ends = self.renewed + lease;
        if at < ends {
            let message = format!(
                "the owner steps down {} ms before its lease ends, and nobody has told it of another: nothing runs any \
                 more until somebody takes the store over",
                ends.since(at).as_millis()
            );
            failures.push(Failure { check: CheckName::ComesToRest, at, run: None, message });
        }
    }

    /// It asks for a renewal: three times in the time of a lease. A host that stands still for a while asks when it goes on.
    pub(super) fn judge_renewal(
        &mut self,
        failures: &mut Vec<Failure>,
        departure: &Departure<'_>,
        lag: Span,
    ) {
        let Departure { at, effect, labels, .. } = *departure;
        let scenario = labels.scenario();
        let Some((lease, sent)) = scenario.config.lease.zip(renewal(effect)) else { return };
        let passed = sent.since(std::mem::replace(&mut self.asked_at, sent));
        if asks_too_rarely(passed, lease, lag, scenario) {
            let message = format!(
                "the owner asks for its lease of {lease} to be renewed {} ms after it last did, and not three times in that: one \
                 answer that is lost takes the store from it",
                passed.as_millis()
            );
            failures.push(Failure { check: CheckName::ComesToRest, at, run: None, message });
        }
    }

    /// It steps down as its lease ends, and has asked for more of it until then.
    pub(super) fn judge_giving_up(&self, failures: &mut Vec<Failure>, departure: &Departure<'_>, lag: Span) {
        let Departure { at, labels, .. } = *departure;
        let scenario = labels.scenario();
        let Some(lease) = scenario.config.lease.filter(|_| !self.fenced) else { return };
        let passed = at.since(self.asked_at);
        if asks_too_rarely(passed, lease, lag, scenario) {
            let message = format!(
                "the owner steps down as its lease of {lease} ends, and has not asked for more of it for {} ms: whatever kept \
                 the answer before that from it may have been over long since",
                passed.as_millis()
            );
            failures.push(Failure { check: CheckName::ComesToRest, at, run: None, message });
        }
    }

    /// Something leaves: a reply, or that an owner stepped down.
    pub(super) fn left(&mut self, effect: &Effect) {
        if let Effect::Reply { ticket, .. } = effect {
            self.asked.retain(|asked| asked != ticket);
            self.owed.retain(|asked| asked != ticket);
        } else if matches!(effect, Effect::StepDown) {
            self.owed.append(&mut self.asked);
        }
    }

    /// The world ends.
    pub(super) fn judge_rest(&self, failures: &mut Vec<Failure>, rest: &Rest<'_>) {
        if !self.owed.is_empty() {
            let message = "a command that an owner heard in the tick in which it stepped down has no reply: nothing of \
                           it is durable, and whoever asked waits for ever"
                .to_owned();
            failures.push(Failure { check: CheckName::ComesToRest, at: rest.at, run: None, message });
        }
    }
}

/// Whether an owner lets so much time go by between two requests that there are not three in a lease.
fn asks_too_rarely(passed: Span, lease: Span, lag: Span, scenario: &Scenario) -> bool {
    let most = Span::from_nanos(lease.as_nanos() / 3 + lag.as_nanos() + ROUNDING.as_nanos());
    let stands_still = |event: &Event| matches!(event.kind, EventKind::Freeze { .. });
    passed > most && !scenario.timeline.iter().any(stands_still)
}
