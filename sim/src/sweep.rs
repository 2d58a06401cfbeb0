//! Every tick as the last one: a world is run once, then again and again with a fault at each of its ticks.
//!
//! At each tick the process dies before the commit, between the commit and its effects, and after its effects;
//! it dies once more in the recovery that follows; and the store answers the commit in every way there is.

use std::ops::Range;

use rayon::prelude::*;
use sametick_core::Machine;
use sametick_core::time::Span;

use crate::check::Failure;
use crate::draw::{Choice, Draw};
use crate::machines::{Subject, Visit};
use crate::record::Beat;
use crate::scenario::{CrashPoint, Fault, FaultAt, FaultKind, Scenario, SpanRange};
use crate::world::{Verdict, World};

/// How many failing worlds a report keeps.
const MOST_FAILURES: usize = 5;

/// How long a process is down: for less than a turn needs to stop, than anything needs, than a budget lasts, and for long.
const DOWN: [(u64, u64); 4] = [(1, 20), (20, 1_000), (1_000, 60_000), (60_000, 600_000)];

/// What came of the worlds of one scenario.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Ticks at which something went wrong: those of the worlds nobody interfered with.
    pub places: u64,
    /// Worlds run, those that nobody interfered with included.
    pub worlds: u64,
    /// Things that happened in them.
    pub events: u64,
    /// Ticks of the machine in all of them.
    pub ticks: u64,
    /// How many worlds failed.
    pub failed: u64,
    /// The first of them.
    pub failures: Vec<Struck>,
}

/// A world that broke.
#[derive(Clone, Debug)]
pub struct Struck {
    /// Its seed.
    pub seed: u64,
    /// What was done to it.
    pub faults: Vec<Fault>,
    /// What broke.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Whether every world holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.failed == 0
    }

    fn count(&mut self, seed: u64, faults: &[Fault], verdict: &Verdict) {
        self.worlds += 1;
        self.events += verdict.events;
        self.ticks += verdict.ticks;
        if verdict.failures.is_empty() {
            return;
        }
        self.failed += 1;
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(Struck { seed, faults: faults.to_vec(), failures: verdict.failures.clone() });
        }
    }

    fn add(&mut self, part: Self) {
        self.places += part.places;
        self.worlds += part.worlds;
        self.events += part.events;
        self.ticks += part.ticks;
        self.failed += part.failed;
        let room = MOST_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(part.failures.into_iter().take(room));
    }
}

/// Runs the worlds of `seeds`, each with every fault at every tick. All checks judge them, and the laws that cut or
/// repeat a tick; what the scenario claims is of the world that nobody interfered with.
#[must_use]
pub fn run(scenario: &Scenario, subject: Subject, seeds: Range<u64>) -> Report {
    let seeds = if scenario.is_family { seeds } else { 0..1 };
    let laws = subject.is_meant_to_hold();
    subject.visit(scenario.config.clone(), Sweep { scenario, seeds, laws })
}

struct Sweep<'s> {
    scenario: &'s Scenario,
    seeds: Range<u64>,
    laws: bool,
}

impl Visit for Sweep<'_> {
    type Out = Report;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Report {
        let mut total = Report::default();
        for seed in self.seeds.clone() {
            let mut world = self.world(machine.clone());
            let (verdict, beats) = world.record(seed);
            total.count(seed, &[], &verdict);
            if !verdict.failures.is_empty() {
                continue;
            }
            let commits: Vec<bool> = beats
                .iter()
                .filter_map(|beat| match beat {
                    Beat::Tick { tick, .. } => Some(tick.commit().is_some()),
                    Beat::Applied { .. } | Beat::Host { .. } | Beat::Rest { .. } => None,
                })
                .collect();
            total.places += commits.len() as u64;
            let parts: Vec<Report> = commits
                .par_iter()
                .enumerate()
                .map_init(
                    || self.world(machine.clone()),
                    |world, (place, commits)| at_tick(world, seed, place as u64 + 1, *commits),
                )
                .collect();
            parts.into_iter().for_each(|part| total.add(part));
        }
        total
    }
}

impl<'s> Sweep<'s> {
    fn world<M: Machine>(&self, machine: M) -> World<'s, M> {
        let mut world = World::new(self.scenario, machine);
        world.judge_claims(false);
        world.try_laws(self.laws);
        world
    }
}

fn at_tick<M: Machine>(world: &mut World<'_, M>, seed: u64, tick: u64, commits: bool) -> Report {
    let mut report = Report::default();
    for faults in faults(seed, tick, commits) {
        world.interfere(&faults);
        report.count(seed, &faults, world.run(seed));
    }
    report
}

/// What goes wrong at a tick, one world each.
#[must_use]
pub fn faults(seed: u64, tick: u64, commits: bool) -> Vec<Vec<Fault>> {
    let dies = |later: u64, when: CrashPoint| Fault {
        at: FaultAt::tick(tick + later),
        kind: FaultKind::Crash { when, down: down(seed, tick + later, when), again: 0 },
    };
    let answers = |kind: FaultKind| vec![Fault { at: FaultAt::tick(tick), kind }];
    let mut worlds = vec![vec![dies(0, CrashPoint::At)], vec![dies(0, CrashPoint::AfterEffects)]];
    if commits {
        worlds.push(vec![dies(0, CrashPoint::Before)]);
        worlds.push(answers(FaultKind::NotApplied(1)));
        worlds.push(answers(FaultKind::Unknown { applied: true }));
        worlds.push(answers(FaultKind::Unknown { applied: false }));
    }
    // The next tick is the one that recovers, and so is the next if nothing of that was stored or left.
    for when in [CrashPoint::Before, CrashPoint::At, CrashPoint::AfterEffects] {
        worlds.push(vec![dies(0, CrashPoint::AfterEffects), dies(1, when)]);
        worlds.push(vec![dies(0, CrashPoint::At), dies(1, when), dies(2, when)]);
    }
    worlds
}

/// Drawn, and said with the fault, so that who replays it need not draw.
fn down(seed: u64, tick: u64, when: CrashPoint) -> SpanRange {
    let (draw, key) = (Draw::new(seed), tick * 4 + when as u64);
    let (low, high) = DOWN[(draw.bits(Choice::Down, key, 7) % DOWN.len() as u64) as usize];
    let range = SpanRange { low: Span::from_millis(low), high: Span::from_millis(high) };
    SpanRange::exactly(draw.span(range, Choice::Down, key))
}
