//! Who waits for whom: a run for its children, a child for those who hold its job or its session.
//!
//! A run that is at work waits for nobody but its children, and a child holds nothing until it begins. So whoever closes a
//! circle does it by asking for a child, and a child that would is refused.

use std::collections::BTreeSet;

use crate::admission::Wants;
use crate::family::Seat;
use crate::gateway::Gateway;
use crate::id::RunId;
use crate::job::Job;
use crate::live::Place;
use crate::ports::Bus;
use crate::run::{Race, RunState};
use crate::session::Persister;

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    /// Whether a child of `parent` would wait, by way of whoever else, for a run that waits for it.
    pub(crate) fn would_deadlock(&self, parent: RunId, child: &Job) -> bool {
        let parent_of = |run: &RunId| self.runs.get(*run).and_then(|live| live.row.parent);
        let is_elder = |run| std::iter::successors(Some(parent), parent_of).any(|elder| elder == run);
        let mut known = BTreeSet::new();
        let mut next = self.holders(&child.terms.wants(child.id, child.agent));
        while let Some(run) = next.pop() {
            if is_elder(run) {
                return true;
            }
            if known.insert(run) {
                next.extend(self.waited_for(run));
            }
        }
        false
    }

    /// Those who hold what a run needs, beside slots.
    fn holders(&self, wants: &Wants) -> Vec<RunId> {
        let of_job = if wants.alone { self.runs.of_job(wants.job, |_| true) } else { Vec::new() };
        let mut holders: Vec<RunId> = of_job.into_iter().filter(|run| self.holds(*run)).collect();
        if wants.session.is_some() {
            let same = self.runs.iter().filter(|live| live.wants().session == wants.session);
            holders.extend(same.map(|live| live.row.id).filter(|run| self.holds(*run)));
        }
        holders
    }

    fn holds(&self, run: RunId) -> bool {
        self.runs.get(run).is_some_and(|live| live.place == Place::Holding)
    }

    /// The children of a run that are at work, and who holds what the others need.
    fn waited_for(&self, run: RunId) -> Vec<RunId> {
        let mut found = Vec::new();
        let mut seat = Seat::default();
        while let Some((own, child)) = self.families.child_from(run, seat) {
            seat = own.after();
            let Some(live) = self.runs.get(child) else { continue };
            match live.row.state {
                RunState::Queued => found.extend(self.holders(&live.wants())),
                RunState::Starting | RunState::Running | RunState::Settled(_) => found.push(child),
            }
        }
        found
    }
}
