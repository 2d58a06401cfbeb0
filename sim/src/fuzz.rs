//! Campaigns: the worlds of drawn plans, seed after seed, on as many cores as there are.
//!
//! What a campaign says of its seeds does not depend on how many threads there were, nor on when somebody stopped it:
//! that decides how many seeds there are, and nothing else.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;
use sametick_core::run::Shape;

use crate::check::{CheckName, Failure};
use crate::digest::BatchDigest;
use crate::explore::{Fork, fork, freeze_seed, with_fork};
use crate::judge::Judge;
use crate::machines::Subject;
use crate::plan::{Plan, Reason, Trial, draw, shrink};
use crate::progress::{Batch, held};
use crate::scenario::Scenario;
use crate::sometimes::Counts;

pub use crate::progress::{Progress, UnderWay};

/// Worlds that one core runs at a time; fixed, so that a campaign that stops at a failure stops at the same seed anywhere.
const BATCH: u64 = 64;

/// The most batches between two looks at whether to go on; at first there is one, then twice as many each time.
const BATCHES_AT_A_TIME: u64 = 64;

/// The same two where each world has a thousand forks.
const FORKED_BATCH: u64 = 4;
const FORKED_AT_A_TIME: u64 = 16;

/// How many failing seeds are kept, and how many reasons: a machine that always fails fails a million times.
const MOST_FAILURES: usize = 100;
const MOST_REASONS: usize = 10;

/// What came of a campaign so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The first seed after those that were run.
    pub to: u64,
    /// Worlds run.
    pub worlds: u64,
    /// Seeds that have no world, as their plans do not read: a fault of the search.
    pub unread: u64,
    /// The first of these.
    pub first_unread: Option<u64>,
    /// Seeds whose plans a machine of somebody's own does not play.
    pub unplayed: u64,
    /// Things that happened in the worlds.
    pub events: u64,
    /// Worlds that broke.
    pub failed: u64,
    /// The first of them, each with what broke first.
    pub failures: Vec<Hit>,
    /// How many forks of them were tried.
    pub forks: u64,
    /// In how many of them each situation was met.
    pub sometimes: Counts,
    digest: BatchDigest,
}

impl Tally {
    /// Whether every seed has a world, if its machine plays it, and every world holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.failed == 0 && self.unread == 0
    }

    /// The digest over all worlds.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest.short()
    }

    /// Adds what came of a batch, be it through or not.
    pub(crate) fn add(&mut self, batch: &Batch) {
        self.to = batch.to;
        self.worlds += batch.worlds;
        self.unread += batch.unread;
        self.first_unread = self.first_unread.or(batch.first_unread);
        self.unplayed += batch.unplayed;
        self.events += batch.events;
        self.forks += batch.forks;
        self.sometimes.add(&batch.sometimes);
        self.failed += batch.failures.len() as u64;
        self.digest.batch(batch.digest.bytes());
        let room = MOST_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(batch.failures.iter().take(room).cloned());
    }
}

/// A seed that breaks.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Which.
    pub seed: u64,
    /// What breaks first.
    pub failure: Failure,
    /// Where it is a fork of its world that breaks, that.
    pub fork: Option<Fork>,
}

/// Which worlds a campaign runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// The machine under test.
    pub subject: Subject,
    /// Whether each world is forked at every tick.
    pub forks: bool,
    /// Whether it stops at the first batch that breaks.
    pub until_failure: bool,
}

/// When a campaign stops before its seeds are through.
pub trait Watch {
    /// Hears what came of it so far; false to stop here.
    fn goes_on(&mut self, tally: &Tally) -> bool;
}

/// Runs the worlds of `seeds`, until they are through, or the first batch that breaks if the campaign is to end there, or
/// the watch says so.
pub fn run(campaign: Campaign, seeds: Range<u64>, watch: &mut impl Watch) -> Tally {
    run_in_sight(campaign, seeds, watch, &Progress::default())
}

