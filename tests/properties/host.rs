//! A host that does whatever it is told, and watches.

use sametick_core::commit::{Answer, Commit, JobRow};
use sametick_core::effect::{Command, Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{AgentId, JobId, RunId, SessionId, SessionKey};
use sametick_core::job::{Job, OnAbandon};
use sametick_core::run::{Failure, Finish, Outcome, RunState, Shape};
use sametick_core::session::Status;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway, WaitsFor};
use sametick_sim::books::Books;
use sametick_sim::changes::{Changes, RunChange};

use crate::drawn::{Act, Asked, Said};

const MAIN: SessionKey = SessionKey::Main { agent: AgentId(0) };

/// More steps than any of these histories needs to come to its end.
const ENOUGH: usize = 4_000;

pub(crate) struct Host {
    machine: StandardGateway,
    pub(crate) books: Books,
    jobs: Vec<Job>,
    open: Vec<Commit>,
    /// Commits that the store has applied and whose answers are on their way.
    answers: Vec<u64>,
    renewals: Vec<Mono>,
    runs: Vec<RunId>,
    started: Vec<RunId>,
    foreign: bool,
    now: u64,
    /// By how many milliseconds the wall clock is off.
    stepped: i64,
    epoch: u64,
    sessions: u32,
    tickets: u64,
}

impl Host {
    pub(crate) fn new(jobs: &[Job], limit: u32, lease: Option<u64>, shape: Shape) -> Self {
        let lease = lease.map(Span::from_millis);
        let config = Config { open_commits: 8, lease, ..Config::one_lane(limit) };
        let mut books = Books::default();
        books.open();
        for job in jobs {
            books.declare(*job, JobRow::new(job.id, 1, job.schedule.next_after(Wall::from_millis(-1))));
        }
        let mut host = Self {
            machine: StandardGateway::new(config, shape),
            books,
            jobs: jobs.to_vec(),
            open: Vec::new(),
            answers: Vec::new(),
            renewals: Vec::new(),
            runs: Vec::new(),
            started: Vec::new(),
            foreign: false,
            now: 0,
            stepped: 0,
            epoch: 0,
            sessions: 0,
            tickets: 0,
        };
        host.boot();
        host
    }

    pub(crate) fn act(&mut self, act: &Act) {
        match *act {
            Act::Sleep => {
                let wake = self.machine.next_wakeup().map_or(self.now + 1_000_000_000, Mono::as_nanos);
                self.tick(wake, None);
            }
            Act::Oversleep(millis) => self.tick(self.now + millis * 1_000_000, None),
            Act::Report(place, said) => {
                let Some(run) = self.runs.get(place).copied() else { return };
                self.sessions += 1;
                let report = match said {
                    Said::Ready => Report::Ready { session: SessionId(self.sessions) },
                    Said::Progress => Report::Progress,
                    Said::Ok => Report::Completed(Finish::Ok),
                    Said::Failed => Report::Completed(Finish::Failed(Failure::default())),
                    Said::Stopped => Report::Stopped,
                };
                self.tell(InputKind::Report { run, report });
            }
            Act::Cancel(place) => {
                if let Some(run) = self.runs.get(place).copied() {
                    self.ask(Command::Cancel(run));
                }
            }
            Act::Ask(job, asked) => self.ask_of(JobId(job), asked),
            Act::Spawn(place, job) => {
                if let Some(parent) = self.runs.get(place).copied() {
                    self.ask(Command::Spawn { parent, job: JobId(job) });
                }
            }
            Act::Foreign(began) => {
                self.foreign = began;
                self.tell(InputKind::Foreign { key: MAIN, turn: 1, began });
            }
            Act::Store(answer) => self.store(answer),
            Act::Hear(place) => self.hear(place),
            Act::Renewed(answer) => {
                if !self.renewals.is_empty() {
                    let sent = self.renewals.remove(0);
                    self.tell(InputKind::Renewal { sent, answer });
                }
            }
            Act::Step(by, said) => {
                self.stepped += by;
                let kind = said.then_some(InputKind::ClockStepped);
                self.tick(self.now + 1, kind);
            }
            Act::Crash(down) => {
                self.now += down * 1_000_000 + 1;
                self.boot();
            }
        }
    }

