//! Two gateways over one store: the driver renews its lease, and leaves when it cannot.

mod paused;

use paused::*;
use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::effect::Effect;
use sametick_core::ports::Store;
use sametick_core::run::{Outcome, Phase, Shape};
use sametick_core::time::Span;
use sametick_core::{Config, StandardGateway};
use sametick_gateway::store_memory::MemoryStore;
use sametick_gateway::store_port::Inline;
use sametick_gateway::{Driver, DriverError};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const LEASE: Span = Span::from_secs(9);

fn leased<S: Store>(
    world: World,
    store: S,
) -> (Gateway, Driver<StandardGateway, Inline<S>, TestTurns, sametick_gateway::clock::TokioClock>) {
    let machine = StandardGateway::new(Config { lease: Some(LEASE), ..Config::default() }, Shape::Emit);
    let driver = Driver::new(world.mailbox, machine, Inline::new(store), world.turns, world.clock);
    (Gateway { handle: world.handle, asked: world.asked, origin: world.origin }, driver)
}

/// A store that can be cut off.
#[derive(Clone)]
struct Far {
    inner: MemoryStore,
    cut: Arc<AtomicBool>,
}

impl Store for Far {
    type Error = Infallible;

    fn load(&mut self) -> Result<Rows, Infallible> {
        self.inner.load()
    }

    fn commit(&mut self, commit: &Commit) -> Answer {
        if self.cut.load(Ordering::Relaxed) { Answer::Unknown } else { self.inner.commit(commit) }
    }

    fn renew(&mut self, epoch: u64) -> Answer {
        if self.cut.load(Ordering::Relaxed) { Answer::Unknown } else { self.inner.renew(epoch) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_renewed_lets_a_turn_end_long_after_it() {
    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let (gateway, driver) = leased(World::new(Some(ms(25_000))), store.clone());
    let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
    gateway.until(40_000).await;
    assert_eq!(store.books().runs[&run_of(0)].state.outcome(), Some(Outcome::Ok));
    gateway.stop(running).await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_cut_off_asks_its_turns_to_stop_when_its_lease_ends() {
    let inner = MemoryStore::with_jobs([(job(0), DUE)]);
    let far = Far { inner: inner.clone(), cut: Arc::default() };
    let (gateway, driver) = leased(World::new(None), far.clone());
    let running = tokio::spawn(driver.run(inner.rows(), inner.take_over()));
    gateway.until(7_000).await;
    far.cut.store(true, Ordering::Relaxed);
    let ended = running.await.expect("no panic");
    assert_eq!(ended, Err(DriverError::Fenced));
    // Renewed at 6 s for the last time.
    let run = run_of(0);
    assert_eq!(gateway.asked(), [(1_000, Effect::Start { run }), (15_000, Effect::Abort { run })]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_replaced_leaves_its_run_to_its_successor() {
    let store = MemoryStore::with_jobs([(job(0), DUE)]);
    let (gateway, driver) = leased(World::new(None), store.clone());
    let old = tokio::spawn(driver.run(store.rows(), store.take_over()));
    gateway.until(4_000).await;
    let epoch = store.take_over();
    let (next, driver) = leased(World::new(None), store.clone());
    let new = tokio::spawn(driver.run(store.rows(), epoch));
    assert_eq!(old.await.expect("no panic"), Err(DriverError::Fenced), "its renewal at 6 s says so");
    assert_eq!(gateway.asked().last(), Some(&(6_000, Effect::Abort { run: run_of(0) })));
    next.until(30_000).await;
    let row = store.books().runs[&run_of(0)];
    assert_eq!(row.state.outcome(), Some(Outcome::Interrupted(Phase::Running)));
    next.stop(new).await;
}
