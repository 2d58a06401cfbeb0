//! One world: a machine, its store, its turns and what goes wrong, in virtual time.
//!
//! The world jumps from event to event. It judges every commit when it is durable and every effect
//! when it leaves, and stops at the first tick that breaks something.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::effect::{Command, Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{RunId, SessionId};
use sametick_core::job::Job;
use sametick_core::run::{Finish, RunState};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use crate::books::{Books, Table};
use crate::check::{CheckName, Failure};
use crate::digest::WorldDigest;
use crate::draw::{Choice, Draw};
use crate::judge::Judge;
use crate::label::Labels;
use crate::laws::{self, LawCounts};
use crate::record::{Beat, Fate, Recorder};
use crate::scenario::{
    CrashPoint, EventKind, FaultKind, Moment, Offset, OnAbort, Order, RunPattern, Scenario, ScenarioJob,
    TurnEnd, TurnRule, WORLD_BEGINS,
};

/// A world that handles more ticks than this is taken to go on for ever.
const MOST_TICKS: u64 = 200_000;

/// How long a host waits before it sends a commit again.
const STORE_BACKOFF: Span = Span::from_millis(1);

/// What one world came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// How many ticks it had.
    pub ticks: u64,
    /// How many things happened: inputs, and ticks that only time brought.
    pub events: u64,
    /// The digest of its ticks.
    pub digest: u64,
    /// What broke, all in one tick; nothing when the world holds.
    pub failures: Vec<Failure>,
}

/// A world over and over: its memory is used again from seed to seed.
#[derive(Debug)]
pub struct World<'s, M> {
    scenario: &'s Scenario,
    machine: M,
    rows: Rows,
    draw: Draw,
    now: Mono,
    /// The first instant of the tick at hand: the one before it closed all before.
    opened: Mono,
    /// Which life of the gateway this is, from 1; a dead one hears nothing.
    life: u32,
    up: bool,
    queue: BinaryHeap<Reverse<Happening>>,
    sequence: u64,
    inputs: Vec<Input>,
    turns: Table<RunId, Turn>,
    sessions: u32,
    judge: Judge<'s>,
    /// Commits that the store has not confirmed.
    kept: Vec<Commit>,
    fault_uses: Vec<u32>,
    heard: u64,
    heard_told: u64,
    tick: Tick,
    verdict: Verdict,
    digest: WorldDigest,
    recorder: Option<Recorder>,
    claim_hits: Vec<u64>,
    judges_claims: bool,
    tries_laws: bool,
    laws: LawCounts,
}

/// A turn of a run that was granted a slot.
#[derive(Clone, Copy, Debug)]
struct Turn {
    granted: Mono,
    /// How far from its deadline it was planned to end.
    off: Option<Offset>,
    started: bool,
    aborted: bool,
    /// After this instant it says nothing any more.
    silent_after: Option<Mono>,
    deadline_first: bool,
}

/// Something that happens at an instant; what was planned first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Happening {
    at: Mono,
    sequence: u64,
    kind: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Report { run: RunId, report: Report },
    Answer { commit: u64, answer: Answer, life: u32 },
    StoreAgain { commit: u64, life: u32 },
    Command(Command),
    Crash { down: Span },
    Restart,
}

impl Ord for Happening {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl PartialOrd for Happening {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'s, M: Machine> World<'s, M> {
    /// Worlds of this scenario with this machine.
    pub fn new(scenario: &'s Scenario, machine: M) -> Self {
        Self {
            scenario,
            machine,
            rows: Rows::default(),
            draw: Draw::default(),
            now: Mono::default(),
            opened: Mono::default(),
            life: 0,
            up: false,
            queue: BinaryHeap::new(),
            sequence: 0,
            inputs: Vec::new(),
            turns: Table::default(),
            sessions: 0,
            judge: Judge::new(scenario),
            kept: Vec::new(),
            fault_uses: vec![0; scenario.faults.len()],
            heard: 0,
            heard_told: 0,
            tick: Tick::default(),
            verdict: Verdict::default(),
            digest: WorldDigest::default(),
            recorder: None,
            claim_hits: vec![0; scenario.claims.len()],
            judges_claims: true,
            tries_laws: false,
            laws: LawCounts::default(),
        }
    }

