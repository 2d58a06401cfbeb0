//! The machine: composes the rooms, one `handle` a tick.
//!
//! What is never true here: that a run settles in one commit and its session in another.

use std::collections::BTreeMap;

use educe::Educe;

use crate::admission::Admission;
use crate::commit::{Answer, LateNote, LateWord};
use crate::effect::{Effect, Input, InputKind, Report, Tick};
use crate::family::Families;
use crate::id::{RunId, SessionKey};
use crate::job::{Budget, Terms};
use crate::lane::LaneConfig;
use crate::lifecycle::TickBus;
use crate::live::{Alarm, LiveRun, LiveRuns, Place};
use crate::order::Item;
use crate::ordered::Ordered;
use crate::outbox::{Heard, Outbox};
use crate::ownership::Ownership;
use crate::ports::Bus;
use crate::run::{Drain, Race, RunEvent, RunState, Step, TimeoutRace};
use crate::scheduler::{Moment, Scheduler, Taken};
use crate::scratch::Scratch;
use crate::session::{LifecyclePersister, Persister, SessionTable};
use crate::time::{Mono, Now, Span, Timeline, Wall};
use crate::timers::Timers;
use crate::{Waiting, WaitsFor};

/// How many late notes are kept for later while the store is behind; what comes beyond is not noted.
const MOST_LATE_NOTES: usize = 1_024;

/// The limits of a machine.
#[derive(Educe, Debug, PartialEq, Eq, Hash)]
#[educe(Clone)]
pub struct Config {
    /// The lanes, by number. A machine without any has one, with the default limits.
    pub lanes: Vec<LaneConfig>,
    /// How many runs may hold a slot at once, over all lanes.
    pub running: u32,
    /// How many commits may be open before commands are refused and grants wait.
    pub open_commits: u32,
    /// How long the machine may call turns after it renewed its right to: for stores that more than one
    /// machine may want. Without, it owns the store until that answers *fenced*. The hosts of one store
    /// agree on it.
    pub lease: Option<Span>,
}

impl Default for Config {
    /// One lane with one slot, as the field has for cron, 64 open commits, and no lease.
    fn default() -> Self {
        Self { lanes: vec![LaneConfig::default()], running: u32::MAX, open_commits: 64, lease: None }
    }
}

impl Config {
    /// One lane with this many slots.
    #[must_use]
    pub fn one_lane(limit: u32) -> Self {
        Self { lanes: vec![LaneConfig { limit, ..LaneConfig::default() }], ..Self::default() }
    }
}

/// The machine with its standard rooms.
pub type StandardGateway = Gateway<TimeoutRace, LifecyclePersister, TickBus>;

