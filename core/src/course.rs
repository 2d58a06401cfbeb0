//! The course of a run: it is queued, granted, opened, settled, drained and let go, and perhaps tried
//! again. What becomes of it is the [`Race`]'s table to say; what is done about it stands here.

use crate::commit::TermsRow;
use crate::effect::Effect;
use crate::family::Seat;
use crate::gateway::Gateway;
use crate::id::{JobId, RunId};
use crate::job::{Budget, OnAbandon, Overlap, Terms};
use crate::live::{Alarm, LiveRun, Place};
use crate::ports::Bus;
use crate::run::{Drain, Outcome, Phase, Race, RunEvent, RunRow, RunState};
use crate::scheduler::Taken;
use crate::session::Persister;
use crate::time::Now;

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    /// Queues what was taken up of a job's occurrences, after making room for it.
    pub(crate) fn enqueue_all(&mut self, job: JobId, taken: &mut Taken) {
        if std::mem::take(&mut taken.instead) {
            self.make_way(job);
        }
        let terms = self.scheduler.job(job).map(|job| (job.agent, job.terms));
        for run in taken.runs.drain(..) {
            let Some((agent, terms)) = terms else { continue };
            // Its budgets count from the occurrence, or from when the machine could know of it.
            let since = self.timeline.due_since(run.due, self.now.mono);
            let mono = since.clamp(self.at.mono, self.now.mono);
            let born = Now { mono, wall: self.timeline.wall_at(mono) };
            let row = RunRow::queued(run, agent, terms.target, born.wall);
            self.enqueue(row, terms, born);
        }
    }

    /// Puts a new run at the end of its lane; its budgets count from `born`.
    pub(crate) fn enqueue(&mut self, row: RunRow, terms: Terms, born: Now) {
        let mut live = LiveRun::new(row, terms);
        live.deadlines.count(Budget::Total, born.mono, terms.budgets.total_timeout);
        live.deadlines.count(Budget::Queue, born.mono, terms.budgets.queue_timeout);
        live.touch(&mut self.changed);
        self.tick.draft().terms.push(TermsRow { run: row.id, terms });
        self.begin_to_wait(live);
        self.enter_lane(row.id);
    }

    /// Takes a run that waits into the books.
    pub(crate) fn begin_to_wait(&mut self, live: LiveRun) {
        let row = live.row;
        self.scheduler.waits(row.id.job);
        if let Some(parent) = row.parent {
            self.families.join(parent, row.id);
        }
        self.runs.insert(live);
    }

    /// Enters the lane. What bound it until now binds it further.
    pub(crate) fn enter_lane(&mut self, id: RunId) {
        let Some(live) = self.runs.get_mut(id) else { return };
        if live.place == Place::Outside {
            live.place = Place::Waiting(self.admission.enter(id, &live.wants()));
        }
        live.set_alarm(&mut self.alarms);
    }

    /// Gives free slots to waiters: last in a tick, at its own time.
    pub(crate) fn grant(&mut self) {
        while self.outbox.has_room() {
            let runs = &mut self.runs;
            let next = self.admission.next(|run| runs.get_mut(run).map(|live| live.wants()));
            let Some(run) = next else { break };
            if let Some(live) = self.runs.get_mut(run) {
                live.place = Place::Holding;
            }
            self.happen(run, RunEvent::Granted);
        }
    }

    /// It has its slot: the turn is called once that is durable.
    pub(crate) fn start(&mut self, id: RunId) {
        let at = self.at;
        let Some(live) = self.runs.get_mut(id) else { return };
        live.row.state = RunState::Starting;
        live.row.granted_at = Some(at.wall);
        live.granted = Some(at.mono);
        let budgets = live.terms.budgets;
        live.deadlines.count(Budget::Start, at.mono, budgets.start_timeout);
        live.deadlines.count(Budget::Stall, at.mono, budgets.stall_timeout);
        live.deadlines.count(Budget::Run, at.mono, budgets.timeout);
        live.grant = self.scheduler.granted(id);
        live.touch(&mut self.changed);
        live.set_alarm(&mut self.alarms);
        self.outbox.hold(Effect::Start { run: id });
    }

    /// Its session is live.
    pub(crate) fn open(&mut self, id: RunId) {
        let at = self.at;
        let Some(live) = self.runs.get_mut(id) else { return };
        live.row.state = RunState::Running;
        live.row.started_at = Some(at.wall);
        live.ready = Some(at.mono);
        live.deadlines.count(Budget::Stall, at.mono, live.terms.budgets.stall_timeout);
        live.row.seq += 1;
        self.race.opened(&live.row, &self.at, &mut self.bus);
        live.touch(&mut self.changed);
        live.set_alarm(&mut self.alarms);
    }

    /// It is over. A turn that may be alive is asked to stop, and slot and fences wait for it.
    pub(crate) fn settle(&mut self, id: RunId, outcome: Outcome, may_be_alive: bool) {
        let at = self.at;
        let Some(live) = self.runs.get_mut(id) else { return };
        let phase = live.row.state.phase();
        live.row.state = RunState::Settled(outcome);
        live.row.settled_at = Some(live.row.started_at.map_or(at.wall, |started| started.max(at.wall)));
        live.row.runtime_ms = live.ready.map(|ready| at.mono.since(ready).as_millis());
        live.alarm = None;
        let drains = may_be_alive && live.start_released;
        live.row.drain = if drains { Drain::Open } else { Drain::None };
        if let Place::Waiting(ticket) = live.place {
            live.place = Place::Outside;
            self.admission.leave(ticket, &live.wants());
        }
        live.touch(&mut self.changed);
        if phase == Some(Phase::Queued) {
            self.scheduler.waited(id.job);
        }
        if drains {
            self.tick.push(Effect::Abort { run: id });
            self.await_stop(id);
        }
        self.publish_end(id, phase);
        self.handle_result(id, outcome);
        let mut seat = Seat::default();
        while let Some((found, child)) = self.families.child_from(id, seat) {
            self.happen(child, RunEvent::Cancelled);
            seat = found.after();
        }
        if !drains {
            self.let_go(id);
        }
    }

    /// A run that was granted a slot has a lifecycle to end; one that ends in its queue has none.
    pub(crate) fn publish_end(&mut self, id: RunId, phase: Option<Phase>) {
        match phase {
            Some(Phase::Starting | Phase::Running) => {
                let Some(live) = self.runs.get_mut(id) else { return };
                live.row.seq += 1;
                let result = self.race.settled(&live.row, &self.at, &mut self.bus);
                self.drain_bus();
                if let Some(event) = result.to_publish {
                    self.bus.publish(event);
                    self.drain_bus();
                }
            }
            Some(Phase::Queued) | None => {}
        }
    }

    fn handle_result(&mut self, id: RunId, outcome: Outcome) {
        let Some(live) = self.runs.get(id) else { return };
        let duration_ms = match (live.granted, live.row.granted_at) {
            (Some(granted), _) => self.at.mono.since(granted).as_millis(),
            (None, granted) => {
                u64::try_from(self.at.wall - granted.unwrap_or(live.row.queued_at)).unwrap_or_default()
            }
        };
        self.scheduler.settled(live, outcome, duration_ms);
        if !live.may_be_tried_again() {
            self.end_for_good(id, outcome);
        }
    }

    /// No other attempt follows: the result is this one's.
    fn end_for_good(&mut self, id: RunId, outcome: Outcome) {
        self.scheduler.ends(id, outcome);
        if self.runs.get(id).is_some_and(|live| live.terms.deliver) {
            self.outbox.hold(Effect::Deliver { run: id, outcome });
        }
    }

    /// Arms the grace of a drain. It counts from the tick at hand, in which the turn is asked to stop, however late that
    /// is. A turn of another owner hears of nothing until that one's lease ends.
    pub(crate) fn await_stop(&mut self, id: RunId) {
        let Some(live) = self.runs.get_mut(id) else { return };
        let at = self.now.mono + self.ownership.others() + live.terms.budgets.abort_grace;
        live.alarm = Some((at, Alarm::Grace));
        self.alarms.arm(at, id);
    }

    /// Its drain ends; without proof of a stop, what it holds may be held on.
    pub(crate) fn close(&mut self, id: RunId, drain: Drain) {
        let Some(live) = self.runs.get_mut(id) else { return };
        let holds = drain == Drain::Abandoned && live.terms.on_abandon == OnAbandon::Hold;
        live.row.drain = if holds { Drain::Held } else { drain };
        live.alarm = None;
        live.touch(&mut self.changed);
        if !holds {
            self.let_go(id);
        }
    }

    /// Slot and fences go back: no turn of the run is held to be alive.
    fn let_go(&mut self, id: RunId) {
        let Some(live) = self.runs.get_mut(id) else { return };
        let held = (live.place == Place::Holding).then(|| live.wants());
        live.place = Place::Outside;
        let parent = live.row.parent;
        self.try_again(id);
        let admission = &mut self.admission;
        self.families.let_go(id, parent, held, |wants| admission.release(&wants));
        if self.scheduler.closed(id) {
            self.scheduler.remove(id.job, self.at.wall, self.tick.draft());
        }
    }

    /// Whether somebody wants another attempt of what may be tried again.
    fn is_wanted(&self, row: &RunRow) -> bool {
        let parent_open = |parent| self.runs.get(parent).is_some_and(|live| live.row.state.phase().is_some());
        self.scheduler.retries(row.id) && row.parent.is_none_or(parent_open)
    }

    /// Of what may be tried again it is decided here, and only here, whether it is. The next attempt waits for its
    /// backoff, in the same commit, so that no crash loses it; without one, or without time for one, this is the end.
    fn try_again(&mut self, id: RunId) {
        let Some(live) = self.runs.get(id).filter(|live| live.may_be_tried_again()) else { return };
        let over = live.deadlines.get(Budget::Total).is_some_and(|at| at <= self.at.mono);
        if over || !self.is_wanted(&live.row) {
            if let Some(outcome) = live.row.state.outcome() {
                self.end_for_good(id, outcome);
            }
            return;
        }
        let (terms, total) = (live.terms, live.deadlines.get(Budget::Total));
        let next = id.next_attempt();
        let wait = terms.retry.backoff.before(next.attempt);
        let enters = self.at.mono + wait;
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let row = RunRow {
            parent: live.row.parent,
            not_before: Some(self.at.wall.plus_millis(millis)),
            ..RunRow::queued(next, live.row.agent, live.row.target, self.at.wall)
        };
        let mut live = LiveRun::new(row, terms);
        live.deadlines.inherit(Budget::Total, total);
        live.deadlines.count(Budget::Queue, enters, terms.budgets.queue_timeout);
        live.touch(&mut self.changed);
        self.tick.draft().terms.push(TermsRow { run: next, terms });
        self.begin_to_wait(live);
        self.back_off(next, enters);
    }

    /// It enters its lane at `enters`, unless a budget ends before.
    pub(crate) fn back_off(&mut self, id: RunId, enters: crate::time::Mono) {
        let Some(live) = self.runs.get_mut(id) else { return };
        let total = live.deadlines.get(Budget::Total).filter(|at| *at < enters);
        let (at, alarm) = total.map_or((enters, Alarm::Enter), |at| (at, Alarm::Budget(Budget::Total)));
        live.alarm = Some((at, alarm));
        self.alarms.arm(at, id);
    }

    /// How many more runs of a job its lane lets in. One that replaces a waiter takes its place.
    pub(crate) fn room_for(&self, id: JobId) -> u32 {
        let Some(job) = self.scheduler.job(id) else { return 0 };
        let lane = job.terms.lane;
        let room = self.admission.room_in(lane);
        if room > 0 || job.overlap != Overlap::CancelOther {
            return room;
        }
        let waits =
            |live: &LiveRun| matches!(live.place, Place::Waiting(_)) && live.wants().lane == Some(lane);
        let queued = self.runs.of_job(id, |live| live.row.state == RunState::Queued);
        u32::from(queued.into_iter().any(|run| self.runs.get(run).is_some_and(waits)))
    }

    /// Cancels what is open of a job, for a run that takes its place: with that to come, the job is not through.
    pub(crate) fn make_way(&mut self, job: JobId) {
        self.scheduler.is_open(job);
        self.cancel_all(job, |_| true);
        self.scheduler.is_replaced(job);
    }

    /// Cancels the open runs of a job that `picks` picks, in the order of their ids.
    pub(crate) fn cancel_all(&mut self, job: JobId, picks: impl Fn(&RunRow) -> bool) {
        let open = |live: &LiveRun| live.row.state.phase().is_some() && picks(&live.row);
        for run in self.runs.of_job(job, open) {
            self.happen(run, RunEvent::Cancelled);
        }
    }
}
