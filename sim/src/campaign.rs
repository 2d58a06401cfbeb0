//! Scenarios over seeds, on as many cores as there are; the results do not depend on how many.

use std::ops::Range;

use rayon::prelude::*;
use sametick_core::Machine;

use crate::check::{CheckName, Failure};
use crate::digest::BatchDigest;
use crate::laws::{LawCounts, Twins};
use crate::machines::{Subject, Visit};
use crate::scenario::Scenario;
use crate::story;
use crate::world::World;

/// Worlds that one core runs at a time; fixed, so that batches are the same on any machine.
const BATCH: u64 = 1_024;

/// Batches whose reports are kept until they are summed.
const BATCHES_AT_A_TIME: u64 = 4_096;

/// How many failing worlds a scenario's report keeps.
const MOST_FAILURES: usize = 5;

/// How many worlds of a scenario the laws are tried on.
const LAW_SAMPLE: u64 = 64;

/// How many worlds of a scenario are run beside their twins.
const TWIN_SAMPLE: u64 = 24;

/// What one scenario came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Worlds run.
    pub worlds: u64,
    /// Things that happened in them.
    pub events: u64,
    /// Ticks of the machine.
    pub ticks: u64,
    /// The digest over all worlds.
    pub digest: [u8; 32],
    /// How many worlds failed.
    pub failed: u64,
    /// The first failing worlds, each with what broke in it.
    pub failures: Vec<(u64, Vec<Failure>)>,
    /// How often each law was tried.
    pub laws: LawCounts,
}

impl Report {
    /// Whether every world holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.failed == 0
    }
}

/// A range of seeds as people write it.
///
/// # Errors
/// What to write instead.
pub fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let parsed = text.split_once("..").and_then(|(from, to)| from.parse().ok().zip(to.parse().ok()));
    parsed
        .filter(|(from, to)| from < to)
        .map(|(from, to): (u64, u64)| from..to)
        .ok_or_else(|| "write two numbers, the smaller first: 0..1000 means seeds 0 to 999".to_owned())
}

/// Runs the worlds of `seeds`. Claims and transcripts are judged unless `subject` is broken on purpose.
#[must_use]
pub fn run(scenario: &Scenario, subject: Subject, seeds: Range<u64>) -> Report {
    let seeds = if scenario.is_family { seeds } else { 0..1 };
    let mut report =
        subject.visit(scenario.config.clone(), Seeds { scenario, seeds: seeds.clone(), subject });
    if subject.is_meant_to_hold() {
        let sample = seeds.start..seeds.end.min(seeds.start.saturating_add(TWIN_SAMPLE));
        twins_agree(&mut report, scenario, subject, sample);
        expectation_holds(&mut report, scenario, subject, seeds.start);
    }
    report
}

struct Seeds<'s> {
    scenario: &'s Scenario,
    seeds: Range<u64>,
    subject: Subject,
}

impl Visit for Seeds<'_> {
    type Out = Report;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Report {
        let (from, to) = (self.seeds.start, self.seeds.end.max(self.seeds.start));
        let batches = (to - from).div_ceil(BATCH);
        let healthy = self.subject.is_meant_to_hold();
        let law_until = if healthy { from.saturating_add(LAW_SAMPLE) } else { 0 };
        let part_of = |batch: u64| {
            let start = from + batch * BATCH;
            let seeds = start..to.min(start.saturating_add(BATCH));
            batch_of(self.scenario, machine.clone(), seeds, law_until, healthy)
        };
        let mut hits = vec![0; self.scenario.claims.len()];
        let mut total = Report::empty();
        let mut digest = BatchDigest::default();
        // However many seeds there are, what is kept at a time is bounded.
        let mut first = 0;
        while first < batches {
            let next = batches.min(first.saturating_add(BATCHES_AT_A_TIME));
            let parts: Vec<(Report, Vec<u64>)> = (first..next).into_par_iter().map(part_of).collect();
            for (part, part_hits) in parts {
                digest.batch(part.digest);
                total.add(part);
                for (hit, part_hit) in hits.iter_mut().zip(part_hits) {
                    *hit += part_hit;
                }
            }
            first = next;
        }
        total.digest = digest.bytes();
        if healthy && to > from {
            idle_claims(&mut total, self.scenario, &hits, from);
        }
        total
    }
}

