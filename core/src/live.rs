//! The runs that are not closed, each with what the machine knows of it beyond its record.

use std::collections::BTreeMap;

use crate::id::RunId;
use crate::job::Budget;
use crate::lane::Ticket;
use crate::run::RunRow;
use crate::time::Mono;

/// A run in memory.
#[derive(Clone, Debug)]
pub(crate) struct LiveRun {
    pub(crate) row: RunRow,
    /// The one alarm that is set for it.
    pub(crate) alarm: Option<(Mono, Alarm)>,
    /// When its total budget ends.
    pub(crate) total_deadline: Option<Mono>,
    pub(crate) granted: Option<Mono>,
    pub(crate) ready: Option<Mono>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) holds_slot: bool,
    /// Whether its start has left, so that a turn may be at work.
    pub(crate) start_released: bool,
    pub(crate) changed: bool,
}

/// Why a run's alarm rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    Budget(Budget),
    Grace,
}

impl LiveRun {
    pub(crate) const fn new(row: RunRow) -> Self {
        Self {
            row,
            alarm: None,
            total_deadline: None,
            granted: None,
            ready: None,
            ticket: None,
            holds_slot: false,
            start_released: false,
            changed: false,
        }
    }
}

/// Runs by id; slots are used again, so a steady load settles into steady memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveRuns {
    index: BTreeMap<RunId, u32>,
    slots: Vec<LiveRun>,
    free: Vec<u32>,
}

impl LiveRuns {
    pub(crate) fn clear(&mut self) {
        self.index.clear();
        self.slots.clear();
        self.free.clear();
    }

    pub(crate) fn insert(&mut self, run: LiveRun) {
        let id = run.row.id;
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = run;
            slot
        } else {
            self.slots.push(run);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 live runs")
        };
        self.index.insert(id, slot);
    }

    pub(crate) fn remove(&mut self, id: RunId) {
        if let Some(slot) = self.index.remove(&id) {
            self.free.push(slot);
        }
    }

    pub(crate) fn get(&self, id: RunId) -> Option<&LiveRun> {
        self.index.get(&id).map(|slot| &self.slots[*slot as usize])
    }

    pub(crate) fn get_mut(&mut self, id: RunId) -> Option<&mut LiveRun> {
        self.index.get(&id).map(|slot| &mut self.slots[*slot as usize])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &LiveRun> {
        self.index.values().map(|slot| &self.slots[*slot as usize])
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }
}
