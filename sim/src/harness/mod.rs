//! The harness as a library: anybody's machine, and anybody's scenarios, in their own `cargo test`.
//!
//! A machine is put under it by how it is built ([`Own`]). [`Harness::drawn`] tries it on drawn plans and makes what
//! breaks small, [`Harness::file`] on a scenario that somebody wrote; `Suite` makes every scenario of a folder a test
//! with its name, and `plans` draws plans for proptest (features `suite` and `proptest`).
//!
//! ```
//! use sametick_core::StandardGateway;
//! use sametick_sim::harness::{Broken, Harness};
//! use sametick_sim::machines::{AnyMachine, Own};
//!
//! const MINE: Own = Own::new("mine", |config, shape| AnyMachine::new(StandardGateway::new(config, shape)));
//!
//! // #[test]
//! fn drawn_worlds_hold() -> Result<(), Broken> {
//!     let held = Harness::new(MINE).seeds(0..200).drawn()?;
//!     assert_eq!(held.worlds, 200);
//!     Ok(())
//! }
//! # drawn_worlds_hold().expect("the core holds");
//! ```
//!
//! Two variables of the environment are heard: `SAMETICK_SEEDS=17..18` takes the place of a test's own seeds, as a
//! failure says how to be replayed, and `SAMETICK_BLESS=1` rewrites the transcripts that scenarios without ranges expect.

mod broken;
#[cfg(feature = "proptest")]
mod plans;
mod replay;
#[cfg(feature = "suite")]
mod suite;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use broken::{Broken, BrokenWorld};
#[cfg(feature = "proptest")]
pub use plans::{AnyPlan, PlanTree, plans};
#[cfg(feature = "suite")]
pub use suite::Suite;

use crate::campaign;
use crate::fuzz::{self, Campaign, Hit, Tally, Watch};
use crate::machines::{Own, Subject};
use crate::plan::{Plan, Trial};
use crate::scenario::Scenario;
use crate::story;

/// How many seeds are drawn unless somebody says otherwise: some seconds.
const SEEDS: Range<u64> = 0..1_000;

/// A machine, and how it is tried.
#[derive(Clone, Debug)]
pub struct Harness {
    subject: Subject,
    seeds: Range<u64>,
    most_seeds: u64,
    keeps_in: Option<PathBuf>,
}

/// What held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Worlds run.
    pub worlds: u64,
    /// Drawn plans that the machine does not play.
    pub skipped: u64,
    /// Things that happened in them.
    pub events: u64,
    /// The digest over all of them: the same on any machine.
    pub digest: String,
}

/// Nobody stops it before its seeds are through.
struct Unwatched;

impl Watch for Unwatched {
    fn goes_on(&mut self, _: &Tally) -> bool {
        true
    }
}

impl Harness {
    /// Somebody's own machine.
    #[must_use]
    pub const fn new(machine: Own) -> Self {
        Self::of(Subject::Own(machine))
    }

    /// The core, or the core with something broken.
    #[must_use]
    pub const fn of(subject: Subject) -> Self {
        Self { subject, seeds: SEEDS, most_seeds: u64::MAX, keeps_in: None }
    }

    /// Which seeds plans are drawn from: 0 to 999 at first.
    #[must_use]
    pub fn seeds(self, seeds: Range<u64>) -> Self {
        Self { seeds, ..self }
    }

    /// How many seeds a scenario with ranges is tried with at most; as many as it says at first.
    #[must_use]
    pub fn at_most(self, seeds: u64) -> Self {
        Self { most_seeds: seeds, ..self }
    }

    /// Keeps what breaks in drawn worlds in this folder, made small, as a scenario.
    #[must_use]
    pub fn keeping_in(self, folder: impl Into<PathBuf>) -> Self {
        Self { keeps_in: Some(folder.into()), ..self }
    }

