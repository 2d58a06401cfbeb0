//! Where a world and its twin part, told side by side.

use std::fmt::Debug;

use sametick_core::effect::{Effect, Tick};
use sametick_core::job::Job;
use sametick_core::session::SessionRow;
use sametick_core::time::Mono;

use crate::check::CheckName;
use crate::fields::{self, Record};
use crate::label::Labels;
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
            first_line(&here, &there).or_else(|| first_row(&one, &two, &labels))
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
fn first_row(here: &[Beat], there: &[Beat], labels: &Labels<'_>) -> Option<[Option<Line>; 2]> {
    let (mut one, mut two) = (ticks(here), ticks(there));
    loop {
        match (one.next(), two.next()) {
            (None, None) => return None,
            (Some(here), Some(there)) if here == there => {}
            (here, there) => {
                let pieces = |tick: Option<(Mono, &Tick)>| {
                    tick.map(|(_, tick)| pieces(tick, labels)).unwrap_or_default()
                };
                let (ours, theirs) = (pieces(here), pieces(there));
                let place = ours.iter().zip(&theirs).take_while(|(one, two)| one.exact == two.exact).count();
                let [ours, theirs] = told([ours.get(place), theirs.get(place)]);
                let line = |tick: Option<(Mono, &Tick)>, text: Option<String>| {
                    tick.zip(text).map(|((at, _), text)| Line { at, kind: LineKind::Commit, text })
                };
                return Some([line(here, ours), line(there, theirs)]);
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

/// One thing that a tick says.
struct Piece {
    /// All of it, to be compared.
    exact: String,
    /// What people read of it.
    shown: Shown,
}

enum Shown {
    Row(Record),
    Words(String),
}

impl Piece {
    fn row(exact: &impl Debug, record: Record) -> Self {
        Self { exact: format!("{exact:?}"), shown: Shown::Row(record) }
    }

    fn words(exact: &impl Debug, words: String) -> Self {
        Self { exact: format!("{exact:?}"), shown: Shown::Words(words) }
    }

    fn name(&self) -> String {
        match &self.shown {
            Shown::Row(row) => format!("{} of {}", row.kind, row.of),
            Shown::Words(words) => words.clone(),
        }
    }
}

/// What a tick says, piece by piece.
fn pieces(tick: &Tick, labels: &Labels<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if let Some(commit) = tick.commit() {
        let declared = |job: &Job| Piece::words(job, format!("{} declared", labels.job(job.id)));
        pieces.extend(commit.declared.iter().map(declared));
        pieces.extend(commit.jobs.iter().map(|row| Piece::row(row, fields::job(row, labels))));
        pieces.extend(commit.runs.iter().map(|row| Piece::row(row, fields::run(row, labels))));
        pieces.extend(commit.sessions.iter().map(|patch| {
            let mut row = SessionRow::blank(patch.key);
            patch.apply(&mut row);
            Piece::row(patch, fields::session(&row, labels))
        }));
        pieces.extend(commit.ledger.iter().map(|row| Piece::row(row, fields::ledger(row, labels))));
        pieces.extend(commit.late.iter().map(|note| Piece::row(note, fields::late(note, labels))));
        pieces.extend(commit.events.iter().map(|event| Piece::row(event, fields::event(event, labels))));
        let number = (commit.number, commit.epoch);
        pieces.push(Piece::words(&number, format!("commit {} of epoch {}", commit.number, commit.epoch)));
    }
    pieces.extend(tick.effects().iter().map(|effect| match effect {
        Effect::Publish { event, .. } => Piece::row(effect, fields::event(event, labels)),
        Effect::Start { .. }
        | Effect::Abort { .. }
        | Effect::Deliver { .. }
        | Effect::Reply { .. }
        | Effect::StoreAgain { .. }
        | Effect::Renew { .. }
        | Effect::StepDown => Piece::words(effect, story::words_of(effect, labels)),
    }));
    pieces
}

/// Two pieces as people read them: of two rows of one thing the field in which they differ.
fn told(sides: [Option<&Piece>; 2]) -> [Option<String>; 2] {
    if let [Some(Piece { shown: Shown::Row(one), .. }), Some(Piece { shown: Shown::Row(two), .. })] = sides
        && (one.kind, &one.of) == (two.kind, &two.of)
        && let Some((name, values)) = one.differs_from(two)
    {
        return values.map(|value| Some(format!("{} of {}: \"{name}\" is {value}", one.kind, one.of)));
    }
    sides.map(|piece| piece.map(Piece::name))
}
