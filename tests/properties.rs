//! Histories nobody wrote down: any host, any turn, any store, any crash.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sametick_core::commit::{Answer, Commit, JobRow};
use sametick_core::effect::{Command, Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budgets, CatchUp, Job};
use sametick_core::run::{Failure, Finish, Outcome, RunState, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::session::Status;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway, Waiting, WaitsFor};
use sametick_sim::books::Books;
use sametick_sim::changes::{Changes, RunChange};

/// One thing a history does.
#[derive(Clone, Debug)]
enum Act {
    /// Sleep until the machine wants to be called, or for a second.
    Sleep,
    /// Sleep this long, whatever the machine wants: the host is late.
    Oversleep(u64),
    /// The nth run there is reports.
    Report(usize, Said),
    /// Somebody cancels the nth run.
    Cancel(usize),
    /// The store answers its oldest open commit.
    Store(Answer),
    /// The gateway dies and comes back after so many milliseconds.
    Crash(u64),
}

#[derive(Clone, Copy, Debug)]
enum Said {
    Ready,
    Progress,
    Ok,
    Failed,
    Stopped,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let said = prop_oneof![
        Just(Said::Ready),
        Just(Said::Progress),
        Just(Said::Ok),
        Just(Said::Failed),
        Just(Said::Stopped)
    ];
    let answer =
        prop_oneof![6 => Just(Answer::Applied), 1 => Just(Answer::NotApplied), 1 => Just(Answer::Unknown)];
    let act = prop_oneof![
        4 => Just(Act::Sleep),
        2 => (1u64..5_000).prop_map(Act::Oversleep),
        4 => (0usize..6, said).prop_map(|(run, said)| Act::Report(run, said)),
        1 => (0usize..6).prop_map(Act::Cancel),
        6 => answer.prop_map(Act::Store),
        1 => (0u64..10_000).prop_map(Act::Crash),
    ];
    prop::collection::vec(act, 1..80)
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let span = || prop::option::of((0u64..4_000).prop_map(Span::from_millis));
    let schedule = prop_oneof![
        (1i64..3_000).prop_map(|at| Schedule::At(Wall::from_millis(at))),
        (500u64..3_000, 0i64..1_000)
            .prop_map(|(every_ms, anchor)| Schedule::Every { every_ms, anchor: Wall::from_millis(anchor) }),
    ];
    let job = (schedule, span(), span(), span(), 0u64..2_000, any::<bool>(), any::<bool>());
    prop::collection::vec(job, 1..4).prop_map(|jobs| {
        let numbered = jobs.into_iter().zip(0u32..);
        let made = numbered.map(|((schedule, queue, timeout, total, grace, deliver, catches_up), id)| {
            let mut job = Job::new(JobId(id), AgentId(0), schedule).with_budgets(Budgets {
                queue_timeout: queue,
                timeout,
                total_timeout: total,
                abort_grace: Span::from_millis(grace),
                ..Budgets::default()
            });
            job.terms.deliver = deliver;
            job.catch_up = if catches_up { CatchUp::One } else { CatchUp::Skip };
            job
        });
        made.collect()
    })
}

/// A host that does whatever it is told, and watches.
struct Host {
    machine: StandardGateway,
    books: Books,
    open: Vec<Commit>,
    runs: Vec<RunId>,
    started: Vec<RunId>,
    now: u64,
    epoch: u64,
    sessions: u32,
}

