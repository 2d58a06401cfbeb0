//! Effects that leave too early, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::Rows;
use sametick_core::effect::{Accepted, Effect, Input, InputKind, Refusal, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::lifecycle::EventPhase;
use sametick_core::run::{Outcome, RunState};
use sametick_core::time::Now;
use sametick_core::{Config, StandardGateway};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, settled};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "accepts-in-silence",
        sentence: "a command that is accepted has no reply",
        field: &[],
        killed_by: &[CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Silent)),
    },
    Mutant {
        name: "result-early",
        sentence: "a result is delivered in the tick that settles its run, before the commit is durable",
        field: &["#61913", "#24041"],
        killed_by: &[CheckName::EventFirst, CheckName::AtMostOnce],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ResultEarly::default())),
    },
    Mutant {
        name: "publish-early",
        sentence: "subscribers hear of an event in the tick that makes it, before it is durable",
        field: &["inngest#4652"],
        killed_by: &[CheckName::EventFirst],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, PublishEarly)),
    },
    Mutant {
        name: "publishes-other",
        sentence: "subscribers are told that every run ended well",
        field: &["#141032"],
        killed_by: &[CheckName::EventFirst, CheckName::BusOrdered],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, PublishesOther)),
    },
    Mutant {
        name: "publish-backwards",
        sentence: "of two events in one tick subscribers hear the later one first",
        field: &["#120561"],
        killed_by: &[CheckName::BusOrdered],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, PublishesBackwards)),
    },
    Mutant {
        name: "publish-no-starts",
        sentence: "subscribers never hear that a run began",
        field: &["#138499"],
        killed_by: &[CheckName::BusOrdered, CheckName::SurvivesCrash],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, PublishesNoStarts)),
    },
    Mutant {
        name: "start-early",
        sentence: "a turn is called in the tick that grants its slot, before that is durable",
        field: &["#79475"],
        killed_by: &[CheckName::EventFirst],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, StartsEarly)),
    },
    Mutant {
        name: "reply-early",
        sentence: "who asks for what changes nothing is told so at once, though what was said before is not durable",
        field: &["#24041"],
        killed_by: &[CheckName::EventFirst],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RepliesEarly::default())),
    },
    Mutant {
        name: "unknown-is-lost",
        sentence: "a commit nobody answered is never sent again",
        field: &["dbos-py#767"],
        killed_by: &[CheckName::NothingLost, CheckName::SurvivesCrash, CheckName::ComesToRest],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, GivesUpOnUnknown)),
    },
    Mutant {
        name: "delivered-twice",
        sentence: "a result is delivered twice",
        field: &["#27018", "#67196", "#102367", "#24041"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, DeliversTwice)),
    },
    Mutant {
        name: "result-of-each-attempt",
        sentence: "the result of an attempt is delivered that was tried again",
        field: &["#27018", "#67196", "#102367", "#24041"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, DeliversEach::default())),
    },
    Mutant {
        name: "result-lost",
        sentence: "the result of a run that timed out is never delivered",
        field: &["#13613"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, LosesResults)),
    },
    Mutant {
        name: "store-flooded",
        sentence: "commands are accepted and runs begin, however many commits the store has not answered",
        field: &["#15507"],
        killed_by: &[CheckName::OpenCommits],
        build: |config, shape| {
            AnyMachine::new(StandardGateway::new(Config { open_commits: u32::MAX, ..config }, shape))
        },
    },
    Mutant {
        name: "behind-and-says-done",
        sentence: "what is refused because the store is behind is told as done",
        field: &["#15507"],
        killed_by: &[CheckName::EventFirst, CheckName::CommandsKept, CheckName::OpenCommits],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SaysDone)),
    },
];

/// Says nothing to who is not refused.
#[derive(Clone, Debug)]
struct Silent;

impl Twist for Silent {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Reply { reply: Ok(_), .. }));
    }
}

/// Delivers results in the tick that settles their run.
#[derive(Clone, Debug, Default)]
struct ResultEarly {
    delivering: BTreeSet<JobId>,
    delivered: BTreeSet<RunId>,
}

impl Twist for ResultEarly {
    fn rows(&mut self, rows: &mut Rows) {
        self.delivering =
            rows.jobs.iter().filter(|(job, _)| job.terms.deliver).map(|(job, _)| job.id).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let delivered = &self.delivered;
        tick.effects_mut()
            .retain(|effect| !matches!(effect, Effect::Deliver { run, .. } if delivered.contains(run)));
        for (row, outcome) in settled(tick) {
            if self.delivering.contains(&row.id.job) && self.delivered.insert(row.id) {
                tick.push(Effect::Deliver { run: row.id, outcome });
            }
        }
    }
}

/// Tells subscribers of an event in the tick that makes it.
#[derive(Clone, Debug)]
struct PublishEarly;

impl Twist for PublishEarly {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        self.publish(tick);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Publish { .. }));
        self.publish(tick);
    }
}