    fn ask_of(&mut self, id: JobId, asked: Asked) {
        // Another job's declaration under this one's id, for an edit that changes something.
        let like = |places: usize| {
            let place = (id.index() + places) % self.jobs.len();
            Box::new(Job { id, ..self.jobs[place] })
        };
        let command = match asked {
            Asked::Add => Command::Add(like(0)),
            Asked::Edit => Command::Edit(like(1)),
            Asked::Remove => Command::Remove(id),
            Asked::Pause => Command::Pause(id),
            Asked::Disable => Command::Disable(id),
            Asked::Resume => Command::Resume(id),
            Asked::RunNow => Command::RunNow(id),
        };
        self.ask(command);
    }

    fn ask(&mut self, command: Command) {
        self.tickets += 1;
        self.tell(InputKind::Command { ticket: self.tickets, command });
    }

    fn tell(&mut self, kind: InputKind) {
        self.tick(self.now + 1, Some(kind));
    }

    /// The store gets its oldest open commit.
    fn store(&mut self, answer: Answer) {
        if self.open.is_empty() {
            return;
        }
        let number = self.open[0].number;
        if answer == Answer::Applied {
            let commit = self.open.remove(0);
            self.apply(&commit);
            self.answers.push(number);
        } else {
            self.tell(InputKind::Answer { commit: number, answer });
        }
    }

    /// An answer arrives, perhaps before those of earlier commits.
    fn hear(&mut self, place: usize) {
        if !self.answers.is_empty() {
            let commit = self.answers.remove(place % self.answers.len());
            self.tell(InputKind::Answer { commit, answer: Answer::Applied });
        }
    }

    /// A new life: what was on its way is lost.
    fn boot(&mut self) {
        self.open.clear();
        self.answers.clear();
        self.renewals.clear();
        self.foreign = false;
        self.epoch += 1;
        let now = self.at(self.now);
        let tick = self.machine.restart(&self.books.rows(), self.epoch, now).clone();
        self.watch(&tick);
    }

    fn tick(&mut self, now: u64, kind: Option<InputKind>) {
        let input = kind.map(|kind| Input { at: Mono::from_nanos(now), kind });
        let tick = self.machine.handle(self.at(now), input.as_slice()).clone();
        self.now = now;
        self.watch(&tick);
        let wake = self.machine.next_wakeup();
        assert!(
            wake.is_none_or(|wake| wake.as_nanos() > now),
            "the next wake-up is after the tick that says it"
        );
        if tick.effects().contains(&Effect::StepDown) {
            assert_eq!((tick.commit(), wake), (None, None), "who steps down says nothing more");
            // This host takes the store over again at once.
            self.now += 1;
            self.boot();
        }
    }

    /// What must be true of a tick whatever happened before it.
    fn watch(&mut self, tick: &Tick) {
        for effect in tick.effects() {
            match effect {
                Effect::Start { run } => {
                    let row = self.books.run(*run).expect("a start leaves when its grant is durable");
                    assert!(!self.started.contains(run), "{run:?} starts twice");
                    assert_ne!(row.granted_at, None, "a start leaves when its grant is durable");
                    self.started.push(*run);
                }
                Effect::Deliver { run, .. } => {
                    assert!(self.books.is_settled(*run), "a result leaves when its end is durable");
                }
                Effect::Publish { offset, .. } => {
                    assert!(*offset < self.books.events.len() as u64, "an event leaves when it is durable");
                }
                Effect::Renew { sent } => self.renewals.push(*sent),
                Effect::Abort { .. }
                | Effect::Reply { .. }
                | Effect::StoreAgain { .. }
                | Effect::StepDown => {}
            }
        }
        if let Some(commit) = tick.commit() {
            for row in &commit.runs {
                if !self.runs.contains(&row.id) {
                    self.runs.push(row.id);
                }
            }
            self.open.push(commit.clone());
        }
    }

