//! The kill matrix: which mutant makes which checks fail.

use std::collections::BTreeSet;

use rayon::prelude::*;
use sametick_core::Machine;

use crate::check::CheckName;
use crate::laws::{Law, LawCounts, Twins};
use crate::machines::{MUTANTS, Mutant, Subject, Visit};
use crate::scenario::Scenario;
use crate::world::World;

/// How many worlds of a family each mutant is tried on.
const SEEDS: u64 = 300;

/// On how many of them a mutant that should break a law is tried beside their twins.
const TWINS: u64 = 12;

/// What became of one mutant.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// The checks that broke first, over all worlds.
    pub killed_by: BTreeSet<CheckName>,
    /// How many worlds were run until the first one failed.
    pub seeds_to_kill: Option<u64>,
    /// How many worlds failed, of how many.
    pub failed: (u64, u64),
}

/// The matrix.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// A row for each mutant that was tried.
    pub kills: Vec<Kill>,
}

impl Kill {
    /// Whether exactly the checks that should break did.
    #[must_use]
    pub fn as_declared(&self) -> bool {
        self.killed_by.iter().eq(self.mutant.killed_by.iter().collect::<BTreeSet<_>>())
    }
}

impl Matrix {
    /// Tries these mutants, each on every scenario.
    #[must_use]
    pub fn of(mutants: &[&'static Mutant], scenarios: &[Scenario]) -> Self {
        Self { kills: mutants.par_iter().map(|mutant| kill(mutant, scenarios)).collect() }
    }

    /// Whether every mutant there is was tried.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        MUTANTS.iter().all(|mutant| self.kills.iter().any(|kill| kill.mutant == *mutant))
    }

    /// Mutants that no check noticed.
    pub fn survivors(&self) -> impl Iterator<Item = &'static str> {
        self.kills.iter().filter(|kill| kill.killed_by.is_empty()).map(|kill| kill.mutant.name)
    }

    /// Checks and laws without a mutant that makes them, and them alone, fail; none before all mutants are tried.
    pub fn idle_checks(&self) -> impl Iterator<Item = CheckName> {
        let whole = self.is_whole();
        let alone = |check: CheckName| self.kills.iter().any(|kill| kill.killed_by.iter().eq([&check]));
        let laws = Law::ALL.into_iter().map(CheckName::Law);
        CheckName::ALL.into_iter().chain(laws).filter(move |check| whole && !alone(*check))
    }

    /// Mutants that broke other checks than they are meant for.
    pub fn surprises(&self) -> impl Iterator<Item = &Kill> {
        self.kills.iter().filter(|kill| !kill.as_declared())
    }

    /// Whether every mutant is killed by its checks, and every check kills.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.survivors().next().is_none()
            && self.idle_checks().next().is_none()
            && self.surprises().next().is_none()
    }
}

/// The checks that a mutant breaks first in one scenario, in the worlds that [`Matrix::of`] tries.
#[must_use]
pub fn broken_by(mutant: &'static Mutant, scenario: &Scenario) -> BTreeSet<CheckName> {
    kill(mutant, std::slice::from_ref(scenario)).killed_by
}

fn kill(mutant: &'static Mutant, scenarios: &[Scenario]) -> Kill {
    let mut total = Kill { mutant, killed_by: BTreeSet::new(), seeds_to_kill: None, failed: (0, 0) };
    for scenario in scenarios {
        Subject::Mutant(mutant).visit(scenario.config.clone(), Trial { scenario, total: &mut total });
    }
    total
}

struct Trial<'a> {
    scenario: &'a Scenario,
    total: &'a mut Kill,
}

impl Visit for Trial<'_> {
    type Out = ();

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) {
        let mut world = World::new(self.scenario, machine);
        world.judge_claims(false);
        let twins = self.total.mutant.is_tried_on_twins();
        world.try_laws(twins);
        let total = self.total;
        for seed in 0..self.scenario.seeds.min(SEEDS) {
            let verdict = world.run(seed);
            total.failed.1 += 1;
            if !verdict.failures.is_empty() {
                total.failed.0 += 1;
                total.seeds_to_kill.get_or_insert(total.failed.1);
                total.killed_by.extend(verdict.failures.iter().map(|failure| failure.check));
            }
        }
        if !twins {
            return;
        }
        let mut twins = Twins::new(self.scenario, Subject::Mutant(total.mutant));
        for seed in 0..self.scenario.seeds.min(TWINS) {
            let failures = twins.run(seed, &mut LawCounts::default());
            total.failed.1 += 1;
            if !failures.is_empty() {
                total.failed.0 += 1;
                total.seeds_to_kill.get_or_insert(total.failed.1);
                total.killed_by.extend(failures.iter().map(|failure| failure.check));
            }
        }
    }
}
