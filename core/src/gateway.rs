//! The machine: composes the rooms, one `handle` a tick.
//!
//! What is never true here: that a run settles in one commit and its session in another.

use crate::commit::{Answer, LateNote, LateWord};
use crate::effect::{Command, Effect, Input, InputKind, Refusal, Report, Tick};
use crate::id::{JobId, RunId};
use crate::job::{Budget, Budgets, Job};
use crate::lane::Lane;
use crate::lifecycle::TickBus;
use crate::live::{Alarm, LiveRun, LiveRuns};
use crate::order::Item;
use crate::outbox::{Heard, Outbox};
use crate::ports::Bus;
use crate::run::{Drain, Outcome, Phase, Race, RunEvent, RunRow, RunState, Step, TimeoutRace};
use crate::scheduler::Scheduler;
use crate::session::{LifecyclePersister, Persister, SessionTable};
use crate::time::{Mono, Now, Timeline};
use crate::timers::Timers;
use crate::{Waiting, WaitsFor};

/// The limits of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// How many runs may hold a slot at once.
    pub lane_limit: u32,
    /// How many commits may be open before commands are refused and grants wait.
    pub open_commits: u32,
}

impl Default for Config {
    /// One slot, as the field's cron lane has, and 64 open commits.
    fn default() -> Self {
        Self { lane_limit: 1, open_commits: 64 }
    }
}

/// The machine with its standard rooms.
pub type StandardGateway = Gateway<TimeoutRace, LifecyclePersister, TickBus>;

