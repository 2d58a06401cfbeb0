//! The driver on a paused runtime: deadlines to the nanosecond, whatever the store does.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::effect::{Command, Effect, Refusal, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budget, Budgets, CatchUp, Job};
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::ports::{Store, Turns};
use sametick_core::run::{Drain, Finish, Outcome, Phase, Shape, TimedOut};
use sametick_core::schedule::Schedule;
use sametick_core::session::Status;
use sametick_core::time::{Span, Wall};
use sametick_core::{Config, StandardGateway};
use sametick_gateway::clock::{HostClock, TokioClock};
use sametick_gateway::store_memory::MemoryStore;
use sametick_gateway::store_port::{Inline, StorePort, Threaded};
use sametick_gateway::subscribers::{Channel, Subscriber, Taken};
use sametick_gateway::{CommandError, Driver, DriverError, Gone, Handle, Mailbox, mailbox};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};

const DUE: Wall = Wall::from_millis(1_000);
const TIMED_OUT: Outcome = Outcome::TimedOut(TimedOut { budget: Budget::Run, phase: Phase::Running });

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn job(number: u32) -> Job {
    let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
    let (id, schedule) = (JobId(number), Schedule::At(DUE));
    Job { id, agent: AgentId(0), schedule, budgets, deliver: false, catch_up: CatchUp::Skip }
}

fn run_of(number: u32) -> RunId {
    RunId { job: JobId(number), generation: 1, due: DUE, attempt: 1 }
}

/// What was asked of the turns, and when.
type Asked = Arc<Mutex<Vec<(u128, Effect)>>>;

/// Turns that are ready after 20 ms, end after `takes`, and stop 5 ms after they are asked to.
struct TestTurns {
    handle: Handle,
    takes: Option<Duration>,
    asked: Asked,
    origin: Instant,
}

impl Turns for TestTurns {
    fn effect(&mut self, effect: &Effect) {
        self.asked.lock().expect("a lock").push((self.origin.elapsed().as_millis(), *effect));
        let handle = self.handle.clone();
        match *effect {
            Effect::Start { run } => {
                let takes = self.takes;
                tokio::spawn(async move {
                    sleep(ms(20)).await;
                    let session = SessionId(run.job.0);
                    handle.report(run, Report::Ready { session }).await.ok();
                    if let Some(takes) = takes {
                        sleep(takes - ms(20)).await;
                        handle.report(run, Report::Completed(Finish::Ok)).await.ok();
                    }
                });
            }
            Effect::Abort { run } => {
                tokio::spawn(async move {
                    sleep(ms(5)).await;
                    handle.report(run, Report::Stopped).await.ok();
                });
            }
            _ => {}
        }
    }
}

/// A gateway on a paused runtime, to be given a store.
struct World {
    handle: Handle,
    mailbox: Mailbox,
    turns: TestTurns,
    asked: Asked,
    clock: TokioClock,
    origin: Instant,
}

impl World {
    fn new(takes: Option<Duration>) -> Self {
        let (handle, mailbox) = mailbox(64);
        let (asked, clock) = (Asked::default(), TokioClock::starting_at(Wall::from_millis(0)));
        let origin = clock.origin();
        let turns = TestTurns { handle: handle.clone(), takes, asked: Arc::clone(&asked), origin };
        Self { handle, mailbox, turns, asked, clock, origin }
    }

    fn driver<P: StorePort>(self, store: P) -> (Gateway, Driver<StandardGateway, P, TestTurns, TokioClock>) {
        let machine = StandardGateway::new(Config::default(), Shape::Emit);
        let driver = Driver::new(self.mailbox, machine, store, self.turns, self.clock);
        (Gateway { handle: self.handle, asked: self.asked, origin: self.origin }, driver)
    }
}

struct Gateway {
    handle: Handle,
    asked: Asked,
    origin: Instant,
}

impl Gateway {
    fn asked(&self) -> Vec<(u128, Effect)> {
        self.asked.lock().expect("a lock").clone()
    }

