//! `[[fault]]`: what goes wrong at a commit or a tick.

use std::fmt;
use std::str::FromStr;

use sametick_core::time::Span;

use super::error::ScenarioError;
use super::parse::pattern;
use super::read::Table;
use super::span::{SpanRange, parse_span};
use super::{RunPattern, Scenario};

/// Something that goes wrong once a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: FaultAt,
    /// What.
    pub kind: FaultKind,
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultAt {
    /// At the commit that says something of a run.
    Run {
        /// What it says.
        moment: Moment,
        /// Of which run.
        runs: RunPattern,
    },
    /// At the nth tick of the world, counted from 1; the one a gateway starts with counts.
    Tick {
        /// The first it may be.
        first: u64,
        /// The last it may be.
        last: u64,
    },
}

/// What a commit can say of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It got a slot.
    Grants,
    /// Its session went live.
    Starts,
    /// It is over.
    Settles,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The store says that it did not apply the commit, so many times.
    NotApplied(u32),
    /// The store answers nothing; it may have applied the commit.
    Unknown {
        /// Whether it had.
        applied: bool,
    },
    /// The process dies.
    Crash {
        /// When, against the commit.
        when: CrashPoint,
        /// How long until it is up again.
        down: SpanRange,
        /// How many of the recoveries that follow die as well, each over its first tick.
        again: u32,
    },
}

impl FaultAt {
    /// Exactly this tick.
    #[must_use]
    pub const fn tick(number: u64) -> Self {
        Self::Tick { first: number, last: number }
    }

    /// Whether there is anything to draw.
    pub(super) const fn is_range(self) -> bool {
        matches!(self, Self::Tick { first, last } if first != last)
    }
}

/// When a process dies, against the commit of a tick and its effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Before the store applied it.
    Before,
    /// After the store applied it, before any effect left.
    At,
    /// When the effects have left, before anybody heard that it is durable.
    AfterEffects,
    /// Just after the machine heard that it is durable.
    After,
    /// At one of these.
    Anywhere,
}

impl CrashPoint {
    /// Those that can be drawn.
    pub const EACH: [Self; 4] = [Self::Before, Self::At, Self::AfterEffects, Self::After];
}

const POINTS: [(&str, CrashPoint); 5] = [
    ("before", CrashPoint::Before),
    ("at", CrashPoint::At),
    ("after effects", CrashPoint::AfterEffects),
    ("after", CrashPoint::After),
    ("anywhere", CrashPoint::Anywhere),
];

const ANSWERS: [(&str, FaultKind); 3] = [
    ("not applied", FaultKind::NotApplied(1)),
    ("unknown but applied", FaultKind::Unknown { applied: true }),
    ("unknown and not applied", FaultKind::Unknown { applied: false }),
];

/// How long a process is down unless the fault says so.
const DOWN: SpanRange = SpanRange::exactly(Span::from_secs(1));

pub(super) fn fault(mut table: Table<'_>, scenario: &Scenario) -> Result<Fault, ScenarioError> {
    let at = place(&mut table, scenario)?;
    let crash = table.word("crash", &POINTS)?;
    let down = table.spans("down")?.unwrap_or(DOWN);
    let says = table.word("store", &ANSWERS)?;
    let times = table.count("times", 1_000)?.unwrap_or(1);
    let again = table.count("again", 1_000)?.unwrap_or(0);
    let misplaced = |key: &'static str, with: &str, table: &Table<'_>| {
        let fix = format!("take `{key}` out, or write {with}");
        table.wrong(table.span.clone(), format!("`{key}` has no meaning here"), fix)
    };
    if table.value("down").is_some() && crash.is_none() {
        return Err(misplaced("down", "crash = \"at\"", &table));
    }
    if table.value("again").is_some() && crash.is_none() {
        return Err(misplaced("again", "crash = \"at\"", &table));
    }
    if table.value("times").is_some() && !matches!(says, Some(FaultKind::NotApplied(_))) {
        return Err(misplaced("times", "store = \"not applied\"", &table));
    }
    let kind = match (crash, says) {
        (Some(when), None) => {
            FaultKind::Crash { when, down, again: u32::try_from(again).unwrap_or(u32::MAX) }
        }
        (None, Some(FaultKind::NotApplied(_))) => {
            FaultKind::NotApplied(u32::try_from(times).unwrap_or(u32::MAX))
        }
        (None, Some(answer)) => answer,
        (Some(_), Some(_)) | (None, None) => {
            return Err(table.missing("crash` or `store", "write crash = \"at\" or store = \"not applied\""));
        }
    };
    table.finish()?;
    Ok(Fault { at, kind })
}