/// The machine over its rooms: the race, the persister and the bus between them.
#[derive(Educe, Debug)]
#[educe(Clone)]
pub struct Gateway<R, P, B> {
    pub(crate) race: R,
    pub(crate) persister: P,
    pub(crate) bus: B,
    pub(crate) config: Config,
    pub(crate) ownership: Ownership,
    pub(crate) timeline: Timeline,
    /// The instant of the last tick, which it closed.
    pub(crate) closed: Mono,
    /// The reading of the tick at hand.
    pub(crate) now: Now,
    /// The time of the item at hand.
    pub(crate) at: Now,
    pub(crate) generations: u32,
    pub(crate) scheduler: Scheduler,
    pub(crate) admission: Admission,
    pub(crate) families: Families,
    /// Turns of others that are at work.
    pub(crate) foreign: Ordered<(SessionKey, u64)>,
    pub(crate) runs: LiveRuns,
    pub(crate) alarms: Timers<Mono, RunId>,
    pub(crate) sessions: SessionTable,
    pub(crate) outbox: Outbox,
    pub(crate) next_offset: u64,
    pub(crate) acknowledged: u64,
    /// Every event below this offset has left.
    pub(crate) published: u64,
    pub(crate) changed: Vec<RunId>,
    /// Late notes that wait until the store has room.
    pub(crate) late: BTreeMap<(RunId, LateWord), Wall>,
    pub(crate) order: Scratch<Vec<usize>>,
    pub(crate) taken: Scratch<Taken>,
    /// How many there were since spare memory was looked for.
    pub(crate) ticks: u32,
    /// In a box, so that handing it out moves no rows.
    pub(crate) tick: Scratch<Box<Tick>>,
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
            ownership: Ownership::default(),
            timeline: Timeline::default(),
            closed: Mono::default(),
            now: Now::default(),
            at: Now::default(),
            generations: 0,
            scheduler: Scheduler::default(),
            admission: Admission::default(),
            families: Families::default(),
            foreign: Ordered::default(),
            runs: LiveRuns::default(),
            alarms: Timers::default(),
            sessions: SessionTable::default(),
            outbox: Outbox::default(),
            next_offset: 0,
            acknowledged: 0,
            published: 0,
            changed: Vec::new(),
            late: BTreeMap::new(),
            order: Scratch::default(),
            taken: Scratch::default(),
            ticks: 0,
            tick: Scratch::default(),
        }
    }

    pub(crate) fn handle_tick(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.tick.clear();
        self.give_back_now_and_then();
        if !self.ownership.owns() {
            self.refuse_all(inputs);
            return &self.tick;
        }
        let opened = self.closed.tick_after();
        let now = Now { mono: now.mono.max(opened), wall: now.wall };
        self.timeline.read(now);
        self.now = Now { mono: now.mono, wall: self.timeline.wall_at(now.mono) };
        self.order_inputs(inputs, opened, now.mono);
        let mut cursor = opened;
        let mut taken = 0;
        while let Some((stamp, item)) = self.next_item(inputs, &mut taken, cursor, now.mono) {
            cursor = stamp;
            self.at = Now { mono: stamp, wall: self.timeline.wall_at(stamp) };
            self.handle_item(item, inputs);
            if !self.ownership.owns() {
                let rest: Vec<&Input> = self.order[taken..].iter().map(|place| &inputs[*place]).collect();
                self.refuse_all(rest);
                return &self.tick;
            }
        }
        self.at = self.now;
        self.grant();
        self.closed = now.mono;
        self.finish();
        &self.tick
    }

    pub(crate) fn wakeup(&self) -> Option<Mono> {
        if !self.ownership.owns() {
            return None;
        }
        let mut first = self.alarms.peek().into_iter().chain(self.ownership.next()).min();
        if self.outbox.has_room() && self.admission.can_grant() {
            return Some(self.closed.tick_after());
        }
        if let Some(due) = self.scheduler.peek_due() {
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
            RunState::Queued if live.place == Place::Outside => WaitsFor::Backoff,
            RunState::Queued => self.admission.why(&live.wants()),
            RunState::Starting if !live.start_released => WaitsFor::Commit,
            RunState::Starting => WaitsFor::Session,
            RunState::Running => WaitsFor::Turn,
            RunState::Settled(_) => WaitsFor::Stop,
        };
        Waiting { run: live.row.id, waits_for, until: live.alarm.map(|(at, _)| at) }
    }

    fn handle_item(&mut self, item: Item, inputs: &[Input]) {
        match item {
            Item::Input(place) => self.handle_input(&inputs[place].kind),
            Item::Lease => self.tend_lease(),
            Item::Alarm(run) => self.ring(run),
            Item::Due { job, until } => {
                let room = self.room_for(job);
                let moment = Moment { now: self.now.wall, until, room };
                let mut taken = std::mem::take(&mut self.taken);
                self.scheduler.take_due(job, moment, &mut taken, self.tick.draft());
                self.enqueue_all(job, &mut taken);
                self.taken = taken;
                self.remove_if_through(job);
            }
        }
    }

    fn handle_input(&mut self, kind: &InputKind) {
        match *kind {
            InputKind::Answer { commit, answer } => self.hear_answer(commit, answer),
            InputKind::Renewal { sent, answer } => self.hear_renewal(sent, answer),
            InputKind::Heard { below } => {
                // Nobody can have an event that has not left.
                self.acknowledged = self.acknowledged.max(below.min(self.published));
            }
            InputKind::Report { run, report } => self.hear_report(run, report),
            InputKind::Command { ticket, ref command } => self.command(ticket, command),
            InputKind::Foreign { key, turn, began } => self.hear_foreign(key, turn, began),
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

    fn hear_report(&mut self, run: RunId, report: Report) {
        let called = |live: &LiveRun| live.start_released || live.row.state.phase().is_none();
        if self.runs.get_mut(run).is_some_and(|live| !called(live)) {
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
                    // The alarm stays where it is, and is set anew when it rings.
                    let stall = live.terms.budgets.stall_timeout;
                    live.deadlines.count(Budget::Stall, self.at.mono, stall);
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

    /// Another part of the gateway runs a turn of its own in a session.
    fn hear_foreign(&mut self, key: SessionKey, turn: u64, began: bool) {
        if began && self.foreign.insert((key, turn), 0).is_none() {
            self.admission.take_session(key);
        } else if !began && self.foreign.remove(&(key, turn)).is_some() {
            self.admission.release_session(key);
        }
    }

    /// An alarm rings; it was taken off the heap.
    fn ring(&mut self, run: RunId) {
        let Some(live) = self.runs.get_mut(run) else { return };
        match live.alarm.take() {
            Some((_, Alarm::Enter)) => self.enter_lane(run),
            Some((_, Alarm::Grace)) => self.happen(run, RunEvent::GraceEnded),
            Some((_, Alarm::Budget(_))) => {
                let first = live.row.state.phase().and_then(|phase| live.deadlines.first(phase));
                match first.filter(|(at, _)| *at <= self.at.mono) {
                    Some((_, budget)) => self.happen(run, RunEvent::Deadline(budget)),
                    None => self.set_alarm(run),
                }
            }
            None => {}
        }
    }

    /// The one place where something happens to a run.
    pub(crate) fn happen(&mut self, id: RunId, event: RunEvent) {
        let Some(live) = self.runs.get_mut(id) else { return };
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
        if self.outbox.has_room() {
            self.tick.draft().late.push(LateNote { run, at: self.at.wall, said });
        } else if self.late.len() < MOST_LATE_NOTES {
            self.late.entry((run, said)).or_insert(self.at.wall);
        }
    }

    /// What the store had no room for goes out with the next commit.
    fn flush_late(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let kept = std::mem::take(&mut self.late).into_iter();
        self.tick.draft().late.extend(kept.map(|((run, said), at)| LateNote { run, at, said }));
    }

    /// Carries what is on the bus to the persister until nothing is.
    pub(crate) fn drain_bus(&mut self) {
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
        // While the store is behind, no commit is opened for the sake of skips and notes alone.
        if self.outbox.has_room() || !self.tick.draft().is_empty() {
            self.scheduler.flush(self.tick.draft());
            self.flush_late();
        }
        self.forget_stale_alarms();
        if self.tick.draft().is_empty() {
            let (runs, published, tick) = (&mut self.runs, &mut self.published, &mut self.tick);
            self.outbox.no_commit(&mut |effect| release(effect, runs, published, tick));
            return;
        }
        let number = self.outbox.open_next();
        let (epoch, acknowledged, offset) = (self.ownership.epoch(), self.acknowledged, self.next_offset);
        let generations = self.generations;
        let draft = self.tick.draft();
        (draft.number, draft.epoch, draft.acknowledged) = (number, epoch, acknowledged);
        draft.generations = generations;
        if draft.events.is_empty() {
            draft.first_offset = offset;
        }
        self.tick.set_committed(true);
    }

    /// Leaves a live alarm, or none, in front: the wake-up is read off there.
    fn forget_stale_alarms(&mut self) {
        let runs = &self.runs;
        self.alarms.first(|at, run| runs.rings(at, run));
        self.alarms.tidy(runs.len(), |at, run| runs.rings(at, run));
        self.scheduler.first_due();
    }

    /// Sets the alarm of an open run at the first of its deadlines.
    pub(crate) fn set_alarm(&mut self, id: RunId) {
        if let Some(live) = self.runs.get_mut(id) {
            live.set_alarm(&mut self.alarms);
        }
    }

    pub(crate) fn touch(&mut self, id: RunId) {
        if let Some(live) = self.runs.get_mut(id) {
            live.touch(&mut self.changed);
        }
    }

    /// What the runs of a declared job go by.
    pub(crate) fn terms(&self, run: RunId) -> Option<Terms> {
        let row = self.scheduler.row(run.job).filter(|row| row.generation == run.generation);
        row.and_then(|_| self.scheduler.job(run.job)).map(|job| job.terms)
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
