//! Jobs that are due once, lanes, and time limits: as much of a scheduler as a small gateway may need.

use std::collections::{BTreeMap, VecDeque};

use sametick_core::commit::{JobRow, JobStatus, LastRun, LateNote, LateWord, Rows};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Refusal, Report, Tick};
use sametick_core::id::{LaneId, RunId};
use sametick_core::job::{Budget, Budgets, Job};
use sametick_core::lifecycle::{self, LifecycleEvent};
use sametick_core::outbox::Outbox;
use sametick_core::retry::FailureKind;
use sametick_core::run::{Drain, Failure, Finish, Outcome, RunRow, RunState, TimedOut};
use sametick_core::session::{LifecyclePersister, Persister, SessionTable};
use sametick_core::time::{Mono, Now, Span, Timeline};
use sametick_core::{Config, Machine, Waiting, WaitsFor};
use sametick_sim::Scenario;
use sametick_sim::machines::{AnyMachine, Own};

/// As it was meant to be.
pub(crate) const MEANT: Own =
    Own::new("other scheduler", |config, _| AnyMachine::new(Scheduler::new(config, false)))
        .that_knows(KNOWS)
        .that_plays(plays);

/// Whoever answers gives its slot back, be it long gone.
pub(crate) const SLIPPED: Own =
    Own::new("other scheduler, with a slip", |config, _| AnyMachine::new(Scheduler::new(config, true)))
        .that_knows(KNOWS)
        .that_plays(plays);

/// Jobs that are due once, with limits for the queue, the start and the whole, in lanes; a store that takes its time.
const KNOWS: &[&str] = &[
    "job.name",
    "job.agent",
    "job.at",
    "job.deliver",
    "job.queue_timeout",
    "job.start_timeout",
    "job.timeout",
    "job.abort_grace",
    "job.lane",
    "turn.*",
    "lane.limit",
    "lanes.limit",
    "store.*",
    "reports.*",
];

/// One process, whose ticks are never late.
fn plays(scenario: &Scenario) -> bool {
    scenario.hosts == 1 && scenario.config.lease.is_none() && scenario.lag.high == Span::ZERO
}

/// The scheduler.
#[derive(Clone, Debug)]
pub(crate) struct Scheduler {
    slips: bool,
    config: Config,
    jobs: Vec<(Job, JobRow)>,
    /// Runs that are not closed.
    runs: BTreeMap<RunId, Live>,
    queue: VecDeque<RunId>,
    /// Slots that are taken, by lane.
    taken: Vec<u32>,
    sessions: SessionTable,
    outbox: Outbox,
    next_offset: u64,
    epoch: u64,
    generations: u32,
    timeline: Timeline,
    closed: Mono,
    changed: BTreeMap<RunId, RunRow>,
    tick: Tick,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    row: RunRow,
    queued: Mono,
    granted: Mono,
    ready: Mono,
    /// Its start has left: a turn may be at work.
    called: bool,
    /// When it is given up, once it was asked to stop.
    grace: Option<Mono>,
}

impl Scheduler {
    fn new(config: Config, slips: bool) -> Self {
        Self {
            slips,
            config,
            jobs: Vec::new(),
            runs: BTreeMap::new(),
            queue: VecDeque::new(),
            taken: Vec::new(),
            sessions: SessionTable::default(),
            outbox: Outbox::default(),
            next_offset: 0,
            epoch: 0,
            generations: 0,
            timeline: Timeline::default(),
            closed: Mono::default(),
            changed: BTreeMap::new(),
            tick: Tick::default(),
        }
    }

    /// How many slots of a lane are taken, and how many there are.
    fn slots(&self, lane: LaneId) -> (u32, u32) {
        let limit = self.config.lanes.get(lane.index()).map_or(1, |lane| lane.limit);
        (self.taken.get(lane.index()).copied().unwrap_or_default(), limit)
    }

    fn lane(&self, run: RunId) -> LaneId {
        let job = self.jobs.iter().find(|(job, _)| job.id == run.job);
        job.map(|(job, _)| job.terms.lane).unwrap_or_default()
    }

    fn take_slot(&mut self, lane: LaneId) {
        self.taken.resize(self.taken.len().max(lane.index() + 1), 0);
        self.taken[lane.index()] += 1;
    }

    fn give_slot_back(&mut self, lane: LaneId) {
        if let Some(taken) = self.taken.get_mut(lane.index()) {
            *taken = taken.saturating_sub(1);
        }
    }

