//! Owners that go on when they may not, and successors that begin too soon.

use std::collections::BTreeSet;

use sametick_core::commit::{Answer, Rows};
use sametick_core::effect::{Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{RunId, SessionKey};
use sametick_core::run::RunState;
use sametick_core::time::Now;
use sametick_core::{Config, StandardGateway};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "owns-for-ever",
        sentence: "an owner asks nobody whether it still is the owner, and a successor waits for nobody",
        field: &["#69738", "#13613", "hexpm#1825"],
        killed_by: &[CheckName::SlotsReturn, CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(StandardGateway::new(Config { lease: None, ..config }, shape)),
    },
    Mutant {
        name: "renewal-counts-from-its-answer",
        sentence: "a lease that is renewed counts from when the answer comes, and not from when it was asked for",
        field: &["Quartz#635", "nomad#11052"],
        killed_by: &[CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CountsFromAnswer)),
    },
    Mutant {
        name: "fenced-and-goes-on",
        sentence: "an owner that is told of another takes it for a renewal and goes on",
        field: &["#69738", "#13613"],
        killed_by: &[CheckName::SlotsReturn, CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, FencedGoesOn)),
    },
    Mutant {
        name: "steps-down-in-silence",
        sentence: "an owner that steps down does not ask its turns to stop",
        field: &["#138499"],
        killed_by: &[CheckName::SlotsReturn, CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SilentStepDown)),
    },
    Mutant {
        name: "foreign-turn-told-once",
        sentence: "a gateway that takes the store back takes a turn of others for known that it is told of once more",
        field: &["#86202"],
        killed_by: &[CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, HearsOnce::default())),
    },
    Mutant {
        name: "takes-silence-for-a-stop",
        sentence: "a successor takes it that the turns it asked to stop have stopped",
        field: &["Quartz#635"],
        killed_by: &[CheckName::RecordsAgree, CheckName::SlotsReturn, CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, BelievesInStops::default())),
    },
    Mutant {
        name: "calls-as-it-steps-down",
        sentence: "a host that comes late calls the turns whose grants became durable before its lease ended",
        field: &["nomad#11052"],
        killed_by: &[CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CallsAsItStepsDown::default())),
    },
    Mutant {
        name: "renewal-taken-for-a-refusal",
        sentence: "an owner whose lease is renewed hears that it is not, and steps down",
        field: &["Quartz#635"],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Hears(Answer::Fenced))),
    },
    Mutant {
        name: "renewal-not-believed",
        sentence: "an owner whose lease is renewed goes by the old one",
        field: &["Quartz#635"],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Hears(Answer::NotApplied))),
    },
    Mutant {
        name: "steps-down-without-a-word",
        sentence: "what an owner is asked for in the tick in which it steps down is never answered",
        field: &["#15507"],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NoWord)),
    },
    Mutant {
        name: "renews-half-as-often",
        sentence: "an owner asks for its lease to be renewed once or twice in its time, and not three times",
        field: &[],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RenewsRarely::default())),
    },
    Mutant {
        name: "asks-no-more",
        sentence: "an owner that hears nothing certain of a renewal asks for none any more, and steps down at the end of its lease",
        field: &[],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AsksNoMore::default())),
    },
];

/// Takes the first bad answer for the last word.
#[derive(Clone, Debug, Default)]
struct AsksNoMore {
    given_up: bool,
}

impl Twist for AsksNoMore {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        let is_bad = |input: &Input| {
            matches!(input.kind, InputKind::Renewal { answer: Answer::NotApplied | Answer::Unknown, .. })
        };
        self.given_up |= inputs.iter().any(is_bad);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        if self.given_up {
            tick.effects_mut().retain(|effect| !matches!(effect, Effect::Renew { .. }));
        }
    }
}

/// Sends every other request.
#[derive(Clone, Debug, Default)]
struct RenewsRarely {
    skipped: bool,
}

