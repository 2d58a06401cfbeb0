//! The field in miniature: a small gateway that races a turn against a timer and rejects.
//!
//! It is a machine of its own, not the core with something taken out: jobs become due, wait for a
//! slot, open a session and end. Lifecycle events come from the turn's side only. When the timer
//! wins, the run is recorded as timed out and the turn is aborted; the turn, aborted, never says
//! that it ended. The three near-fixes that were measured in the field are its other flaws.

use std::collections::{BTreeMap, VecDeque};

use sametick_core::commit::{JobRow, JobStatus, LastRun, Rows};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Refusal, Report, Tick};
use sametick_core::id::RunId;
use sametick_core::job::{Budget, Job};
use sametick_core::lifecycle::{self, LifecycleEvent};
use sametick_core::outbox::Outbox;
use sametick_core::run::{Finish, Outcome, Phase, RunRow, RunState, TimedOut};
use sametick_core::session::{
    LifecyclePersister, Persister, SessionChange, SessionPatch, SessionRow, SessionTable,
};
use sametick_core::time::{Mono, Now, Span, Timeline};
use sametick_core::{Config, Machine, Waiting, WaitsFor};

/// How long the patched release holds a lifecycle error.
const GRACE: Span = Span::from_secs(15);

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The timeout publishes nothing.
    Race,
    /// The timeout publishes, and errors are held for 15 s.
    Grace,
    /// The timeout publishes; each end writes the session row back from the copy before its start.
    WholeRow,
    /// The timeout publishes when every run that was granted with it has ended.
    Batch,
}

/// The miniature.
#[derive(Clone, Debug)]
pub struct FieldGateway {
    flaw: Flaw,
    config: Config,
    jobs: Vec<(Job, JobRow)>,
    runs: BTreeMap<RunId, FieldRun>,
    queue: VecDeque<RunId>,
    held: u32,
    sessions: SessionTable,
    outbox: Outbox,
    next_offset: u64,
    epoch: u64,
    grace: Vec<(Mono, LifecycleEvent)>,
    next_batch: u64,
    changed_runs: Vec<RunRow>,
    timeline: Timeline,
    closed: Mono,
    tick: Tick,
}

#[derive(Clone, Copy, Debug)]
struct FieldRun {
    row: RunRow,
    granted: Mono,
    ready: Mono,
    batch: u64,
    /// An outcome that waits for the rest of its batch.
    waiting: Option<Outcome>,
    copy: Option<SessionRow>,
}

impl FieldGateway {
    /// A miniature with this flaw.
    #[must_use]
    pub fn new(config: Config, flaw: Flaw) -> Self {
        Self {
            flaw,
            config,
            jobs: Vec::new(),
            runs: BTreeMap::new(),
            queue: VecDeque::new(),
            held: 0,
            sessions: SessionTable::default(),
            outbox: Outbox::default(),
            next_offset: 0,
            epoch: 0,
            grace: Vec::new(),
            next_batch: 0,
            changed_runs: Vec::new(),
            timeline: Timeline::default(),
            closed: Mono::default(),
            tick: Tick::default(),
        }
    }

    fn limit(&self) -> u32 {
        self.config.lanes.first().map_or(1, |lane| lane.limit)
    }

    fn deadline(&self, run: &FieldRun) -> Option<(Mono, Budget)> {
        let (job, _) = self.jobs.iter().find(|(job, _)| job.id == run.row.id.job)?;
        let due = self.timeline.mono_at(run.row.id.due);
        let total = job.terms.budgets.total_timeout.map(|span| (due + span, Budget::Total));
        let own = if run.row.state == RunState::Queued {
            job.terms.budgets.queue_timeout.map(|span| (due + span, Budget::Queue))
        } else {
            job.terms.budgets.timeout.map(|span| (run.granted + span, Budget::Run))
        };
        own.into_iter().chain(total).min()
    }

    /// The timers that are set, with whose they are; an outcome that waits has none.
    fn timers(&self) -> impl Iterator<Item = (Mono, Budget, RunId)> {
        self.runs
            .values()
            .filter(|run| run.waiting.is_none())
            .filter_map(|run| self.deadline(run).map(|(at, budget)| (at, budget, run.row.id)))
    }

