//! Depth first through the choices of a world, with the states it has been in.

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use sametick_core::Machine;

use super::chooser::{Chooser, Freedom, Pick};
use super::cut::{Cut, Cuts};
use super::ink::{Ink, Mark};
use crate::check::Failure;
use crate::machines::{Subject, Visit};
use crate::plan::Reason;
use crate::scenario::Scenario;
use crate::world::World;

/// Failures that are kept, each for a reason of its own.
const MOST_FAILURES: usize = 10;

/// Steps between two looks at whether to go on.
const STEPS_AT_A_TIME: u64 = 16;

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Faults tried in one world, beside those that the scenario has.
    pub faults: u32,
    /// States gone through at most.
    pub states: u64,
    /// Whether a state that was gone through is not gone through again. Without, the search says the same and takes longer.
    pub remembers: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { faults: 1, states: 200_000, remembers: true }
    }
}

/// What came of a search.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Different states of the world.
    pub states: u64,
    /// Ways from the beginning of the world to its end; those that meet in a state and go on as one are counted each.
    pub orders: u64,
    /// How many of them were gone to the end.
    pub gone: u64,
    /// How many of them break something.
    pub broken: u64,
    /// What was left out.
    pub cuts: Cuts,
    /// What broke, each for a reason of its own, with the first way that led there.
    pub failures: Vec<Broken>,
}

impl Report {
    /// Whether everything that was tried holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.broken == 0
    }
}

/// A way that breaks something.
#[derive(Clone, Debug)]
pub struct Broken {
    /// What was taken wherever there was something to choose.
    pub picks: Vec<Pick>,
    /// What broke, all in one tick.
    pub failures: Vec<Failure>,
}

/// How far a search is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// States so far.
    pub states: u64,
    /// Ways so far.
    pub orders: u64,
    /// Of these, how many break something.
    pub broken: u64,
}

/// When a search stops before it is through.
pub trait Watch {
    /// Hears how far it is; false to stop here.
    fn goes_on(&mut self, progress: Progress) -> bool;
}

impl<F: FnMut(Progress) -> bool> Watch for F {
    fn goes_on(&mut self, progress: Progress) -> bool {
        self(progress)
    }
}

/// Goes through everything that can become of a scenario.
pub fn explore(scenario: &Scenario, subject: Subject, limits: Limits, watch: &mut impl Watch) -> Report {
    let claims = matches!(subject, Subject::Core(_));
    subject.visit(scenario.config.clone(), Exploring { scenario, limits, watch, claims })
}

struct Exploring<'s, 'w, W> {
    scenario: &'s Scenario,
    limits: Limits,
    watch: &'w mut W,
    /// Claims are for the core.
    claims: bool,
}

impl<W: Watch> Visit for Exploring<'_, '_, W> {
    type Out = Report;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Report {
        let mut world = World::new(self.scenario, machine.clone());
        world.judge_claims(self.claims);
        let mut search = Search {
            scenario: self.scenario,
            machine,
            world,
            limits: self.limits,
            frames: Vec::new(),
            spare: Vec::new(),
            known: IndexMap::default(),
            ink: Ink::default(),
            report: Report::default(),
            stopped: None,
        };
        search.run(self.watch);
        search.report
    }
}

/// What lies beyond a state: ways to an end, and those of them that break something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Beyond {
    orders: u64,
    broken: u64,
}

/// A state on the way at hand, from which a step is tried with one alternative after the other.
struct Frame<'s, M> {
    /// The world in that state.
    kept: World<'s, M>,
    mark: Mark,
    freedom: Freedom,
    /// What is taken in the step at hand.
    picks: Vec<Pick>,
    beyond: Beyond,
    /// The search stopped somewhere beyond.
    cut: bool,
}

struct Search<'s, M> {
    scenario: &'s Scenario,
    machine: M,
    world: World<'s, M>,
    limits: Limits,
    frames: Vec<Frame<'s, M>>,
    /// Frames whose memory is used again.
    spare: Vec<Frame<'s, M>>,
    known: IndexMap<Mark, Beyond, FxBuildHasher>,
    ink: Ink,
    report: Report,
    stopped: Option<Cut>,
}

