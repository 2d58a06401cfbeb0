//! Situations that show in what a tick is told, and in what it answers.

use sametick_core::commit::Answer;
use sametick_core::effect::{Effect, Input, InputKind, Refusal, Report, Tick};
use sametick_core::run::Drain;
use sametick_core::time::Mono;

use super::{Met, Situation};
use crate::books::Books;

static TIE: Situation = Situation::new("a tie of three in one instant");
static ANSWER_AT_DEADLINE: Situation = Situation::new("an answer at the very instant of a deadline");
static STOP_IN_DRAIN: Situation = Situation::new("an answer while its run drains");
static FOREIGN: Situation = Situation::new("a turn of somebody else in a shared session");
static CLOCK: Situation = Situation::new("a wall clock that stepped");
static BEHIND: Situation = Situation::new("a command that is refused because the store is behind");
static FULL: Situation = Situation::new("a command that is refused because a lane is full");
static DEADLOCK: Situation = Situation::new("a child that would wait for its own parent");
static DELIVERED: Situation = Situation::new("a result that leaves");
static STEPS_DOWN: Situation = Situation::new("an owner that steps down");
static FENCED: Situation = Situation::new("an owner that hears of another");

pub(super) const SITUATIONS: &[&Situation] = &[
    &TIE,
    &ANSWER_AT_DEADLINE,
    &STOP_IN_DRAIN,
    &FOREIGN,
    &CLOCK,
    &BEHIND,
    &FULL,
    &DEADLOCK,
    &DELIVERED,
    &STEPS_DOWN,
    &FENCED,
];

/// Notes what a tick is told; `rings` is when its host would have been woken.
pub(crate) fn note_told(met: &mut Met, inputs: &[Input], rings: Option<Mono>, books: &Books) {
    for input in inputs {
        let rang = rings == Some(input.at);
        let together = inputs.iter().filter(|other| other.at == input.at).count() + usize::from(rang);
        met.note_if(together >= 3, &TIE);
        match &input.kind {
            InputKind::Report { run, report: Report::Completed(_) } => {
                let row = books.run(*run);
                met.note_if(row.is_some_and(|row| row.drain == Drain::Open), &STOP_IN_DRAIN);
                met.note_if(
                    rang && row.is_some_and(|row| row.state.outcome().is_none()),
                    &ANSWER_AT_DEADLINE,
                );
            }
            InputKind::Foreign { began: true, .. } => met.note(&FOREIGN),
            InputKind::ClockStepped => met.note(&CLOCK),
            InputKind::Renewal { answer: Answer::Fenced, .. }
            | InputKind::Answer { answer: Answer::Fenced, .. } => {
                met.note(&FENCED);
            }
            InputKind::Report { .. }
            | InputKind::Foreign { .. }
            | InputKind::Renewal { .. }
            | InputKind::Answer { .. }
            | InputKind::Heard { .. }
            | InputKind::Command { .. } => {}
        }
    }
}

/// Notes what a tick answers.
pub(crate) fn note_said(met: &mut Met, tick: &Tick) {
    for effect in tick.effects() {
        match effect {
            Effect::Reply { reply: Err(Refusal::StoreBehind), .. } => met.note(&BEHIND),
            Effect::Reply { reply: Err(Refusal::LaneFull), .. } => met.note(&FULL),
            Effect::Reply { reply: Err(Refusal::Deadlock), .. } => met.note(&DEADLOCK),
            Effect::Deliver { .. } => met.note(&DELIVERED),
            Effect::StepDown => met.note(&STEPS_DOWN),
            Effect::Reply { .. }
            | Effect::Start { .. }
            | Effect::Abort { .. }
            | Effect::Publish { .. }
            | Effect::StoreAgain { .. }
            | Effect::Renew { .. } => {}
        }
    }
}
