//! The runs that wait, with what each of them needs to begin.

use std::collections::BTreeSet;

use sametick_core::Config;
use sametick_core::id::{RunId, SessionKey};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Span, Wall};

use super::Scene;
use super::alive::shared_session;
use super::slots::lane_of;
use crate::books::Books;
use crate::changes::RunChange;
use crate::lines::{ROUNDING_MS, span_ms};
use crate::table::Table;

/// The runs that wait. They follow from the records, and are no state of their own.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    runs: Table<RunId, Waiter>,
    /// Those that wait in each lane, by when they came to it.
    lanes: Vec<Queue>,
    /// Children, which wait in none.
    children: Queue,
    /// Who began with the latest commit by which anybody did, and its number.
    granted: Vec<(RunId, Waiter)>,
    granted_in: u64,
}

/// Runs by when they came, in milliseconds since the world began.
type Queue = BTreeSet<(i64, RunId)>;

impl Clone for Waiters {
    fn clone(&self) -> Self {
        let Self { runs, lanes, children, granted, granted_in } = self;
        Self {
            runs: runs.clone(),
            lanes: lanes.clone(),
            children: children.clone(),
            granted: granted.clone(),
            granted_in: *granted_in,
        }
    }

    /// Keeps the memory it has. In most worlds nobody waits where they are copied.
    fn clone_from(&mut self, other: &Self) {
        if other.is_empty() {
            self.clear();
        } else {
            let Self { runs, lanes, children, granted, granted_in } = self;
            runs.clone_from(&other.runs);
            lanes.clone_from(&other.lanes);
            children.clone_from(&other.children);
            granted.clone_from(&other.granted);
            *granted_in = other.granted_in;
        }
    }
}

/// What a run needs to begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    /// None for a child, which shares its parent's slot.
    pub(super) lane: Option<usize>,
    pub(super) alone: bool,
    pub(super) session: Option<SessionKey>,
    /// When it came to its lane, in milliseconds since the world began: another attempt comes when its backoff is over.
    pub(super) since: i64,
    pub(super) backs_off: bool,
    /// The same by the wall clock, which is all that a gateway knows that comes back.
    came: Wall,
    /// When its record was first written.
    written: i64,
}

impl Waiter {
    fn of(row: &RunRow, books: &Books, config: &Config) -> Option<Self> {
        let book = books.runs.get(&row.id)?;
        Some(Self {
            lane: row.parent.is_none().then(|| lane_of(row.id, books, config)),
            alone: book.terms.alone,
            session: shared_session(row),
            since: book.times.queued,
            backs_off: row.not_before.is_some(),
            came: row.not_before.unwrap_or(row.queued_at),
            written: book.times.written,
        })
    }

    /// Whether it came surely before another, also for a gateway that has come back since and read off the records who came
    /// when. What is caught up on stands for what was due first, and comes with that where a tick is late: it is behind
    /// those that were there before the tick.
    pub(super) fn came_before(&self, other: &Self, restarted: Option<i64>, lag: Span) -> bool {
        let read_off = restarted.is_some_and(|restarted| other.written <= restarted);
        let there_at = if self.backs_off { self.since.saturating_add(span_ms(lag)) } else { self.written };
        other.since - self.since > ROUNDING_MS
            && (other.backs_off || there_at < other.written)
            && !(read_off && other.came - self.came <= ROUNDING_MS)
    }
}

impl Waiters {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        if !self.is_empty() {
            self.runs.clear();
            self.lanes.iter_mut().for_each(Queue::clear);
            self.children.clear();
        }
        self.granted.clear();
    }

    /// Whether anybody waits.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Everybody who waits.
    pub(super) fn all(&self) -> impl Iterator<Item = (&RunId, &Waiter)> {
        self.runs.iter()
    }

    /// Those that wait in each lane, or in none.
    pub(super) fn queues(&self) -> impl Iterator<Item = (Option<usize>, &Queue)> {
        let lanes = self.lanes.iter().enumerate().map(|(lane, queue)| (Some(lane), queue));
        lanes.chain([(None, &self.children)]).filter(|(_, queue)| !queue.is_empty())
    }

    /// How many wait in a lane.
    pub(super) fn in_lane(&self, lane: usize) -> usize {
        self.lanes.get(lane).map_or(0, Queue::len)
    }

    /// What a run that waits needs.
    pub(super) fn get(&self, run: RunId) -> Option<&Waiter> {
        self.runs.get(&run)
    }

    /// Who began with a commit.
    pub(super) fn granted_in(&self, commit: Option<u64>) -> &[(RunId, Waiter)] {
        if commit == Some(self.granted_in) { &self.granted } else { &[] }
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

    /// Notes who begins with a commit, while others wait.
    pub(super) fn grants(&mut self, scene: &Scene<'_>) {
        if self.is_empty() {
            return;
        }
        self.granted.clear();
        self.granted_in = scene.commit.number;
        let config = &scene.labels.scenario().config;
        let granted = scene.changes.granted().map(|change| &change.after);
        self.granted.extend(granted.filter_map(|row| Some((row.id, Waiter::of(row, scene.books, config)?))));
    }

    /// A gateway came back: who waits is in the books.
    pub(super) fn reload(&mut self, books: &Books, config: &Config) {
        self.clear();
        for book in books.runs.values().filter(|book| waits(&book.row)) {
            self.enter(&book.row, books, config);
        }
    }

    fn enter(&mut self, row: &RunRow, books: &Books, config: &Config) {
        let Some(waiter) = Waiter::of(row, books, config) else { return };
        self.queue(waiter.lane).insert((waiter.since, row.id));
        self.runs.insert(row.id, waiter);
    }

    fn leave(&mut self, run: RunId) {
        if let Some(waiter) = self.runs.swap_remove(&run) {
            self.queue(waiter.lane).remove(&(waiter.since, run));
        }
    }

    fn queue(&mut self, lane: Option<usize>) -> &mut Queue {
        let Some(lane) = lane else { return &mut self.children };
        if self.lanes.len() <= lane {
            self.lanes.resize(lane + 1, Queue::default());
        }
        &mut self.lanes[lane]
    }
}

fn waits(row: &RunRow) -> bool {
    row.state == RunState::Queued
}