    /// Where the first stands in the queue that may begin.
    fn next(&self) -> Option<usize> {
        let is_free = |run: &RunId| {
            let (taken, limit) = self.slots(self.lane(*run));
            taken < limit && self.taken.iter().sum::<u32>() < self.config.running
        };
        self.queue.iter().position(is_free).filter(|_| self.outbox.has_room())
    }

    fn job(&mut self, run: RunId) -> Option<&mut (Job, JobRow)> {
        self.jobs.iter_mut().find(|(job, _)| job.id == run.job)
    }

    fn budgets(&self, run: RunId) -> Budgets {
        let job = self.jobs.iter().find(|(job, _)| job.id == run.job);
        job.map(|(job, _)| job.terms.budgets).unwrap_or_default()
    }

    /// When a run's time is up, and by which limit.
    fn deadline(&self, live: &Live) -> Option<(Mono, Budget)> {
        let budgets = self.budgets(live.row.id);
        let after = |from: Mono, span: Option<Span>, which| span.map(|span| (from + span, which));
        match live.row.state {
            RunState::Queued => after(live.queued, budgets.queue_timeout, Budget::Queue),
            RunState::Starting => {
                let start = after(live.granted, budgets.start_timeout, Budget::Start);
                let whole = after(live.granted, budgets.timeout, Budget::Run);
                start.into_iter().chain(whole).min()
            }
            RunState::Running => after(live.granted, budgets.timeout, Budget::Run),
            RunState::Settled(_) => live.grace.map(|at| (at, Budget::Run)),
        }
    }

    fn hear(&mut self, now: Now, input: &Input) {
        match input.kind {
            InputKind::Answer { commit, answer } => {
                let (runs, tick) = (&mut self.runs, &mut self.tick);
                self.outbox.hear(commit, answer, &mut |effect| leave(effect, runs, tick));
            }
            InputKind::Report { run, report } => self.report(now, run, report),
            InputKind::Command { ticket, ref command } => self.command(now, ticket, command),
            InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => {}
        }
    }

    /// Jobs can be added and asked for a run, which is answered once it is durable.
    fn command(&mut self, now: Now, ticket: u64, command: &Command) {
        let reply = match command {
            Command::Add(job) => {
                self.generations += 1;
                let row = JobRow::new(job.id, self.generations, job.schedule.next_after(now.wall));
                self.jobs.retain(|(known, _)| known.id != job.id);
                self.jobs.push((**job, row));
                self.tick.draft().declared.push(**job);
                self.write(row);
                Ok(Accepted::Done)
            }
            Command::RunNow(job) => match self.jobs.iter_mut().find(|(known, _)| known.id == *job) {
                Some((job, row)) => {
                    row.asked += 1;
                    let id = RunId { asked: row.asked, ..RunId::scheduled(job.id, row.generation, now.wall) };
                    let (run, written) = (RunRow::queued(id, job.agent, job.terms.target, now.wall), *row);
                    self.write(written);
                    self.enqueue(now, run);
                    Ok(Accepted::Run(id))
                }
                None => Err(Refusal::NoSuchJob),
            },
            // It has no word for what it does not do.
            Command::Edit(_)
            | Command::Remove(_)
            | Command::Pause(_)
            | Command::Disable(_)
            | Command::Resume(_)
            | Command::Spawn { .. }
            | Command::Cancel(_) => Err(Refusal::NotOwner),
        };
        match reply {
            Ok(_) => self.outbox.hold(Effect::Reply { ticket, reply }),
            Err(_) => self.tick.push(Effect::Reply { ticket, reply }),
        }
    }

    fn report(&mut self, now: Now, id: RunId, report: Report) {
        let Some(live) = self.runs.get_mut(&id) else {
            if self.slips && matches!(report, Report::Completed(_)) {
                self.give_slot_back(self.lane(id));
            }
            self.note_late(now, id, report);
            return;
        };
        match (live.row.state, report) {
            (RunState::Starting, Report::Ready { session }) => {
                live.row.state = RunState::Running;
                live.row.session = Some(session);
                live.row.started_at = Some(now.wall);
                live.row.seq += 1;
                live.ready = now.mono;
                let row = live.row;
                self.changed.insert(id, row);
                self.publish(lifecycle::started(&row, now.wall));
            }
            (RunState::Starting | RunState::Running, Report::Completed(Finish::Ok)) => {
                self.settle(now, id, Outcome::Ok, false);
            }
            (RunState::Starting | RunState::Running, Report::Completed(Finish::Failed(failure))) => {
                self.settle(now, id, Outcome::Failed(failure), false);
            }
            (RunState::Starting | RunState::Running, Report::Stopped) => {
                let failure = Failure { kind: FailureKind::Unknown, text: None };
                self.settle(now, id, Outcome::Failed(failure), false);
            }
            (RunState::Settled(_), Report::Completed(_)) => {
                self.note_late(now, id, report);
                self.close(id, Drain::Confirmed);
            }
            (RunState::Settled(_), Report::Stopped) => self.close(id, Drain::Confirmed),
            (RunState::Settled(_), Report::Ready { .. }) => self.note_late(now, id, report),
            (RunState::Queued | RunState::Running, _) | (_, Report::Progress) => {}
        }
    }