impl Twist for RenewsRarely {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let is_renewal = |effect: &Effect| matches!(effect, Effect::Renew { .. });
        if tick.effects().iter().any(is_renewal) {
            self.skipped = !self.skipped;
            if self.skipped {
                tick.effects_mut().retain(|effect| !is_renewal(effect));
            }
        }
    }
}

/// Hears of each turn of others once, whatever became of the gateway since.
#[derive(Clone, Debug, Default)]
struct HearsOnce {
    known: BTreeSet<(SessionKey, u64)>,
}

impl Twist for HearsOnce {
    const OUTLIVES_A_RESTART: bool = true;

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        inputs.retain(|input| match input.kind {
            InputKind::Foreign { key, turn, began: true } => self.known.insert((key, turn)),
            InputKind::Foreign { began: false, .. }
            | InputKind::Answer { .. }
            | InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Command { .. }
            | InputKind::ClockStepped => true,
        });
    }
}

/// Dates every renewal by its answer.
#[derive(Clone, Debug)]
struct CountsFromAnswer;

impl Twist for CountsFromAnswer {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Renewal { sent, .. } = &mut input.kind {
                *sent = input.at;
            }
        }
    }
}

/// Keeps back the refusals of the tick that steps down.
#[derive(Clone, Debug)]
struct NoWord;

impl Twist for NoWord {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        if tick.effects().contains(&Effect::StepDown) {
            tick.effects_mut().retain(|effect| !matches!(effect, Effect::Reply { reply: Err(_), .. }));
        }
    }
}

/// Hears another answer to a renewal than that it holds.
#[derive(Clone, Debug)]
struct Hears(Answer);

impl Twist for Hears {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Renewal { answer, .. } = &mut input.kind
                && *answer == Answer::Applied
            {
                *answer = self.0;
            }
        }
    }
}

/// Hears *fenced* as *applied*.
#[derive(Clone, Debug)]
struct FencedGoesOn;

impl Twist for FencedGoesOn {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Renewal { answer, .. } = &mut input.kind {
                *answer = Answer::Applied;
            }
        }
    }
}

/// Keeps back what the last tick of an owner asks its turns.
#[derive(Clone, Debug)]
struct SilentStepDown;

impl Twist for SilentStepDown {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        if tick.effects().contains(&Effect::StepDown) {
            tick.effects_mut().retain(|effect| !matches!(effect, Effect::Abort { .. }));
        }
    }
}

/// Tells the core, in the tick after its recovery, that all it asked to stop has stopped.
#[derive(Clone, Debug, Default)]
struct BelievesInStops {
    asked: Vec<RunId>,
}

impl Twist for BelievesInStops {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        let asked = tick.effects().iter();
        self.asked.clear();
        self.asked.extend(
            asked.filter_map(|effect| if let Effect::Abort { run } = effect { Some(*run) } else { None }),
        );
    }

    fn inputs(&mut self, now: Now, inputs: &mut Vec<Input>) {
        let stopped = |run| InputKind::Report { run, report: Report::Stopped };
        inputs.extend(self.asked.drain(..).map(|run| Input { at: now.mono, kind: stopped(run) }));
    }
}

/// Remembers which turns wait for their grant, and calls those after all.
#[derive(Clone, Debug, Default)]
struct CallsAsItStepsDown {
    granted: Vec<(u64, RunId)>,
    durable: u64,
}

impl Twist for CallsAsItStepsDown {
    fn first_tick(&mut self, _: &Rows, _: &mut Tick) {
        *self = Self::default();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Answer { commit, answer: Answer::Applied } = input.kind {
                self.durable = self.durable.max(commit);
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let called = |run: &RunId| tick.effects().contains(&Effect::Start { run: *run });
        self.granted.retain(|(_, run)| !called(run));
        if tick.effects().contains(&Effect::StepDown) {
            for (commit, run) in self.granted.drain(..) {
                if commit <= self.durable {
                    tick.push(Effect::Start { run });
                }
            }
        } else if let Some(commit) = tick.commit() {
            let starting = commit.runs.iter().filter(|row| row.state == RunState::Starting);
            self.granted.extend(starting.map(|row| (commit.number, row.id)));
        }
    }
}
