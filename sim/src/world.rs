//! One world: a machine, its store, its turns and what goes wrong, in virtual time.
//!
//! The world jumps from event to event. It judges every commit when it is durable and every effect
//! when it leaves, and stops at the first tick that breaks something.

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::effect::{Command, Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{JobId, RunId, SessionId};
use sametick_core::job::Job;
use sametick_core::run::RunState;
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use crate::agenda::{Agenda, What};
use crate::books::{Books, Table};
use crate::check::{CheckName, Failure};
use crate::digest::WorldDigest;
use crate::judge::Judge;
use crate::label::Labels;
use crate::laws::{self, LawCounts};
use crate::record::{Beat, Fate, Recorder};
use crate::scenario::{
    CrashPoint, EventKind, FaultKind, JobCommand, Moment, Offset, RunPattern, Scenario, reading,
};
use crate::script::Script;

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
    script: Script<'s>,
    now: Mono,
    /// The first instant of the tick at hand: the one before it closed all before.
    opened: Mono,
    /// Which life of the gateway this is, from 1; a dead one hears nothing.
    life: u32,
    up: bool,
    agenda: Agenda,
    inputs: Vec<Input>,
    turns: Table<RunId, Turn>,
    sessions: u32,
    judge: Judge<'s>,
    /// Commits that the store has not confirmed.
    kept: Vec<Kept>,
    faults_used: Vec<bool>,
    heard: u64,
    heard_told: u64,
    /// By how many milliseconds the wall clock is off from where it would be without steps.
    stepped: i64,
    /// Results that left.
    delivered: Vec<RunId>,
    tick: Tick,
    verdict: Verdict,
    digest: WorldDigest,
    recorder: Option<Recorder>,
    claim_hits: Vec<u64>,
    judges_claims: bool,
    tries_laws: bool,
    laws: LawCounts,
}

/// A commit that the store has not confirmed.
#[derive(Clone, Debug)]
struct Kept {
    commit: Commit,
    /// What the clocks showed to the tick that said it.
    said: Now,
    /// How many times more the store refuses it.
    refusals: u32,
}

/// A turn of a run that was granted a slot.
#[derive(Clone, Copy, Debug)]
struct Turn {
    granted: Mono,
    /// How far from its deadline it was planned to end.
    off: Option<Offset>,
    started: bool,
    aborted: bool,
    /// Whether it ended by itself.
    ended: bool,
    /// After this instant it says nothing any more.
    silent_after: Option<Mono>,
    deadline_first: bool,
}