    fn note_late(&mut self, now: Now, run: RunId, report: Report) {
        let said = match report {
            Report::Ready { .. } => LateWord::Ready,
            Report::Completed(finish) => LateWord::Completed(finish),
            Report::Stopped => LateWord::Stopped,
            Report::Progress => return,
        };
        self.tick.draft().late.push(LateNote { run, at: now.wall, said });
    }

    /// A run is over, and everything that says so is in one commit.
    fn settle(&mut self, now: Now, id: RunId, outcome: Outcome, may_be_alive: bool) {
        let grace = self.budgets(id).abort_grace;
        let Some(live) = self.runs.get_mut(&id) else { return };
        let was_granted = live.row.state != RunState::Queued;
        let drains = may_be_alive && live.called;
        live.row.state = RunState::Settled(outcome);
        live.row.settled_at = Some(now.wall);
        live.row.runtime_ms = live.row.started_at.map(|_| now.mono.since(live.ready).as_millis());
        live.row.drain = if drains { Drain::Open } else { Drain::None };
        live.grace = drains.then_some(now.mono + grace);
        live.row.seq += u32::from(was_granted);
        let (row, granted) = (live.row, live.granted);
        self.changed.insert(id, row);
        if was_granted {
            self.publish(lifecycle::ended(&row, now.wall));
        } else {
            self.queue.retain(|waiting| *waiting != id);
        }
        if drains {
            self.tick.push(Effect::Abort { run: id });
        }
        self.account(
            id,
            outcome,
            &row,
            if was_granted {
                now.mono.since(granted).as_millis()
            } else {
                u64::try_from(now.wall - row.queued_at).unwrap_or_default()
            },
        );
        if !drains {
            self.let_go(id);
        }
    }

    /// What the job says of its last run, and who hears of it.
    fn account(&mut self, id: RunId, outcome: Outcome, row: &RunRow, duration_ms: u64) {
        let at = row.granted_at.unwrap_or(row.queued_at);
        let Some((job, kept)) = self.job(id) else { return };
        kept.running = kept.running.filter(|running| *running != id);
        kept.last = Some(LastRun { run: id, outcome, at, duration_ms });
        if outcome == Outcome::Ok {
            kept.consecutive_errors = 0;
        } else {
            kept.consecutive_errors += 1;
            kept.status = JobStatus::Exhausted;
        }
        let (written, delivers) = (*kept, job.terms.deliver);
        self.write(written);
        if delivers {
            self.outbox.hold(Effect::Deliver { run: id, outcome });
        }
    }

    /// A turn that was asked to stop did, or is given up.
    fn close(&mut self, id: RunId, drain: Drain) {
        let Some(live) = self.runs.get_mut(&id) else { return };
        live.row.drain = drain;
        self.changed.insert(id, live.row);
        self.let_go(id);
    }

    fn let_go(&mut self, id: RunId) {
        let gone = self.runs.remove(&id);
        if gone.is_some_and(|live| live.row.granted_at.is_some()) {
            self.give_slot_back(self.lane(id));
        }
    }

    fn publish(&mut self, event: LifecycleEvent) {
        let draft = self.tick.draft();
        if draft.events.is_empty() {
            draft.first_offset = self.next_offset;
        }
        let first = draft.sessions.len();
        LifecyclePersister.on_event(&event, &self.sessions, &mut draft.sessions);
        for patch in &draft.sessions[first..] {
            self.sessions.apply(patch);
        }
        draft.events.push(event);
        self.outbox.hold(Effect::Publish { offset: self.next_offset, event });
        self.next_offset += 1;
    }

    fn write(&mut self, row: JobRow) {
        let jobs = &mut self.tick.draft().jobs;
        match jobs.iter_mut().find(|written| written.id == row.id) {
            Some(written) => *written = row,
            None => jobs.push(row),
        }
    }

    fn take_due(&mut self, now: Now) {
        for place in 0..self.jobs.len() {
            let (job, row) = &mut self.jobs[place];
            let Some(due) = row.next_due.filter(|due| *due <= now.wall) else { continue };
            (row.next_due, row.last_due) = (None, Some(due));
            let id = RunId::scheduled(job.id, row.generation, due);
            let run = RunRow::queued(id, job.agent, job.terms.target, due);
            let written = *row;
            self.write(written);
            self.enqueue(now, run);
        }
    }

