//! A gate: what at most one run may have at a time, a session or the right to work for a job.

use educe::Educe;

use crate::id::{LaneId, RunId};
use crate::lane::Ticket;
use crate::queue::Queue;

/// Who has it, and who was turned away while somebody had it.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Gate {
    held: u32,
    /// In the order of lanes, and of tickets within one.
    parked: Queue<Parked>,
}

/// A run that was first in its lane and found the gate shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Parked {
    /// Its lane; none for one that shares its parent's slot.
    pub(crate) lane: Option<LaneId>,
    pub(crate) ticket: Ticket,
    pub(crate) run: RunId,
}

impl Gate {
    pub(crate) const fn is_shut(&self) -> bool {
        self.held > 0
    }

    pub(crate) const fn take(&mut self) {
        self.held += 1;
    }

    pub(crate) const fn release(&mut self) {
        debug_assert!(self.held > 0, "a gate was opened twice");
        self.held = self.held.saturating_sub(1);
    }

    pub(crate) fn park(&mut self, parked: Parked) {
        let place = self.parked.partition_point(|other| *other < parked);
        self.parked.insert(place, parked);
    }

    /// Takes a parked run out; false when it is not here.
    pub(crate) fn leave(&mut self, lane: Option<LaneId>, ticket: Ticket) -> bool {
        let place = self.parked.binary_search_by_key(&(lane, ticket), |parked| (parked.lane, parked.ticket));
        place.map(|place| self.parked.remove(place)).is_ok()
    }

    /// Takes out the first parked run of a lane, if the gate is open.
    pub(crate) fn wake_one(&mut self, lane: Option<LaneId>) -> Option<Parked> {
        if self.is_shut() {
            return None;
        }
        let place = self.parked.partition_point(|parked| parked.lane < lane);
        self.parked.get(place).filter(|parked| parked.lane == lane)?;
        self.parked.remove(place)
    }

    /// The first lane in which somebody is parked, after `lane` if one is given.
    pub(crate) fn lane_after(&self, lane: Option<Option<LaneId>>) -> Option<Option<LaneId>> {
        let place = self.parked.partition_point(|parked| Some(parked.lane) <= lane);
        self.parked.get(place).map(|parked| parked.lane)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.held == 0 && self.parked.is_empty()
    }
}
