//! Who holds a slot of which lane, reckoned from the books and from the turns that may be at work.
//!
//! A run holds a slot from its grant until its record says that its turn has stopped or was given up, and longer if
//! its turn is alive all the same. A child shares the slot of its eldest ancestor, which nobody else has before the
//! last of the family has let go.

use std::collections::BTreeSet;

use educe::Educe;
use sametick_core::Config;
use sametick_core::id::RunId;
use sametick_core::job::Terms;
use sametick_core::run::{Drain, RunRow, RunState};

use super::Scene;
use super::alive::Alive;
use super::gates::Gates;
use crate::books::Books;
use crate::changes::RunChange;
use crate::table::Table;

/// The slots that are held.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Slots {
    /// The runs that hold one, their own or their family's: the eldest of each, and the lane.
    holders: Table<RunId, (RunId, usize)>,
    /// How many children hold on to the slot of an eldest.
    children: Table<RunId, u32>,
    /// How many slots are held in each lane, and in all.
    pub(super) held: Vec<u32>,
    pub(super) total: u32,
    /// How many runs wait in each lane that came in by its queue: first attempts, and nobody's children.
    pub(super) waiting: Vec<u32>,
    /// The jobs and the sessions that are held with them.
    pub(super) gates: Gates,
}

impl Slots {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.gates.clear();
        self.holders.clear();
        self.children.clear();
        self.held.fill(0);
        self.total = 0;
        self.waiting.fill(0);
    }

    /// What became of a run with a commit.
    pub(super) fn changed(&mut self, change: &RunChange, books: &Books, alive: &Alive, config: &Config) {
        // Who held it and holds it still changes nothing.
        if !(holds(&change.after) && change.before.as_ref().is_some_and(holds)) {
            self.look_at(&change.after, books, alive, config);
        }
    }

    /// A run begins to wait with a commit, or waits no more.
    pub(super) fn queue_changed(&mut self, change: &RunChange, books: &Books, config: &Config) {
        let (before, after) = (change.before.as_ref().is_some_and(waits), waits(&change.after));
        if before != after {
            let waiting = self.waiting_in(lane_of(change.after.id, books, config));
            *waiting = if after { *waiting + 1 } else { waiting.saturating_sub(1) };
        }
    }

    /// Whether a run holds a slot, its own or its family's.
    pub(super) fn has(&self, run: RunId) -> bool {
        self.holders.contains_key(&run)
    }

    /// Everybody who holds a slot, or shares one.
    pub(super) fn holders(&self) -> impl Iterator<Item = RunId> {
        self.holders.keys().copied()
    }

    /// How many slots of a lane are held.
    pub(super) fn held_in(&self, lane: usize) -> u32 {
        self.held.get(lane).copied().unwrap_or_default()
    }

    /// How many slots a lane had to give before a commit that grants some and gives none back, by the records alone.
    pub(super) fn free_before(&self, lane: usize, scene: &Scene<'_>) -> u32 {
        let config = &scene.labels.scenario().config;
        let granted = |run: RunId| {
            let change = scene.look_up().run(run);
            change.is_some_and(|change| change.before.as_ref().is_none_or(|before| !holds(before)))
        };
        let by_records = |run: &RunId| scene.books.run(*run).is_some_and(holds) && !granted(*run);
        let held = self.holders.iter().filter(|(run, _)| by_records(run)).map(|(_, held)| *held);
        let held: BTreeSet<(RunId, usize)> = held.collect();
        let limit = config.lanes.get(lane).map_or(0, |lane| lane.limit);
        let left = |limit: u32, held: usize| limit.saturating_sub(u32::try_from(held).unwrap_or(u32::MAX));
        let here = held.iter().filter(|(_, its)| *its == lane).count();
        left(limit, here).min(left(config.running, held.len()))
    }

    fn waiting_in(&mut self, lane: usize) -> &mut u32 {
        if self.waiting.len() <= lane {
            self.waiting.resize(lane + 1, 0);
        }
        &mut self.waiting[lane]
    }

    /// Looks at a run again.
    pub(super) fn look_at(&mut self, row: &RunRow, books: &Books, alive: &Alive, config: &Config) {
        let holds = holds(row) || row.granted_at.is_some() && alive.has(row.id);
        match (self.holders.get(&row.id).copied(), holds) {
            (None, true) => {
                let eldest = eldest(row, books);
                let lane = lane_of(eldest, books, config);
                self.holders.insert(row.id, (eldest, lane));
                self.take(row.id, eldest, lane);
                self.gates.take(row, books);
            }
            (Some((eldest, lane)), false) => {
                self.holders.swap_remove(&row.id);
                self.release(row.id, eldest, lane);
                self.gates.release(row, books);
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// A gateway came back: what is held is reckoned anew, from what is durable.
    pub(super) fn reload(&mut self, books: &Books, alive: &Alive, config: &Config) {
        self.clear();
        for book in books.runs.values() {
            self.look_at(&book.row, books, alive, config);
            if waits(&book.row) {
                *self.waiting_in(lane_of(book.row.id, books, config)) += 1;
            }
        }
    }

    fn take(&mut self, run: RunId, eldest: RunId, lane: usize) {
        let held_before = self.is_held(eldest, run);
        if run != eldest {
            *self.children.entry(eldest).or_default() += 1;
        }
        if !held_before {
            if self.held.len() <= lane {
                self.held.resize(lane + 1, 0);
            }
            self.held[lane] += 1;
            self.total += 1;
        }
    }

    fn release(&mut self, run: RunId, eldest: RunId, lane: usize) {
        if run != eldest
            && let Some(children) = self.children.get_mut(&eldest)
        {
            *children -= 1;
            if *children == 0 {
                self.children.swap_remove(&eldest);
            }
        }
        if !self.is_held(eldest, run) {
            self.held[lane] -= 1;
            self.total -= 1;
        }
    }

    /// Whether the slot of an eldest is held by anybody but `run`.
    fn is_held(&self, eldest: RunId, run: RunId) -> bool {
        let by_children = !self.children.is_empty() && self.children.contains_key(&eldest);
        by_children || run != eldest && self.holders.contains_key(&eldest)
    }
}

/// The lane that counts for a run; one that is not configured is the first.
pub(super) fn lane_of(run: RunId, books: &Books, config: &Config) -> usize {
    books.runs.get(&run).map_or(0, |book| lane_of_terms(&book.terms, config))
}

/// The lane that counts for what goes by these terms.
pub(super) fn lane_of_terms(terms: &Terms, config: &Config) -> usize {
    let lane = terms.lane.index();
    if lane < config.lanes.len() { lane } else { 0 }
}

fn holds(row: &RunRow) -> bool {
    match row.state {
        RunState::Queued => false,
        RunState::Starting | RunState::Running => true,
        RunState::Settled(_) => matches!(row.drain, Drain::Open | Drain::Held),
    }
}

/// Whether it waits, and was let in by its lane's queue. Another attempt comes back to a queue however full that is, and a
/// child waits in none.
pub(super) fn waits(row: &RunRow) -> bool {
    row.state == RunState::Queued && row.id.attempt == 1 && row.parent.is_none()
}

fn eldest(row: &RunRow, books: &Books) -> RunId {
    let mut eldest = row;
    while let Some(parent) = eldest.parent.and_then(|parent| books.run(parent)) {
        eldest = parent;
    }
    eldest.id
}
