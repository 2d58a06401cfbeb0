//! What shims do.

use std::collections::BTreeSet;

use sametick_core::commit::{JobRow, LateWord, Rows};
use sametick_core::effect::{Effect, Input, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::lifecycle::{self, EventPhase};
use sametick_core::run::{Finish, Outcome, RunRow, RunState};
use sametick_core::session::{SessionChange, SessionPatch, Status, change_of};
use sametick_core::time::{Mono, Now, Span};

use super::shim::Twist;

fn settled(tick: &mut Tick) -> Vec<(RunRow, Outcome)> {
    let rows = tick.draft().runs.iter();
    rows.filter_map(|row| row.state.outcome().map(|outcome| (*row, outcome))).collect()
}

/// Writes into a session whose answer came too late.
#[derive(Clone, Copy, Debug)]
pub(super) struct WritesLate(pub(super) LateEnd);

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum LateEnd {
    /// That the run is done.
    Done,
    /// The end it has already.
    Same,
}

impl Twist for WritesLate {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let late = |row: &RunRow, tick: &mut Tick| {
            let draft = tick.draft();
            draft.late.iter().any(|note| note.run == row.id && note.said == LateWord::Completed(Finish::Ok))
        };
        for (row, _) in settled(tick) {
            if row.session.is_some() && late(&row, tick) {
                let change = match self.0 {
                    LateEnd::Same => change_of(&lifecycle::ended(&row, now.wall)),
                    LateEnd::Done => SessionChange::End {
                        status: Status::Done,
                        ended_at: Some(now.wall),
                        runtime_ms: row.runtime_ms,
                        cause: None,
                        seq: row.seq + 1,
                    },
                };
                let patch = SessionPatch { key: row.session_key(), updated_at: now.wall, change };
                tick.draft().sessions.push(patch);
            }
        }
    }
}

/// Delivers results in the tick that settles their run.
#[derive(Clone, Debug, Default)]
pub(super) struct ResultEarly {
    delivering: BTreeSet<JobId>,
    delivered: BTreeSet<RunId>,
}

impl Twist for ResultEarly {
    fn rows(&mut self, rows: &mut Rows) {
        self.delivered.clear();
        self.delivering =
            rows.jobs.iter().filter(|(job, _)| job.terms.deliver).map(|(job, _)| job.id).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let delivered = &self.delivered;
        tick.effects_mut()
            .retain(|effect| !matches!(effect, Effect::Deliver { run, .. } if delivered.contains(run)));
        for (row, outcome) in settled(tick) {
            if self.delivering.contains(&row.id.job) && self.delivered.insert(row.id) {
                tick.push(Effect::Deliver { run: row.id, outcome });
            }
        }
    }
}

/// Tells subscribers of an event in the tick that makes it.
#[derive(Clone, Debug)]
pub(super) struct PublishEarly;

impl Twist for PublishEarly {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        self.publish(tick);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Publish { .. }));
        self.publish(tick);
    }
}

impl PublishEarly {
    fn publish(&self, tick: &mut Tick) {
        let first = tick.draft().first_offset;
        let events = tick.draft().events.clone();
        for (offset, event) in (first..).zip(events) {
            tick.push(Effect::Publish { offset, event });
        }
    }
}

/// Takes a timeout's session patches out, and puts them back ten seconds later.
#[derive(Clone, Debug, Default)]
pub(super) struct WatchdogRepairs {
    repairs: Vec<(Mono, SessionPatch)>,
}

impl Twist for WatchdogRepairs {
    fn rows(&mut self, _: &mut Rows) {
        self.repairs.clear();
    }

    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let held =
            |patch: &SessionPatch| matches!(patch.change, SessionChange::End { status: Status::Timeout, .. });
        let started = tick.draft().sessions.iter().map(|patch| patch.key).collect::<Vec<_>>();
        self.repairs.retain(|(_, patch)| !started.contains(&patch.key));
        let due = now.mono + Span::from_secs(10);
        self.repairs
            .extend(tick.draft().sessions.iter().filter(|patch| held(patch)).map(|patch| (due, *patch)));
        tick.draft().sessions.retain(|patch| !held(patch));
        for (_, patch) in self.repairs.extract_if(.., |(at, _)| *at <= now.mono) {
            tick.draft().sessions.push(patch);
        }
    }

    fn wakeup(&self) -> Option<Mono> {
        self.repairs.iter().map(|(at, _)| *at).min()
    }
}

