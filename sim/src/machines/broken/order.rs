//! Runs that begin before others that came first.

use std::collections::BTreeMap;

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::id::RunId;
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;
use crate::laws::renaming::{Other, Rename};

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[Mutant {
    name: "last-come-first-served",
    sentence: "of the runs of a job that wait in one lane the one that came last begins first",
    field: &["#42635", "#52682"],
    killed_by: &[CheckName::InTurn],
    build: |config, shape| AnyMachine::new(Shim::new(config, shape, LastFirst::default())),
}];

/// Takes a run that gets its slot and the last that waits beside it for each other, from then on.
#[derive(Clone, Debug, Default)]
struct LastFirst {
    /// Runs that are not closed.
    open: BTreeMap<RunId, RunRow>,
    /// Who was taken for whom, in the order in which that came.
    swapped: Vec<Other>,
}

impl LastFirst {
    /// Who begins in the place of a run that gets its slot.
    fn instead_of(&self, granted: &RunRow, tick: &Tick) -> Option<RunId> {
        let is_plain = |row: &RunRow| row.id.attempt == 1 && row.parent.is_none();
        let waited = |run: RunId| self.open.get(&run).is_some_and(|row| row.state == RunState::Queued);
        if granted.state != RunState::Starting || !is_plain(granted) || !waited(granted.id) {
            return None;
        }
        let said =
            |run: RunId| tick.commit().is_some_and(|commit| commit.runs.iter().any(|row| row.id == run));
        let beside = self.open.values().filter(|row| {
            let same = (row.id.job, row.id.generation) == (granted.id.job, granted.id.generation);
            same && is_plain(row) && row.state == RunState::Queued && !said(row.id)
        });
        let last = beside.max_by_key(|row| (row.queued_at, row.id));
        last.filter(|row| row.queued_at > granted.queued_at).map(|row| row.id)
    }

    /// Each run came when it came, whoever it is taken for.
    fn mend_times(&self, tick: &mut Tick) {
        for row in &mut tick.draft().runs {
            if let Some(known) = self.open.get(&row.id) {
                row.queued_at = known.queued_at;
            }
        }
    }
}

impl Twist for LastFirst {
    fn rows(&mut self, rows: &mut Rows) {
        let open = rows.runs.iter().filter(|row| !row.is_closed());
        self.open = open.map(|row| (row.id, *row)).collect();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for to in self.swapped.iter().rev() {
            inputs.rename(*to);
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        self.swapped.iter().for_each(|to| tick.rename(*to));
        self.mend_times(tick);
        for row in tick.draft().runs.clone() {
            if let Some(instead) = self.instead_of(&row, tick) {
                let swapped = Other::Swapped(row.id, instead);
                tick.rename(swapped);
                self.swapped.push(swapped);
            }
        }
        self.mend_times(tick);
        for row in &tick.draft().runs {
            if row.is_closed() {
                self.open.remove(&row.id);
            } else {
                self.open.insert(row.id, *row);
            }
        }
    }
}
