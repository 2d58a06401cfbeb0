//! How much room each lane had before a commit: a place in its queue for each that did not wait there, and each slot that
//! was free, of its own and under the limit over all lanes.
//!
//! What comes or goes in a tick does so in an order that nobody knows. Slots are given out last, so that until then there
//! was no less room than before, but for what came.

use sametick_core::Config;
use sametick_core::id::RunId;
use sametick_core::job::Job;

use super::Scene;
use super::slots::{Slots, lane_of, lane_of_terms};
use super::waiters::Waiters;

/// Room by lane, of the commit at hand. It is filled before it is read, and no state of its own.
#[derive(Debug, Default)]
pub(super) struct Rooms(Vec<u64>);

impl Clone for Rooms {
    fn clone(&self) -> Self {
        Self::default()
    }

    fn clone_from(&mut self, _: &Self) {}
}

impl Rooms {
    /// Looks at what is there before a commit. Who waits for its backoff has no place in the queue, and is taken to have one.
    pub(super) fn look(&mut self, slots: &Slots, waiters: &Waiters, config: &Config) {
        self.0.clear();
        self.0.extend((0..config.lanes.len()).map(|lane| room_in(lane, slots, waiters, config)));
    }

    /// Whether a job's lane surely had room for one more, whenever in the tick that came.
    pub(super) fn had_room(&self, job: &Job, scene: &Scene<'_>) -> bool {
        let config = &scene.labels.scenario().config;
        let lane = lane_of_terms(&job.terms, config);
        let comes = |run: RunId| lane_of(run, scene.books, config) == lane;
        let came = scene.changes.new_runs().filter(|change| comes(change.after.id)).count();
        self.0.get(lane).is_some_and(|room| *room > came as u64)
    }
}

/// How much room a lane has now, by the books.
pub(super) fn room_in(lane: usize, slots: &Slots, waiters: &Waiters, config: &Config) -> u64 {
    let Some(limits) = config.lanes.get(lane) else { return 0 };
    let under_all = config.running.saturating_sub(slots.total);
    let free = limits.limit.saturating_sub(slots.held_in(lane)).min(under_all);
    let places = u64::from(limits.queue) + u64::from(free);
    places.saturating_sub(waiters.in_lane(lane) as u64)
}