fn place(table: &mut Table<'_>, scenario: &Scenario) -> Result<FaultAt, ScenarioError> {
    let mut found = None;
    let moments = [("grants", Moment::Grants), ("starts", Moment::Starts), ("settles", Moment::Settles)];
    for (key, moment) in moments {
        if table.value(key).is_some() {
            if found.is_some() {
                let fix = "write one [[fault]] for each of grants, starts, settles";
                return Err(table.wrong(table.span.clone(), "a fault has one moment", fix));
            }
            found = Some(FaultAt::Run { moment, runs: pattern(table, key, scenario)? });
        }
    }
    let tick = ticks(table)?;
    match (found, tick) {
        (Some(found), None) => Ok(found),
        (None, Some((first, last))) if 0 < first && first <= last => Ok(FaultAt::Tick { first, last }),
        (None, Some(_)) => {
            let fix = "ticks are counted from 1, which is the one the gateway starts with: \"2..60\"";
            Err(table.wrong(table.span.clone(), "there are no such ticks", fix))
        }
        (Some(_), Some(_)) => {
            let fix = "write a [[fault]] for the tick, and one for the run";
            Err(table.wrong(table.span.clone(), "a fault has one moment", fix))
        }
        (None, None) => {
            let fix = "say at which commit: settles = \"digest#1\", or tick = 12";
            Err(table.missing("grants`, `starts`, `settles` or `tick", fix))
        }
    }
}

/// The number of a tick, or the first and the last it may be.
fn ticks(table: &mut Table<'_>) -> Result<Option<(u64, u64)>, ScenarioError> {
    let is_text = table.value("tick").is_some_and(|value| value.get_ref().as_str().is_some());
    if !is_text {
        return Ok(table.count("tick", u64::MAX)?.map(|tick| (tick, tick)));
    }
    let Some((text, at)) = table.text("tick")? else { return Ok(None) };
    let ends = text.split_once("..").and_then(|(first, last)| first.parse().ok().zip(last.parse().ok()));
    match ends {
        Some(ends) => Ok(Some(ends)),
        None => Err(table.wrong(at, "`tick` is no range of ticks", "write tick = 12 or tick = \"2..60\"")),
    }
}

/// As command lines write a fault at a tick: `12:at:730ms`, `12:after-effects`, `3:not-applied`.
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let tick = parts.next().and_then(|tick| tick.parse().ok()).filter(|tick| *tick > 0);
        let tick: u64 = tick.ok_or("begin with the number of a tick, counted from 1: 12:at:1s")?;
        let word = parts.next().unwrap_or_default().replace('-', " ");
        let down = parts.next().map(|down| parse_span(down).ok_or("a down time is a length, such as 730ms"));
        let down = down.transpose()?;
        if parts.next().is_some() {
            return Err("write TICK:WHAT or TICK:WHAT:DOWN, as in 12:at:1s".to_owned());
        }
        let point = POINTS.iter().find(|(name, _)| *name == word).map(|(_, when)| *when);
        let answer = ANSWERS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
        let kind = match (point, answer, down) {
            (Some(when), _, down) => {
                FaultKind::Crash { when, down: down.map_or(DOWN, SpanRange::exactly), again: 0 }
            }
            (None, Some(answer), None) => answer,
            (None, Some(_), Some(_)) => return Err("only a process that dies is down for a time".to_owned()),
            (None, None, _) => {
                let words = POINTS.iter().map(|(name, _)| *name).chain(ANSWERS.iter().map(|(name, _)| *name));
                let words: Vec<String> = words.map(|word| word.replace(' ', "-")).collect();
                return Err(format!("after the tick say what goes wrong, one of: {}", words.join(", ")));
            }
        };
        Ok(Self { at: FaultAt::tick(tick), kind })
    }
}

/// As command lines write a fault at a tick. One at a run has no such form; it shows as tick 0.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tick = if let FaultAt::Tick { first, .. } = self.at { first } else { 0 };
        let word = match self.kind {
            FaultKind::Crash { when, .. } => {
                POINTS.iter().find(|(_, point)| *point == when).map(|(name, _)| *name)
            }
            FaultKind::NotApplied(_) => Some("not applied"),
            FaultKind::Unknown { .. } => {
                ANSWERS.iter().find(|(_, kind)| *kind == self.kind).map(|(name, _)| *name)
            }
        };
        write!(f, "{tick}:{}", word.unwrap_or_default().replace(' ', "-"))?;
        if let FaultKind::Crash { down, .. } = self.kind {
            write!(f, ":{}", down.low)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_it_is_written() {
        for text in [
            "12:at:730ms",
            "1:before:1s",
            "3:after-effects:1ns",
            "4:after:2s",
            "7:not-applied",
            "8:unknown-but-applied",
            "9:unknown-and-not-applied",
        ] {
            let fault: Fault = text.parse().expect(text);
            assert_eq!(fault.to_string(), text);
        }
        assert_eq!("12:at".parse::<Fault>().expect("a default").to_string(), "12:at:1s");
    }

    #[test]
    fn a_mistake_says_what_to_write() {
        for (text, part) in [
            ("", "counted from 1"),
            ("0:at", "counted from 1"),
            ("at:12", "counted from 1"),
            ("12:sometime", "after-effects"),
            ("12:at:soon", "a length"),
            ("12:not-applied:1s", "only a process that dies"),
            ("12:at:1s:more", "TICK:WHAT:DOWN"),
        ] {
            let error = text.parse::<Fault>().expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