    fn hear(&mut self, now: Now, input: &Input) {
        match input.kind {
            InputKind::Answer { commit, answer } => {
                let tick = &mut self.tick;
                let runs = &self.runs;
                self.outbox.hear(commit, answer, &mut |effect| {
                    let stale = matches!(effect, Effect::Start { run } if !runs.contains_key(&run));
                    if !stale {
                        tick.push(effect);
                    }
                });
            }
            InputKind::Report { run, report } => self.report(now, run, report),
            InputKind::Command { ticket, command: Command::Cancel(run) } => {
                let known = self.runs.contains_key(&run);
                let reply = if known { Ok(Accepted::Done) } else { Err(Refusal::NoSuchRun) };
                self.end(now, run, Outcome::Cancelled, true);
                self.tick.push(Effect::Reply { ticket, reply });
            }
            InputKind::Command { ticket, command: Command::Add(ref job) } => {
                self.jobs.push((**job, JobRow::new(job.id, 1, job.schedule.next_after(now.wall))));
                self.tick.push(Effect::Reply { ticket, reply: Ok(Accepted::Done) });
            }
            InputKind::Command { ticket, command: Command::RunNow(job) } => {
                let known = self.jobs.iter_mut().find(|(known, _)| known.id == job);
                let run = known.map(|(job, row)| {
                    row.asked += 1;
                    let id = RunId { asked: row.asked, ..RunId::scheduled(job.id, row.generation, now.wall) };
                    RunRow::queued(id, job.agent, job.terms.target, now.wall)
                });
                let reply = run.map_or(Err(Refusal::NoSuchJob), |row| Ok(Accepted::Run(row.id)));
                run.into_iter().for_each(|row| self.queue(now, row));
                self.tick.push(Effect::Reply { ticket, reply });
            }
            // The miniature knows no other command.
            InputKind::Command { ticket, .. } => {
                self.tick.push(Effect::Reply { ticket, reply: Err(Refusal::NotOwner) });
            }
            InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => {}
        }
    }

