//! Words to set scenes with: a gateway on a paused runtime, stores that fail or take their time.

#![allow(dead_code, unreachable_pub, reason = "every test takes what it needs")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::effect::{Effect, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budget, Budgets, Job};
use sametick_core::ports::{Store, Turns};
use sametick_core::run::{Finish, Outcome, Phase, Shape, TimedOut};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Span, Wall};
use sametick_core::{Config, StandardGateway};
use sametick_gateway::clock::{HostClock, TokioClock};
use sametick_gateway::store_memory::MemoryStore;
use sametick_gateway::store_port::{FromStore, StorePort, ToStore};
use sametick_gateway::{Driver, DriverError, Handle, Mailbox, mailbox};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};

pub const DUE: Wall = Wall::from_millis(1_000);
pub const TIMED_OUT: Outcome = Outcome::TimedOut(TimedOut { budget: Budget::Run, phase: Phase::Running });

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn job(number: u32) -> Job {
    let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
    let (id, schedule) = (JobId(number), Schedule::At(DUE));
    Job::new(id, AgentId(0), schedule).with_budgets(budgets)
}

pub fn run_of(number: u32) -> RunId {
    RunId::scheduled(JobId(number), 1, DUE)
}

/// What was asked of the turns, and when.
pub type Asked = Arc<Mutex<Vec<(u128, Effect)>>>;

/// Turns that are ready after 20 ms, end after `takes`, and stop 5 ms after they are asked to.
pub struct TestTurns {
    pub handle: Handle,
    pub takes: Option<Duration>,
    pub asked: Asked,
    pub origin: Instant,
}

impl Turns for TestTurns {
    fn start(&mut self, run: RunId) {
        self.note(Effect::Start { run });
        let (handle, takes) = (self.handle.clone(), self.takes);
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

    fn abort(&mut self, run: RunId) {
        self.note(Effect::Abort { run });
        let handle = self.handle.clone();
        tokio::spawn(async move {
            sleep(ms(5)).await;
            handle.report(run, Report::Stopped).await.ok();
        });
    }
}

impl TestTurns {
    fn note(&self, effect: Effect) {
        self.asked.lock().expect("a lock").push((self.origin.elapsed().as_millis(), effect));
    }
}

/// A gateway on a paused runtime, to be given a store.
pub struct World {
    pub handle: Handle,
    pub mailbox: Mailbox,
    pub turns: TestTurns,
    pub asked: Asked,
    pub clock: TokioClock,
    pub origin: Instant,
}

impl World {
    pub fn new(takes: Option<Duration>) -> Self {
        let (handle, mailbox) = mailbox(64);
        let (asked, clock) = (Asked::default(), TokioClock::starting_at(Wall::from_millis(0)));
        let origin = clock.origin();
        let turns = TestTurns { handle: handle.clone(), takes, asked: Arc::clone(&asked), origin };
        Self { handle, mailbox, turns, asked, clock, origin }
    }

    pub fn driver<P: StorePort>(
        self,
        store: P,
    ) -> (Gateway, Driver<StandardGateway, P, TestTurns, TokioClock>) {
        let machine = StandardGateway::new(Config::default(), Shape::Emit);
        let driver = Driver::new(self.mailbox, machine, store, self.turns, self.clock);
        (Gateway { handle: self.handle, asked: self.asked, origin: self.origin }, driver)
    }
}

pub struct Gateway {
    pub handle: Handle,
    pub asked: Asked,
    pub origin: Instant,
}

impl Gateway {
    pub fn asked(&self) -> Vec<(u128, Effect)> {
        self.asked.lock().expect("a lock").clone()
    }

    pub async fn until(&self, millis: u64) {
        tokio::time::sleep_until(self.origin + ms(millis)).await;
    }

    pub async fn stop(&self, running: JoinHandle<Result<(), DriverError>>) {
        self.handle.stop().await.expect("a driver");
        running.await.expect("no panic").expect("a good end");
    }
}

/// A store that fails a few times, in whatever way, before it works, and that says when it applied.
#[derive(Clone)]
pub struct FlakyStore {
    pub inner: MemoryStore,
    pub failures: Arc<Mutex<VecDeque<Answer>>>,
    pub sent: Arc<Mutex<Vec<u64>>>,
}

impl FlakyStore {
    pub fn new(inner: MemoryStore, failures: impl IntoIterator<Item = Answer>) -> Self {
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

    fn renew(&mut self, epoch: u64) -> Answer {
        self.inner.renew(epoch)
    }
}

/// A store that takes its time over each commit.
pub struct SlowStore {
    pub inner: MemoryStore,
    pub takes: Duration,
    pub waiting: VecDeque<ToStore>,
    pub at_work: Option<Pin<Box<Sleep>>>,
}

impl StorePort for SlowStore {
    fn send(&mut self, request: ToStore) {
        self.waiting.push_back(request);
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<FromStore>> {
        if self.waiting.is_empty() {
            return Poll::Pending;
        }
        let takes = self.takes;
        let at_work = self.at_work.get_or_insert_with(|| Box::pin(sleep(takes)));
        if at_work.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.at_work = None;
        let request = self.waiting.pop_front().expect("it is not empty");
        Poll::Ready(Some(request.ask(&mut self.inner)))
    }
}
