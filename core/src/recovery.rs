//! From what a store holds after a crash to a machine that hides nothing.
//!
//! The first tick says what became of everything: queued runs are queued again; starting and
//! running ones settle as interrupted, their sessions terminal and their drains open, since a turn
//! can outlive its gateway; missed occurrences get what the catch-up policy says; events nobody
//! acknowledged are published again. Slots are granted from the next tick on, so recovering twice
//! equals recovering once.

use crate::commit::Rows;
use crate::effect::{Effect, Tick};
use crate::gateway::Gateway;
use crate::live::LiveRun;
use crate::ports::Bus;
use crate::run::{Race, RunEvent, RunRow, RunState};
use crate::session::{Persister, SessionChange, SessionPatch};
use crate::time::{Now, Timeline};

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    pub(crate) fn recover_tick(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.forget_everything(rows, epoch, now);
        for (job, row) in &rows.jobs {
            self.scheduler.insert(*job, *row);
        }
        for row in &rows.sessions {
            let change = SessionChange::Replace(*row);
            self.sessions.apply(&SessionPatch { key: row.key, updated_at: row.updated_at, change });
        }
        for (offset, event) in (rows.first_offset..).zip(&rows.events) {
            self.tick.push(Effect::Publish { offset, event: *event });
        }
        let mut runs: Vec<RunRow> = rows.runs.iter().filter(|run| !run.is_closed()).copied().collect();
        runs.sort_unstable_by_key(|run| (run.queued_at, run.id));
        for run in runs {
            self.take_over(run);
        }
        for id in self.scheduler.ids() {
            let runs = &self.runs;
            self.scheduler.clear_stale_marker(id, |run| runs.get(run).is_some());
            if let Some(run) = self.scheduler.catch_up(id, now, self.tick.draft()) {
                self.enqueue(run);
            }
        }
        // Nothing is granted yet: a slot granted here and lost to the next crash would be a run
        // interrupted that never began. The wake-up asks for the tick that grants.
        self.finish();
        &self.tick
    }

    /// Starts from nothing, keeping only rooms and memory.
    fn forget_everything(&mut self, rows: &Rows, epoch: u64, now: Now) {
        self.tick.clear();
        self.epoch = epoch;
        self.owns_store = true;
        self.timeline = Timeline::through(now);
        self.closed = now.mono;
        self.at = now;
        self.scheduler.clear();
        self.lane.reset(self.config.lane_limit);
        self.runs.clear();
        self.alarms.clear();
        self.sessions.clear();
        self.outbox.reset(rows.last_commit, u64::from(self.config.open_commits));
        self.acknowledged = rows.first_offset;
        self.changed.clear();
        self.next_offset = rows.first_offset + rows.events.len() as u64;
        self.published = self.next_offset;
        while self.bus.next().is_some() {}
    }

    fn take_over(&mut self, row: RunRow) {
        let id = row.id;
        let mut live = LiveRun::new(row);
        self.scheduler.fence(id.job);
        match row.state {
            RunState::Queued => {
                self.runs.insert(live);
                self.wait_in_lane(id);
            }
            RunState::Starting | RunState::Running => {
                live.holds_slot = true;
                live.start_released = true;
                self.lane.inherit();
                self.runs.insert(live);
                self.happen(id, RunEvent::Interrupted);
            }
            RunState::Settled(_) => {
                live.holds_slot = true;
                live.start_released = true;
                self.lane.inherit();
                self.runs.insert(live);
                self.tick.push(Effect::Abort { run: id });
                self.await_stop(id);
            }
        }
    }
}
