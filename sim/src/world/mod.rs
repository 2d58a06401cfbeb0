//! One world: a machine, its store, its turns and what goes wrong, in virtual time.
//!
//! The world jumps from event to event. It judges every commit when it is durable and every effect
//! when it leaves, and stops at the first tick that breaks something.

mod audience;
mod beginning;
mod claims;
mod explored;
mod forked;
mod host;
mod probe;
mod store;
mod timeline;
mod turns;

use educe::Educe;
use sametick_core::commit::Rows;
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::id::RunId;
use sametick_core::time::{Mono, Now, Span};
use sametick_core::{Machine, Waiting};

use crate::agenda::{Agenda, What};
use crate::books::Books;
use crate::check::{CheckName, Ending, Failure};
use crate::difference::Difference;
use crate::digest::WorldDigest;
use crate::judge::Judge;
use crate::label::Labels;
use crate::laws::{self, Law, LawCounts};
use crate::record::{Beat, Recorder};
use crate::scenario::{CrashPoint, Fault, FaultKind, Scenario, SpanRange};
use crate::script::Script;
use crate::sometimes::{Met, Situation, ticks};
use crate::table::Table;
use audience::Audience;
use beginning::Beginning;
use host::Host;
use turns::Turn;

pub(crate) use host::SITUATIONS as HOST_SITUATIONS;
pub(crate) use store::SITUATIONS as STORE_SITUATIONS;

/// A world that handles more ticks than this is taken to go on for ever.
const MOST_TICKS: u64 = 200_000;

/// What one world came to.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub struct Verdict {
    /// How many ticks it had.
    pub ticks: u64,
    /// How many things happened: inputs, and ticks that only time brought.
    pub events: u64,
    /// The digest of its ticks.
    pub digest: u64,
    /// What broke, all in one tick; nothing when the world holds.
    pub failures: Vec<Failure>,
    /// The situations that were met, if somebody wanted to know.
    pub met: Met,
}

/// What a tick has said that has not left yet, and what strikes once it has.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    host: usize,
    fault: Option<FaultKind>,
}

/// A world over and over: its memory is used again from seed to seed.
#[derive(Debug)]
pub struct World<'s, M> {
    scenario: &'s Scenario,
    /// A machine that has never lived, where there is more than one host: who stood by in one world takes over in the next
    /// as if there had been no other. Where there is one, its machine begins each world with the first epoch.
    unlived: Option<M>,
    hosts: Vec<Host<M>>,
    /// The host that took the store over last.
    owner: usize,
    /// How many lives the gateway has led, over all hosts.
    lives: u32,
    rows: Rows,
    script: Script<'s>,
    now: Mono,
    /// The first instant of the tick at hand: the one before it closed all before.
    opened: Mono,
    leaving: Option<Leaving>,
    agenda: Agenda,
    turns: Table<RunId, Turn>,
    sessions: u32,
    judge: Judge<'s>,
    faults: Vec<Fault>,
    faults_used: Vec<bool>,
    /// How many recoveries die over their first tick, and for how long.
    dies_again: Option<(SpanRange, u32)>,
    /// The tick at hand is one that recovers.
    recovers: bool,
    heard: u64,
    audience: Audience,
    /// By how many milliseconds the wall clock is off from where it would be without steps.
    stepped: i64,
    /// Results that left.
    delivered: Vec<RunId>,
    verdict: Verdict,
    digest: WorldDigest,
    recorder: Option<Recorder>,
    beginning: Beginning<'s, M>,
    /// Whether this world looks for where the beginning ends.
    looks: bool,
    claim_hits: Vec<u64>,
    judges_claims: bool,
    tries_laws: bool,
    notes_situations: bool,
    laws: LawCounts,
}

impl<'s, M: Machine> World<'s, M> {
    /// Worlds of this scenario with this machine.
    pub fn new(scenario: &'s Scenario, machine: M) -> Self {
        Self {
            scenario,
            unlived: (scenario.hosts > 1).then(|| machine.clone()),
            hosts: vec![Host::new(machine); scenario.hosts],
            owner: 0,
            lives: 0,
            rows: Rows::default(),
            script: Script::new(scenario, 0),
            now: Mono::default(),
            opened: Mono::default(),
            leaving: None,
            agenda: Agenda::default(),
            turns: Table::default(),
            sessions: 0,
            judge: Judge::new(scenario),
            faults: scenario.faults.clone(),
            faults_used: vec![false; scenario.faults.len()],
            dies_again: None,
            recovers: false,
            heard: 0,
            audience: Audience::default(),
            stepped: 0,
            delivered: Vec::new(),
            verdict: Verdict::default(),
            digest: WorldDigest::default(),
            recorder: None,
            beginning: Beginning::default(),
            looks: false,
            claim_hits: vec![0; scenario.claims.len()],
            judges_claims: true,
            tries_laws: false,
            notes_situations: false,
            laws: LawCounts::default(),
        }
    }