    /// Runs the world of `seed`.
    pub fn run(&mut self, seed: u64) -> &Verdict {
        self.begin(seed);
        self.boot();
        while self.judge.failures().is_empty() && self.advance() {}
        if self.judge.failures().is_empty() {
            self.rest();
        }
        self.verdict.failures.extend_from_slice(self.judge.failures());
        self.verdict.digest = self.digest.value();
        &self.verdict
    }

    /// Runs the world of `seed` and keeps everything that happened in it.
    pub fn record(&mut self, seed: u64) -> (Verdict, Vec<Beat>) {
        self.recorder = Some(Recorder::default());
        let verdict = self.run(seed).clone();
        let beats = self.recorder.take().map(Recorder::into_beats).unwrap_or_default();
        (verdict, beats)
    }

    /// Whether the scenario's own claims are judged, beside the checks. They are, at first.
    pub const fn judge_claims(&mut self, judges: bool) {
        self.judges_claims = judges;
    }

    /// Whether the laws are tried in the worlds to come, which takes its time. They are not, at first.
    pub const fn try_laws(&mut self, tries: bool) {
        self.tries_laws = tries;
    }

    /// How often each law was tried so far.
    pub const fn law_counts(&self) -> LawCounts {
        self.laws
    }

    /// What is durable at the world's end.
    pub const fn books(&self) -> &Books {
        self.judge.books()
    }

    /// How many runs each claim has spoken of, over all worlds so far.
    pub fn claim_hits(&self) -> &[u64] {
        &self.claim_hits
    }

    /// The jobs as this world's seed declares them.
    pub fn labels(&self) -> Labels<'_> {
        self.judge.labels()
    }

    fn begin(&mut self, seed: u64) {
        self.draw = if self.scenario.is_family { Draw::new(seed) } else { Draw::default() };
        let draw = self.draw;
        self.judge.begin(self.scenario.jobs.iter().map(|planned| drawn_job(planned, &draw)));
        self.now = Mono::default();
        self.life = 0;
        self.queue.clear();
        self.sequence = 0;
        self.turns.clear();
        self.sessions = 0;
        self.kept.clear();
        self.fault_uses.fill(0);
        (self.heard, self.heard_told) = (0, 0);
        self.verdict = Verdict::default();
        self.digest = WorldDigest::default();
        let scenario = self.scenario;
        for (place, event) in scenario.timeline.iter().enumerate() {
            let at = Mono::default() + self.draw.span(event.at, Choice::Event, place as u64);
            let kind = match event.kind {
                EventKind::Cancel(pattern) => match self.run_named(pattern) {
                    Some(run) => What::Command(Command::Cancel(run)),
                    None => continue,
                },
                EventKind::Crash { down } => {
                    What::Crash { down: self.draw.span(down, Choice::Down, 1_000 + place as u64) }
                }
            };
            self.plan(at, kind);
        }
    }

    fn run_named(&self, pattern: RunPattern) -> Option<RunId> {
        let (job, row) = self.judge.jobs().iter().find(|(job, _)| job.id.0 == pattern.job)?;
        let mut due = row.next_due?;
        for _ in 1..pattern.occurrence.unwrap_or(1) {
            due = job.schedule.next_after(due)?;
        }
        Some(RunId { job: job.id, generation: 1, due, attempt: 1 })
    }

    fn plan(&mut self, at: Mono, kind: What) {
        self.sequence += 1;
        self.queue.push(Reverse(Happening { at, sequence: self.sequence, kind }));
    }

