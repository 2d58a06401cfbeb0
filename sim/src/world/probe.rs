//! The end of a world: as many new runs as there are free slots ask for one, and all must begin.

use sametick_core::Machine;
use sametick_core::commit::Answer;
use sametick_core::effect::{Command, Effect, Input, InputKind};
use sametick_core::id::{AgentId, JobId, LaneId};
use sametick_core::job::{Job, Overlap};
use sametick_core::run::RunState;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Span, Wall};

use super::World;
use super::host::Host;
use crate::books::RunBook;
use crate::check::Probe;

/// More slots of one lane than this are not tried.
const MOST_PROBES: u32 = 1_000;

/// A trial goes on for a tick after the other, and what is due meanwhile would get a slot before it.
const TAKES: Span = Span::from_millis(1);

/// The worlds of seeds below this are all tried, and of those beyond one in so many: what a machine does with
/// its slots does not hang on one seed in ten thousand, and a trial takes as long as two ticks.
const ALL_BELOW: u64 = 256;
const ONE_IN: u64 = 16;

/// Whether the world of a seed ends with a trial of its slots.
pub(super) const fn is_probed(seed: u64) -> bool {
    seed < ALL_BELOW || seed.is_multiple_of(ONE_IN)
}

impl<M: Machine> World<'_, M> {
    /// Tries every free slot. The world is over then: nothing of this is told.
    pub(super) fn probe(&mut self, rested: bool) {
        let soon = self.now + TAKES;
        let owner = &self.hosts[self.owner];
        let busy = owner.next_wakeup().is_some_and(|wake| wake <= soon);
        // Who waits for the store, and not for a slot, gets a free one first.
        let has_room = self.has_room(self.owner, 1);
        if !owner.drives() || owner.cut_until.is_some() || busy || !owner.kept.is_empty() || !has_room {
            return;
        }
        let mut probes = self.judge.free_slots();
        // A lane whose queue is full, be it of runs that wait for a session, takes nobody.
        probes.retain(|probe| self.room_in(probe.lane) > 0);
        let mut left: Vec<u32> = Vec::with_capacity(probes.len());
        for probe in &mut probes {
            probe.free = probe.free.min(MOST_PROBES);
            probe.called = rested.then_some(0);
            left.push(probe.free);
        }
        self.hosts[self.owner].inputs.clear();
        self.answer_all();
        self.declare_probes(&probes);
        while left.iter().any(|left| *left > 0) {
            let before = left.iter().sum::<u32>();
            self.ask(&probes, &mut left);
            self.answer_probes(&mut probes);
            if left.iter().sum::<u32>() == before {
                break;
            }
        }
        if rested {
            self.answer_probes(&mut probes);
        }
        for probe in probes {
            self.judge.probed(self.now, probe);
        }
    }

    /// Whatever is durable, the machine knows it to be: an answer may still be on its way.
    fn answer_all(&mut self) {
        let (at, last) = (self.now.tick_after(), self.judge.books().last_commit);
        let open = u64::from(self.scenario.config.open_commits.max(1));
        for commit in last.saturating_sub(open).max(1)..=last {
            let kind = InputKind::Answer { commit, answer: Answer::Applied };
            self.hosts[self.owner].inputs.push(Input { at, kind });
        }
    }

    /// How many more may wait for a lane, by the books.
    fn room_in(&self, lane: u32) -> u32 {
        let now = i64::try_from(self.now.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        // Who backs off before another attempt has not entered its lane.
        let entered = |book: &RunBook| book.row.state == RunState::Queued && book.times.queued <= now;
        let waits = |book: &&RunBook| entered(book) && book.terms.lane == LaneId(lane);
        let waiting = self.judge.books().runs.values().filter(waits).count();
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        self.scenario.config.lanes[lane as usize].queue.saturating_sub(waiting)
    }

    /// A job for each lane, whose runs may work beside each other and are never due.
    fn declare_probes(&mut self, probes: &[Probe]) {
        let at = self.now.tick_after();
        for probe in probes {
            let never = Schedule::At(Wall::from_millis(i64::MAX));
            let mut job = Job::new(self.probe_job(probe.lane), AgentId(0), never);
            job.overlap = Overlap::Allow;
            job.terms.alone = false;
            job.terms.lane = LaneId(probe.lane);
            let command = Command::Add(Box::new(job));
            let kind = InputKind::Command { ticket: u64::from(probe.lane), command };
            self.hosts[self.owner].inputs.push(Input { at, kind });
        }
    }

    /// As many runs as the queue of each lane takes.
    fn ask(&mut self, probes: &[Probe], left: &mut [u32]) {
        let at = self.now.tick_after();
        for (probe, left) in probes.iter().zip(left) {
            let asked = (*left).min(self.room_in(probe.lane));
            *left -= asked;
            let job = self.probe_job(probe.lane);
            for _ in 0..asked {
                let kind = InputKind::Command { ticket: u64::MAX, command: Command::RunNow(job) };
                self.hosts[self.owner].inputs.push(Input { at, kind });
            }
        }
    }

    /// One tick, whose commit is durable at once.
    fn answer_probes(&mut self, probes: &mut [Probe]) {
        self.now = self.now.tick_after();
        let now = self.reading(self.now);
        let Host { machine, inputs, tick, .. } = &mut self.hosts[self.owner];
        let tick = tick.get_or_insert_default();
        machine.handle_into(now, inputs, tick);
        inputs.clear();
        if let Some(commit) = tick.commit() {
            let kind = InputKind::Answer { commit: commit.number, answer: Answer::Applied };
            inputs.push(Input { at: self.now.tick_after(), kind });
        }
        for probe in probes {
            let job = self.probe_job(probe.lane);
            let Some(tick) = &self.hosts[self.owner].tick else { continue };
            let rows = tick.commit().map_or(&[][..], |commit| &commit.runs);
            let granted = rows.iter().filter(|row| row.id.job == job && row.state == RunState::Starting);
            probe.granted += granted.count() as u32;
            let starts = tick.effects().iter();
            let called = starts.filter(|effect| matches!(effect, Effect::Start { run } if run.job == job));
            let called = called.count() as u32;
            probe.called = probe.called.map(|before| before + called);
        }
    }

    /// A job that the scenario does not have.
    const fn probe_job(&self, lane: u32) -> JobId {
        JobId(self.scenario.jobs.len() as u32 + lane)
    }
}