impl<'s, M: Machine> World<'s, M> {
    /// Worlds of this scenario with this machine.
    pub fn new(scenario: &'s Scenario, machine: M) -> Self {
        Self {
            scenario,
            machine,
            rows: Rows::default(),
            script: Script::new(scenario, 0),
            now: Mono::default(),
            opened: Mono::default(),
            life: 0,
            up: false,
            agenda: Agenda::default(),
            inputs: Vec::new(),
            turns: Table::default(),
            sessions: 0,
            judge: Judge::new(scenario),
            kept: Vec::new(),
            faults_used: vec![false; scenario.faults.len()],
            heard: 0,
            heard_told: 0,
            stepped: 0,
            delivered: Vec::new(),
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
        self.script = Script::new(self.scenario, seed);
        self.judge.begin(self.script.jobs());
        self.now = Mono::default();
        self.life = 0;
        self.agenda.clear();
        self.turns.clear();
        self.sessions = 0;
        self.kept.clear();
        self.faults_used.fill(false);
        (self.heard, self.heard_told) = (0, 0);
        self.stepped = 0;
        self.delivered.clear();
        self.verdict = Verdict::default();
        self.digest = WorldDigest::default();
        let scenario = self.scenario;
        for (place, event) in scenario.timeline.iter().enumerate() {
            let at = self.script.event_at(place, event.at);
            self.agenda.plan(at, What::Event(place));
        }
    }

    /// The nth event of the timeline happens; says how long the gateway is down that it kills.
    fn befall(&mut self, place: usize, at: Mono, ticket: u64) -> Option<Span> {
        let scenario = self.scenario;
        let kind = match scenario.timeline[place].kind {
            EventKind::Crash { down } => return Some(self.script.event_down(place, down)),
            EventKind::Clock { low, high, noticed } => {
                self.stepped = self.stepped.saturating_add(self.script.event_step(place, low, high));
                self.agenda.plan(at + self.script.event_lasts(place, noticed), What::ClockRead);
                return None;
            }
            EventKind::Foreign { lasts } if self.up => {
                let (key, turn, life) = (scenario.main_session(), place as u64, self.life);
                let ends = at + self.script.event_lasts(place, lasts);
                self.agenda.plan(ends, What::ForeignEnds { key, turn, life });
                InputKind::Foreign { key, turn, began: true }
            }
            EventKind::Foreign { .. } => return None,
            EventKind::Cancel(pattern) => self.command(ticket, self.run_named(pattern).map(Command::Cancel)?),
            EventKind::Spawn { job, parent } => {
                let command = |parent| Command::Spawn { parent, job: JobId(job) };
                self.command(ticket, self.run_named(parent).map(command)?)
            }
            EventKind::Edit { job, like } => {
                let job = Job { id: JobId(job), ..self.judge.jobs().get(like as usize)?.0 };
                self.command(ticket, Command::Edit(Box::new(job)))
            }
            EventKind::Job(command, job) => {
                let id = JobId(job);
                let command = match command {
                    JobCommand::Add => Command::Add(Box::new(self.judge.jobs().get(job as usize)?.0)),
                    JobCommand::Remove => Command::Remove(id),
                    JobCommand::Pause => Command::Pause(id),
                    JobCommand::Disable => Command::Disable(id),
                    JobCommand::Resume => Command::Resume(id),
                    JobCommand::RunNow => Command::RunNow(id),
                };
                self.command(ticket, command)
            }
        };
        if self.up {
            self.inputs.push(Input { at, kind });
        }
        None
    }

    const fn command(&self, ticket: u64, command: Command) -> InputKind {
        InputKind::Command { ticket, command }
    }

    /// The run that a pattern means: the occurrence it counts to, or else the latest that fits.
    fn run_named(&self, pattern: RunPattern) -> Option<RunId> {
        let (job, row) = self.judge.jobs().iter().find(|(job, _)| job.id.0 == pattern.job)?;
        let labels = self.judge.labels();
        let known = self.judge.books().runs.keys().rev().find(|run| labels.fits(pattern, **run));
        if pattern.asked.is_some() || pattern.attempt.is_none() && known.is_some() {
            return known.copied();
        }
        let mut due = row.next_due?;
        for _ in 1..pattern.occurrence.unwrap_or(1) {
            due = job.schedule.next_after(due)?;
        }
        let first = RunId::scheduled(job.id, 1, due);
        Some(RunId { attempt: pattern.attempt.unwrap_or(1), ..first })
    }

    /// What both clocks show.
    fn reading(&self, at: Mono) -> Now {
        let true_to_line = reading(at);
        Now { wall: true_to_line.wall.plus_millis(self.stepped), ..true_to_line }
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
        let next = self.agenda.next_at();
        let Some(at) = wake.into_iter().chain(next).min() else { return false };
        if at.since(Mono::default()) > self.scenario.until || self.verdict.ticks >= MOST_TICKS {
            return false;
        }
        self.opened = self.now.tick_after();
        let at = at.max(self.opened);
        let now = at + self.script.lag(at);
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
        while let Some(happening) = self.agenda.take(now) {
            match happening.kind {
                What::Crash { down } => return Some(down),
                // The recovery closes this instant; what else happens by now is for the next step.
                What::Restart => {
                    self.boot();
                    return None;
                }
                What::StoreAgain { commit, life } if life == self.life && self.up => self.store_again(commit),
                What::Answer { commit, answer, life } if life == self.life && self.up => {
                    self.inputs.push(Input { at: happening.at, kind: InputKind::Answer { commit, answer } });
                }
                // Nobody is left to hear them.
                What::Answer { .. } | What::StoreAgain { .. } => {}
                What::Event(place) => {
                    let down = self.befall(place, happening.at, happening.sequence);
                    if down.is_some() {
                        return down;
                    }
                }
                What::ClockRead if self.up => {
                    self.inputs.push(Input { at: happening.at, kind: InputKind::ClockStepped });
                }
                What::ForeignEnds { key, turn, life } if life == self.life && self.up => {
                    let kind = InputKind::Foreign { key, turn, began: false };
                    self.inputs.push(Input { at: happening.at, kind });
                }
                // A gateway that starts reads its clock, and knows of no turn that died with another.
                What::ClockRead | What::ForeignEnds { .. } => {}
                What::Progress { run, every } => self.progress(happening.at, run, every, rings),
                What::Report { run, report } => self.hear(happening.at, run, report, rings),
            }
        }
        None
    }

    fn hear(&mut self, at: Mono, run: RunId, report: Report, rings: Option<Mono>) {
        let Some(turn) = self.turns.get_mut(&run) else { return };
        if turn.silent_after.is_some_and(|silent| at > silent) {
            return;
        }
        if let Report::Completed(_) | Report::Stopped = report {
            turn.ended = true;
        }
        if !self.up {
            return;
        }
        if turn.deadline_first && rings == Some(at) {
            self.agenda.plan(at.tick_after(), What::Report { run, report });
            return;
        }
        self.inputs.push(Input { at, kind: InputKind::Report { run, report } });
    }

    /// A turn that is at work reports progress, and will again.
    fn progress(&mut self, at: Mono, run: RunId, every: Span, rings: Option<Mono>) {
        let silent = |turn: &Turn| turn.ended || turn.silent_after.is_some_and(|silent| at > silent);
        if self.turns.get(&run).is_some_and(|turn| !silent(turn)) {
            self.hear(at, run, Report::Progress, rings);
            self.agenda.plan(at + every, What::Progress { run, every });
        }
    }

    /// A turn says something at an instant, and perhaps once more.
    fn says(&mut self, at: Mono, run: RunId, report: Report, again: Option<Span>) {
        self.agenda.plan(at, What::Report { run, report });
        if let Some(again) = again {
            self.agenda.plan(at + again, What::Report { run, report });
        }
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
        let answers = self.now + self.script.store_answers(commit.number);
        match fault {
            None => {
                let said = self.reading(self.now);
                let answer = self.apply(said, commit);
                if answer != Answer::Applied {
                    self.keep(commit.clone(), said, 0);
                }
                self.answer(answers, commit.number, answer);
                true
            }
            Some(FaultKind::NotApplied(times)) => {
                self.keep(commit.clone(), self.reading(self.now), times.saturating_sub(1));
                self.answer(answers, commit.number, Answer::NotApplied);
                true
            }
            Some(FaultKind::Unknown { applied }) => {
                if applied {
                    self.apply(self.reading(self.now), commit);
                }
                self.keep(commit.clone(), self.reading(self.now), 0);
                self.answer(answers, commit.number, Answer::Unknown);
                true
            }
            Some(FaultKind::Crash { when, down }) => {
                let down = self.script.fault_down(commit.number, down);
                match when {
                    CrashPoint::Before => {
                        self.lost(Fate::AllLost);
                        self.crash(down);
                    }
                    CrashPoint::At => {
                        self.apply(self.reading(self.now), commit);
                        self.lost(Fate::EffectsLost);
                        self.crash(down);
                    }
                    CrashPoint::After => {
                        let answer = self.apply(self.reading(self.now), commit);
                        self.answer(answers, commit.number, answer);
                        self.agenda.plan(answers.tick_after(), What::Crash { down });
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
        self.agenda.plan(at, What::Answer { commit, answer, life });
    }

    fn keep(&mut self, commit: Commit, said: Now, refusals: u32) {
        self.kept.push(Kept { commit, said, refusals });
    }

    fn store_again(&mut self, number: u64) {
        let Some(place) = self.kept.iter().position(|kept| kept.commit.number == number) else { return };
        let Kept { commit, said, refusals } = self.kept.swap_remove(place);
        let answer = if refusals > 0 { Answer::NotApplied } else { self.apply(said, &commit) };
        if answer != Answer::Applied {
            self.keep(commit, said, refusals.saturating_sub(1));
        }
        self.answer(self.now + STORE_BACKOFF, number, answer);
    }

    /// Makes a commit durable, and judges it.
    fn apply(&mut self, said: Now, commit: &Commit) -> Answer {
        let answer = self.judge.commit_of(said, self.now, commit);
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
            let matches = |row: &sametick_core::run::RunRow| {
                let labels = self.judge.labels();
                labels.fits(fault.runs, row.id) && self.moment(row) == Some(fault.moment)
            };
            if !self.faults_used[place] && commit.runs.iter().any(matches) {
                self.faults_used[place] = true;
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
        self.agenda.plan(self.now + down, What::Restart);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Start { run } => self.start_turn(run),
            Effect::Abort { run } => self.abort_turn(run),
            Effect::Publish { offset, .. } => self.heard = self.heard.max(offset + 1),
            Effect::StoreAgain { commit } => {
                let life = self.life;
                self.agenda.plan(self.now + STORE_BACKOFF, What::StoreAgain { commit, life });
            }
            Effect::Deliver { run, .. } => self.delivered.push(run),
            Effect::Reply { .. } | Effect::StepDown => {}
        }
    }

    fn start_turn(&mut self, run: RunId) {
        let now = self.now;
        let book = self.judge.books().runs.get(&run);
        let budgets = book.map(|book| book.terms.budgets).unwrap_or_default();
        let script = self.script.turn(run, &self.judge.labels());
        let Some(turn) = self.turns.get_mut(&run).filter(|turn| !turn.aborted && !turn.started) else {
            return;
        };
        turn.started = true;
        turn.off = script.offset();
        turn.deadline_first = script.deadline_first;
        let granted = turn.granted;
        if let Some(every) = script.progress {
            self.agenda.plan(now + every, What::Progress { run, every });
        }
        if let Some(ready) = script.ready {
            self.sessions += 1;
            let session = SessionId(self.sessions);
            self.says(now + ready, run, Report::Ready { session }, script.again);
        }
        if let Some(end) = script.ends_at(run, &budgets, granted, now) {
            self.says(end, run, script.last_word(), script.again);
        }
    }

    fn abort_turn(&mut self, run: RunId) {
        let now = self.now;
        let script = self.script.turn(run, &self.judge.labels());
        let Some(turn) = self.turns.get_mut(&run) else { return };
        let again = std::mem::replace(&mut turn.aborted, true);
        let stopped = match script.stops {
            Some(stops) => now + stops,
            None if turn.started => return,
            // There is no turn to ignore anything.
            None => now.tick_after(),
        };
        // An abort that is repeated after a crash is answered again.
        if script.stops.is_some() && (!again || turn.silent_after.is_some_and(|silent| silent < now)) {
            turn.silent_after = Some(stopped);
        }
        self.says(stopped, run, Report::Stopped, script.again);
    }

    /// Judges the world as it was left.
    fn rest(&mut self) {
        let waiting: Vec<Waiting> = if self.up { self.machine.waiting() } else { Vec::new() };
        let rested = self.agenda.next_at().is_none() && (!self.up || self.machine.next_wakeup().is_none());
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
            if !claim.counts.is_empty() {
                *hits += 1;
                let books = self.judge.books();
                if let Some(message) = crate::check::count_broken(claim, books, &self.delivered, &labels) {
                    broken.push(Failure { check: CheckName::Claim, at: self.now, run: None, message });
                }
                continue;
            }
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

impl Turn {
    const fn granted(at: Mono) -> Self {
        Self {
            granted: at,
            off: None,
            started: false,
            aborted: false,
            ended: false,
            silent_after: None,
            deadline_first: false,
        }
    }
}
