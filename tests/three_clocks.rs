//! The same plan on the simulator's clock and on a paused tokio runtime settles the same.
//!
//! The gateway's own driver runs here, with its timers of one millisecond, so scenarios that are
//! decided within a millisecond are left to the simulator; everything else has to agree.

use std::collections::BTreeMap;
use std::time::Duration;

use sametick_core::StandardGateway;
use sametick_core::effect::Report;
use sametick_core::id::{RunId, SessionId};
use sametick_core::ports::Turns;
use sametick_core::run::Shape;
use sametick_core::time::{Mono, Span, Wall};
use sametick_gateway::clock::{HostClock, TokioClock};
use sametick_gateway::store_memory::MemoryStore;
use sametick_gateway::store_port::Inline;
use sametick_gateway::{Driver, Handle, mailbox};
use sametick_sim::books::Books;
use sametick_sim::judge::Judge;
use sametick_sim::scenario::{Order, SpanRange, TurnEnd, TurnRule};
use sametick_sim::script::{Script, TurnScript};
use sametick_sim::{Scenario, World, shipped};
use tokio::time::{Instant, sleep, sleep_until};

/// How far the timers of a runtime may put two times apart: one millisecond for each timer on the way.
const APART_MS: i64 = 3;

/// Scenarios in which two things are less than that apart, on purpose.
const WITHIN_A_MILLISECOND: [&str; 5] = [
    "queues/slot_frees_just_before",
    "queues/slot_frees_at_the_deadline",
    "races/cancelled_at_the_deadline",
    "races/ready_at_the_deadline",
    "store/slow_or_fast",
];

#[test]
fn the_same_plan_settles_the_same_on_both_clocks() {
    let scenarios = shipped::scenarios().expect("what is shipped reads");
    let mut compared = 0;
    for mut scenario in scenarios.into_iter().filter(can_be_played) {
        // The store in memory answers on the spot, which the machine hears a nanosecond later.
        scenario.store_answers = SpanRange::exactly(Span::from_nanos(1));
        for seed in 0..if scenario.is_family { 5 } else { 1 } {
            let (simulated, end) = on_the_simulator(&scenario, seed);
            let played = on_tokio(&scenario, seed, end);
            assert_same(&simulated, &played, &format!("{} seed {seed}", scenario.name));
            compared += 1;
        }
    }
    assert!(compared >= 20, "only {compared} worlds could be played");
}

fn can_be_played(scenario: &Scenario) -> bool {
    let plain = |turn: &TurnRule| {
        turn.order == Order::ReportFirst
            && turn.progress.is_none()
            && turn.again.is_none()
            && !matches!(turn.ends, TurnEnd::NearTimeout(..) | TurnEnd::NearTotal(..))
    };
    scenario.faults.is_empty()
        && scenario.timeline.is_empty()
        && scenario.lag.high == Span::ZERO
        && scenario.turns.iter().all(plain)
        && !WITHIN_A_MILLISECOND.contains(&scenario.name.as_str())
}

/// The books of the simulator's world, and when it came to rest.
fn on_the_simulator(scenario: &Scenario, seed: u64) -> (Books, Duration) {
    let mut world = World::new(scenario, StandardGateway::new(scenario.config.clone(), Shape::Emit));
    world.judge_claims(false);
    let verdict = world.run(seed);
    assert!(verdict.failures.is_empty(), "{}: {:?}", scenario.name, verdict.failures);
    let ends = world.books().runs.values().filter_map(|book| book.row.settled_at);
    let last = ends.max().map_or(0, |end| end - scenario.begins);
    (world.books().clone(), Duration::from_millis(last.unsigned_abs()))
}

/// The books that the gateway's driver leaves when it plays the same turns.
fn on_tokio(scenario: &Scenario, seed: u64, end: Duration) -> Books {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    // The script speaks of the scenario's jobs for as long as turns run, which is as long as this test.
    let scenario: &'static Scenario = Box::leak(Box::new(scenario.clone()));
    runtime.block_on(async {
        let script = Script::new(scenario, seed);
        let declared = script.jobs().map(|job| {
            let first = job.job.schedule.next_after(scenario.begins.plus_millis(-1));
            (job.job, first.expect("every job is due once"))
        });
        let store = MemoryStore::with_jobs(declared);
        let clock = TokioClock::starting_at(scenario.begins);
        let (handle, mailbox) = mailbox(64);
        let machine = StandardGateway::new(scenario.config.clone(), Shape::Emit);
        let turns =
            Played { scenario, script, handle: handle.clone(), clock, turns: BTreeMap::new(), sessions: 0 };
        let driver = Driver::new(mailbox, machine, Inline::new(store.clone()), turns, clock);
        let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
        // Long enough for every drain to end, too.
        sleep((end + Duration::from_secs(60)).min(Duration::from_nanos(scenario.until.as_nanos()))).await;
        handle.stop().await.expect("the driver is there");
        running.await.expect("the driver does not panic").expect("the driver stops when asked to");
        books_of(&store)
    })
}

