//! The driver on a paused runtime: deadlines to the nanosecond, whatever the store does.

mod paused;

use paused::*;
use sametick_core::commit::{Answer, Commit};
use sametick_core::effect::{Effect, Report};
use sametick_core::job::{CatchUp, Job};
use sametick_core::run::{Drain, Finish, Outcome, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::session::Status;
use sametick_core::time::Wall;
use sametick_core::{Config, StandardGateway};
use sametick_gateway::Driver;
use sametick_gateway::clock::{HostClock, TokioClock};
use sametick_gateway::store_memory::{MemoryStore, Recorded};
use sametick_gateway::store_port::{Inline, Threaded};
use sametick_gateway::subscribers::Channel;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;

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
    // It is met ten minutes late, so what becomes of it is for the catch-up policy to say.
    let job = Job { schedule: Schedule::At(due), catch_up: CatchUp::One, ..job(0) };
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
async fn the_same_world_makes_the_same_commits_again() {
    async fn commits() -> Vec<Commit> {
        let store = MemoryStore::with_jobs((0..5).map(|number| (job(number), DUE)));
        let recorded = Recorded::new(FlakyStore::new(store.clone(), [Answer::NotApplied, Answer::Unknown]));
        let (gateway, driver) = World::new(Some(ms(700))).driver(Inline::new(recorded.clone()));
        let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
        gateway.until(30_000).await;
        gateway.stop(running).await;
        assert!(store.books().runs.values().all(|run| run.state.outcome() == Some(Outcome::Ok)));
        recorded.commits()
    }
    let first = commits().await;
    assert!(first.len() > 10);
    assert_eq!(first, commits().await);
}