    fn report(&mut self, now: Now, id: RunId, report: Report) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        match report {
            Report::Ready { session } if run.row.state == RunState::Starting => {
                run.row.state = RunState::Running;
                run.row.session = Some(session);
                run.row.started_at = Some(now.wall);
                run.ready = now.mono;
                run.row.seq += 1;
                run.copy = Some(SessionRow::blank(run.row.session_key()));
                let row = run.row;
                self.changed_runs.push(row);
                self.publish(lifecycle::started(&row, now.wall));
            }
            Report::Completed(finish) => {
                let outcome = match finish {
                    Finish::Ok => Outcome::Ok,
                    Finish::Failed(text) => Outcome::Failed(text),
                };
                self.end(now, id, outcome, false);
            }
            Report::Ready { .. } | Report::Progress | Report::Stopped => {}
        }
    }

    /// A run's end, which a batch may hold back.
    fn end(&mut self, now: Now, id: RunId, outcome: Outcome, abort: bool) {
        let Some(run) = self.runs.get_mut(&id).filter(|run| run.waiting.is_none()) else { return };
        if abort && run.row.state != RunState::Queued {
            self.tick.push(Effect::Abort { run: id });
        }
        run.waiting = Some(outcome);
        let batch = run.batch;
        let open =
            |run: &FieldRun| run.batch == batch && run.waiting.is_none() && run.row.state != RunState::Queued;
        let granted = run.row.state != RunState::Queued;
        if self.flaw == Flaw::Batch && granted && self.runs.values().any(open) {
            return;
        }
        let ended: Vec<(RunId, Outcome)> = self
            .runs
            .values()
            .filter(|run| run.row.id == id || self.flaw == Flaw::Batch && run.batch == batch)
            .filter_map(|run| run.waiting.map(|outcome| (run.row.id, outcome)))
            .collect();
        for (id, outcome) in ended {
            self.settle(now, id, outcome);
        }
    }

    fn settle(&mut self, now: Now, id: RunId, outcome: Outcome) {
        let Some(mut run) = self.runs.remove(&id) else { return };
        let granted = run.row.state != RunState::Queued;
        run.row.state = RunState::Settled(outcome);
        run.row.settled_at = Some(now.wall);
        run.row.runtime_ms = run.row.started_at.map(|_| now.mono.since(run.ready).as_millis());
        if granted {
            self.held -= 1;
            run.row.seq += 1;
            self.publish_end(now, &run, outcome);
        } else {
            self.queue.retain(|waiting| *waiting != id);
        }
        self.changed_runs.push(run.row);
        let at = run.row.granted_at.unwrap_or(run.row.queued_at);
        let duration_ms = u64::try_from(now.wall - at).unwrap_or_default();
        let deliver = self.write_job(id, |row| {
            row.running = row.running.filter(|running| *running != id);
            row.last = Some(LastRun { run: id, outcome, at, duration_ms });
            row.consecutive_errors =
                if outcome == Outcome::Ok { 0 } else { row.consecutive_errors.saturating_add(1) };
            // The field disables a job that was due once and did not end well.
            if outcome != Outcome::Ok && row.next_due.is_none() {
                row.status = JobStatus::Exhausted;
            }
        });
        if deliver {
            self.outbox.hold(Effect::Deliver { run: id, outcome });
        }
    }

    fn publish_end(&mut self, now: Now, run: &FieldRun, outcome: Outcome) {
        let event = lifecycle::ended(&run.row, now.wall);
        match (self.flaw, outcome) {
            // The race has rejected; the turn, aborted, never says that it ended.
            (Flaw::Race, Outcome::TimedOut(_)) => {}
            (Flaw::Grace, Outcome::TimedOut(_) | Outcome::Failed(_)) => {
                self.grace.push((now.mono + GRACE, event))
            }
            (Flaw::Race | Flaw::Grace | Flaw::WholeRow | Flaw::Batch, _) => self.publish(event),
        }
        if let (Flaw::WholeRow, Some(copy)) = (self.flaw, run.copy) {
            let change = SessionChange::Replace(copy);
            self.tick.draft().sessions.push(SessionPatch { key: copy.key, updated_at: now.wall, change });
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

    /// Changes a job's row; whether the job delivers.
    fn write_job(&mut self, id: RunId, change: impl FnOnce(&mut JobRow)) -> bool {
        let Some((job, row)) = self.jobs.iter_mut().find(|(job, _)| job.id == id.job) else { return false };
        change(row);
        let (row, jobs) = (*row, &mut self.tick.draft().jobs);
        match jobs.iter_mut().find(|written| written.id == row.id) {
            Some(written) => *written = row,
            None => jobs.push(row),
        }
        job.terms.deliver
    }

    fn take_due(&mut self, now: Now) {
        for place in 0..self.jobs.len() {
            while let Some(due) = self.jobs[place].1.next_due.filter(|due| *due <= now.wall) {
                let (job, row) = &mut self.jobs[place];
                row.next_due = job.schedule.next_after(due);
                let id = RunId::scheduled(job.id, row.generation, due);
                let busy = self.runs.keys().any(|run| run.job == job.id);
                let (agent, target) = (job.agent, job.terms.target);
                self.write_job(id, |_| ());
                if !busy {
                    self.queue(now, RunRow::queued(id, agent, target, due));
                }
            }
        }
    }

    fn queue(&mut self, now: Now, row: RunRow) {
        let run = FieldRun { row, granted: now.mono, ready: now.mono, batch: 0, waiting: None, copy: None };
        self.runs.insert(row.id, run);
        self.changed_runs.push(row);
        self.queue.push_back(row.id);
    }

    fn grant(&mut self, now: Now) {
        self.next_batch += 1;
        while self.held < self.limit() {
            let Some(id) = self.queue.pop_front() else { break };
            let Some(run) = self.runs.get_mut(&id) else { continue };
            self.held += 1;
            run.row.state = RunState::Starting;
            run.row.granted_at = Some(now.wall);
            run.granted = now.mono;
            run.batch = self.next_batch;
            let row = run.row;
            self.changed_runs.push(row);
            self.write_job(id, |job| job.running = Some(id));
            self.outbox.hold(Effect::Start { run: id });
        }
    }

    fn finish(&mut self) {
        let mut written: BTreeMap<RunId, RunRow> = BTreeMap::new();
        for row in self.changed_runs.drain(..) {
            written.insert(row.id, row);
        }
        self.tick.draft().runs.extend(written.values());
        let tick = &mut self.tick;
        if tick.draft().is_empty() {
            let mut ready = Vec::new();
            self.outbox.no_commit(&mut |effect| ready.push(effect));
            for effect in ready {
                tick.push(effect);
            }
            return;
        }
        let draft = tick.draft();
        draft.number = self.outbox.open_next();
        draft.epoch = self.epoch;
        if draft.events.is_empty() {
            draft.first_offset = self.next_offset;
        }
        tick.set_committed(true);
    }
}

impl Machine for FieldGateway {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        *self = Self::new(self.config.clone(), self.flaw);
        self.epoch = epoch;
        self.timeline = Timeline::through(now);
        self.closed = now.mono;
        self.jobs.clone_from(&rows.jobs);
        self.outbox.reset(rows.last_commit, u64::from(self.config.open_commits));
        self.next_offset = rows.first_offset + rows.events.len() as u64;
        for row in &rows.sessions {
            let change = SessionChange::Replace(*row);
            self.sessions.apply(&SessionPatch { key: row.key, updated_at: row.updated_at, change });
        }
        for (offset, event) in (rows.first_offset..).zip(&rows.events) {
            self.tick.push(Effect::Publish { offset, event: *event });
        }
        for row in rows.runs.iter().filter(|row| !row.is_closed()) {
            let run = FieldRun {
                row: *row,
                granted: now.mono,
                ready: now.mono,
                batch: 0,
                waiting: None,
                copy: None,
            };
            self.runs.insert(row.id, run);
            match row.state.phase() {
                Some(Phase::Queued) => self.queue.push_back(row.id),
                Some(phase) => {
                    self.held += 1;
                    self.settle(now, row.id, Outcome::Interrupted(phase));
                }
                None => {}
            }
        }
        self.finish();
        &self.tick
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.tick.clear();
        self.timeline.read(now);
        let now = Now { mono: now.mono, wall: self.timeline.wall_at(now.mono) };
        for input in inputs {
            self.hear(now, input);
        }
        let rung: Vec<_> = self.timers().filter(|(at, ..)| *at <= now.mono).collect();
        for (_, budget, id) in rung {
            let phase = self.runs.get(&id).and_then(|run| run.row.state.phase()).unwrap_or(Phase::Running);
            self.end(now, id, Outcome::TimedOut(TimedOut { budget, phase }), true);
        }
        let over: Vec<_> = self.grace.extract_if(.., |(at, _)| *at <= now.mono).collect();
        for (_, event) in over {
            self.publish(event);
        }
        self.take_due(now);
        self.grant(now);
        self.closed = now.mono;
        self.finish();
        &self.tick
    }

    fn next_wakeup(&self) -> Option<Mono> {
        let dues = self.jobs.iter().filter_map(|(_, row)| row.next_due.map(|due| self.timeline.mono_at(due)));
        let grace = self.grace.iter().map(|(at, _)| *at);
        let timers = self.timers().map(|(at, ..)| at);
        if self.held < self.limit() && !self.queue.is_empty() {
            return Some(self.closed.tick_after());
        }
        dues.chain(grace).chain(timers).min().map(|at| at.max(self.closed.tick_after()))
    }

    fn waiting(&self) -> Vec<Waiting> {
        let waits = |run: &FieldRun| match run.row.state {
            RunState::Queued => WaitsFor::Slot { held: self.held, limit: self.limit() },
            RunState::Starting => WaitsFor::Session,
            RunState::Running | RunState::Settled(_) => WaitsFor::Turn,
        };
        self.runs
            .values()
            .map(|run| Waiting {
                run: run.row.id,
                waits_for: waits(run),
                until: self.deadline(run).map(|(at, _)| at),
            })
            .collect()
    }
}