impl PublishEarly {
    fn publish(&self, tick: &mut Tick) {
        let first = tick.draft().first_offset;
        let events = tick.draft().events.clone();
        for (offset, event) in (first..).zip(events) {
            tick.push(Effect::Publish { offset, event });
        }
    }
}

/// Replies in the tick that hears a command, if that tick has no commit.
#[derive(Clone, Debug, Default)]
struct RepliesEarly {
    asked: Vec<u64>,
    replied: BTreeSet<u64>,
}

impl Twist for RepliesEarly {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        self.asked.clear();
        self.asked.extend(inputs.iter().filter_map(|input| {
            if let InputKind::Command { ticket, .. } = input.kind { Some(ticket) } else { None }
        }));
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let Self { asked, replied } = self;
        let replies =
            |effect: &Effect| if let Effect::Reply { ticket, .. } = effect { Some(*ticket) } else { None };
        tick.effects_mut().retain(|effect| !replies(effect).is_some_and(|ticket| replied.remove(&ticket)));
        if tick.commit().is_some() {
            return;
        }
        asked.retain(|ticket| !tick.effects().iter().any(|effect| replies(effect) == Some(*ticket)));
        for ticket in asked.drain(..) {
            replied.insert(ticket);
            tick.push(Effect::Reply { ticket, reply: Ok(Accepted::Done) });
        }
    }
}

/// Never sends a commit again.
#[derive(Clone, Debug)]
struct GivesUpOnUnknown;

impl Twist for GivesUpOnUnknown {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::StoreAgain { .. }));
    }
}

/// Tells subscribers that every run ended well.
#[derive(Clone, Debug)]
struct PublishesOther;

impl Twist for PublishesOther {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for effect in tick.effects_mut() {
            if let Effect::Publish { event, .. } = effect {
                event.cause = None;
                event.phase = EventPhase::End;
            }
        }
    }
}

/// Calls a turn in the tick that grants it a slot.
#[derive(Clone, Debug)]
struct StartsEarly;

impl Twist for StartsEarly {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Start { .. }));
        let granted: Vec<RunId> = tick
            .draft()
            .runs
            .iter()
            .filter(|row| row.state == RunState::Starting)
            .map(|row| row.id)
            .collect();
        for run in granted {
            tick.push(Effect::Start { run });
        }
    }
}

/// Tells the events of a tick last to first.
#[derive(Clone, Debug)]
struct PublishesBackwards;

impl Twist for PublishesBackwards {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let is_event = |effect: &Effect| matches!(effect, Effect::Publish { .. });
        let mut events: Vec<Effect> = tick.effects().iter().copied().filter(is_event).collect();
        for effect in tick.effects_mut().iter_mut().filter(|effect| is_event(effect)) {
            if let Some(event) = events.pop() {
                *effect = event;
            }
        }
    }
}

/// Tells subscribers of ends only.
#[derive(Clone, Debug)]
struct PublishesNoStarts;

impl Twist for PublishesNoStarts {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let is_start = |effect: &Effect| matches!(effect, Effect::Publish { event, .. } if event.phase == EventPhase::Start);
        tick.effects_mut().retain(|effect| !is_start(effect));
    }
}

/// Delivers the result of an attempt with that of the next.
#[derive(Clone, Debug, Default)]
struct DeliversEach {
    outcomes: BTreeMap<RunId, Outcome>,
}

impl Twist for DeliversEach {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        self.outcomes.extend(settled(tick).into_iter().map(|(row, outcome)| (row.id, outcome)));
        let earlier = |effect: &Effect| {
            let Effect::Deliver { run, .. } = *effect else { return None };
            let run = RunId { attempt: run.attempt - 1, ..run };
            self.outcomes.get(&run).map(|outcome| Effect::Deliver { run, outcome: *outcome })
        };
        let each: Vec<Effect> = tick.effects().iter().filter_map(earlier).collect();
        each.into_iter().for_each(|effect| tick.push(effect));
    }
}

/// Delivers no result of a timeout.
#[derive(Clone, Debug)]
struct LosesResults;

impl Twist for LosesResults {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut()
            .retain(|effect| !matches!(effect, Effect::Deliver { outcome: Outcome::TimedOut(_), .. }));
    }
}

/// Delivers each result twice.
#[derive(Clone, Debug)]
struct DeliversTwice;

impl Twist for DeliversTwice {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let again: Vec<Effect> = tick
            .effects()
            .iter()
            .copied()
            .filter(|effect| matches!(effect, Effect::Deliver { .. }))
            .collect();
        again.into_iter().for_each(|effect| tick.push(effect));
    }
}

/// Tells whoever is to ask again later that all is done.
#[derive(Clone, Debug)]
struct SaysDone;

impl Twist for SaysDone {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for effect in tick.effects_mut() {
            if let Effect::Reply { reply, .. } = effect
                && *reply == Err(Refusal::StoreBehind)
            {
                *reply = Ok(Accepted::Done);
            }
        }
    }
}
