//! Runs a world and its twins, and says where they part.

use sametick_core::time::Mono;

use super::duplicate_reports::Twice;
use super::later_deadline::Patient;
use super::relabelling::Renamed;
use super::replay::NewBorn;
use super::time_shift::Shifted;
use super::{Law, LawCounts, agree};
use crate::books::Books;
use crate::bystander;
use crate::check::{CheckName, Failure, own_lane_only};
use crate::difference::Difference;
use crate::label::Labels;
use crate::machines::{AnyMachine, Subject};
use crate::record::Beat;
use crate::scenario::{EventKind, JobCommand, Scenario};
use crate::world::{Verdict, World};

/// A world and its twins, over and over.
#[derive(Debug)]
pub(crate) struct Twins<'s> {
    scenario: &'s Scenario,
    subject: Subject,
    world: World<'s, AnyMachine>,
    /// Twins whose ticks are the same.
    same_ticks: Vec<(Law, World<'s, AnyMachine>)>,
    twice: World<'s, AnyMachine>,
    /// The same world with somebody in it who has nothing to do with the others.
    with_bystander: Option<Scenario>,
    declares: bool,
}

impl<'s> Twins<'s> {
    /// Worlds of a machine.
    pub(crate) fn new(scenario: &'s Scenario, subject: Subject) -> Self {
        let machine = &subject.build(scenario.config.clone());
        let other = subject.in_other_shape(scenario.config.clone());
        let world = |machine: AnyMachine| {
            let mut world = World::new(scenario, machine);
            world.judge_claims(false);
            world
        };
        let declares =
            |kind: EventKind| matches!(kind, EventKind::Job(JobCommand::Add, _) | EventKind::Edit { .. });
        let mut twice = world(AnyMachine::new(Twice::of(machine)));
        twice.hears_twice();
        Self {
            scenario,
            subject,
            world: world(machine.clone()),
            same_ticks: vec![
                (Law::Shapes, world(other)),
                (Law::CrashAndReplay, world(AnyMachine::new(NewBorn::of(machine)))),
                (Law::TimeShift, world(AnyMachine::new(Shifted::of(machine, scenario)))),
                (Law::Relabelling, world(AnyMachine::new(Renamed::of(machine)))),
            ],
            twice,
            with_bystander: bystander::beside(scenario),
            declares: scenario.timeline.iter().any(|event| declares(event.kind)),
        }
    }

    /// The worlds of a seed. Says what they do not agree on; nothing when the first one breaks by itself.
    pub(crate) fn run(&mut self, seed: u64, counts: &mut LawCounts) -> Vec<Failure> {
        let mut failures = Vec::new();
        let first = self.world.run(seed).clone();
        if !first.failures.is_empty() {
            return failures;
        }
        for (law, twin) in &mut self.same_ticks {
            let verdict = twin.run(seed);
            counts.tried(*law);
            let broken = verdict.failures.first().map(by_itself);
            let differs = (verdict.digest != first.digest)
                .then(|| other_ticks(self.world.books(), twin.books(), &self.world.labels()));
            failures.extend(broken.or(differs).map(|what| broken_law(*law, what)));
        }
        let broken = self.twice.run(seed).failures.first().map(by_itself);
        counts.tried(Law::DuplicateReports);
        let books = agree::same_but_for_notes(self.world.books(), self.twice.books(), &self.world.labels());
        let differs = books.err().map(|what| what.after(LEAVES));
        failures.extend(broken.or(differs).map(|what| broken_law(Law::DuplicateReports, what)));
        failures.extend(self.later_deadline(seed, counts));
        failures.extend(self.bystander(seed));
        failures
    }

    /// The beats of the world of a seed, and those of the twin that is to hold a law; none where that is no twin's.
    pub(crate) fn record(&mut self, law: Law, seed: u64) -> Option<[(Verdict, Vec<Beat>); 2]> {
        let first = self.world.record(seed);
        let second = match law {
            Law::DuplicateReports => self.twice.record(seed),
            Law::LaterDeadline => {
                let patient = Patient::of(self.subject, self.scenario, self.world.books())?;
                let mut twin = World::new(self.scenario, AnyMachine::new(patient));
                twin.judge_claims(false);
                twin.record(seed)
            }
            Law::Shapes | Law::CrashAndReplay | Law::TimeShift | Law::Relabelling => {
                let (_, twin) = self.same_ticks.iter_mut().find(|(other, _)| *other == law)?;
                twin.record(seed)
            }
            Law::Split | Law::RecoveryTwice => return None,
        };
        Some([first, second])
    }

    /// What people call things in these worlds.
    pub(crate) fn labels(&self) -> Labels<'_> {
        self.world.labels()
    }

    fn later_deadline(&self, seed: u64, counts: &mut LawCounts) -> Option<Failure> {
        let patient =
            if self.declares { None } else { Patient::of(self.subject, self.scenario, self.world.books()) }?;
        let mut twin = World::new(self.scenario, AnyMachine::new(patient));
        twin.judge_claims(false);
        let broken = twin.run(seed).failures.first().map(by_itself);
        counts.tried(Law::LaterDeadline);
        let books = agree::same(self.world.books(), twin.books(), &self.world.labels());
        let differs = books.err().map(|what| what.after(LEAVES));
        broken.or(differs).map(|what| broken_law(Law::LaterDeadline, what))
    }

    fn bystander(&self, seed: u64) -> Option<Failure> {
        let scenario = self.with_bystander.as_ref()?;
        let mut twin = World::new(scenario, self.subject.build(scenario.config.clone()));
        twin.judge_claims(false);
        twin.run(seed);
        own_lane_only::disturbed(self.world.books(), twin.books(), &self.world.labels())
    }
}

/// What a twin is told of that leaves something else behind.
const LEAVES: &str = "the same plan leaves other ";

/// A twin that breaks by itself.
fn by_itself(failure: &Failure) -> Difference {
    Difference { run: failure.run, ..Difference::of_all(&failure.message) }
}

/// Ticks that are not the same, by what they leave behind where that is not the same either.
fn other_ticks(one: &Books, two: &Books, labels: &Labels<'_>) -> Difference {
    let ticks = "the same plan makes other ticks";
    let Err(left) = agree::same_with_terms(one, two, labels) else { return Difference::of_all(ticks) };
    let detail = format!("they leave other {}: {}", left.kind, left.detail);
    Difference { run: left.run, kind: ticks.to_owned(), detail }
}

fn broken_law(law: Law, what: Difference) -> Failure {
    let twin = match law {
        Law::Shapes => "in the other shape of finalisation",
        Law::CrashAndReplay => "with a machine that never lived before in each life of the gateway",
        Law::TimeShift => "with clocks that show other times",
        Law::Relabelling => "with other numbers for jobs, agents and sessions",
        Law::DuplicateReports => "with every report and every good answer of the store heard twice",
        Law::LaterDeadline => "with weeks more time for jobs whose runs all ended well",
        // These cut or repeat a tick and have words of their own.
        Law::Split | Law::RecoveryTwice => "done in another way",
    };
    let message = format!("{twin}, {}", what.told());
    Failure { check: CheckName::Law(law), at: Mono::default(), run: what.run, message }
}
