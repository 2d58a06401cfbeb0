//! A tick that is over: what could have begun in it.

use sametick_core::Config;
use sametick_core::id::RunId;
use sametick_core::run::RunRow;
use sametick_core::time::{Mono, Span};

use super::alive::Alive;
use super::open_commits::OpenCommits;
use super::slots::Slots;
use super::waiters::Waiter;
use crate::books::Books;
use crate::label::Labels;
use crate::lines::{ROUNDING_MS, millis};

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
    /// When a gateway came back last, in milliseconds since the world began.
    pub(super) restarted_at: Option<i64>,
    /// How late the host's ticks may come.
    pub(super) lag: Span,
}

impl Over<'_> {
    /// Whether a lane has a slot to give; children need none. `without` is a run that holds one, and is thought away.
    pub(super) fn has_slot(&self, lane: Option<usize>, without: Option<&Waiter>) -> bool {
        let config = &self.labels.scenario().config;
        let theirs = without.and_then(|waiter| waiter.lane);
        lane.is_none_or(|lane| {
            self.slots.total < config.running.saturating_add(u32::from(theirs.is_some()))
                && self.slots.held_in(lane)
                    < limit(lane, config).saturating_add(u32::from(theirs == Some(lane)))
        })
    }

    /// Whether a run that has a slot to go to could begin; `without` is one that is thought away.
    pub(super) fn could_begin(&self, run: RunId, waiter: &Waiter, without: Option<&RunRow>) -> bool {
        let gates = &self.slots.gates;
        let still_backs_off = waiter.backs_off && millis(self.at) - waiter.since <= ROUNDING_MS;
        let held_job = waiter.alone && gates.holds_job(run.job, without, self.books);
        let holds = |key| gates.holds_session(key, without, self.books) || self.alive.has_foreign(key);
        !(still_backs_off || held_job || waiter.session.is_some_and(holds))
    }
}

/// How many slots a lane has.
pub(super) fn limit(lane: usize, config: &Config) -> u32 {
    config.lanes.get(lane).copied().unwrap_or_default().limit
}