    /// The wall clock on the monotonic line.
    fn reading(&self, at: Mono) -> Now {
        let millis = i64::try_from(at.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        Now { mono: at, wall: WORLD_BEGINS.plus_millis(millis) }
    }

    /// Starts the gateway on what is durable.
    fn boot(&mut self) {
        self.life += 1;
        self.up = true;
        self.judge.books().rows_into(&mut self.rows);
        let now = self.reading(self.now);
        let mut tick = std::mem::take(&mut self.tick);
        tick.clone_from(self.machine.restart(&self.rows, u64::from(self.life), now));
        if self.life > 1 {
            self.judge.restarted(self.now, &self.machine.waiting(), &tick);
        }
        self.inputs.clear();
        self.settle_tick(&tick);
        self.tick = tick;
        if self.life > 1 && self.tries_laws && self.up && self.all_applied() {
            self.laws.recovery_twice += 1;
            let verdict = laws::recover_twice(&self.machine, self.judge.books(), u64::from(self.life), now);
            self.broken_law(verdict);
        }
    }

    /// Whether the store has taken the latest tick's commit.
    fn all_applied(&self) -> bool {
        self.tick.commit().is_none_or(|commit| commit.number == self.judge.books().last_commit)
    }

    /// One step; false when the world is at rest or left alone.
    fn advance(&mut self) -> bool {
        let wake = if self.up { self.machine.next_wakeup() } else { None };
        let next = self.queue.peek().map(|Reverse(happening)| happening.at);
        let Some(at) = wake.into_iter().chain(next).min() else { return false };
        if at.since(Mono::default()) > self.scenario.until || self.verdict.ticks >= MOST_TICKS {
            return false;
        }
        self.opened = self.now.tick_after();
        let at = at.max(self.opened);
        let now = at + self.draw.span(self.scenario.lag, Choice::Lag, at.as_nanos());
        self.now = now;
        self.inputs.clear();
        let crash = self.collect(now, wake.filter(|wake| *wake == at));
        if self.up && (!self.inputs.is_empty() || wake.is_some_and(|wake| wake <= now)) {
            self.handle(now);
        }
        if let Some(down) = crash
            && self.judge.failures().is_empty()
        {
            self.crash(down);
        }
        true
    }

    /// Takes what happens up to `now` off the queue and into the inputs. A crash ends the taking.
    fn collect(&mut self, now: Mono, rings: Option<Mono>) -> Option<Span> {
        while let Some(Reverse(happening)) = self.queue.peek().copied() {
            if happening.at > now {
                return None;
            }
            self.queue.pop();
            match happening.kind {
                What::Crash { down } => return Some(down),
                What::Restart => self.boot(),
                What::StoreAgain { commit, life } if life == self.life && self.up => self.store_again(commit),
                What::Answer { commit, answer, life } if life == self.life && self.up => {
                    self.inputs.push(Input { at: happening.at, kind: InputKind::Answer { commit, answer } });
                }
                // Nobody is left to hear them.
                What::Answer { .. } | What::StoreAgain { .. } => {}
                What::Command(command) if self.up => {
                    let ticket = happening.sequence;
                    self.inputs
                        .push(Input { at: happening.at, kind: InputKind::Command { ticket, command } });
                }
                What::Command(_) => {}
                What::Report { run, report } => self.hear(happening.at, run, report, rings),
            }
        }
        None
    }

    fn hear(&mut self, at: Mono, run: RunId, report: Report, rings: Option<Mono>) {
        let Some(turn) = self.turns.get(&run) else { return };
        if turn.silent_after.is_some_and(|silent| at > silent) || !self.up {
            return;
        }
        if turn.deadline_first && rings == Some(at) {
            self.plan(at.tick_after(), What::Report { run, report });
            return;
        }
        self.inputs.push(Input { at, kind: InputKind::Report { run, report } });
    }

    fn handle(&mut self, now: Mono) {
        if self.heard > self.heard_told {
            self.heard_told = self.heard;
            self.inputs.push(Input { at: now, kind: InputKind::Heard { below: self.heard } });
        }
        let reading = self.reading(now);
        let before = self.tries_laws.then(|| self.machine.clone());
        let mut tick = std::mem::take(&mut self.tick);
        self.machine.handle_into(reading, &self.inputs, &mut tick);
        if let Some(before) = before {
            self.try_split(&before, reading, &tick);
        }
        self.settle_tick(&tick);
        self.tick = tick;
    }

    /// Cuts the tick at the earliest instant something happened in it, if that is before its end.
    fn try_split(&mut self, before: &M, now: Now, tick: &Tick) {
        let stamps = self.inputs.iter().map(|input| input.at);
        let first = stamps.chain(before.next_wakeup()).min().map(|at| at.max(self.opened));
        let Some(at) = first.filter(|at| *at < now.mono) else { return };
        let verdict = laws::split(before, self.reading(at), now, &self.inputs, tick, self.judge.books());
        if let Some(verdict) = verdict {
            self.laws.split += 1;
            self.broken_law(verdict);
        }
    }

    fn broken_law(&mut self, verdict: Result<(), String>) {
        if let Err(message) = verdict {
            let failure = Failure { check: CheckName::Law, at: self.now, run: None, message };
            self.judge.fail(failure);
        }
    }

    /// Judges a tick and carries it out.
    fn settle_tick(&mut self, tick: &Tick) {
        self.verdict.ticks += 1;
        self.verdict.events += (self.inputs.len() as u64).max(1);
        self.digest.tick(self.now, tick);
        if let Some(recorder) = &mut self.recorder {
            recorder.tick(self.now, self.life, &self.inputs, tick);
        }
        for effect in tick.effects() {
            self.judge.effect(self.now, effect);
        }
        if let Some(commit) = tick.commit()
            && self.judge.failures().is_empty()
            && !self.store(commit)
        {
            return;
        }
        for effect in tick.effects() {
            self.carry_out(*effect);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.failed(self.judge.failures());
        }
    }

    /// Gives a commit to the store; false when the process died over it.
    fn store(&mut self, commit: &Commit) -> bool {
        let fault = if self.scenario.faults.is_empty() { None } else { self.fault_at(commit) };
        let latency = self.draw.span(self.scenario.store_answers, Choice::Answer, commit.number);
        let answers = self.now + latency;
        match fault {
            None => {
                let answer = self.apply(commit);
                if answer != Answer::Applied {
                    self.kept.push(commit.clone());
                }
                self.answer(answers, commit.number, answer);
                true
            }
            Some(FaultKind::NotApplied(_)) => {
                self.kept.push(commit.clone());
                self.answer(answers, commit.number, Answer::NotApplied);
                true
            }
            Some(FaultKind::Unknown { applied }) => {
                if applied {
                    self.apply(commit);
                }
                self.kept.push(commit.clone());
                self.answer(answers, commit.number, Answer::Unknown);
                true
            }
            Some(FaultKind::Crash { when, down }) => {
                let down = self.draw.span(down, Choice::Down, commit.number);
                match when {
                    CrashPoint::Before => {
                        self.lost(Fate::AllLost);
                        self.crash(down);
                    }
                    CrashPoint::At => {
                        self.apply(commit);
                        self.lost(Fate::EffectsLost);
                        self.crash(down);
                    }
                    CrashPoint::After => {
                        let answer = self.apply(commit);
                        self.answer(answers, commit.number, answer);
                        self.plan(answers.tick_after(), What::Crash { down });
                    }
                }
                when == CrashPoint::After
            }
        }
    }

    fn lost(&mut self, fate: Fate) {
        if let Some(recorder) = &mut self.recorder {
            recorder.lost(fate);
        }
    }

    fn answer(&mut self, at: Mono, commit: u64, answer: Answer) {
        let life = self.life;
        self.plan(at, What::Answer { commit, answer, life });
    }

    fn store_again(&mut self, number: u64) {
        let Some(place) = self.kept.iter().position(|kept| kept.number == number) else { return };
        let commit = self.kept.swap_remove(place);
        let answer = self.apply(&commit);
        if answer != Answer::Applied {
            self.kept.push(commit);
        }
        self.answer(self.now + STORE_BACKOFF, number, answer);
    }

    /// Makes a commit durable, and judges it.
    fn apply(&mut self, commit: &Commit) -> Answer {
        let answer = self.judge.commit(self.now, commit);
        if answer == Answer::Applied {
            for (before, after) in &self.judge.changes().runs {
                let was_granted = before.is_some_and(|row| row.state != RunState::Queued);
                if after.state != RunState::Queued && after.granted_at.is_some() && !was_granted {
                    self.turns.insert(after.id, Turn::granted(self.now));
                }
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.applied(self.judge.changes());
            }
        }
        answer
    }

    /// The fault planned for a commit, if there is one left.
    fn fault_at(&mut self, commit: &Commit) -> Option<FaultKind> {
        let scenario = self.scenario;
        for (place, fault) in scenario.faults.iter().enumerate() {
            let most = match fault.kind {
                FaultKind::NotApplied(times) => times,
                FaultKind::Unknown { .. } | FaultKind::Crash { .. } => 1,
            };
            let matches = |row: &sametick_core::run::RunRow| {
                let labels = self.judge.labels();
                labels.fits(fault.runs, row.id) && self.moment(row) == Some(fault.moment)
            };
            if self.fault_uses[place] < most && commit.runs.iter().any(matches) {
                self.fault_uses[place] += 1;
                return Some(fault.kind);
            }
        }
        None
    }

    /// What a row about to be written says of its run that the books do not say yet.
    fn moment(&self, row: &sametick_core::run::RunRow) -> Option<Moment> {
        let before = self.judge.books().run(row.id).map(|row| row.state);
        match row.state {
            RunState::Queued => None,
            RunState::Starting => (before != Some(RunState::Starting)).then_some(Moment::Grants),
            RunState::Running => (before != Some(RunState::Running)).then_some(Moment::Starts),
            RunState::Settled(_) => (!self.judge.books().is_settled(row.id)).then_some(Moment::Settles),
        }
    }

    fn crash(&mut self, down: Span) {
        if !self.up {
            return;
        }
        self.up = false;
        self.kept.clear();
        self.heard_told = self.heard.min(self.judge.books().acknowledged);
        if let Some(recorder) = &mut self.recorder {
            recorder.crashed(self.now);
        }
        self.plan(self.now + down, What::Restart);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Start { run } => self.start_turn(run),
            Effect::Abort { run } => self.abort_turn(run),
            Effect::Publish { offset, .. } => self.heard = self.heard.max(offset + 1),
            Effect::StoreAgain { commit } => {
                let life = self.life;
                self.plan(self.now + STORE_BACKOFF, What::StoreAgain { commit, life });
            }
            Effect::Deliver { .. } | Effect::Reply { .. } | Effect::StepDown => {}
        }
    }