fn batch_of<M: Machine>(
    scenario: &Scenario,
    machine: M,
    seeds: Range<u64>,
    law_until: u64,
    healthy: bool,
) -> (Report, Vec<u64>) {
    let mut world = World::new(scenario, machine);
    world.judge_claims(healthy);
    let mut report = Report::empty();
    let mut digest = BatchDigest::default();
    for seed in seeds {
        world.try_laws(seed < law_until);
        let verdict = world.run(seed);
        report.worlds += 1;
        report.events += verdict.events;
        report.ticks += verdict.ticks;
        digest.world(verdict.digest);
        if !verdict.failures.is_empty() {
            report.fail(seed, verdict.failures.clone());
        }
    }
    report.digest = digest.bytes();
    report.laws = world.law_counts();
    (report, world.claim_hits().to_vec())
}

impl Report {
    const fn empty() -> Self {
        let laws = LawCounts::NONE;
        Self { worlds: 0, events: 0, ticks: 0, digest: [0; 32], failed: 0, failures: Vec::new(), laws }
    }

    fn add(&mut self, part: Self) {
        self.worlds += part.worlds;
        self.events += part.events;
        self.ticks += part.ticks;
        self.failed += part.failed;
        self.laws.add(part.laws);
        let room = MOST_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(part.failures.into_iter().take(room));
    }

    /// A world failed, be it by itself, beside its twin or by what the scenario says of it: it counts once.
    fn fail(&mut self, seed: u64, failures: Vec<Failure>) {
        if let Some((_, known)) = self.failures.iter_mut().find(|(failed, _)| *failed == seed) {
            known.extend(failures);
            return;
        }
        self.failed += 1;
        if self.failures.len() < MOST_FAILURES {
            self.failures.push((seed, failures));
        }
    }
}

/// A claim that spoke of no run at all claims nothing.
fn idle_claims(report: &mut Report, scenario: &Scenario, hits: &[u64], seed: u64) {
    // Few seeds cannot meet every case of a family.
    if scenario.is_family && report.worlds < scenario.seeds {
        return;
    }
    let idle = scenario.claims.iter().zip(hits).filter(|(_, hits)| **hits == 0).map(|(claim, _)| {
        let message = format!(
            "the claim at line {} spoke of no run in any of {} worlds: it asserts nothing",
            claim.line, report.worlds
        );
        failure(CheckName::Claim, message)
    });
    let idle: Vec<Failure> = idle.collect();
    if !idle.is_empty() {
        report.fail(seed, idle);
    }
}

fn failure(check: CheckName, message: String) -> Failure {
    Failure { check, at: sametick_core::time::Mono::default(), run: None, message }
}

/// The worlds of a sample beside their twins.
fn twins_agree(report: &mut Report, scenario: &Scenario, subject: Subject, sample: Range<u64>) {
    let mut twins = Twins::new(scenario, subject);
    for seed in sample {
        let failures = twins.run(seed, &mut report.laws);
        if !failures.is_empty() {
            report.fail(seed, failures);
            return;
        }
    }
}

/// A scenario without ranges has a transcript to agree with, or claims.
fn expectation_holds(report: &mut Report, scenario: &Scenario, subject: Subject, seed: u64) {
    if scenario.is_family {
        if scenario.claims.is_empty() {
            let message =
                "a family without a [[claim]] is judged by the checks alone: say what it shows".to_owned();
            report.fail(seed, vec![failure(CheckName::Claim, message)]);
        }
        return;
    }
    let told = story::transcript(scenario, subject, 0);
    let message = match &scenario.expect {
        Some(expect) if expect.trim() == told.trim() => return,
        Some(expect) => story::first_difference(expect, &told),
        None => {
            "it has no transcript to agree with: read what `explain` tells, then `run --bless` it".to_owned()
        }
    };
    report.fail(seed, vec![failure(CheckName::Claim, message)]);
}
