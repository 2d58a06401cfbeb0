//! One world: a machine, its store, its turns and what goes wrong, in virtual time.
//!
//! The world jumps from event to event. It judges every commit when it is durable and every effect
//! when it leaves, and stops at the first tick that breaks something.

mod claims;
mod probe;
mod store;
mod timeline;
mod turns;

use sametick_core::commit::Rows;
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::id::RunId;
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use crate::agenda::{Agenda, What};
use crate::books::{Books, Table};
use crate::check::{CheckName, Failure};
use crate::digest::WorldDigest;
use crate::judge::Judge;
use crate::label::Labels;
use crate::laws::{self, Law, LawCounts};
use crate::record::{Beat, Recorder};
use crate::scenario::{Scenario, reading};
use crate::script::Script;
use store::{Kept, STORE_BACKOFF};
use turns::Turn;

/// A world that handles more ticks than this is taken to go on for ever.
const MOST_TICKS: u64 = 200_000;

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
            self.rest(probe::is_probed(seed));
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
            self.judge.restarted_on(now, &self.machine.waiting(), &tick);
        }
        self.inputs.clear();
        self.settle_tick(&tick);
        self.tick = tick;
        if self.life > 1 && self.tries_laws && self.up && self.all_applied() {
            self.laws.tried(Law::RecoveryTwice);
            let verdict = laws::recover_twice(&self.machine, self.judge.books(), u64::from(self.life), now);
            self.broken_law(Law::RecoveryTwice, verdict);
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

    fn handle(&mut self, now: Mono) {
        if self.heard > self.heard_told {
            self.heard_told = self.heard;
            self.inputs.push(Input { at: now, kind: InputKind::Heard { below: self.heard } });
        }
        self.judge.hear(&self.inputs);
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
            self.laws.tried(Law::Split);
            self.broken_law(Law::Split, verdict);
        }
    }

    fn broken_law(&mut self, law: Law, verdict: Result<(), String>) {
        if let Err(message) = verdict {
            let failure = Failure { check: CheckName::Law(law), at: self.now, run: None, message };
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
            self.judge.says(self.now, effect);
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
        self.judge.left(self.now, &effect);
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

    /// Judges the world as it was left.
    fn rest(&mut self, probes: bool) {
        let waiting: Vec<Waiting> = if self.up { self.machine.waiting() } else { Vec::new() };
        let rested = self.agenda.next_at().is_none() && (!self.up || self.machine.next_wakeup().is_none());
        let endless = self.verdict.ticks >= MOST_TICKS;
        self.judge.end(self.now, &waiting, self.heard, rested, endless);
        if self.judges_claims {
            self.claims();
        }
        if probes && self.judge.failures().is_empty() {
            self.probe(rested);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.rested(self.now, self.judge.failures());
        }
    }
}
