//! The windows of races: any two of seven things, at seven distances from one another.
//!
//! Each cell is a few small scenarios in which the two meet, and of each every order is gone through. One of the two is at
//! an instant that is the same in all of them, the other before it, in the same instant, or after it.

use sametick_core::time::Span;

use super::chooser::DISTANCES;
use super::cut::Cuts;
use super::search::{Broken, Limits, explore};
use crate::machines::Subject;
use crate::plan::{Plan, Table};
use crate::scenario::{Scenario, ScenarioError};

/// What can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Racer {
    /// The run's `timeout` ends.
    Timeout,
    /// Its turn says that it is done.
    Completion,
    /// Somebody cancels it.
    Cancel,
    /// The process dies.
    Crash,
    /// The store answers a commit.
    Answer,
    /// The job is due again.
    Occurrence,
    /// Somebody edits the job.
    Edit,
}

impl Racer {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Timeout,
        Self::Completion,
        Self::Cancel,
        Self::Crash,
        Self::Answer,
        Self::Occurrence,
        Self::Edit,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Completion => "completion",
            Self::Cancel => "cancel",
            Self::Crash => "crash",
            Self::Answer => "answer",
            Self::Occurrence => "occurrence",
            Self::Edit => "edit",
        }
    }
}

/// Two that meet, the second so many nanoseconds after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The first.
    pub one: Racer,
    /// The second.
    pub other: Racer,
    /// How much later the second is.
    pub distance: i64,
}

/// What came of one meeting.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Who meets, and how.
    pub meeting: Meeting,
    /// States of all its scenarios.
    pub states: u64,
    /// Orders of all its scenarios.
    pub orders: u64,
    /// What was left out.
    pub cuts: Cuts,
    /// The first that broke, with the scenario it broke in.
    pub broken: Option<(Box<Scenario>, Broken)>,
}

impl Cell {
    /// Whether every order of every scenario of it holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.broken.is_none()
    }
}

/// How far the search goes in a cell: nothing goes wrong beside what meets.
pub const LIMITS: Limits = Limits { faults: 0, states: 20_000, remembers: true };

/// Every meeting, pair by pair.
pub fn meetings() -> impl Iterator<Item = Meeting> {
    let pairs = Racer::ALL
        .iter()
        .enumerate()
        .flat_map(|(place, one)| Racer::ALL[place + 1..].iter().map(move |other| (*one, *other)));
    pairs.flat_map(|(one, other)| DISTANCES.map(|distance| Meeting { one, other, distance }))
}

/// Goes through every order of a meeting.
///
/// # Errors
/// [`ScenarioError`] never, as a test holds: its scenarios read.
pub fn meet(meeting: Meeting, subject: Subject) -> Result<Cell, ScenarioError> {
    let mut cell = Cell { meeting, states: 0, orders: 0, cuts: Cuts::default(), broken: None };
    for plan in scenes(meeting) {
        let scenario = plan.scenario("race.toml")?;
        let report = explore(&scenario, subject, LIMITS, &mut |_| true);
        cell.states += report.states;
        cell.orders += report.orders;
        cell.cuts.add_all(report.cuts);
        let broken = report.failures.into_iter().next();
        cell.broken = cell.broken.or(broken.map(|broken| (Box::new(scenario), broken)));
    }
    Ok(cell)
}

const MILLI: i64 = 1_000_000;
/// When the job is due first, and its run gets a slot.
const DUE: i64 = 1_000 * MILLI;
/// When the two meet.
const MEETS: i64 = 31_000 * MILLI;
/// From the start of a turn to its session.
const READY: i64 = 5 * MILLI;
/// How long a store takes that nobody waits for.
const ANSWERS: i64 = MILLI / 5;

/// What differs between the scenarios of one meeting.
#[derive(Clone, Copy, Debug)]
struct Scene {
    /// The turn goes on when it is asked to stop.
    ignores: bool,
    overlap: &'static str,
    /// The answer is that to the grant, and not that to the session.
    of_grant: bool,
}

const SCENES: [Scene; 6] = [
    Scene { ignores: false, overlap: "skip", of_grant: true },
    Scene { ignores: true, overlap: "skip", of_grant: false },
    Scene { ignores: false, overlap: "buffer one", of_grant: false },
    Scene { ignores: true, overlap: "buffer all", of_grant: true },
    Scene { ignores: false, overlap: "cancel other", of_grant: false },
    Scene { ignores: true, overlap: "allow", of_grant: true },
];

fn scenes(meeting: Meeting) -> Vec<Plan> {
    SCENES.iter().map(|scene| scene.plan(meeting)).collect()
}

impl Scene {
    fn plan(self, Meeting { one, other, distance }: Meeting) -> Plan {
        // A job is due at whole milliseconds.
        let (one_at, other_at) =
            if other == Racer::Occurrence { (MEETS - distance, MEETS) } else { (MEETS, MEETS + distance) };
        let meets = [(one, one_at), (other, other_at)];
        let when = |racer: Racer| meets.iter().find(|(who, _)| *who == racer).map(|(_, at)| *at);
        // A turn completes that has been called, so that is not held back by the answer to its grant.
        let of_grant = self.of_grant && when(Racer::Completion).is_none();
        let answers = match when(Racer::Answer) {
            Some(at) if of_grant => at - DUE,
            Some(at) => (at - DUE - READY) / 2,
            None => ANSWERS,
        };
        let mut top = Table::new(crate::plan::Kind::Top);
        top.say("until", "2m");
        let mut store = Table::one("store");
        store.say("answers", span(answers));
        let mut job = Table::each("job");
        job.say("name", "digest");
        match when(Racer::Occurrence) {
            Some(at) => {
                job.say("every", span(at - DUE));
                job.say("from", span(DUE));
            }
            None => job.say("at", span(DUE)),
        }
        job.say("overlap", self.overlap);
        job.say("timeout", span(when(Racer::Timeout).map_or(60_000 * MILLI, |at| at - DUE)));
        job.say("deliver", true);
        let mut tables = vec![top, store, job];
        let mut events = Vec::new();
        if let Some(at) = when(Racer::Edit) {
            let mut like = Table::each("job");
            like.say("name", "edited");
            like.say("every", "20s");
            like.say("timeout", "10s");
            like.say("declared", false);
            tables.push(like);
            events.push(event(at, "edit", "digest"));
            events[0].say("like", "edited");
        }
        let mut turn = Table::each("turn");
        turn.say("of", "digest#1");
        match when(Racer::Completion) {
            Some(at) => turn.say("takes", span(at - DUE - answers - READY)),
            None => turn.say("takes", "never"),
        }
        if self.ignores {
            turn.say("on_abort", "ignores");
        }
        tables.push(turn);
        if let Some(at) = when(Racer::Cancel) {
            events.push(event(at, "cancel", "digest#1"));
        }
        if let Some(at) = when(Racer::Crash) {
            events.push(event(at, "crash", true));
        }
        tables.extend(events);
        Plan { sentence: format!("{} meets {}.", one.name(), other.name()), tables }
    }
}

fn event(at: i64, key: &'static str, word: impl Into<crate::plan::Word>) -> Table {
    let mut event = Table::each("do");
    event.say("at", span(at));
    event.say(key, word);
    event
}

fn span(nanos: i64) -> String {
    Span::from_nanos(nanos.unsigned_abs()).to_string()
}