    fn rule(&self, run: RunId) -> TurnRule {
        let labels = self.judge.labels();
        let fits = |rule: &&TurnRule| labels.fits(rule.runs, run);
        self.scenario.turns.iter().find(fits).copied().unwrap_or(TurnRule::PLAIN)
    }

    fn start_turn(&mut self, run: RunId) {
        let rule = self.rule(run);
        let key = turn_key(run);
        let now = self.now;
        let Some(turn) = self.turns.get(&run).copied() else { return };
        if turn.aborted || turn.started {
            return;
        }
        let ready = rule.ready.map(|ready| now + self.draw.span(ready, Choice::Ready, key));
        if let Some(ready) = ready {
            self.sessions += 1;
            let session = SessionId(self.sessions);
            self.plan(ready, What::Report { run, report: Report::Ready { session } });
        }
        let begun = ready.unwrap_or(now).tick_after();
        let budgets = self.judge.books().job(run.job).map(|(job, _)| job.budgets).unwrap_or_default();
        let due = Mono::default() + Span::from_millis((run.due - WORLD_BEGINS).unsigned_abs());
        let near = |deadline: Option<Mono>, low, high| {
            let off = self.draw.offset(low, high, Choice::Takes, key);
            deadline.map(|deadline| {
                (Mono::from_nanos(deadline.as_nanos().saturating_add_signed(off.0)).max(begun), Some(off))
            })
        };
        let end = match rule.ends {
            TurnEnd::Never => None,
            TurnEnd::After(takes) => {
                ready.map(|ready| (ready + self.draw.span(takes, Choice::Takes, key), None))
            }
            TurnEnd::NearTimeout(low, high) => {
                near(budgets.timeout.map(|span| turn.granted + span), low, high)
            }
            TurnEnd::NearTotal(low, high) => near(budgets.total_timeout.map(|span| due + span), low, high),
        };
        if let Some((end, _)) = end {
            let finish = if rule.ok { Finish::Ok } else { Finish::Failed(None) };
            self.plan(end, What::Report { run, report: Report::Completed(finish) });
        }
        let deadline_first = match rule.order {
            Order::ReportFirst => false,
            Order::DeadlineFirst => true,
            Order::Either => self.draw.coin(Choice::Order, key),
        };
        if let Some(turn) = self.turns.get_mut(&run) {
            turn.started = true;
            turn.off = end.and_then(|(_, off)| off);
            turn.deadline_first = deadline_first;
        }
    }