    fn enqueue(&mut self, now: Now, run: RunRow) {
        let (granted, ready) = (now.mono, now.mono);
        let live = Live { row: run, queued: now.mono, granted, ready, called: false, grace: None };
        self.runs.insert(run.id, live);
        self.changed.insert(run.id, run);
        self.queue.push_back(run.id);
    }

    fn grant(&mut self, now: Now) {
        while let Some(id) = self.next().and_then(|place| self.queue.remove(place)) {
            self.take_slot(self.lane(id));
            let Some(live) = self.runs.get_mut(&id) else { continue };
            live.row.state = RunState::Starting;
            live.row.granted_at = Some(now.wall);
            live.granted = now.mono;
            self.changed.insert(id, live.row);
            if let Some((_, row)) = self.job(id) {
                row.running = Some(id);
                let written = *row;
                self.write(written);
            }
            self.outbox.hold(Effect::Start { run: id });
        }
    }

    fn finish(&mut self) {
        let rows = std::mem::take(&mut self.changed);
        self.tick.draft().runs.extend(rows.into_values());
        if self.tick.draft().is_empty() {
            let (runs, tick) = (&mut self.runs, &mut self.tick);
            self.outbox.no_commit(&mut |effect| leave(effect, runs, tick));
            return;
        }
        let (number, epoch, offset) = (self.outbox.open_next(), self.epoch, self.next_offset);
        let generations = self.generations;
        let draft = self.tick.draft();
        (draft.number, draft.epoch, draft.generations) = (number, epoch, generations);
        if draft.events.is_empty() {
            draft.first_offset = offset;
        }
        self.tick.set_committed(true);
    }
}

/// Lets an effect out; the start of a run that is over meanwhile stays.
fn leave(effect: Effect, runs: &mut BTreeMap<RunId, Live>, tick: &mut Tick) {
    if let Effect::Start { run } = effect {
        match runs.get_mut(&run).filter(|live| live.row.state == RunState::Starting) {
            Some(live) => live.called = true,
            None => return,
        }
    }
    tick.push(effect);
}

impl Machine for Scheduler {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        *self = Self::new(self.config.clone(), self.slips);
        (self.epoch, self.generations) = (epoch, rows.generations);
        self.timeline = Timeline::through(now);
        self.closed = now.mono;
        self.jobs.clone_from(&rows.jobs);
        self.outbox.reset(rows.last_commit, u64::from(self.config.open_commits));
        self.next_offset = rows.first_offset + rows.events.len() as u64;
        self.finish();
        &self.tick
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.tick.clear();
        self.timeline.read(now);
        for input in inputs {
            self.hear(now, input);
        }
        let passed = |live: &Live| self.deadline(live).filter(|(at, _)| *at <= now.mono);
        let rung: Vec<_> = self.runs.values().filter_map(|live| Some((passed(live)?, live.row))).collect();
        for ((_, budget), row) in rung {
            match row.state.phase() {
                Some(phase) => {
                    self.settle(now, row.id, Outcome::TimedOut(TimedOut { budget, phase }), true);
                }
                None => self.close(row.id, Drain::Abandoned),
            }
        }
        self.take_due(now);
        self.grant(now);
        self.closed = now.mono;
        self.finish();
        &self.tick
    }

    fn next_wakeup(&self) -> Option<Mono> {
        let soon = self.closed.tick_after();
        if self.next().is_some() {
            return Some(soon);
        }
        let dues = self.jobs.iter().filter_map(|(_, row)| row.next_due.map(|due| self.timeline.mono_at(due)));
        let deadlines = self.runs.values().filter_map(|live| self.deadline(live).map(|(at, _)| at));
        dues.chain(deadlines).min().map(|at| at.max(soon))
    }

    fn waiting(&self) -> Vec<Waiting> {
        let waits_for = |live: &Live| match live.row.state {
            RunState::Queued => {
                let (held, limit) = self.slots(self.lane(live.row.id));
                WaitsFor::Slot { held, limit }
            }
            RunState::Starting if !live.called => WaitsFor::Commit,
            RunState::Starting => WaitsFor::Session,
            RunState::Running => WaitsFor::Turn,
            RunState::Settled(_) => WaitsFor::Stop,
        };
        let until = |live: &Live| self.deadline(live).map(|(at, _)| at);
        let waits =
            |live: &Live| Waiting { run: live.row.id, waits_for: waits_for(live), until: until(live) };
        self.runs.values().map(waits).collect()
    }
}