    /// Tries it on drawn plans. The first that breaks is made small.
    ///
    /// # Errors
    /// [`Broken`] when a world breaks, when a plan does not read, when none of the plans is one that the machine plays, and when
    /// `SAMETICK_SEEDS` is no range.
    pub fn drawn(&self) -> Result<Held, Broken> {
        let seeds = replay::seeds()?.unwrap_or_else(|| self.seeds.clone());
        let campaign = Campaign { subject: self.subject, forks: false, until_failure: true };
        let tally = fuzz::run(campaign, seeds.clone(), &mut Unwatched);
        if let Some(Hit { seed, failure, .. }) = tally.failures.first() {
            let (plan, failure) = fuzz::make_small(*seed, failure, self.subject);
            let mut broken = BrokenWorld::of_plan(self.subject, &plan, &failure);
            broken.replay = Some(replay::command(*seed));
            broken.seed = Some(*seed);
            broken.keep(self.keeps_in.as_deref())?;
            return Err(broken.into());
        }
        if let Some(seed) = tally.first_unread {
            return Err(Broken::Unreadable(format!(
                "the plan of seed {seed} does not read: a fault of the search"
            )));
        }
        if tally.worlds == 0 {
            let (from, to) = (seeds.start, seeds.end);
            return Err(Broken::Idle(format!(
                "{} plays none of the plans of seeds {from}..{to}",
                self.name()
            )));
        }
        Ok(Held {
            worlds: tally.worlds,
            skipped: tally.unplayed,
            events: tally.events,
            digest: tally.digest(),
        })
    }

    /// Tries it on one plan, or as much of it as the machine knows, with every law and twin. Says whether it was tried: one
    /// that the machine does not play was not, and neither is one that says too little to be a scenario.
    ///
    /// # Errors
    /// [`Broken`] when the world breaks.
    pub fn plan(&self, plan: &Plan) -> Result<bool, Broken> {
        let plan = self.subject.known_of(plan.clone());
        let Some(verdict) = Trial::FULL.run_plan(&plan, self.subject) else { return Ok(false) };
        let first = verdict.failures.into_iter().next();
        first.map_or(Ok(true), |failure| Err(BrokenWorld::of_plan(self.subject, &plan, &failure).into()))
    }

    /// Tries it on a scenario that somebody wrote. With `SAMETICK_BLESS=1` the transcript that one without ranges
    /// expects is rewritten first.
    ///
    /// # Errors
    /// [`Broken`] when the file does not read, or is none that the machine plays; when a world breaks, a claim or the
    /// transcript does not hold.
    pub fn file(&self, path: impl AsRef<Path>) -> Result<Held, Broken> {
        let scenario = read(path.as_ref())?;
        let scenario = if replay::blesses() { self.bless(scenario)? } else { scenario };
        self.scenario(&scenario)
    }

    /// As [`Self::file`], of one that was read already.
    ///
    /// # Errors
    /// [`Broken`], as there.
    pub fn scenario(&self, scenario: &Scenario) -> Result<Held, Broken> {
        if !self.subject.plays(scenario) {
            return Err(Broken::Idle(format!("{} does not play {}", self.name(), scenario.path)));
        }
        let seeds = replay::seeds()?.unwrap_or(0..scenario.seeds.min(self.most_seeds));
        let report = campaign::run(scenario, self.subject, seeds);
        let broken = report.failures.first().and_then(|(seed, failures)| Some((*seed, failures.first()?)));
        if let Some((seed, failure)) = broken {
            let mut broken = BrokenWorld::of_seed(self.subject, scenario, seed, failure);
            if scenario.is_family {
                broken.seed = Some(seed);
                broken.replay = Some(replay::command(seed));
            }
            return Err(broken.into());
        }
        let digest = crate::digest::short(report.digest);
        Ok(Held { worlds: report.worlds, skipped: 0, events: report.events, digest })
    }

    fn name(&self) -> &'static str {
        broken::name_of(self.subject)
    }

    fn bless(&self, scenario: Scenario) -> Result<Scenario, Broken> {
        if scenario.is_family || !self.subject.plays(&scenario) {
            return Ok(scenario);
        }
        let text = scenario.text_expecting(&story::transcript(&scenario, self.subject, 0));
        if text == scenario.text {
            return Ok(scenario);
        }
        std::fs::write(&scenario.path, &text)
            .map_err(|error| Broken::Unreadable(format!("could not write {}: {error}", scenario.path)))?;
        Scenario::parse(&scenario.path, &text).map_err(|error| Broken::Unreadable(error.to_string()))
    }
}

fn read(path: &Path) -> Result<Scenario, Broken> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Broken::Unreadable(format!("could not read {}: {error}", path.display())))?;
    Scenario::parse(&path.to_string_lossy(), &text).map_err(|error| Broken::Unreadable(error.to_string()))
}