    fn abort_turn(&mut self, run: RunId) {
        let rule = self.rule(run);
        let now = self.now;
        let Some(turn) = self.turns.get_mut(&run) else { return };
        let again = std::mem::replace(&mut turn.aborted, true);
        match rule.on_abort {
            OnAbort::Ignores if turn.started => {}
            OnAbort::Ignores => self.plan(now.tick_after(), What::Report { run, report: Report::Stopped }),
            OnAbort::Stops(stops) => {
                let stopped = now + self.draw.span(stops, Choice::Stops, turn_key(run));
                // An abort that is repeated after a crash is answered again.
                if !again || turn.silent_after.is_some_and(|silent| silent < now) {
                    turn.silent_after = Some(stopped);
                }
                self.plan(stopped, What::Report { run, report: Report::Stopped });
            }
        }
    }

    /// Judges the world as it was left.
    fn rest(&mut self) {
        let waiting: Vec<Waiting> = if self.up { self.machine.waiting() } else { Vec::new() };
        let rested = self.queue.is_empty() && (!self.up || self.machine.next_wakeup().is_none());
        let endless = self.verdict.ticks >= MOST_TICKS;
        self.judge.end(self.now, &waiting, self.heard, rested, endless);
        if self.judges_claims {
            self.claims();
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.rested(self.now, self.judge.failures());
        }
    }