    async fn until(&self, millis: u64) {
        tokio::time::sleep_until(self.origin + ms(millis)).await;
    }

    async fn stop(&self, running: JoinHandle<Result<(), DriverError>>) {
        self.handle.stop().await.expect("a driver");
        running.await.expect("no panic").expect("a good end");
    }
}

/// A store that fails a few times, in whatever way, before it works, and that says when it applied.
#[derive(Clone)]
struct FlakyStore {
    inner: MemoryStore,
    failures: Arc<Mutex<VecDeque<Answer>>>,
    sent: Arc<Mutex<Vec<u64>>>,
}

impl FlakyStore {
    fn new(inner: MemoryStore, failures: impl IntoIterator<Item = Answer>) -> Self {
        let failures = Arc::new(Mutex::new(failures.into_iter().collect()));
        Self { inner, failures, sent: Arc::default() }
    }
}

impl Store for FlakyStore {
    type Error = Infallible;

    fn load(&mut self) -> Result<Rows, Infallible> {
        self.inner.load()
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        self.sent.lock().expect("a lock").push(commit.number);
        match self.failures.lock().expect("a lock").pop_front() {
            None => self.inner.commit(commit),
            Some(Answer::Unknown) => {
                self.inner.commit(commit);
                Answer::Unknown
            }
            Some(other) => other,
        }
    }
}

/// A store that takes its time over each commit.
struct SlowStore {
    inner: MemoryStore,
    takes: Duration,
    waiting: VecDeque<Arc<Commit>>,
    at_work: Option<Pin<Box<Sleep>>>,
}