/// [`run`], for somebody who looks at how far it is meanwhile: of a world that never ends the watch does not hear.
pub fn run_in_sight(
    campaign: Campaign,
    seeds: Range<u64>,
    watch: &mut impl Watch,
    progress: &Progress,
) -> Tally {
    let mut tally = Tally { to: seeds.start, ..Tally::default() };
    progress.wave_is_through(&tally);
    let (size, at_a_time) =
        if campaign.forks { (FORKED_BATCH, FORKED_AT_A_TIME) } else { (BATCH, BATCHES_AT_A_TIME) };
    let mut most = 1;
    while tally.to < seeds.end {
        let from = tally.to;
        let wave = most.min((seeds.end - from).div_ceil(size));
        most = at_a_time.min(2 * most);
        let start = |batch: u64| from.saturating_add(batch * size).min(seeds.end);
        let run_one = |batch: u64| {
            let seeds = start(batch)..start(batch + 1);
            let shown = progress.begin(seeds.clone());
            run_batch(campaign, seeds, &shown);
            shown
        };
        // Each batch is a task of its own, so that none waits behind a world that does not end.
        let places: Vec<u64> = (0..wave).collect();
        let batches: Vec<_> = places.into_par_iter().with_max_len(1).map(run_one).collect();
        for batch in batches {
            tally.add(&held(&batch));
            if campaign.until_failure && !tally.holds() {
                return tally;
            }
        }
        progress.wave_is_through(&tally);
        if !watch.goes_on(&tally) {
            break;
        }
    }
    tally
}

/// What a seed draws, as much as a machine knows what to do with.
fn plan_of(seed: u64, subject: Subject) -> Plan {
    subject.known_of(draw(seed))
}

/// The first of these seeds whose world breaks, and what breaks first in it. Of something broken on purpose, a world that
/// the core does not survive either says nothing.
#[must_use]
pub fn first_failure(subject: Subject, seeds: Range<u64>) -> Option<(u64, Failure)> {
    let broken = |seed| {
        let (plan, trial) = (plan_of(seed, subject), Trial::of_seed(seed));
        let first = trial.run_plan(&plan, subject)?.failures.into_iter().next()?;
        let core = Subject::Core(Shape::Emit);
        (subject == core || trial.run_plan(&plan, core)?.failures.is_empty()).then_some(first)
    };
    seeds.into_iter().find_map(|seed| Some(seed).zip(broken(seed)))
}

/// The smallest plan that was found in which breaks what breaks first in the world of a seed, and how that says it.
#[must_use]
pub fn make_small(seed: u64, failure: &Failure, subject: Subject) -> (Plan, Failure) {
    make_plan_small(&plan_of(seed, subject), Trial::of_seed(seed), failure, subject)
}

/// [`make_small`] of a plan, and what is tried on its world.
#[must_use]
pub fn make_plan_small(plan: &Plan, trial: Trial, failure: &Failure, subject: Subject) -> (Plan, Failure) {
    let reason = Reason::of(failure);
    let failures = |plan: &Plan| failures_of(plan, trial, subject);
    // What is said of a broken machine says nothing of it where the core is blamed, too.
    let core = Subject::Core(Shape::Emit);
    let holds = |plan: &Plan| failures_of(plan, trial, core).is_empty();
    let is_broken_alone = matches!(subject, Subject::Mutant(_)) && holds(plan);
    let core_holds = |plan: &Plan| !is_broken_alone || holds(plan);
    let plan = shrink(plan, |plan| reason.is_first_of(&failures(plan)) && core_holds(plan));
    let small = failures(&plan).into_iter().next();
    (plan, small.unwrap_or_else(|| failure.clone()))
}

/// The smallest plan that was found in which breaks what breaks in the world of a seed of a scenario, and how that says it;
/// nothing where that world has no words in the language, or where it is a claim that breaks, which is about all of them.
#[must_use]
pub fn make_world_small(
    scenario: &Scenario,
    seed: u64,
    failure: &Failure,
    subject: Subject,
) -> Option<(Plan, Failure)> {
    if failure.check == CheckName::Claim {
        return None;
    }
    let trial = Trial::that_shows(failure);
    let plan = freeze_seed(scenario, subject, seed, trial, failure)?;
    Some(make_plan_small(&plan, trial, failure, subject))
}

fn failures_of(plan: &Plan, trial: Trial, subject: Subject) -> Vec<Failure> {
    trial.run_plan(plan, subject).map(|verdict| verdict.failures).unwrap_or_default()
}