/// Leaves the running marker on the job of a timeout.
#[derive(Clone, Debug)]
pub(super) struct MarkerKept;

impl Twist for MarkerKept {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &mut tick.draft().jobs {
            let timed_out = row.last.filter(|last| matches!(last.outcome, Outcome::TimedOut(_)));
            row.running = row.running.or(timed_out.map(|last| last.run));
        }
    }
}

/// Hides the runs that were under way at a crash.
#[derive(Clone, Debug)]
pub(super) struct ForgetsRunning;

impl Twist for ForgetsRunning {
    fn rows(&mut self, rows: &mut Rows) {
        rows.runs.retain(|run| !matches!(run.state, RunState::Starting | RunState::Running));
    }
}

/// Hides the runs that were queued at a crash.
#[derive(Clone, Debug)]
pub(super) struct ForgetsQueued;

impl Twist for ForgetsQueued {
    fn rows(&mut self, rows: &mut Rows) {
        rows.runs.retain(|run| run.state != RunState::Queued);
    }
}

/// Keeps back what should be published again.
#[derive(Clone, Debug)]
pub(super) struct NeverRepublishes;

impl Twist for NeverRepublishes {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Publish { .. }));
    }
}

/// Writes a session for a run that ended in its queue.
#[derive(Clone, Debug)]
pub(super) struct QueueOpensSession;

impl Twist for QueueOpensSession {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        for (row, _) in settled(tick) {
            if row.granted_at.is_none() {
                let change = change_of(&lifecycle::ended(&row, now.wall));
                let start = change_of(&lifecycle::started(&row, now.wall));
                for change in [start, change] {
                    let patch = SessionPatch { key: row.session_key(), updated_at: now.wall, change };
                    tick.draft().sessions.push(patch);
                }
            }
        }
    }
}

/// Never sends a commit again.
#[derive(Clone, Debug)]
pub(super) struct GivesUpOnUnknown;

impl Twist for GivesUpOnUnknown {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::StoreAgain { .. }));
    }
}

/// Takes everything to happen when the host gets round to it.
#[derive(Clone, Debug)]
pub(super) struct StampsAtNow;

impl Twist for StampsAtNow {
    fn inputs(&mut self, now: Now, inputs: &mut [Input]) {
        for input in inputs {
            input.at = now.mono;
        }
    }
}

/// Counts each restart as an error of every job.
#[derive(Clone, Debug)]
pub(super) struct RestartCountsAsError;

impl Twist for RestartCountsAsError {
    fn first_tick(&mut self, rows: &Rows, tick: &mut Tick) {
        if rows.last_commit == 0 {
            return;
        }
        for (_, row) in &rows.jobs {
            let jobs = &mut tick.draft().jobs;
            match jobs.iter_mut().find(|written| written.id == row.id) {
                Some(written) => written.consecutive_errors += 1,
                None => jobs.push(JobRow { consecutive_errors: row.consecutive_errors + 1, ..*row }),
            }
        }
    }
}

/// Wakes up five seconds after it should, and dates what it finds then back.
#[derive(Clone, Debug)]
pub(super) struct Oversleeps;

impl Twist for Oversleeps {
    fn oversleeps(&self) -> Span {
        Span::from_secs(5)
    }
}

/// Gives every run half the time it was promised.
#[derive(Clone, Debug)]
pub(super) struct HalfTheTime;

impl Twist for HalfTheTime {
    fn rows(&mut self, rows: &mut Rows) {
        let half = |span: Span| Span::from_nanos(span.as_nanos() / 2);
        for (job, _) in &mut rows.jobs {
            job.terms.budgets.timeout = job.terms.budgets.timeout.map(half);
            job.terms.budgets.queue_timeout = job.terms.budgets.queue_timeout.map(half);
        }
    }
}

/// Tells subscribers that every run ended well.
#[derive(Clone, Debug)]
pub(super) struct PublishesOther;

impl Twist for PublishesOther {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for effect in tick.effects_mut() {
            if let Effect::Publish { event, .. } = effect {
                event.cause = None;
                event.phase = EventPhase::End;
            }
        }
    }
}

/// Calls a turn in the tick that grants it a slot.
#[derive(Clone, Debug)]
pub(super) struct StartsEarly;

impl Twist for StartsEarly {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Start { .. }));
        let granted: Vec<RunId> = tick
            .draft()
            .runs
            .iter()
            .filter(|row| row.state == RunState::Starting)
            .map(|row| row.id)
            .collect();
        for run in granted {
            tick.push(Effect::Start { run });
        }
    }
}
