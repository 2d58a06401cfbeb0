//! Every tick of a world as a fork: the world is copied there, something is done to it, and it goes on to its end.
//!
//! No single thing at any point may break what holds without it.

use sametick_core::Machine;
use sametick_core::effect::Command;
use sametick_core::id::RunId;
use sametick_core::time::{Mono, Span};

use crate::check::Failure;
use crate::label::Labels;
use crate::machines::{Subject, Visit};
use crate::plan::{Kind, Plan, Table, Word};
use crate::scenario::{CrashPoint, Fault, FaultAt, FaultKind, Scenario, SpanRange};
use crate::world::World;

/// How long a process is down that dies in a fork, by turns: less than a turn needs to stop, and longer than most budgets.
const DOWN: [Span; 2] = [Span::from_millis(1), Span::from_secs(15)];

/// By how many milliseconds the wall clock steps.
const STEPS: [i64; 2] = [3_600_000, -3_600_000];

/// What is done to a world in a fork of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Fault(Fault),
    /// Somebody cancels a run.
    Cancel(RunId),
    /// A turn ends well, whose session is ready then.
    Complete(RunId, Option<Mono>),
    /// The wall clock steps.
    Step(i64),
}

/// What broke in a fork, with what to add to the plan to have it break there.
#[derive(Clone, Debug)]
pub struct Fork {
    /// What broke.
    pub failure: Failure,
    /// What was done, as a plan says it. Empty where the language has no words for it.
    pub tables: Vec<Table>,
}

/// What came of the forks of one world.
#[derive(Clone, Debug, Default)]
pub struct Forks {
    /// How many there were.
    pub count: u64,
    /// The first that broke.
    pub first: Option<Fork>,
}

/// Forks the world of a scenario without ranges at every tick, until one of them breaks.
#[must_use]
pub fn fork(scenario: &Scenario, subject: Subject) -> Forks {
    subject.visit(scenario.config.clone(), Forking { scenario })
}

/// A plan in which what was done in a fork is said as well.
#[must_use]
pub fn with_fork(plan: &Plan, fork: &Fork) -> Plan {
    let mut plan = plan.clone();
    for table in &fork.tables {
        if table.kind == Kind::Each("turn".into()) {
            say_of_turn(&mut plan, table);
        } else {
            plan.tables.push(table.clone());
        }
    }
    plan
}

/// One turn ends at another time, and behaves as it would for the rest.
fn say_of_turn(plan: &mut Plan, said: &Table) {
    let name = said.word("of").and_then(Word::text).unwrap_or_default();
    let fits = |of: &str| {
        name.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '!', '.']))
    };
    let turns = plan.tables.iter().enumerate().filter(|(_, table)| table.kind == said.kind);
    let rule = turns.clone().find(|(_, table)| table.word("of").and_then(Word::text).is_some_and(fits));
    let mut turn = rule.map_or_else(|| Table::each("turn"), |(_, rule)| rule.clone());
    turn.keys.retain(|(key, _)| {
        !["of", "takes", "answers_near_timeout", "answers_near_total_timeout", "ends", "failure"]
            .contains(&key.as_ref())
    });
    turn.keys.extend(said.keys.iter().cloned());
    // The first that fits counts.
    let first = turns.map(|(place, _)| place).next();
    let last_job = plan.tables.iter().rposition(|table| table.kind == Kind::Each("job".into()));
    let place = first.or(last_job.map(|place| place + 1)).unwrap_or(plan.tables.len());
    plan.tables.insert(place, turn);
}

struct Forking<'s> {
    scenario: &'s Scenario,
}

impl Visit for Forking<'_> {
    type Out = Forks;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Forks {
        let world = || {
            let mut world = World::new(self.scenario, machine.clone());
            world.judge_claims(false);
            world
        };
        let mut work = Work { trunk: world(), before: world(), fork: world(), forks: Forks::default() };
        // The tick that the gateway starts with.
        for fault in faults(1, true) {
            work.fork.interfere(&[fault]);
            work.fork.start();
            if work.ends(Done::Fault(fault)) {
                return work.forks;
            }
        }
        work.trunk.start();
        while work.step() {}
        work.forks
    }
}

struct Work<'s, M> {
    /// The world that nothing is done to.
    trunk: World<'s, M>,
    /// The same, a step ago.
    before: World<'s, M>,
    fork: World<'s, M>,
    forks: Forks,
}