    fn claims(&mut self) {
        let mut broken = Vec::new();
        let labels = self.judge.labels();
        for (claim, hits) in self.scenario.claims.iter().zip(&mut self.claim_hits) {
            let rows = self.judge.books().runs.values().map(|book| &book.row);
            for row in rows.filter(|row| labels.fits(claim.runs, row.id)) {
                let off = self.turns.get(&row.id).and_then(|turn| turn.off);
                let near = |(low, high)| off.is_some_and(|off| (low..=high).contains(&off));
                if !claim.when.is_none_or(near) {
                    continue;
                }
                *hits += 1;
                if let Some(message) = crate::check::claim_broken(claim, row, self.judge.books(), &labels) {
                    broken.push(Failure {
                        check: CheckName::Claim,
                        at: self.now,
                        run: Some(row.id),
                        message,
                    });
                }
            }
        }
        for failure in broken {
            self.judge.fail(failure);
        }
    }
}

/// A job as a seed declares it.
fn drawn_job(planned: &ScenarioJob, draw: &Draw) -> Job {
    let shift = draw.span(planned.shift, Choice::Shift, u64::from(planned.job.id.0));
    let shift = i64::try_from(shift.as_millis()).unwrap_or(i64::MAX);
    let schedule = match planned.job.schedule {
        Schedule::At(at) => Schedule::At(at.plus_millis(shift)),
        Schedule::Every { every_ms, anchor } => {
            Schedule::Every { every_ms, anchor: anchor.plus_millis(shift) }
        }
    };
    Job { schedule, ..planned.job }
}

impl Turn {
    const fn granted(at: Mono) -> Self {
        Self {
            granted: at,
            off: None,
            started: false,
            aborted: false,
            silent_after: None,
            deadline_first: false,
        }
    }
}

impl TurnRule {
    /// A turn nobody planned: ready after 5 ms, done after a second, stops when asked to.
    const PLAIN: Self = Self {
        runs: RunPattern { job: 0, occurrence: None },
        ready: Some(crate::scenario::SpanRange::exactly(Span::from_millis(5))),
        ends: TurnEnd::After(crate::scenario::SpanRange::exactly(Span::from_secs(1))),
        ok: true,
        on_abort: OnAbort::Stops(crate::scenario::SpanRange::exactly(Span::from_millis(20))),
        order: Order::ReportFirst,
    };
}

/// The stable key of a run's choices.
fn turn_key(run: RunId) -> u64 {
    let due = run.due.as_millis().cast_unsigned();
    (u64::from(run.job.0) << 48) ^ (u64::from(run.attempt) << 40) ^ due
}