    /// Runs the world of `seed`.
    pub fn run(&mut self, seed: u64) -> &Verdict {
        if !self.skip_beginning(seed) {
            self.begin(seed);
            self.boot(0);
        }
        loop {
            self.pass();
            self.leave();
            self.pass();
            if !self.judge.failures().is_empty() || !self.advance() {
                break;
            }
        }
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

    /// The machine hears everything twice, by itself.
    pub(crate) const fn hears_twice(&mut self) {
        self.judge.hears_twice();
    }

    /// Whether the laws are tried in the worlds to come, which takes its time. They are not, at first.
    pub const fn try_laws(&mut self, tries: bool) {
        self.tries_laws = tries;
    }

    /// Whether the worlds to come note the situations they meet. They do not, at first.
    pub const fn note_situations(&mut self, notes: bool) {
        self.notes_situations = notes;
    }

    /// What goes wrong in the worlds to come, beside what the scenario says.
    pub fn interfere(&mut self, faults: &[Fault]) {
        self.faults.truncate(self.scenario.faults.len());
        self.faults.extend_from_slice(faults);
        self.faults_used.clear();
        self.faults_used.resize(self.faults.len(), false);
        self.beginning = Beginning::default();
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
        self.begin_with(Script::new(self.scenario, seed));
    }

    fn begin_with(&mut self, script: Script<'s>) {
        self.script = script;
        self.judge.begin(self.script.jobs());
        self.now = Mono::default();
        self.leaving = None;
        (self.owner, self.lives) = (0, 0);
        self.hosts.iter_mut().for_each(|host| host.reset(self.unlived.as_ref()));
        self.agenda.clear();
        self.turns.clear();
        self.sessions = 0;
        self.faults_used.fill(false);
        (self.dies_again, self.recovers) = (None, false);
        self.heard = 0;
        self.audience_begins();
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
        let true_to_line = self.scenario.reading(at);
        Now { wall: true_to_line.wall.plus_millis(self.stepped), ..true_to_line }
    }

    /// One step, of which the last host's effects have yet to leave; false when the world is at rest or left alone.
    fn advance(&mut self) -> bool {
        for host in &mut self.hosts {
            host.wake = host.next_wakeup();
        }
        let wake = self.hosts.iter().filter_map(|host| host.wake).min();
        let Some(at) = wake.into_iter().chain(self.agenda.next_at()).min() else { return false };
        if at.since(Mono::default()) > self.scenario.until || self.verdict.ticks >= MOST_TICKS {
            return false;
        }
        self.opened = self.now.tick_after();
        let at = at.max(self.opened);
        let now = at + self.script.lag(at);
        self.now = now;
        let crash = self.collect(now, wake.filter(|wake| *wake == at));
        for place in 0..self.hosts.len() {
            self.leave();
            if self.hosts[place].is_due(now) && self.judge.failures().is_empty() {
                self.handle(place, now);
            }
        }
        if let Some((place, down)) = crash {
            self.leave();
            if self.judge.failures().is_empty() {
                self.crash(place, down);
            }
        }
        true
    }

    /// Takes what happens up to `now` off the queue and to whom it concerns. A crash ends the taking,
    /// and says whose it is.
    fn collect(&mut self, now: Mono, rings: Option<Mono>) -> Option<(usize, Span)> {
        while let Some(happening) = self.next_happening(now) {
            let at = happening.at;
            match happening.kind {
                What::Crash { down, life } => {
                    if let Some(crash) = self.host_of(life).and_then(|place| self.dies(place, down)) {
                        return Some(crash);
                    }
                }
                // A recovery closes this instant; what else happens by now is for the next step. Who comes back and stands
                // by closes nothing, and nobody else is later for it.
                What::Restart { host } => {
                    if self.restart(host) {
                        return None;
                    }
                }
                What::Takeover { host } => {
                    if self.take_over(host) {
                        return None;
                    }
                }
                What::Thaw { host, until } => self.thaw(host, until),
                What::Heal { host } => self.heal(host),
                What::StoreAgain { commit, life } => self.store_again(commit, life),
                What::Answer { commit, answer, life } => self.store_answers(at, commit, answer, life),
                What::Renewal { sent, answer, life } => self.renewal_answered(at, sent, answer, life),
                What::Event(place) => {
                    let crash = self.befall(place, at, happening.sequence);
                    if let Some(crash) = crash.and_then(|(place, down)| self.dies(place, down)) {
                        return Some(crash);
                    }
                }
                What::ClockRead => {
                    for place in 0..self.hosts.len() {
                        self.tell(place, at, InputKind::ClockStepped);
                    }
                }
                What::ForeignEnds { key, turn, host } => self.foreign_ends(host, at, key, turn),
                What::Progress { run, every } => self.progress(at, run, every, rings),
                What::Acknowledge { offset, event, life } => self.acknowledge(at, offset, &event, life),
                What::Resume => self.audience_resumes(at),
                What::Asked { command } => {
                    let kind = self.command(happening.sequence, command);
                    self.tell(self.owner, at, kind);
                }
                What::Steps { millis } => self.steps_by(at, millis),
                What::Report { run, report } => self.hear(at, run, report, rings),
                What::Arrival { run, report } => self.arrives(at, run, report, rings),
            }
        }
        None
    }

    /// A crash of who owns the store comes after its tick. Anybody else dies at once: nobody is later for that.
    fn dies(&mut self, place: usize, down: Span) -> Option<(usize, Span)> {
        if place == self.owner {
            return Some((place, down));
        }
        self.crash(place, down);
        None
    }

    fn handle(&mut self, place: usize, now: Mono) {
        let reading = self.reading(now);
        let host = &mut self.hosts[place];
        if self.heard > host.heard_told {
            host.heard_told = self.heard;
            host.inputs.push(Input { at: now, kind: InputKind::Heard { below: self.heard } });
        }
        let steps = self.judge.hear_on(u64::from(host.life), reading, &host.inputs);
        if self.notes_situations {
            ticks::note_told(&mut self.verdict.met, &host.inputs, host.wake, self.judge.books());
        }
        let before = self.tries_laws.then(|| host.machine.clone());
        let mut tick = host.tick.take().unwrap_or_default();
        host.machine.handle_into(reading, &host.inputs, &mut tick);
        if let Some(before) = before.filter(|_| !steps) {
            self.try_split(place, &before, reading, &tick);
        }
        self.settle_tick(place, &tick);
        if self.judge.has_waiters() {
            self.judge_waiters(place, &tick);
        }
        let host = &mut self.hosts[place];
        host.inputs.clear();
        host.tick = Some(tick);
    }

    /// Judges who waits, where the store has all that its owner ever said. Who dies over a tick, or steps down in it, is not
    /// the owner any more.
    fn judge_waiters(&mut self, place: usize, tick: &Tick) {
        let host = &self.hosts[place];
        let is_owner = host.up && host.owns && host.life == self.lives;
        if is_owner
            && host.kept.is_empty()
            && self.judge.failures().is_empty()
            && !tick.effects().contains(&Effect::StepDown)
        {
            self.judge.tick_is_over(self.now, tick.commit().map(|commit| commit.number));
        }
    }

    /// Recovers once more from what a recovery left, if the store has taken that.
    fn try_recovering_again(&mut self, place: usize, now: Now) {
        let (host, books) = (&self.hosts[place], self.judge.books());
        let applied = host
            .tick
            .as_ref()
            .and_then(|tick| tick.commit())
            .is_none_or(|commit| commit.number == books.last_commit);
        if self.tries_laws && host.drives() && applied {
            let verdict =
                laws::recover_twice(&host.machine, books, u64::from(host.life), now, &self.labels());
            self.laws.tried(Law::RecoveryTwice);
            self.broken_law(Law::RecoveryTwice, verdict);
        }
    }

    /// Cuts the tick at the earliest instant something happened in it, if that is before its end. One in
    /// which an owner steps down takes back what came before, and one that reads a step of the wall clock cannot know
    /// when in it that was; what is missed is a matter of how late the tick comes, and what waits for the store is
    /// one of how many commits are open: these are not cut.
    fn try_split(&mut self, place: usize, before: &M, now: Now, tick: &Tick) {
        let Host { inputs, life, .. } = &self.hosts[place];
        let stamps = inputs.iter().map(|input| input.at);
        let Some(first) = stamps.chain(before.next_wakeup()).min() else { return };
        let Some(at) = Some(first.max(self.opened)).filter(|at| *at < now.mono) else { return };
        // A host that stood still comes late for what was before the instant of the cut, too.
        let late = now.mono.since(first);
        let misses = self.scenario.jobs.iter().any(|planned| planned.job.misfire_after <= late);
        let early = self.reading(at);
        // Which of two readings a millisecond apart is a step depends on where in its millisecond each of them is.
        let steps = self.judge.books().steps(u64::from(*life), early);
        if steps || misses || !self.has_room(place, 2) || tick.effects().contains(&Effect::StepDown) {
            return;
        }
        let verdict = laws::split(before, early, now, inputs, tick, self.judge.books(), &self.labels());
        if let Some(verdict) = verdict {
            self.laws.tried(Law::Split);
            self.broken_law(Law::Split, verdict);
        }
    }

    /// Whether the store leaves a host room for so many commits, even if it had answered nothing in the tick at hand.
    fn has_room(&self, place: usize, commits: u64) -> bool {
        let Host { inputs, life, .. } = &self.hosts[place];
        let heard = inputs.iter().filter_map(|input| match input.kind {
            InputKind::Answer { commit, .. } => Some(commit),
            InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Command { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => None,
        });
        // One whose answer came early is open as long as an older one is.
        let (mut oldest, mut newest) = (u64::MAX, self.judge.books().last_commit);
        for commit in heard.chain(self.agenda.open_commits(*life)) {
            (oldest, newest) = (oldest.min(commit), newest.max(commit));
        }
        let open = (newest + 1).saturating_sub(oldest);
        open + commits <= u64::from(self.scenario.config.open_commits)
    }

    fn meets(&mut self, situation: &'static Situation) {
        if self.notes_situations {
            self.verdict.met.note(situation);
        }
    }

    fn broken_law(&mut self, law: Law, verdict: Result<(), Difference>) {
        if let Err(difference) = verdict {
            let (run, message) = (difference.run, difference.told());
            let failure = Failure { check: CheckName::Law(law), at: self.now, run, message };
            self.judge.fail(failure);
        }
    }

    /// Judges a tick and stores it; what it says has yet to leave.
    fn settle_tick(&mut self, place: usize, tick: &Tick) {
        let host = &self.hosts[place];
        self.verdict.ticks += 1;
        self.verdict.events += (host.inputs.len() as u64).max(1);
        self.digest.tick(self.now, tick);
        if let Some(recorder) = &mut self.recorder {
            recorder.tick(self.now, place, host.life, &host.inputs, tick);
        }
        let (said, steps_down) =
            (tick.commit().map(|commit| commit.number), tick.effects().contains(&Effect::StepDown));
        self.judge.tick_says(u64::from(host.life), said, steps_down);
        for effect in tick.effects() {
            self.judge.says(self.now, effect);
        }
        if self.notes_situations {
            ticks::note_said(&mut self.verdict.met, tick);
        }
        let fault = if self.faults.is_empty() { None } else { self.fault_at(place, tick.commit()) };
        let fault = fault.or_else(|| self.chosen_fault(tick));
        if self.judge.failures().is_empty() {
            match (tick.commit(), fault) {
                (Some(commit), fault) => {
                    if !self.store(place, commit, fault) {
                        return;
                    }
                }
                (None, Some(FaultKind::Crash { when, down, .. })) => {
                    if !self.crash_without_commit(place, when, down) {
                        return;
                    }
                }
                (None, _) => {}
            }
        }
        self.leaving = Some(Leaving { host: place, fault });
    }

    /// Carries out what the latest tick has said.
    fn leave(&mut self) {
        let Some(Leaving { host, fault }) = self.leaving.take() else { return };
        let Some(tick) = self.hosts[host].tick.take() else { return };
        for effect in tick.effects() {
            self.carry_out(host, effect);
        }
        if let Some(FaultKind::Crash { when: CrashPoint::AfterEffects, down, .. }) = fault {
            let down = self.script.fault_down(self.fault_key(tick.commit()), down, self.now);
            self.crash(host, down);
        }
        self.hosts[host].tick = Some(tick);
        if let Some(recorder) = &mut self.recorder {
            recorder.failed(self.judge.failures());
        }
    }

    /// Judges the world as it was left.
    fn rest(&mut self, probes: bool) {
        let owner = &self.hosts[self.owner];
        let waiting: Vec<Waiting> = if owner.up && owner.owns { owner.machine.waiting() } else { Vec::new() };
        let quiet = self.hosts.iter().all(|host| host.next_wakeup().is_none());
        let ending = match (self.verdict.ticks >= MOST_TICKS, quiet && self.agenda.next_at().is_none()) {
            (true, _) => Ending::Endless,
            (false, _) if !owner.owns => Ending::Unowned,
            (false, true) => Ending::Rested,
            (false, false) if !owner.kept.is_empty() => Ending::Behind,
            (false, false) => Ending::Left,
        };
        // Where the store is behind, skips wait for the next commit.
        let awake = owner.drives() && owner.kept.is_empty() && self.has_room(self.owner, 1);
        self.judge.end(self.now, &waiting, self.heard, ending, awake);
        if self.judges_claims && !self.has_interfered() {
            self.claims();
        }
        if probes && self.judge.failures().is_empty() {
            self.probe(ending == Ending::Rested);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.rested(self.now, self.judge.failures());
        }
    }
}