impl<M: Machine> Search<'_, M> {
    fn run(&mut self, watch: &mut impl Watch) {
        self.world.unborn(Chooser::with_faults(self.limits.faults));
        self.push(0);
        let mut steps = 0;
        while !self.frames.is_empty() {
            steps += 1;
            if steps % STEPS_AT_A_TIME == 0 && self.stopped.is_none() {
                let Report { states, orders, broken, .. } = self.report;
                if !watch.goes_on(Progress { states, orders, broken }) {
                    self.stopped = Some(Cut::Asked);
                }
            }
            self.step();
        }
    }

    /// Takes one step from the latest state, and goes on to where that leads or back to the next alternative.
    fn step(&mut self) {
        let is_first = self.frames.len() == 1;
        let Some(frame) = self.frames.last_mut() else { return };
        self.world.return_to(&frame.kept);
        let goes_on = if is_first {
            self.world.be_born(&frame.picks, frame.freedom);
            true
        } else {
            self.world.step(&frame.picks, frame.freedom)
        };
        self.world.picks_into(&mut frame.picks);
        self.report.cuts.add_all(self.world.take_cuts());
        if !goes_on || self.world.is_broken() {
            let beyond = self.end();
            return self.back(beyond, false);
        }
        let mark = self.ink.mark(&self.world);
        if let Some(beyond) = self.known.get(&mark).copied() {
            return self.back(beyond, false);
        }
        if self.limits.states <= self.report.states {
            self.stopped = self.stopped.or(Some(Cut::States));
        }
        if let Some(why) = self.stopped {
            self.report.cuts.add(why, 1);
            return self.back(Beyond::default(), true);
        }
        self.report.states += 1;
        self.push(mark);
    }

    /// The world is over.
    fn end(&mut self) -> Beyond {
        let verdict = self.world.close();
        self.report.gone += 1;
        let Some(first) = verdict.failures.first() else {
            self.report.orders += 1;
            return Beyond { orders: 1, broken: 0 };
        };
        let reason = Reason::of(first);
        let is_known = self.report.failures.iter().any(|known| reason.is_first_of(&known.failures));
        if !is_known && self.report.failures.len() < MOST_FAILURES {
            let failures = verdict.failures.clone();
            let picks = self.frames.iter().flat_map(|frame| frame.picks.iter().copied()).collect();
            self.report.failures.push(Broken { picks, failures });
        }
        self.report.orders += 1;
        self.report.broken += 1;
        Beyond { orders: 1, broken: 1 }
    }

    /// Keeps the world as it is, to go on from there.
    fn push(&mut self, mark: Mark) {
        let mut frame = self.spare.pop().unwrap_or_else(|| Frame {
            kept: World::new(self.scenario, self.machine.clone()),
            mark,
            freedom: Freedom::default(),
            picks: Vec::new(),
            beyond: Beyond::default(),
            cut: false,
        });
        frame.kept.return_to(&self.world);
        frame.mark = mark;
        frame.freedom = self.world.freedom();
        frame.picks.clear();
        (frame.beyond, frame.cut) = (Beyond::default(), false);
        self.frames.push(frame);
    }

    /// Adds what lies beyond the alternative at hand to the latest state, and goes to the next one, or further back.
    fn back(&mut self, beyond: Beyond, cut: bool) {
        let (mut beyond, mut cut) = (beyond, cut);
        while let Some(frame) = self.frames.last_mut() {
            frame.beyond.orders = frame.beyond.orders.saturating_add(beyond.orders);
            frame.beyond.broken = frame.beyond.broken.saturating_add(beyond.broken);
            frame.cut |= cut;
            if frame.goes_to_next() {
                return;
            }
            let Some(frame) = self.frames.pop() else { return };
            (beyond, cut) = (frame.beyond, frame.cut);
            if self.limits.remembers && !cut {
                self.known.insert(frame.mark, beyond);
            }
            self.spare.push(frame);
        }
        (self.report.orders, self.report.broken) = (beyond.orders, beyond.broken);
    }
}

impl<M> Frame<'_, M> {
    /// Goes to the next alternative of the latest choice that has one.
    fn goes_to_next(&mut self) -> bool {
        while let Some(pick) = self.picks.last_mut() {
            if pick.taken + 1 < pick.of {
                pick.taken += 1;
                return true;
            }
            self.picks.pop();
        }
        false
    }
}