impl Host {
    fn new(jobs: &[Job], limit: u32, shape: Shape) -> Self {
        let config = Config { open_commits: 8, ..Config::one_lane(limit) };
        let mut books = Books::default();
        books.open();
        for job in jobs {
            books.declare(*job, JobRow::new(job.id, 1, job.schedule.next_after(Wall::from_millis(-1))));
        }
        let (machine, tick) = StandardGateway::recover(config, shape, &books.rows(), 1, at(0));
        let mut host = Self {
            machine,
            books,
            open: Vec::new(),
            runs: Vec::new(),
            started: Vec::new(),
            now: 0,
            epoch: 1,
            sessions: 0,
        };
        host.watch(&tick);
        host
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Sleep => {
                let wake = self.machine.next_wakeup().map_or(self.now + 1_000_000_000, Mono::as_nanos);
                self.tick(wake, None);
            }
            Act::Oversleep(millis) => self.tick(self.now + millis * 1_000_000, None),
            Act::Report(place, said) => {
                let Some(run) = self.runs.get(*place).copied() else { return };
                self.sessions += 1;
                let report = match said {
                    Said::Ready => Report::Ready { session: SessionId(self.sessions) },
                    Said::Progress => Report::Progress,
                    Said::Ok => Report::Completed(Finish::Ok),
                    Said::Failed => Report::Completed(Finish::Failed(Failure::default())),
                    Said::Stopped => Report::Stopped,
                };
                self.tick(self.now + 1, Some(InputKind::Report { run, report }));
            }
            Act::Cancel(place) => {
                let Some(run) = self.runs.get(*place).copied() else { return };
                self.tick(
                    self.now + 1,
                    Some(InputKind::Command { ticket: 0, command: Command::Cancel(run) }),
                );
            }
            Act::Store(answer) => self.store(*answer),
            Act::Crash(down) => self.crash(*down),
        }
    }

    fn store(&mut self, answer: Answer) {
        if self.open.is_empty() {
            return;
        }
        let number = self.open[0].number;
        if answer == Answer::Applied {
            let commit = self.open.remove(0);
            self.apply(&commit);
        }
        self.tick(self.now + 1, Some(InputKind::Answer { commit: number, answer }));
    }

    fn crash(&mut self, down: u64) {
        self.open.clear();
        self.epoch += 1;
        self.now += down * 1_000_000 + 1;
        let tick = self.machine.restart(&self.books.rows(), self.epoch, at(self.now)).clone();
        self.watch(&tick);
    }

    fn tick(&mut self, now: u64, kind: Option<InputKind>) {
        let input = kind.map(|kind| Input { at: Mono::from_nanos(now), kind });
        let tick = self.machine.handle(at(now), input.as_slice()).clone();
        self.now = now;
        self.watch(&tick);
        let wake = self.machine.next_wakeup();
        assert!(
            wake.is_none_or(|wake| wake.as_nanos() > now),
            "the next wake-up is after the tick that says it"
        );
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
                Effect::Abort { .. }
                | Effect::Reply { .. }
                | Effect::StoreAgain { .. }
                | Effect::Renew { .. }
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
        assert_eq!(
            self.books.apply(at(self.now), commit, &mut changes),
            Answer::Applied,
            "commits have no gap"
        );
        for RunChange { before, after, .. } in &changes.runs {
            let before = before.and_then(|row| row.state.outcome());
            let after_outcome = after.state.outcome();
            assert!(before.is_none() || before == after_outcome, "{:?} settled twice", after.id);
            if let (Some(Outcome::TimedOut(_)), Some(_)) = (after_outcome, after.session) {
                let row =
                    self.books.sessions.get(&after.session_key()).expect("a started run has a session row");
                assert_eq!(row.status, Some(Status::Timeout), "terminal in the same tick, with its reason");
                assert_eq!(row.run, Some(after.id), "under its own key");
            }
            let marked = self.books.job(after.id.job).is_some_and(|(_, row)| row.running == Some(after.id));
            let at_work = matches!(after.state, RunState::Starting | RunState::Running);
            assert_eq!(marked, at_work, "the job's marker follows the run");
        }
        for book in self.books.runs.values() {
            assert!(book.ends <= 1, "one terminal event at most");
        }
    }

    /// Lets everything end: the store answers, turns stop, time passes.
    fn rest(&mut self) {
        for _ in 0..400 {
            if !self.open.is_empty() {
                self.store(Answer::Applied);
            } else if let Some(wait) = self.machine.waiting().iter().find(|wait| !waits_for_slot(wait)) {
                let report = InputKind::Report { run: wait.run, report: Report::Completed(Finish::Ok) };
                self.tick(self.now + 1, Some(report));
            } else {
                break;
            }
        }
        for book in self.books.runs.values() {
            assert!(
                matches!(book.row.state, RunState::Settled(_)),
                "{:?} is left in {:?}",
                book.row.id,
                book.row.state
            );
        }
        let running = self.books.sessions.values().filter(|row| row.status == Some(Status::Running)).count();
        assert_eq!(running, 0, "no session says running when nothing runs");
    }
}

fn waits_for_slot(waiting: &Waiting) -> bool {
    matches!(waiting.waits_for, WaitsFor::Slot { .. })
}

fn at(nanos: u64) -> Now {
    let millis = i64::try_from(nanos / 1_000_000).expect("a short history");
    Now { mono: Mono::from_nanos(nanos), wall: Wall::from_millis(millis) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: RngSeed::Fixed(70_347), ..ProptestConfig::default() })]

    #[test]
    fn no_history_makes_the_records_disagree(jobs in jobs(), limit in 1u32..3, acts in acts()) {
        let mut host = Host::new(&jobs, limit, Shape::Emit);
        for act in &acts {
            host.act(act);
        }
        host.rest();
    }

    #[test]
    fn both_shapes_write_the_same_books(jobs in jobs(), limit in 1u32..3, acts in acts()) {
        let mut emit = Host::new(&jobs, limit, Shape::Emit);
        let mut synthesize = Host::new(&jobs, limit, Shape::Synthesize);
        for act in &acts {
            emit.act(act);
            synthesize.act(act);
        }
        prop_assert_eq!(emit.books, synthesize.books);
    }
}
