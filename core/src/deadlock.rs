//! Who waits for whom: a run for its children, a child for those who hold its job or its session.
//!
//! A run that is at work waits for nobody but its children, and a child holds nothing until it begins. So whoever closes a
//! circle does it by asking for a child, and a child that would is refused.

use std::collections::BTreeSet;

use crate::admission::Wants;
use crate::family::Seat;
use crate::gateway::Gateway;
use crate::id::{JobId, RunId, SessionKey};
use crate::job::Job;
use crate::live::{LiveRun, Place};
use crate::ports::Bus;
use crate::run::{Race, RunState};
use crate::session::Persister;

/// Whose holders were looked up: however many wait for one session, that is done once.
#[derive(Debug, Default)]
struct Asked {
    jobs: BTreeSet<JobId>,
    sessions: BTreeSet<SessionKey>,
}

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    /// Whether a child of `parent` would wait, by way of whoever else, for a run that waits for it.
    pub(crate) fn would_deadlock(&self, parent: RunId, child: &Job) -> bool {
        let parent_of = |run: &RunId| self.runs.get(*run).and_then(|live| live.row.parent);
        let is_elder = |run| std::iter::successors(Some(parent), parent_of).any(|elder| elder == run);
        let (mut known, mut asked, mut next) = (BTreeSet::new(), Asked::default(), Vec::new());
        self.holders(&child.terms.wants(child.id, child.agent), &mut asked, &mut next);
        while let Some(run) = next.pop() {
            if is_elder(run) {
                return true;
            }
            if known.insert(run) {
                self.waited_for(run, &mut asked, &mut next);
            }
        }
        false
    }

    /// Those who hold what a run needs, beside slots and beside what was asked after already.
    fn holders(&self, wants: &Wants, asked: &mut Asked, holders: &mut Vec<RunId>) {
        if wants.alone && asked.jobs.insert(wants.job) {
            holders.extend(self.runs.of_job(wants.job, holds));
        }
        if let Some(session) = wants.session.filter(|session| asked.sessions.insert(*session)) {
            let same = |live: &&LiveRun| holds(live) && live.wants().session == Some(session);
            holders.extend(self.runs.iter().filter(same).map(|live| live.row.id));
        }
    }

    /// The children of a run that are at work, and who holds what the others need.
    fn waited_for(&self, run: RunId, asked: &mut Asked, found: &mut Vec<RunId>) {
        let mut seat = Seat::default();
        while let Some((own, child)) = self.families.child_from(run, seat) {
            seat = own.after();
            let Some(live) = self.runs.get(child) else { continue };
            match live.row.state {
                RunState::Queued => self.holders(&live.wants(), asked, found),
                RunState::Starting | RunState::Running | RunState::Settled(_) => found.push(child),
            }
        }
    }
}

fn holds(live: &LiveRun) -> bool {
    live.place == Place::Holding
}
