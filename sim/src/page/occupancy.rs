//! Who holds a slot of which lane, and how many wait for one, by the records alone.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::Commit;
use sametick_core::id::RunId;
use sametick_core::run::{RunRow, RunState};

use crate::scenario::Scenario;

/// The lanes of a world.
#[derive(Debug)]
pub(super) struct Occupancy {
    lanes: Vec<Held>,
    /// The lane of each run that said which.
    of_run: BTreeMap<RunId, usize>,
    /// The lane of each job as it is declared.
    of_job: BTreeMap<u32, usize>,
    parents: BTreeMap<RunId, RunId>,
    /// How a run counts now: in a lane as a waiter, or in a family as one at work.
    counted: BTreeMap<RunId, Counted>,
    /// The families at work: how many members have not let go, and where their slot is.
    families: BTreeMap<RunId, (usize, usize)>,
}

/// A lane.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// By whom, each the eldest of a family that shares its slot.
    pub(super) by: BTreeSet<RunId>,
    /// How many wait.
    pub(super) waiting: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Waits(usize),
    Works(RunId),
}

impl Occupancy {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let lane = |lane: u32| lane as usize;
        Self {
            lanes: vec![Held::default(); scenario.config.lanes.len().max(1)],
            of_run: BTreeMap::new(),
            of_job: scenario.jobs.iter().map(|job| (job.job.id.0, lane(job.job.terms.lane.0))).collect(),
            parents: BTreeMap::new(),
            counted: BTreeMap::new(),
            families: BTreeMap::new(),
        }
    }

    /// A commit says by what its runs go.
    pub(super) fn declare(&mut self, commit: &Commit) {
        for job in &commit.declared {
            self.of_job.insert(job.id.0, job.terms.lane.0 as usize);
        }
        for row in &commit.terms {
            self.of_run.insert(row.run, row.terms.lane.0 as usize);
        }
    }

    /// A record was written. Says which lane is held in another way now.
    pub(super) fn write(&mut self, row: &RunRow) -> Option<usize> {
        if let Some(parent) = row.parent {
            self.parents.insert(row.id, parent);
        }
        let counts = match row.state {
            RunState::Queued => Some(Counted::Waits(self.lane_of(row.id))),
            _ if row.granted_at.is_some() && !row.is_closed() => Some(Counted::Works(self.eldest(row.id))),
            RunState::Starting | RunState::Running | RunState::Settled(_) => None,
        };
        let before = self.counted.get(&row.id).copied();
        if before == counts {
            return None;
        }
        let lane = self.lane_of(row.id);
        let joined = counts.map(|counts| self.join(row.id, counts, lane));
        let left = before.map(|before| self.leave(before));
        match counts {
            Some(counts) => _ = self.counted.insert(row.id, counts),
            None => _ = self.counted.remove(&row.id),
        }
        joined.or(left)
    }

    /// How a lane is held.
    pub(super) fn lane(&self, lane: usize) -> Option<&Held> {
        self.lanes.get(lane)
    }

    fn join(&mut self, run: RunId, counts: Counted, lane: usize) -> usize {
        match counts {
            Counted::Waits(lane) => {
                if let Some(held) = self.lanes.get_mut(lane) {
                    held.waiting += 1;
                }
                lane
            }
            Counted::Works(eldest) => {
                let lane = if eldest == run { lane } else { self.lane_of(eldest) };
                let (members, lane) = self.families.entry(eldest).or_insert((0, lane));
                *members += 1;
                if let Some(held) = self.lanes.get_mut(*lane) {
                    held.by.insert(eldest);
                }
                *lane
            }
        }
    }

    fn leave(&mut self, before: Counted) -> usize {
        match before {
            Counted::Waits(lane) => {
                if let Some(held) = self.lanes.get_mut(lane) {
                    held.waiting = held.waiting.saturating_sub(1);
                }
                lane
            }
            Counted::Works(eldest) => {
                let Some((members, lane)) = self.families.get_mut(&eldest) else { return 0 };
                let lane = *lane;
                *members -= 1;
                if *members == 0 {
                    self.families.remove(&eldest);
                    if let Some(held) = self.lanes.get_mut(lane) {
                        held.by.remove(&eldest);
                    }
                }
                lane
            }
        }
    }

    /// The lane of a run: its own, or that of the attempt before it, or its job's.
    fn lane_of(&self, run: RunId) -> usize {
        let mut attempts = (1..=run.attempt).rev().map(|attempt| RunId { attempt, ..run });
        let own = attempts.find_map(|attempt| self.of_run.get(&attempt));
        own.or_else(|| self.of_job.get(&run.job.0)).copied().unwrap_or(0)
    }

    /// The eldest of the family whose slot a run shares.
    fn eldest(&self, run: RunId) -> RunId {
        // No more steps than there are children: a broken machine may draw a circle.
        let parents = (0..self.parents.len()).scan(run, |younger, _| {
            *younger = *self.parents.get(younger)?;
            Some(*younger)
        });
        parents.last().unwrap_or(run)
    }
}