/// The machine over its rooms: the race, the persister and the bus between them.
#[derive(Clone, Debug)]
pub struct Gateway<R, P, B> {
    pub(crate) race: R,
    pub(crate) persister: P,
    pub(crate) bus: B,
    pub(crate) config: Config,
    pub(crate) epoch: u64,
    pub(crate) owns_store: bool,
    pub(crate) timeline: Timeline,
    /// The reading of the last tick, which closed its instant.
    pub(crate) closed: Mono,
    /// The time of the item at hand.
    pub(crate) at: Now,
    pub(crate) scheduler: Scheduler,
    pub(crate) lane: Lane,
    pub(crate) runs: LiveRuns,
    pub(crate) alarms: Timers<Mono, RunId>,
    pub(crate) sessions: SessionTable,
    pub(crate) outbox: Outbox,
    pub(crate) next_offset: u64,
    pub(crate) acknowledged: u64,
    /// Every event below this offset has left.
    pub(crate) published: u64,
    pub(crate) changed: Vec<RunId>,
    pub(crate) order: Vec<usize>,
    pub(crate) tick: Tick,
}

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    /// A machine with these rooms that owns nothing yet: [`Machine::restart`](crate::Machine::restart) it on what a
    /// store holds.
    #[must_use]
    pub fn with_rooms(config: Config, race: R, persister: P, bus: B) -> Self {
        Self {
            race,
            persister,
            bus,
            config,
            epoch: 0,
            owns_store: false,
            timeline: Timeline::default(),
            closed: Mono::default(),
            at: Now::default(),
            scheduler: Scheduler::default(),
            lane: Lane::default(),
            runs: LiveRuns::default(),
            alarms: Timers::default(),
            sessions: SessionTable::default(),
            outbox: Outbox::default(),
            next_offset: 0,
            acknowledged: 0,
            published: 0,
            changed: Vec::new(),
            order: Vec::new(),
            tick: Tick::default(),
        }
    }

    pub(crate) fn handle_tick(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.tick.clear();
        if !self.owns_store {
            self.refuse_all(inputs);
            return &self.tick;
        }
        let opened = self.closed.tick_after();
        let now = Now { mono: now.mono.max(opened), wall: now.wall };
        self.timeline.read(now);
        self.order_inputs(inputs, opened, now.mono);
        let mut cursor = opened;
        let mut taken = 0;
        while let Some((stamp, item)) = self.next_item(inputs, &mut taken, cursor, now.mono) {
            cursor = stamp;
            self.at = Now { mono: stamp, wall: self.timeline.wall_at(stamp) };
            self.handle_item(item);
            if !self.owns_store {
                let rest: Vec<Input> = self.order[taken..].iter().map(|place| inputs[*place]).collect();
                self.refuse_all(&rest);
                return &self.tick;
            }
        }
        self.at = Now { mono: now.mono, wall: self.timeline.wall_at(now.mono) };
        self.grant();
        self.closed = now.mono;
        self.finish();
        &self.tick
    }

    pub(crate) fn wakeup(&self) -> Option<Mono> {
        if !self.owns_store {
            return None;
        }
        let mut first = self.alarms.peek();
        if self.outbox.has_room() && self.lane.can_grant() {
            return Some(self.closed.tick_after());
        }
        if self.outbox.has_room()
            && let Some(due) = self.scheduler.peek_due()
        {
            let at = self.timeline.mono_at(due);
            first = Some(first.map_or(at, |alarm| alarm.min(at)));
        }
        first.map(|at| at.max(self.closed.tick_after()))
    }

    /// What each run that is not closed waits for, in the order of their ids.
    #[must_use]
    pub fn waiting_list(&self) -> Vec<Waiting> {
        self.runs.iter().map(|live| self.waits(live)).collect()
    }

    fn waits(&self, live: &LiveRun) -> Waiting {
        let waits_for = match live.row.state {
            RunState::Queued => WaitsFor::Slot { held: self.lane.held(), limit: self.config.lane_limit },
            RunState::Starting if !live.start_released => WaitsFor::Commit,
            RunState::Starting => WaitsFor::Session,
            RunState::Running => WaitsFor::Turn,
            RunState::Settled(_) => WaitsFor::Stop,
        };
        Waiting { run: live.row.id, waits_for, until: live.alarm.map(|(at, _)| at) }
    }

    fn handle_item(&mut self, item: Item) {
        match item {
            Item::Input(input) => self.handle_input(input.kind),
            Item::Alarm(run) => self.ring(run),
            Item::Due { due, job, until } => {
                if let Some(run) = self.scheduler.take_due(due, job, until, self.tick.draft()) {
                    self.enqueue(run);
                }
            }
        }
    }

    fn handle_input(&mut self, kind: InputKind) {
        match kind {
            InputKind::Answer { commit, answer } => self.hear_answer(commit, answer),
            InputKind::Heard { below } => {
                // Nobody can have an event that has not left.
                self.acknowledged = self.acknowledged.max(below.min(self.published));
            }
            InputKind::Report { run, report } => self.hear_report(run, report),
            InputKind::Command { ticket, command } => self.command(ticket, command),
            // The tick's reading has moved the timeline already.
            InputKind::ClockStepped => {}
        }
    }

    fn hear_answer(&mut self, commit: u64, answer: Answer) {
        let (runs, published, tick) = (&mut self.runs, &mut self.published, &mut self.tick);
        let heard = self.outbox.hear(commit, answer, &mut |effect| release(effect, runs, published, tick));
        match heard {
            Heard::Durable | Heard::Again | Heard::Repeat => {}
            Heard::Fenced => self.step_down(),
        }
    }

    /// Another owner holds the store: asks every turn to stop and does nothing any more. What had
    /// become durable before it heard so still leaves; what this tick changed does not.
    fn step_down(&mut self) {
        self.owns_store = false;
        self.tick.draft().clear();
        self.changed.clear();
        let asked: Vec<RunId> = self.tick.effects().iter().filter_map(aborted).collect();
        for live in self.runs.iter().filter(|live| live.row.is_alive() && live.start_released) {
            if !asked.contains(&live.row.id) {
                self.tick.push(Effect::Abort { run: live.row.id });
            }
        }
        self.tick.push(Effect::StepDown);
    }

    /// A machine that owns nothing refuses what it is asked.
    fn refuse_all(&mut self, inputs: &[Input]) {
        for input in inputs {
            if let InputKind::Command { ticket, .. } = input.kind {
                self.tick.push(Effect::Reply { ticket, reply: Err(Refusal::NotOwner) });
            }
        }
    }

    fn hear_report(&mut self, run: RunId, report: Report) {
        let called = |live: &LiveRun| live.start_released || live.row.state.phase().is_none();
        if self.runs.get(run).is_some_and(|live| !called(live)) {
            // No turn was called yet, so nothing a turn says can be about this run.
            return;
        }
        let event = match report {
            Report::Ready { session } => {
                if let Some(live) = self.runs.get_mut(run).filter(|live| live.row.state == RunState::Starting)
                {
                    live.row.session = Some(session);
                }
                RunEvent::Ready
            }
            Report::Progress => {
                // Of a run that is over, or whose turn was not called, progress says nothing.
                let at_work = |live: &&mut LiveRun| live.start_released && live.row.state.phase().is_some();
                if let Some(live) = self.runs.get_mut(run).filter(at_work) {
                    live.row.last_progress = Some(self.at.wall);
                }
                return;
            }
            Report::Completed(finish) => RunEvent::Completed(finish),
            Report::Stopped => RunEvent::Stopped,
        };
        if self.runs.get(run).is_some() {
            self.happen(run, event);
        } else {
            self.note_late(run, event);
        }
    }

    fn command(&mut self, ticket: u64, command: Command) {
        let done = if self.outbox.has_room() {
            match command {
                Command::Add(job) => self.add(job),
                Command::Cancel(run) => self.cancel(run),
            }
        } else {
            Err(Refusal::StoreBehind)
        };
        let reply = Effect::Reply { ticket, reply: done };
        match done {
            Ok(()) => self.outbox.hold(reply),
            Err(_) => self.tick.push(reply),
        }
    }

    fn add(&mut self, job: Job) -> Result<(), Refusal> {
        if self.scheduler.job(job.id).is_some() {
            return Err(Refusal::JobExists);
        }
        // An occurrence due at this very instant still counts.
        let first = job.schedule.next_after(self.at.wall.plus_millis(-1)).ok_or(Refusal::NeverDue)?;
        self.scheduler.declare(job, first);
        self.tick.draft().declared.push(job);
        Ok(())
    }

    fn cancel(&mut self, run: RunId) -> Result<(), Refusal> {
        let open = self.runs.get(run).is_some_and(|live| live.row.state.phase().is_some());
        if !open {
            return Err(Refusal::NoSuchRun);
        }
        self.happen(run, RunEvent::Cancelled);
        Ok(())
    }

    /// An alarm rings; it was taken off the heap.
    fn ring(&mut self, run: RunId) {
        let Some(live) = self.runs.get_mut(run) else { return };
        match live.alarm.take() {
            Some((_, Alarm::Budget(budget))) => self.happen(run, RunEvent::Deadline(budget)),
            Some((_, Alarm::Grace)) => self.happen(run, RunEvent::GraceEnded),
            None => {}
        }
    }

    /// Puts a new run at the end of its lane.
    pub(crate) fn enqueue(&mut self, id: RunId) {
        let Some(agent) = self.scheduler.job(id.job).map(|job| job.agent) else { return };
        self.scheduler.fence(id.job);
        self.runs.insert(LiveRun::new(RunRow::queued(id, agent, self.at.wall)));
        self.touch(id);
        self.wait_in_lane(id);
    }

    /// Enters the lane and arms what a queued run is bound by, from now.
    pub(crate) fn wait_in_lane(&mut self, id: RunId) {
        let budgets = self.budgets(id.job);
        let Some(live) = self.runs.get_mut(id) else { return };
        live.ticket = Some(self.lane.enter(id));
        live.total_deadline = budgets.total_timeout.map(|span| self.at.mono + span);
        let queue = budgets.queue_timeout.map(|span| (self.at.mono + span, Budget::Queue));
        let total = live.total_deadline.map(|at| (at, Budget::Total));
        self.arm(id, earlier(queue, total));
    }

    /// Gives free slots to waiters: last in a tick, at its own time.
    pub(crate) fn grant(&mut self) {
        while self.outbox.has_room() {
            let Some(run) = self.lane.grant() else { break };
            if let Some(live) = self.runs.get_mut(run) {
                live.holds_slot = true;
                live.ticket = None;
            }
            self.happen(run, RunEvent::Granted);
        }
    }

    /// The one place where something happens to a run.
    pub(crate) fn happen(&mut self, id: RunId, event: RunEvent) {
        let Some(live) = self.runs.get(id) else { return };
        match self.race.step(&live.row, event) {
            Step::Start => self.start(id),
            Step::Open => self.open(id),
            Step::Settle(outcome) => self.settle(id, outcome, false),
            Step::SettleAndDrain(outcome) => self.settle(id, outcome, true),
            Step::Close(drain) => self.close(id, drain),
            Step::LateAndClose => {
                self.note_late(id, event);
                self.close(id, Drain::Confirmed);
            }
            Step::Late => self.note_late(id, event),
            Step::Repeat | Step::Stale => {}
        }
        self.drain_bus();
    }

    fn start(&mut self, id: RunId) {
        let timeout = self.budgets(id.job).timeout;
        let Some(live) = self.runs.get_mut(id) else { return };
        live.row.state = RunState::Starting;
        live.row.granted_at = Some(self.at.wall);
        live.granted = Some(self.at.mono);
        let run = timeout.map(|span| (self.at.mono + span, Budget::Run));
        let total = live.total_deadline.map(|at| (at, Budget::Total));
        self.touch(id);
        self.arm(id, earlier(run, total));
        self.scheduler.granted(id);
        self.outbox.hold(Effect::Start { run: id });
    }

    fn open(&mut self, id: RunId) {
        let Some(live) = self.runs.get_mut(id) else { return };
        live.row.state = RunState::Running;
        live.row.started_at = Some(self.at.wall);
        live.ready = Some(self.at.mono);
        live.row.seq += 1;
        self.race.opened(&live.row, &self.at, &mut self.bus);
        self.touch(id);
    }

    fn settle(&mut self, id: RunId, outcome: Outcome, may_be_alive: bool) {
        let at = self.at;
        let Some(live) = self.runs.get_mut(id) else { return };
        let phase = live.row.state.phase();
        live.row.state = RunState::Settled(outcome);
        live.row.settled_at = Some(live.row.started_at.map_or(at.wall, |started| started.max(at.wall)));
        live.row.runtime_ms = live.ready.map(|ready| at.mono.since(ready).as_millis());
        live.alarm = None;
        let drains = may_be_alive && live.start_released;
        live.row.drain = if drains { Drain::Open } else { Drain::None };
        if let Some(ticket) = live.ticket.take() {
            self.lane.leave(ticket);
        }
        self.touch(id);
        if drains {
            self.tick.push(Effect::Abort { run: id });
            self.await_stop(id);
        } else {
            self.let_go(id);
        }
        self.publish_end(id, phase);
        self.handle_result(id, outcome);
    }

    /// A run that was granted a slot has a lifecycle to end; one that ends in its queue has none.
    fn publish_end(&mut self, id: RunId, phase: Option<Phase>) {
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
        self.scheduler.settled(&live.row, outcome, duration_ms);
        if self.scheduler.job(id.job).is_some_and(|job| job.deliver) {
            self.outbox.hold(Effect::Deliver { run: id, outcome });
        }
    }

    /// Arms the grace of a drain.
    pub(crate) fn await_stop(&mut self, id: RunId) {
        let at = self.at.mono + self.budgets(id.job).abort_grace;
        if let Some(live) = self.runs.get_mut(id) {
            live.alarm = Some((at, Alarm::Grace));
            self.alarms.arm(at, id);
        }
    }

    fn close(&mut self, id: RunId, drain: Drain) {
        let Some(live) = self.runs.get_mut(id) else { return };
        live.row.drain = drain;
        live.alarm = None;
        self.touch(id);
        self.let_go(id);
    }

    /// Slot and overlap fence go back: no turn of the run is held to be alive.
    fn let_go(&mut self, id: RunId) {
        let Some(live) = self.runs.get_mut(id) else { return };
        if std::mem::take(&mut live.holds_slot) {
            self.lane.release();
        }
        self.scheduler.unfence(id.job);
    }

    fn note_late(&mut self, run: RunId, event: RunEvent) {
        let said = match event {
            RunEvent::Ready => LateWord::Ready,
            RunEvent::Completed(finish) => LateWord::Completed(finish),
            RunEvent::Stopped => LateWord::Stopped,
            RunEvent::Granted
            | RunEvent::Deadline(_)
            | RunEvent::GraceEnded
            | RunEvent::Cancelled
            | RunEvent::Interrupted => return,
        };
        let note = LateNote { run, at: self.at.wall, said };
        self.tick.draft().late.push(note);
    }

    /// Carries what is on the bus to the persister until nothing is.
    fn drain_bus(&mut self) {
        while let Some(event) = self.bus.next() {
            let draft = self.tick.draft();
            let first = draft.sessions.len();
            self.persister.on_event(&event, &self.sessions, &mut draft.sessions);
            for patch in &draft.sessions[first..] {
                self.sessions.apply(patch);
            }
            if draft.events.is_empty() {
                draft.first_offset = self.next_offset;
            }
            draft.events.push(event);
            self.outbox.hold(Effect::Publish { offset: self.next_offset, event });
            self.next_offset += 1;
        }
    }

    /// Makes the commit of the tick, if anything changed.
    pub(crate) fn finish(&mut self) {
        self.changed.sort_unstable();
        for id in self.changed.drain(..) {
            let Some(live) = self.runs.get_mut(id) else { continue };
            live.changed = false;
            let row = live.row;
            self.tick.draft().runs.push(row);
            if row.is_closed() {
                self.runs.remove(id);
            }
        }
        self.scheduler.flush(self.tick.draft());
        self.forget_stale_alarms();
        if self.tick.draft().is_empty() {
            let (runs, published, tick) = (&mut self.runs, &mut self.published, &mut self.tick);
            self.outbox.no_commit(&mut |effect| release(effect, runs, published, tick));
            return;
        }
        let number = self.outbox.open_next();
        let (epoch, acknowledged, offset) = (self.epoch, self.acknowledged, self.next_offset);
        let draft = self.tick.draft();
        (draft.number, draft.epoch, draft.acknowledged) = (number, epoch, acknowledged);
        if draft.events.is_empty() {
            draft.first_offset = offset;
        }
        self.tick.set_committed(true);
    }

    /// Leaves a live alarm, or none, in front: the wake-up is read off there.
    fn forget_stale_alarms(&mut self) {
        let runs = &self.runs;
        self.alarms.first(|at, run| rings(runs, at, run));
        self.alarms.tidy(runs.len(), |at, run| rings(runs, at, run));
        self.scheduler.first_due();
    }

    pub(crate) fn arm(&mut self, id: RunId, alarm: Option<(Mono, Budget)>) {
        let Some(live) = self.runs.get_mut(id) else { return };
        live.alarm = alarm.map(|(at, budget)| (at, Alarm::Budget(budget)));
        if let Some((at, _)) = alarm {
            self.alarms.arm(at, id);
        }
    }

    pub(crate) fn touch(&mut self, id: RunId) {
        if let Some(live) = self.runs.get_mut(id)
            && !live.changed
        {
            live.changed = true;
            self.changed.push(id);
        }
    }

    fn budgets(&self, job: JobId) -> Budgets {
        self.scheduler.job(job).map_or_else(Budgets::default, |job| job.budgets)
    }
}

/// Lets an effect out, but for the start of a run that settled while it was held.
fn release(effect: Effect, runs: &mut LiveRuns, published: &mut u64, tick: &mut Tick) {
    if let Effect::Publish { offset, .. } = effect {
        *published = (*published).max(offset + 1);
    }
    if let Effect::Start { run } = effect {
        match runs.get_mut(run).filter(|live| live.row.state == RunState::Starting) {
            Some(live) => live.start_released = true,
            None => return,
        }
    }
    tick.push(effect);
}

const fn aborted(effect: &Effect) -> Option<RunId> {
    if let Effect::Abort { run } = effect { Some(*run) } else { None }
}

pub(crate) fn rings(runs: &LiveRuns, at: Mono, run: RunId) -> bool {
    runs.get(run).and_then(|live| live.alarm).is_some_and(|(set, _)| set == at)
}

/// The earlier of two deadlines; the narrower budget when they are one instant.
fn earlier(one: Option<(Mono, Budget)>, other: Option<(Mono, Budget)>) -> Option<(Mono, Budget)> {
    [one, other].into_iter().flatten().min()
}
