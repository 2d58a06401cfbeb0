//! Who the driver talks to: commands, subscribers, the next owner.

mod paused;

use paused::*;
use sametick_core::effect::{Accepted, Command, Effect, Refusal, Report};
use sametick_core::id::JobId;
use sametick_core::job::Job;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::{Outcome, Phase};
use sametick_core::schedule::Schedule;
use sametick_core::session::Status;
use sametick_core::time::Wall;
use sametick_gateway::store_memory::MemoryStore;
use sametick_gateway::store_port::Inline;
use sametick_gateway::subscribers::{Channel, Subscriber, Taken};
use sametick_gateway::{CommandError, DriverError, Gone};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

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
    assert_eq!(gateway.origin.elapsed().as_millis(), 31_005, "it waits until its turn has stopped");
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
    let refused = gateway.handle.command(Command::Add(Box::new(job(0)))).await;
    assert_eq!((refused, gateway.origin.elapsed().as_millis()), (Err(Refusal::JobExists.into()), 100));
    let accepted = gateway.handle.command(Command::Add(Box::new(job(1)))).await;
    assert_eq!((accepted, gateway.origin.elapsed().as_millis()), (Ok(Accepted::Done), 600));
    assert!(inner.books().jobs.contains_key(&JobId(1)));
    gateway.stop(running).await;
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
        .command(Command::Add(Box::new(Job { schedule: Schedule::At(Wall::from_millis(90_000)), ..job(1) })))
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
