//! An owner whose lease holds goes on.
//!
//! Judged while nobody else has come: of two owners a step down does not say whose it is.

use sametick_core::commit::Answer;
use sametick_core::effect::{Effect, Input, InputKind};
use sametick_core::time::{Mono, Span};

use super::{CheckName, Failure};

/// What the first owner of a world was told of its lease.
#[derive(Clone, Debug, Default)]
pub(super) struct Tenure {
    /// When the latest renewal was asked for that the store agreed to in time.
    renewed: Mono,
    /// As of the latest tick, which may have come too late to believe it.
    heard: Mono,
    /// Whether it was told that another owns the store.
    fenced: bool,
}

impl Tenure {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What the owner hears.
    pub(super) fn hear(&mut self, inputs: &[Input], lease: Option<Span>) {
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

    /// It steps down.
    pub(super) fn judge(&self, failures: &mut Vec<Failure>, at: Mono, effect: &Effect, lease: Option<Span>) {
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
}
