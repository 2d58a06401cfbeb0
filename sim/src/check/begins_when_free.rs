//! Who could begin does begin.
//!
//! Judged at the end of a tick of who owns the store, where everything that it said is durable: a store that is behind
//! shows too little. The first tick after a restart gives out nothing. A run waits for a slot of its lane and one under
//! the limit over all lanes, for whoever holds its job, if it is alone, or its session, and for room among the open
//! commits; another attempt waits for its backoff before. A child waits for job and session only. Nothing else keeps a
//! run from beginning: who stands before it and has to wait steps aside, and a job that is paused lets what waits go on.

use sametick_core::Config;
use sametick_core::id::{RunId, SessionKey};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::Mono;

use super::alive::{Alive, shared_session};
use super::open_commits::OpenCommits;
use super::slots::{Slots, lane_of};
use super::{CheckName, Failure};
use crate::books::Books;
use crate::changes::RunChange;
use crate::label::Labels;
use crate::lines::millis;
use crate::table::Table;

pub(super) const SENTENCE: &str = "no run waits at the end of a tick that could begin: its lane and the limit over all lanes \
     have a slot for it, and nobody holds its job or its session";
pub(super) const FIELD: &[&str] = &[
    "#44805", "#44991", "#52271", "#48488", "#67785", "#132952", "#119083", "#142737", "#42635", "#52682",
    "#54180", "#67502",
];

/// Wall times are whole milliseconds.
const ROUNDING_MS: i64 = 2;

/// The runs that wait. They follow from the records, and are no state of their own.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    runs: Table<RunId, Waiter>,
    /// How many of them wait in each lane.
    in_lane: Vec<u32>,
}

impl Clone for Waiters {
    fn clone(&self) -> Self {
        Self { runs: self.runs.clone(), in_lane: self.in_lane.clone() }
    }

    /// Keeps the memory it has. In most worlds nobody waits where they are copied.
    fn clone_from(&mut self, other: &Self) {
        if other.is_empty() {
            self.clear();
        } else {
            let Self { runs, in_lane } = self;
            runs.clone_from(&other.runs);
            in_lane.clone_from(&other.in_lane);
        }
    }
}

/// What a run needs to begin.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    /// None for a child, which shares its parent's slot.
    lane: Option<usize>,
    alone: bool,
    session: Option<SessionKey>,
    /// In milliseconds since the world began: another attempt enters its lane when its backoff is over.
    enters: Option<i64>,
}

/// A tick of the owner is over, and all that it ever said is durable.
#[derive(Debug)]
pub(super) struct Over<'a> {
    pub(super) at: Mono,
    /// The number of its commit, if it has one.
    pub(super) commit: Option<u64>,
    pub(super) books: &'a Books,
    pub(super) labels: &'a Labels<'a>,
    pub(super) slots: &'a Slots,
    pub(super) alive: &'a Alive,
    pub(super) open_commits: &'a OpenCommits,
}

impl Waiters {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        if !self.is_empty() {
            self.runs.clear();
            self.in_lane.fill(0);
        }
    }

    /// Whether anybody waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// A run begins to wait with a commit, or waits no more.
    pub(super) fn changed(&mut self, change: &RunChange, books: &Books, config: &Config) {
        let (before, after) = (change.before.as_ref().is_some_and(waits), waits(&change.after));
        if after && !before {
            self.enter(&change.after, books, config);
        } else if before && !after {
            self.leave(change.after.id);
        }
    }

    /// A gateway came back: who waits is in the books.
    pub(super) fn reload(&mut self, books: &Books, config: &Config) {
        self.clear();
        for book in books.runs.values().filter(|book| waits(&book.row)) {
            self.enter(&book.row, books, config);
        }
    }

    fn enter(&mut self, row: &RunRow, books: &Books, config: &Config) {
        let Some(book) = books.runs.get(&row.id) else { return };
        let lane = row.parent.is_none().then(|| lane_of(row.id, books, config));
        if let Some(lane) = lane {
            if self.in_lane.len() <= lane {
                self.in_lane.resize(lane + 1, 0);
            }
            self.in_lane[lane] += 1;
        }
        let (alone, session) = (book.terms.alone, shared_session(row));
        let enters = row.not_before.map(|_| book.times.queued);
        self.runs.insert(row.id, Waiter { lane, alone, session, enters });
    }

    fn leave(&mut self, run: RunId) {
        if let Some(waiter) = self.runs.swap_remove(&run)
            && let Some(lane) = waiter.lane
        {
            self.in_lane[lane] -= 1;
        }
    }

    /// Looks for one who could begin.
    pub(super) fn judge(&self, failures: &mut Vec<Failure>, over: &Over<'_>) {
        let Over { at, books, labels, slots, .. } = *over;
        let config = &labels.scenario().config;
        let children = self.runs.len() > self.in_lane.iter().sum::<u32>() as usize;
        let is_free = |lane: usize| slots.total < config.running && slots.held_in(lane) < limit(lane, config);
        let in_free_lane = (0..self.in_lane.len()).any(|lane| self.in_lane[lane] > 0 && is_free(lane));
        // Where no lane has a slot to give, nobody is looked at.
        if !(children || in_free_lane) || !over.open_commits.had_room(over.commit, books, labels) {
            return;
        }
        let could = |(run, waiter): &(&RunId, &Waiter)| {
            waiter.lane.is_none_or(is_free)
                && waiter.enters.is_none_or(|enters| millis(at) - enters > ROUNDING_MS)
                && !(waiter.alone && slots.gates.holds_job(run.job))
                && !waiter
                    .session
                    .is_some_and(|key| slots.gates.holds_session(key) || over.alive.has_foreign(key))
        };
        let Some((run, waiter)) = self.runs.iter().find(could) else { return };
        let place = match waiter.lane {
            Some(lane) => format!(
                "lane {} has a slot for it ({} of {} held)",
                labels.lane(u32::try_from(lane).unwrap_or_default()),
                slots.held_in(lane),
                limit(lane, config)
            ),
            None => "it shares the slot of the run that asked for it".to_owned(),
        };
        let fences = match (waiter.alone, waiter.session) {
            (true, Some(key)) => format!("nobody holds its job or its session {}", labels.key(key)),
            (true, None) => "nobody holds its job".to_owned(),
            (false, Some(key)) => format!("nobody holds its session {}", labels.key(key)),
            (false, None) => "its job lets it work beside others".to_owned(),
        };
        let message = format!(
            "{} waits although {place} and {fences}: nothing is left that would have to happen first, and it does not begin",
            labels.run(*run)
        );
        failures.push(Failure { check: CheckName::BeginsWhenFree, at, run: Some(*run), message });
    }
}

fn waits(row: &RunRow) -> bool {
    row.state == RunState::Queued
}

/// How many slots a lane has.
fn limit(lane: usize, config: &Config) -> u32 {
    config.lanes.get(lane).copied().unwrap_or_default().limit
}