impl<M: Machine> Work<'_, M> {
    /// One step of the trunk, and the forks there; false when it is over or one of them broke.
    fn step(&mut self) -> bool {
        // The turns that its latest tick calls are at work by then.
        self.trunk.let_leave();
        self.before.fork_from(&self.trunk, None);
        let (from, at) = (self.trunk.ticks(), self.trunk.at().tick_after());
        let goes_on = self.trunk.go();
        if self.trunk.is_broken() {
            return false;
        }
        for tick in from + 1..=self.trunk.ticks() {
            // Of several ticks in one step only the latest can still be asked.
            let commits = tick < self.trunk.ticks() || self.trunk.has_committed();
            for fault in faults(tick, commits) {
                self.fork.fork_from(&self.before, Some(fault));
                if self.ends(Done::Fault(fault)) {
                    return false;
                }
            }
        }
        let next = self.before.next_at().filter(|next| *next > at);
        for at in [Some(at), next].into_iter().flatten() {
            let cancels = self.before.open_runs().into_iter().map(Done::Cancel);
            let completes =
                self.before.turns_at_work().into_iter().map(|(run, ready)| Done::Complete(run, ready));
            let mut all: Vec<Done> = cancels.chain(completes).collect();
            if Some(at) != next {
                all.extend(STEPS.map(Done::Step));
            }
            for done in all {
                self.fork.fork_from(&self.before, None);
                match done {
                    Done::Fault(_) => {}
                    Done::Cancel(run) => self.fork.will_be_asked(at, Command::Cancel(run)),
                    Done::Complete(run, _) => self.fork.will_complete(at, run),
                    Done::Step(millis) => self.fork.will_step(at, millis),
                }
                if self.ends_at(done, at) {
                    return false;
                }
            }
        }
        goes_on
    }

    fn ends(&mut self, done: Done) -> bool {
        let at = self.fork.at();
        self.ends_at(done, at)
    }

    /// The fork goes on to its end; true when something broke.
    fn ends_at(&mut self, done: Done, at: Mono) -> bool {
        self.forks.count += 1;
        let Some(failure) = self.fork.go_to_the_end().failures.first().cloned() else { return false };
        let tables = said(done, at, &self.fork.labels());
        self.forks.first = Some(Fork { failure, tables });
        true
    }
}

/// What can go wrong at a tick.
fn faults(tick: u64, commits: bool) -> Vec<Fault> {
    // Without a commit there is no before it.
    let points = &CrashPoint::EACH[usize::from(!commits)..];
    let down = |when: CrashPoint| SpanRange::exactly(DOWN[(tick as usize + when as usize) % DOWN.len()]);
    let crashes = points.iter().map(|when| FaultKind::Crash { when: *when, down: down(*when), again: 0 });
    let answers = [
        FaultKind::NotApplied(1),
        FaultKind::Unknown { applied: true },
        FaultKind::Unknown { applied: false },
    ];
    let answers = if commits { &answers[..] } else { &[] };
    let at = FaultAt::tick(tick);
    crashes.chain(answers.iter().copied()).map(|kind| Fault { at, kind }).collect()
}

/// What was done, as a plan says it.
fn said(done: Done, at: Mono, labels: &Labels<'_>) -> Vec<Table> {
    let mut event = Table::each("do");
    event.say("at", (at.since(Mono::default())).to_string());
    let name = |run: RunId| {
        let name = labels.run(run);
        if run.attempt > 1 || run.asked > 0 { name } else { format!("{name}.1") }
    };
    match done {
        Done::Fault(fault) => {
            let FaultAt::Tick { first, .. } = fault.at else { return Vec::new() };
            return vec![super::frozen::fault(first, fault.kind)];
        }
        Done::Cancel(run) => event.say("cancel", labels.run(run)),
        Done::Complete(run, ready) => {
            let Some(ready) = ready.filter(|ready| *ready <= at) else { return Vec::new() };
            let mut turn = Table::each("turn");
            turn.say("of", name(run));
            turn.say("takes", at.since(ready).to_string());
            return vec![turn];
        }
        Done::Step(millis) => {
            let sign = if millis < 0 { "-" } else { "" };
            event.say("clock", format!("{sign}{}", Span::from_millis(millis.unsigned_abs())));
        }
    }
    vec![event]
}
