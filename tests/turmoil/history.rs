//! What happened, and the judge of it: the durable rows, the effects that left, the events that
//! arrived. It stands outside the simulated hosts, so it survives their crashes.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sametick_core::commit::{Answer, Commit, JobRow, Rows};
use sametick_core::effect::{Effect, Tick};
use sametick_core::id::RunId;
use sametick_core::job::Job;
use sametick_core::run::{RunRow, RunState};
use sametick_core::session::Status;
use sametick_core::time::{Mono, Span};
use sametick_core::{Config, Waiting};
use sametick_sim::Scenario;
use sametick_sim::books::Books;
use sametick_sim::check::CheckName;
use sametick_sim::digest::WorldDigest;
use sametick_sim::judge::Judge;
use sametick_sim::scenario::{CrashPoint, Fault, FaultAt, FaultKind, Moment};
use sametick_sim::script::{Script, TurnScript};

use crate::clock;
use crate::inbox::Inbox;

/// How late the driver may be: its timer and its clock are a millisecond fine, and one to spare.
const LAG: Span = Span::from_millis(3);

/// Everything that happened in one simulation.
#[derive(Debug)]
pub(crate) struct History {
    scenario: &'static Scenario,
    script: Script<'static>,
    judge: Judge<'static>,
    digest: WorldDigest,
    /// How often each fault of the scenario has struck.
    strikes: Vec<u32>,
    /// When the gateway has to die over a commit, and for how long it is down then.
    death: Option<(Mono, Span)>,
    /// How often the gateway was started.
    pub(crate) lives: u64,
    waiting: Vec<Waiting>,
    /// The number of the last commit a machine made.
    made: u64,
    pub(crate) inbox: Inbox,
    /// The results that were delivered.
    pub(crate) delivered: Vec<String>,
    /// Sessions that said "running" at an instant at which their run was not.
    pub(crate) lies: Vec<String>,
    /// Ticks that came too late for what they settled. A deadline is stamped with its own time,
    /// however late the tick is that meets it, so the rows do not show it.
    late_ticks: Vec<String>,
}

/// What a host sees history with, and writes it.
#[derive(Clone, Debug)]
pub(crate) struct Witness(Arc<Mutex<History>>);

impl Witness {
    /// A history of this scenario in which nothing has happened, with the choices of `seed`.
    pub(crate) fn new(text: &str, seed: u64) -> Self {
        let scenario = Scenario::parse("turmoil.toml", text).expect("the scenario in the test reads");
        // Hosts live for as long as the simulation, which is as long as the test.
        let scenario: &'static Scenario = Box::leak(Box::new(scenario));
        let mut judge = Judge::new(scenario);
        judge.allow_lag(LAG);
        Self(Arc::new(Mutex::new(History {
            scenario,
            script: Script::new(scenario, seed),
            judge,
            digest: WorldDigest::default(),
            strikes: vec![0; scenario.faults.len()],
            death: None,
            lives: 0,
            waiting: Vec::new(),
            made: 0,
            inbox: Inbox::default(),
            delivered: Vec::new(),
            lies: Vec::new(),
            late_ticks: Vec::new(),
        })))
    }