impl StorePort for SlowStore {
    fn send(&mut self, commit: &Arc<Commit>) {
        self.waiting.push_back(Arc::clone(commit));
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, Answer)>> {
        if self.waiting.is_empty() {
            return Poll::Pending;
        }
        let takes = self.takes;
        let at_work = self.at_work.get_or_insert_with(|| Box::pin(sleep(takes)));
        if at_work.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.at_work = None;
        let commit = self.waiting.pop_front().expect("it is not empty");
        Poll::Ready(Some((commit.number, self.inner.commit(&commit))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_times_out_at_its_deadline_and_not_a_nanosecond_later() {
    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let (gateway, driver) = World::new(None).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
    gateway.until(30_999).await;
    assert_eq!(store.books().runs[&run_of(0)].state.outcome(), None);
    gateway.until(31_100).await;
    let books = store.books();
    let run = books.runs[&run_of(0)];
    assert_eq!((run.state.outcome(), run.settled_at), (Some(TIMED_OUT), Some(Wall::from_millis(31_000))));
    assert_eq!((run.runtime_ms, run.drain), (Some(29_980), Drain::Confirmed));
    assert!(books.sessions.values().all(|row| row.status == Some(Status::Timeout)), "{books:#?}");
    assert_eq!(books.sessions.len(), 2);
    let times: Vec<u128> = gateway.asked().iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [1_000, 31_000]);
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_ends_with_the_same_books_and_starts_nothing_early() {
    let steady = MemoryStore::with_jobs([(job(0), DUE)]);
    let (gateway, driver) = World::new(Some(ms(5_000))).driver(Inline::new(steady.clone()));
    let running = tokio::spawn(driver.run(steady.rows(), steady.take_over()));
    gateway.until(10_000).await;
    gateway.stop(running).await;

    let books = MemoryStore::with_jobs([(job(0), DUE)]);
    let failures = [Answer::NotApplied, Answer::NotApplied, Answer::Unknown, Answer::NotApplied];
    let store = FlakyStore::new(books.clone(), failures);
    let (gateway, driver) = World::new(Some(ms(5_000))).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.run(books.rows(), books.take_over()));
    gateway.until(1_029).await;
    assert_eq!(gateway.asked(), [], "nothing starts before its grant is durable");
    gateway.until(20_000).await;
    gateway.stop(running).await;
    // 10 ms, 20 ms, 40 ms and 80 ms: the same commit each time, so the start is 150 ms late.
    assert_eq!(gateway.asked(), [(1_150, Effect::Start { run: run_of(0) })]);
    assert_eq!(store.sent.lock().expect("a lock")[..5], [1, 1, 1, 1, 1]);
    let (late, steady) = (books.books(), steady.books());
    assert_eq!(late.runs[&run_of(0)].state, steady.runs[&run_of(0)].state);
    assert_eq!(late.last_commit, steady.last_commit);
    let statuses = |books: &sametick_gateway::store_memory::Books| {
        books.sessions.iter().map(|(key, row)| (*key, row.status, row.run)).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&late), statuses(&steady));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_met_while_the_store_takes_nothing() {
    let books = MemoryStore::with_jobs([(job(0), DUE)]);
    // The grant and the start are taken; then nothing is for a long while.
    let store = FlakyStore::new(books.clone(), []);
    let (gateway, driver) = World::new(None).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.run(books.rows(), books.take_over()));
    gateway.until(2_000).await;
    *store.failures.lock().expect("a lock") = std::iter::repeat_n(Answer::NotApplied, 14).collect();
    gateway.until(31_050).await;
    assert_eq!(gateway.asked()[1], (31_000, Effect::Abort { run: run_of(0) }));
    assert_eq!(books.books().runs[&run_of(0)].state.outcome(), None, "the store has not taken it yet");
    gateway.until(200_000).await;
    let run = books.books().runs[&run_of(0)];
    assert_eq!((run.state.outcome(), run.settled_at), (Some(TIMED_OUT), Some(Wall::from_millis(31_000))));
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_met_while_the_store_is_slow() {
    let inner = MemoryStore::with_jobs([(job(0), DUE)]);
    let (waiting, at_work) = (VecDeque::new(), None);
    let store = SlowStore { inner: inner.clone(), takes: ms(25_000), waiting, at_work };
    let (gateway, driver) = World::new(None).driver(store);
    let running = tokio::spawn(driver.run(inner.rows(), inner.take_over()));
    gateway.until(120_000).await;
    // The grant is durable at 26 s; the session is ready at 26.02 s; the deadline stays at 31 s.
    let asked = [(26_000, Effect::Start { run: run_of(0) }), (31_000, Effect::Abort { run: run_of(0) })];
    assert_eq!(gateway.asked(), asked);
    assert_eq!(inner.books().runs[&run_of(0)].settled_at, Some(Wall::from_millis(31_000)));
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_report_sent_at_the_deadline_wins_and_one_after_it_is_late() {
    for (takes, wanted) in [(30_000, Outcome::Ok), (30_001, TIMED_OUT)] {
        let store = MemoryStore::with_jobs([(job(0), DUE)]);
        let (gateway, driver) = World::new(Some(ms(takes))).driver(Inline::new(store.clone()));
        let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
        gateway.until(40_000).await;
        assert_eq!(store.books().runs[&run_of(0)].state.outcome(), Some(wanted), "{takes} ms");
        gateway.stop(running).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_that_waits_in_the_mailbox_counts_from_when_it_was_sent() {
    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let (gateway, driver) = World::new(None).driver(Inline::new(store.clone()));
    let mut running = Box::pin(driver.run(store.rows(), store.take_over()));
    tokio::select! {
        biased;
        end = &mut running => panic!("{end:?}"),
        () = gateway.until(30_500) => {}
    }
    // The driver gets no time for two seconds, as on a machine that is busy elsewhere.
    gateway.handle.report(run_of(0), Report::Completed(Finish::Ok)).await.expect("a driver");
    gateway.until(32_500).await;
    let running = tokio::spawn(running);
    gateway.until(33_000).await;
    assert_eq!(store.books().runs[&run_of(0)].state.outcome(), Some(Outcome::Ok));
    gateway.stop(running).await;
}

// On the real clock: a paused one would not wait for the thread.
#[tokio::test]
async fn a_store_on_its_own_thread_ends_with_the_same_books() {
    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let threaded = Threaded::spawn(store.clone()).expect("a thread");
    let mut world = World::new(Some(ms(40)));
    world.clock = TokioClock::starting_at(DUE);
    let (gateway, driver) = world.driver(threaded);
    let (subscriber, mut events) = Channel::new(8);
    let running = tokio::spawn(driver.subscriber(subscriber).run(store.rows(), store.take_over()));
    assert_eq!(events.recv().await.map(|(_, event)| event.seq), Some(1));
    assert_eq!(events.recv().await.map(|(_, event)| event.seq), Some(2));
    gateway.handle.at_rest().await.expect("a driver");
    assert_eq!(store.books().runs[&run_of(0)].state.outcome(), Some(Outcome::Ok));
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_open_commits_and_starts_no_turn() {
    let inner = MemoryStore::with_jobs([(job(0), DUE)]);
    let (waiting, at_work) = (VecDeque::new(), None);
    let store = SlowStore { inner: inner.clone(), takes: ms(500), waiting, at_work };
    let (gateway, driver) = World::new(None).driver(store);
    let running = tokio::spawn(driver.run(inner.rows(), inner.take_over()));
    gateway.until(1_100).await;
    assert_eq!(inner.books().last_commit, 0);
    gateway.stop(running).await;
    assert_eq!((inner.books().last_commit, gateway.origin.elapsed().as_millis()), (1, 1_500));
    assert_eq!(gateway.asked(), []);
    assert_eq!(gateway.handle.report(run_of(0), Report::Stopped).await, Err(Gone));
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_was_replaced_aborts_its_turns_and_ends_with_an_error() {
    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let (gateway, driver) = World::new(None).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
    gateway.until(1_500).await;
    let _newer_owner = store.take_over();
    assert_eq!(running.await.expect("no panic"), Err(DriverError::Fenced));
    assert_eq!(gateway.asked().last(), Some(&(31_000, Effect::Abort { run: run_of(0) })));
    let command = gateway.handle.command(Command::Cancel(run_of(0))).await;
    assert_eq!(command, Err(CommandError::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_command_is_answered_when_it_is_durable_or_refused() {
    let inner = MemoryStore::with_jobs([(job(0), DUE)]);
    let (waiting, at_work) = (VecDeque::new(), None);
    let store = SlowStore { inner: inner.clone(), takes: ms(500), waiting, at_work };
    let (gateway, driver) = World::new(None).driver(store);
    let running = tokio::spawn(driver.run(inner.rows(), inner.take_over()));
    gateway.until(100).await;
    let refused = gateway.handle.command(Command::Add(job(0))).await;
    assert_eq!((refused, gateway.origin.elapsed().as_millis()), (Err(Refusal::JobExists.into()), 100));
    let accepted = gateway.handle.command(Command::Add(job(1))).await;
    assert_eq!((accepted, gateway.origin.elapsed().as_millis()), (Ok(()), 600));
    assert!(inner.books().jobs.contains_key(&JobId(1)));
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn the_wall_clock_is_read_again_within_a_minute_of_a_silent_step() {
    /// A wall clock that was put ahead after ten seconds, and nobody said so.
    struct Stepped(TokioClock);

    impl HostClock for Stepped {
        fn origin(&self) -> Instant {
            self.0.origin()
        }

        fn wall(&self) -> Wall {
            let wall = self.0.wall();
            if wall.as_millis() < 10_000 { wall } else { wall.plus_millis(3_600_000) }
        }
    }

    let due = Wall::from_millis(3_000_000);
    let job = Job { schedule: Schedule::At(due), ..job(0) };
    let store = MemoryStore::with_jobs([(job, due)]);
    let world = World::new(None);
    let (asked, origin) = (Arc::clone(&world.asked), world.origin);
    let machine = StandardGateway::new(Config::default(), Shape::Emit);
    let clock = Stepped(world.clock);
    let driver = Driver::new(world.mailbox, machine, Inline::new(store.clone()), world.turns, clock);
    let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
    tokio::time::sleep_until(origin + ms(61_000)).await;
    assert_eq!(asked.lock().expect("a lock")[0].0, 60_000);
    world.handle.stop().await.expect("a driver");
    running.await.expect("no panic").expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn subscribers_hear_each_event_once_and_a_restart_repeats_what_nobody_took() {
    #[derive(Clone, Default)]
    struct Forgetful(Arc<Mutex<Vec<(u64, LifecycleEvent)>>>);

    impl Subscriber for Forgetful {
        fn hear(&mut self, offset: u64, event: &LifecycleEvent) -> Taken {
            self.0.lock().expect("a lock").push((offset, *event));
            Taken::Later
        }
    }

    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let forgetful = Forgetful::default();
    let (gateway, driver) = World::new(Some(ms(5_000))).driver(Inline::new(store.clone()));
    let driver = driver.subscriber(forgetful.clone());
    let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
    gateway.until(10_000).await;
    gateway.stop(running).await;
    let first: Vec<_> = forgetful.0.lock().expect("a lock").clone();
    assert_eq!(first.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [0, 1]);

    let (subscriber, mut events) = Channel::new(8);
    let (gateway, driver) = World::new(None).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.subscriber(subscriber).run(store.rows(), store.take_over()));
    assert_eq!([events.recv().await, events.recv().await], [Some(first[0]), Some(first[1])]);
    // What was taken is acknowledged by the next commit.
    gateway
        .handle
        .command(Command::Add(Job { schedule: Schedule::At(Wall::from_millis(90_000)), ..job(1) }))
        .await
        .expect("room");
    assert_eq!(store.rows().events, []);
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_falls_behind_gets_what_was_sent_and_then_the_end() {
    let jobs = (0..3).map(|number| (job(number), DUE));
    let store = MemoryStore::with_jobs(jobs);
    let (subscriber, mut events) = Channel::new(2);
    let (gateway, driver) = World::new(Some(ms(1_000))).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.subscriber(subscriber).run(store.rows(), store.take_over()));
    gateway.until(20_000).await;
    let mut offsets = Vec::new();
    while let Some((offset, _)) = events.recv().await {
        offsets.push(offset);
    }
    assert_eq!(offsets, [0, 1]);
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_settles_what_was_at_work_as_interrupted() {
    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let (gateway, driver) = World::new(None).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
    gateway.until(2_000).await;
    running.abort();
    let _gone = running.await;
    assert!(store.books().sessions.values().all(|row| row.status == Some(Status::Running)));

    let (gateway, driver) = World::new(None).driver(Inline::new(store.clone()));
    let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
    gateway.handle.at_rest().await.expect("a driver");
    let books = store.books();
    assert_eq!(books.runs[&run_of(0)].state.outcome(), Some(Outcome::Interrupted(Phase::Running)));
    assert!(books.sessions.values().all(|row| row.status == Some(Status::Failed)));
    assert_eq!(gateway.asked(), [(0, Effect::Abort { run: run_of(0) })]);
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_the_same_world_make_the_same_commits() {
    async fn commits() -> Vec<u64> {
        let store = MemoryStore::with_jobs((0..5).map(|number| (job(number), DUE)));
        let recorded = FlakyStore::new(store.clone(), [Answer::NotApplied, Answer::Unknown]);
        let (gateway, driver) = World::new(Some(ms(700))).driver(Inline::new(recorded.clone()));
        let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
        gateway.until(30_000).await;
        gateway.stop(running).await;
        let sent = recorded.sent.lock().expect("a lock").clone();
        assert!(store.books().runs.values().all(|run| run.state.outcome() == Some(Outcome::Ok)));
        sent
    }
    assert_eq!(commits().await, commits().await);
}