    /// What must be true of every commit that becomes durable.
    fn apply(&mut self, commit: &Commit) {
        let mut changes = Changes::default();
        let now = self.at(self.now);
        assert_eq!(self.books.apply(now, commit, &mut changes), Answer::Applied, "commits have no gap");
        for RunChange { before, after, .. } in &changes.runs {
            let before = before.and_then(|row| row.state.outcome());
            let after_outcome = after.state.outcome();
            assert!(before.is_none() || before == after_outcome, "{:?} settled twice", after.id);
            if let (Some(Outcome::TimedOut(_)), Some(_), None) = (after_outcome, after.session, before) {
                let row =
                    self.books.sessions.get(&after.session_key()).expect("a started run has a session row");
                // A newer run may have begun in a session that runs share.
                let own = row.run == Some(after.id);
                assert!(own || after.session_key() == MAIN, "under its own key");
                assert!(
                    !own || row.status == Some(Status::Timeout),
                    "terminal in the same tick, with its reason"
                );
            }
            // Of runs that work beside each other the marker is the latest one's, and an edit can make any job one
            // whose runs do.
            let alone = self.jobs.iter().all(|job| job.terms.alone);
            let same = |row: &JobRow| row.generation == after.id.generation;
            let declared = self.books.job(after.id.job).filter(|(_, row)| alone && same(row));
            let at_work = matches!(after.state, RunState::Starting | RunState::Running);
            if let Some((_, row)) = declared {
                assert_eq!(row.running == Some(after.id), at_work, "the job's marker follows the run");
            }
        }
        for book in self.books.runs.values() {
            assert!(book.ends <= 1, "one terminal event at most");
        }
    }

    /// Lets everything end: schedules are not followed, the store answers, turns stop, time passes.
    pub(crate) fn rest(&mut self) {
        self.act(&Act::Foreign(false));
        for _ in 0..ENOUGH {
            self.act(&Act::Renewed(Answer::Applied));
            if !self.open.is_empty() {
                self.store(Answer::Applied);
            } else if !self.answers.is_empty() {
                self.hear(0);
            } else if let Some(job) = self.followed() {
                self.ask_of(job, Asked::Pause);
            } else if let Some(run) = self.whose_turn() {
                self.tell(InputKind::Report { run, report: Report::Completed(Finish::Ok) });
            } else if self.machine.waiting().is_empty() {
                break;
            } else {
                self.act(&Act::Sleep);
            }
        }
        let waiting = self.machine.waiting();
        assert!(waiting.is_empty(), "nothing is left that could happen, and these wait: {waiting:?}");
        for book in self.books.runs.values() {
            let row = &book.row;
            assert!(matches!(row.state, RunState::Settled(_)), "{:?} is left in {:?}", row.id, row.state);
            let held = book.terms.on_abandon == OnAbandon::Hold;
            assert!(row.is_closed() || held, "{:?} still holds its slot", row.id);
        }
        let running = self.books.sessions.values().filter(|row| row.status == Some(Status::Running)).count();
        assert_eq!(running, 0, "no session says running when nothing runs");
    }

    fn followed(&self) -> Option<JobId> {
        let jobs = self.books.jobs.iter().flatten();
        let mut active = jobs.filter(|(_, row)| row.status.is_active() && row.next_due.is_some());
        active.next().map(|(job, _)| job.id)
    }

    /// A run whose turn has the next word.
    fn whose_turn(&self) -> Option<RunId> {
        let says = |waits: WaitsFor| matches!(waits, WaitsFor::Session | WaitsFor::Turn | WaitsFor::Stop);
        self.machine.waiting().iter().find(|wait| says(wait.waits_for)).map(|wait| wait.run)
    }

    fn at(&self, nanos: u64) -> Now {
        let millis = i64::try_from(nanos / 1_000_000).expect("a short history");
        Now { mono: Mono::from_nanos(nanos), wall: Wall::from_millis(millis + self.stepped) }
    }
}