    /// The history at this instant. Nobody may wait while holding it.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The history, once every host is gone.
    pub(crate) fn into_history(self) -> History {
        let history = Arc::try_unwrap(self.0).expect("the hosts are gone, and their witnesses with them");
        history.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What hosts write.
impl History {
    /// A gateway takes the store over: its rows, and its epoch.
    pub(crate) fn take_over(&mut self) -> (Rows, u64) {
        self.lives += 1;
        (self.judge.books().rows(), self.lives)
    }

    /// A machine has started on the rows.
    pub(crate) fn started(&mut self, waiting: Vec<Waiting>, first: &Tick) {
        if self.lives > 1 {
            self.judge.restarted(clock::now(), &waiting, first);
        }
        self.made = self.judge.books().last_commit;
        self.ticked(waiting, first);
    }

    /// A machine has ticked.
    pub(crate) fn ticked(&mut self, waiting: Vec<Waiting>, tick: &Tick) {
        self.waiting = waiting;
        let Some(commit) = tick.commit() else { return };
        self.made = commit.number;
        let most = i64::try_from(LAG.as_millis()).unwrap_or(i64::MAX);
        for run in commit.runs.iter().filter(|run| !self.judge.books().is_settled(run.id)) {
            let late = run.settled_at.map_or(0, |settled| clock::wall() - settled);
            if late > most {
                self.late_ticks.push(format!("{} was settled {late} ms late", self.name(run.id)));
            }
        }
    }

    /// The store gets a commit. It answers nothing when the gateway dies over it.
    pub(crate) fn commit(&mut self, commit: &Commit) -> Option<Answer> {
        let at = clock::now();
        let Some(fault) = self.fault_at(commit) else { return Some(self.apply(at, commit)) };
        match fault.kind {
            FaultKind::NotApplied(_) => Some(Answer::NotApplied),
            FaultKind::Unknown { applied: false } => Some(Answer::Unknown),
            FaultKind::Unknown { applied: true } => {
                self.apply(at, commit);
                Some(Answer::Unknown)
            }
            FaultKind::Crash { when, down, .. } => {
                let down = self.script.fault_down(commit.number, down, at);
                let heard = at + self.answers_after(commit.number) + Span::from_millis(2);
                self.death = Some((if when == CrashPoint::After { heard } else { at }, down));
                let answer = (when != CrashPoint::Before).then(|| self.apply(at, commit));
                answer.filter(|_| when == CrashPoint::After)
            }
        }
    }

    fn apply(&mut self, at: Mono, commit: &Commit) -> Answer {
        at.hash(&mut self.digest);
        commit.hash(&mut self.digest);
        self.judge.commit(at, commit)
    }

    /// The fault that strikes at this commit, which is counted.
    fn fault_at(&mut self, commit: &Commit) -> Option<Fault> {
        let faults = &self.scenario.faults;
        let place = (0..faults.len()).find(|place| {
            let fault = &faults[*place];
            let most = if let FaultKind::NotApplied(times) = fault.kind { times } else { 1 };
            self.strikes[*place] < most && self.is_at(fault, commit)
        })?;
        self.strikes[place] += 1;
        Some(faults[place])
    }

    fn is_at(&self, fault: &Fault, commit: &Commit) -> bool {
        let moment = |state: RunState| match state {
            RunState::Queued => None,
            RunState::Starting => Some(Moment::Grants),
            RunState::Running => Some(Moment::Starts),
            RunState::Settled(_) => Some(Moment::Settles),
        };
        // The ticks of a real driver are cut by a real clock: nobody can count them beforehand.
        let FaultAt::Run { moment: wanted, runs } = fault.at else { return false };
        commit.runs.iter().any(|row| {
            let before = self.judge.books().run(row.id).and_then(|row| moment(row.state));
            let now = moment(row.state);
            now == Some(wanted) && before != now && self.judge.labels().fits(runs, row.id)
        })
    }

    /// An effect leaves the gateway.
    pub(crate) fn effect(&mut self, effect: &Effect) {
        let at = clock::now();
        at.hash(&mut self.digest);
        effect.hash(&mut self.digest);
        self.judge.effect(at, effect);
        if let Effect::Deliver { run, outcome } = effect {
            self.delivered.push(format!("{} {}", self.judge.labels().run(*run), outcome.name()));
        }
    }

    /// The subscriber gets a line; what it acknowledges.
    pub(crate) fn hear(&mut self, line: &str) -> Option<u64> {
        clock::now().hash(&mut self.digest);
        line.hash(&mut self.digest);
        self.inbox.hear(line)
    }

    /// Looks at every session, as somebody does who reads the store.
    pub(crate) fn look_at_sessions(&mut self) {
        let books = self.judge.books();
        for row in books.sessions.values().filter(|row| row.status == Some(Status::Running)) {
            let run = row.run.and_then(|run| books.run(run));
            if run.is_none_or(|run| run.state != RunState::Running) {
                self.lies.push(format!("{} at {:?}", self.judge.labels().key(row.key), clock::now()));
            }
        }
    }

    /// The gateway's death, if it is due: for how long it is down.
    pub(crate) fn take_death(&mut self, now: Mono) -> Option<Span> {
        self.death.take_if(|(at, _)| *at <= now).map(|(_, down)| down)
    }

    /// Judges what is left, when nothing can happen any more.
    pub(crate) fn rest(&mut self, at: Mono) {
        self.judge.rest(at, &self.waiting, self.inbox.next_offset);
    }
}

/// What hosts and tests ask.
impl History {
    /// The machine's limits.
    pub(crate) fn config(&self) -> Config {
        self.scenario.config.clone()
    }

    /// The scenario and its choices.
    pub(crate) fn plan(&self) -> (&'static Scenario, Script<'static>) {
        (self.scenario, self.script.clone())
    }

    /// How the turn of a run behaves.
    pub(crate) fn turn(&self, run: RunId) -> TurnScript {
        self.script.turn(run, &self.judge.labels())
    }

    /// How long the store takes from having a commit to having said so.
    pub(crate) fn answers_after(&self, commit: u64) -> Span {
        self.script.store_answers(commit, Mono::default())
    }

    /// What people call a run.
    pub(crate) fn name(&self, run: RunId) -> String {
        self.judge.labels().run(run)
    }

    /// What people call a session.
    pub(crate) fn key(&self, run: RunId) -> String {
        let row = self.judge.books().run(run);
        row.map_or_else(String::new, |row| self.judge.labels().key(row.session_key()))
    }

    /// Whether every job was due, and nothing is open: no run, no commit, no event on its way.
    pub(crate) fn is_at_rest(&self) -> bool {
        let books = self.judge.books();
        let was_due = |first: &(Job, JobRow)| books.job(first.0.id).is_some_and(|now| now.1 != first.1);
        let all_due = self.judge.jobs().iter().all(was_due);
        let all_heard = self.inbox.next_offset == books.events.len() as u64;
        all_due && self.waiting.is_empty() && self.made <= books.last_commit && all_heard
    }

    /// What is durable.
    pub(crate) const fn books(&self) -> &Books {
        self.judge.books()
    }

    /// Which checks broke, each with what it says.
    pub(crate) fn failures(&self) -> Vec<(CheckName, &str)> {
        self.judge.failures().iter().map(|failure| (failure.check, failure.message.as_str())).collect()
    }

    /// The record of a run, by the name people call it.
    pub(crate) fn run(&self, name: &str) -> &RunRow {
        let mut rows = self.books().runs.values().map(|book| &book.row);
        rows.find(|row| self.name(row.id) == name).expect("a run of this name in the books")
    }

    /// `timed out`, `ok`, …; nothing while the run is not over.
    pub(crate) fn outcome(&self, name: &str) -> Option<&'static str> {
        self.run(name).state.outcome().map(|outcome| outcome.name())
    }

    /// What the session of a run says, and the row of its job if that speaks of this run.
    pub(crate) fn statuses(&self, name: &str) -> Vec<&'static str> {
        let run = self.run(name).id;
        let rows = self.books().sessions.values().filter(|row| row.run == Some(run));
        rows.filter_map(|row| row.status).map(Status::name).collect()
    }

    /// One number for everything that happened, and when.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// Panics unless every check holds, no session ever lied, no deadline was met late, and the
    /// subscriber has every event, in order.
    pub(crate) fn assert_holds(&self) {
        assert_eq!(self.failures(), [], "the checks that judge every world judge this one");
        assert_eq!(self.lies, [] as [String; 0], "no session says that a run is at work that is not");
        assert_eq!(self.late_ticks, [] as [String; 0], "every deadline is met when it is due");
        self.inbox.assert_in_order();
        let heard = self.inbox.events.len();
        assert_eq!(heard, self.books().events.len(), "the subscriber has every event that is durable");
    }
}