fn run_batch(campaign: Campaign, seeds: Range<u64>, shown: &Mutex<Batch>) {
    let subject = campaign.subject;
    for seed in seeds {
        held(shown).under_way = Some(seed);
        let Some(scenario) = subject.scenario_of(&plan_of(seed, subject)) else {
            let mut batch = held(shown);
            if matches!(subject, Subject::Own(_)) {
                batch.unplayed += 1;
            } else {
                batch.unread += 1;
                batch.first_unread = batch.first_unread.or(Some(seed));
            }
            continue;
        };
        let verdict = Trial::of_seed(seed).run(&scenario, subject);
        let first = verdict.failures.into_iter().next();
        let forks = (campaign.forks && first.is_none()).then(|| fork(&scenario, subject));
        let mut batch = held(shown);
        batch.worlds += 1;
        batch.events += verdict.events;
        batch.digest.world(verdict.digest);
        batch.sometimes.world(verdict.met);
        batch.failures.extend(first.map(|failure| Hit { seed, failure, fork: None }));
        if let Some(forks) = forks {
            batch.forks += forks.count;
            let hit = |fork: Fork| Hit { seed, failure: fork.failure.clone(), fork: Some(fork) };
            batch.failures.extend(forks.first.map(hit));
        }
    }
    held(shown).under_way = None;
}

/// A failure made small, or as it was drawn.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed that found it.
    pub seed: u64,
    /// The smallest plan that was found in which the same breaks; that of the seed where nothing was made small.
    pub plan: Plan,
    /// What breaks in that.
    pub failure: Failure,
    /// What the run is called there, if it is about one.
    pub run: Option<String>,
    /// How many failing seeds that were kept break for the same reason.
    pub times: usize,
    /// Whether the plan breaks by itself: what is done in a fork may be beyond the words that a plan has.
    pub breaks: bool,
}

/// The failures of a campaign, one for each reason, each made small.
#[must_use]
pub fn shrink_all(tally: &Tally, subject: Subject) -> Vec<Found> {
    let found = first_hits(tally).into_par_iter().map(|hit| {
        let reason = Reason::of(&hit.failure);
        let (plan, small) = match &hit.fork {
            None => make_small(hit.seed, &hit.failure, subject),
            Some(fork) => {
                let plan = said_of(fork, draw(hit.seed));
                make_plan_small(&plan, Trial::default(), &hit.failure, subject)
            }
        };
        let breaks = hit.fork.is_none() || reason.is_first_of(&failures_of(&plan, Trial::default(), subject));
        found(tally, hit, plan, small, breaks)
    });
    found.collect()
}

/// The same with the plans as they were drawn, which runs no world again: a machine that does not come back from one may
/// not come back from a smaller one either.
#[must_use]
pub fn as_drawn(tally: &Tally, subject: Subject) -> Vec<Found> {
    let found = first_hits(tally)
        .into_iter()
        .map(|hit| found(tally, hit, plan_of(hit.seed, subject), hit.failure.clone(), hit.fork.is_none()));
    found.collect()
}

/// The first failing seeds, one for each reason.
fn first_hits(tally: &Tally) -> Vec<&Hit> {
    let mut known = BTreeSet::new();
    let first_of_its_kind = |hit: &&Hit| known.insert(Reason::of(&hit.failure));
    tally.failures.iter().filter(first_of_its_kind).take(MOST_REASONS).collect()
}

fn found(tally: &Tally, hit: &Hit, plan: Plan, failure: Failure, breaks: bool) -> Found {
    let reason = Reason::of(&hit.failure);
    let times = tally.failures.iter().filter(|other| Reason::of(&other.failure) == reason).count();
    Found { seed: hit.seed, run: name_of(&plan, &failure), failure, plan, times, breaks }
}

/// The plan with what was done to its world; without, where the language has no words for that: a run of a job that was
/// removed and added again has no name there.
fn said_of(fork: &Fork, plan: Plan) -> Plan {
    let said = with_fork(&plan, fork);
    if said.scenario("plan.toml").is_ok() { said } else { plan }
}

/// What people call the run that a failure is about.
fn name_of(plan: &Plan, failure: &Failure) -> Option<String> {
    let (run, scenario) = failure.run.zip(plan.scenario("plan.toml").ok())?;
    Some(Judge::new(&scenario).labels().run(run))
}
