//! Where a world and its twin part, told side by side.

use sametick_core::effect::Tick;
use sametick_core::time::Mono;

use crate::check::CheckName;
use crate::laws::{LawCounts, Twins};
use crate::machines::Subject;
use crate::record::Beat;
use crate::scenario::Scenario;
use crate::story::{self, Line, LineKind};

/// A law that a world and its twin do not keep.
#[derive(Clone, Debug)]
pub struct Parting {
    /// The law, or the check that runs a twin.
    pub check: CheckName,
    /// What breaks it.
    pub message: String,
    /// What the world does first that its twin does not, and what that does instead; nothing where it ends, or where
    /// there is nothing to tell side by side.
    pub sides: Option<[Option<Line>; 2]>,
}

/// Runs a world beside its twins. Says nothing of a world that breaks by itself.
#[must_use]
pub fn partings(scenario: &Scenario, subject: Subject, seed: u64) -> Vec<Parting> {
    let mut twins = Twins::new(scenario, subject);
    let failures = twins.run(seed, &mut LawCounts::default());
    let tell = |failure: crate::check::Failure| {
        let law = if let CheckName::Law(law) = failure.check { Some(law) } else { None };
        let sides = law.and_then(|law| twins.record(law, seed)).and_then(|[(_, one), (_, two)]| {
            let labels = twins.labels();
            let (here, there) = (story::lines_of(&one, &labels), story::lines_of(&two, &labels));
            first_line(&here, &there).or_else(|| first_row(&one, &two))
        });
        Parting { check: failure.check, message: failure.message, sides }
    };
    failures.into_iter().map(tell).collect()
}

/// The first lines that differ.
fn first_line(here: &[Line], there: &[Line]) -> Option<[Option<Line>; 2]> {
    let place = here.iter().zip(there).take_while(|(one, two)| one == two).count();
    let sides = [here.get(place).cloned(), there.get(place).cloned()];
    sides.iter().any(Option::is_some).then_some(sides)
}

/// The first ticks that differ where their words do not: the first row or effect of each that the other does not have.
fn first_row(here: &[Beat], there: &[Beat]) -> Option<[Option<Line>; 2]> {
    let (mut one, mut two) = (ticks(here), ticks(there));
    loop {
        match (one.next(), two.next()) {
            (None, None) => return None,
            (Some(here), Some(there)) if here == there => {}
            (here, there) => {
                let parts =
                    |tick: Option<(Mono, &Tick)>| tick.map(|(_, tick)| parts(tick)).unwrap_or_default();
                let (ours, theirs) = (parts(here), parts(there));
                let place = ours.iter().zip(&theirs).take_while(|(one, two)| one == two).count();
                let line = |tick: Option<(Mono, &Tick)>, parts: &[String]| {
                    let text = parts.get(place)?.clone();
                    tick.map(|(at, _)| Line { at, kind: LineKind::Commit, text })
                };
                return Some([line(here, &ours), line(there, &theirs)]);
            }
        }
    }
}

fn ticks(beats: &[Beat]) -> impl Iterator<Item = (Mono, &Tick)> {
    beats.iter().filter_map(|beat| match beat {
        Beat::Tick { at, tick, .. } => Some((*at, tick.as_ref())),
        Beat::Applied { .. } | Beat::Host { .. } | Beat::Rest { .. } => None,
    })
}

/// What a tick says, piece by piece.
fn parts(tick: &Tick) -> Vec<String> {
    let mut parts = Vec::new();
    if let Some(commit) = tick.commit() {
        parts.extend(commit.declared.iter().map(|job| format!("{job:?}")));
        parts.extend(commit.jobs.iter().map(|row| format!("{row:?}")));
        parts.extend(commit.runs.iter().map(|row| format!("{row:?}")));
        parts.extend(commit.sessions.iter().map(|patch| format!("{patch:?}")));
        parts.extend(commit.ledger.iter().map(|row| format!("{row:?}")));
        parts.extend(commit.late.iter().map(|note| format!("{note:?}")));
        parts.extend(commit.events.iter().map(|event| format!("{event:?}")));
        parts.push(format!("commit {} of epoch {}", commit.number, commit.epoch));
    }
    parts.extend(tick.effects().iter().map(|effect| format!("{effect:?}")));
    parts
}