fn books_of(store: &MemoryStore) -> Books {
    let kept = store.books();
    let mut books = Books::default();
    books.open();
    for (job, row) in kept.jobs.values() {
        books.declare(*job, *row);
    }
    for (id, row) in &kept.runs {
        books.put_run(*id, *row);
    }
    for (key, row) in &kept.sessions {
        books.sessions.insert(*key, *row);
    }
    books.events.extend(kept.events.values());
    books
}

/// Turns that do on tokio what a script says.
struct Played {
    scenario: &'static Scenario,
    script: Script<'static>,
    handle: Handle,
    clock: TokioClock,
    turns: BTreeMap<RunId, tokio::task::JoinHandle<()>>,
    sessions: u32,
}

impl Turns for Played {
    fn start(&mut self, run: RunId) {
        let turn = self.turn(run);
        let started = self.clock.read().mono;
        let budgets = self.scenario.jobs[run.job.index()].job.terms.budgets;
        let ready = turn.ready.map(|ready| self.at(started + ready));
        let end = turn.ends_at(run, &budgets, started, started).map(|end| self.at(end));
        self.sessions += 1;
        let (handle, session) = (self.handle.clone(), SessionId(self.sessions));
        let task = tokio::spawn(async move {
            if let Some(ready) = ready {
                sleep_until(ready).await;
                handle.report(run, Report::Ready { session }).await.ok();
            }
            if let Some(end) = end {
                sleep_until(end).await;
                handle.report(run, turn.last_word()).await.ok();
            }
        });
        self.turns.insert(run, task);
    }

    fn abort(&mut self, run: RunId) {
        let Some(stops) = self.turn(run).stops else { return };
        let (handle, task) = (self.handle.clone(), self.turns.remove(&run));
        tokio::spawn(async move {
            sleep(Duration::from_nanos(stops.as_nanos())).await;
            if let Some(task) = task {
                task.abort();
            }
            handle.report(run, Report::Stopped).await.ok();
        });
    }
}

impl Played {
    fn turn(&self, run: RunId) -> TurnScript {
        self.script.turn(run, &Judge::new(self.scenario).labels())
    }

    fn at(&self, mono: Mono) -> Instant {
        self.clock.instant_of(mono)
    }
}

fn assert_same(simulated: &Books, played: &Books, name: &str) {
    let runs = |books: &Books| books.runs.keys().copied().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(runs(simulated), runs(played), "{name}: the same runs");
    for (id, book) in simulated.runs.iter() {
        let (one, other) = (&book.row, &played.runs[id].row);
        assert_eq!((one.state, one.drain), (other.state, other.drain), "{name}: {id:?} settles the same");
        assert_eq!(one.session.is_some(), other.session.is_some(), "{name}: {id:?} opens a session or not");
        let times = [
            (one.granted_at, other.granted_at),
            (one.started_at, other.started_at),
            (one.settled_at, other.settled_at),
        ];
        for (one, other) in times {
            assert!(near(one, other), "{name}: {id:?} at {one:?} and {other:?}");
        }
        let told = |books: &Books, row: &sametick_core::run::RunRow| {
            books.sessions.get(&row.session_key()).map(|row| (row.status, row.cause))
        };
        assert_eq!(told(simulated, one), told(played, other), "{name}: {id:?} leaves the same session row");
        let stream = |books: &Books| {
            let events = books.events.iter().filter(|event| event.run == *id);
            events.map(|event| (event.seq, event.phase, event.cause)).collect::<Vec<_>>()
        };
        assert_eq!(stream(simulated), stream(played), "{name}: {id:?} publishes the same events");
    }
    for (job, row) in simulated.jobs.iter().flatten() {
        let (_, other) = played.job(job.id).expect("the same jobs");
        let last = |row: &sametick_core::commit::JobRow| {
            (row.running, row.last.map(|last| (last.run, last.outcome)))
        };
        assert_eq!(last(row), last(other), "{name}: the job's state is the same");
    }
}

fn near(one: Option<Wall>, other: Option<Wall>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= APART_MS,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
