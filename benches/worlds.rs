//! Worlds a second, side by side in one run: a heap loop written by hand for the first scenario, the
//! machine alone, and the simulator with every check on.
//!
//! The hand-written loop is the limit to approach: it knows this one scenario, keeps three numbers a
//! world and checks nothing. What is compared is the ratio; the absolute figures are this machine's.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use sametick_core::commit::{Answer, JobRow, Rows};
use sametick_core::effect::{Effect, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, SessionId};
use sametick_core::job::{Budgets, Job};
use sametick_core::run::{Finish, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway};
use sametick_sim::draw::{Choice, Draw};
use sametick_sim::scenario::SpanRange;
use sametick_sim::{Scenario, World, shipped};

const SCENARIO: &str = "timeouts/after_session_start";
const ROUNDS: usize = 5;

fn main() {
    let (path, text) = *shipped::find(SCENARIO).first().expect("the first scenario is shipped");
    let scenario = Scenario::parse(path, text).expect("a shipped scenario");
    // `cargo test` runs benches once, to see that they work.
    let worlds = if std::env::args().any(|arg| arg == "--bench") { 200_000 } else { 500 };
    println!("{SCENARIO}, one core, best of {ROUNDS} rounds of {worlds} worlds\n");
    let mut world = World::new(&scenario, StandardGateway::new(scenario.config.clone(), Shape::Emit));
    let mut machine = Bare::new();
    let hand = best(|| (0..worlds).for_each(|seed| _ = black_box(by_hand(seed))));
    let bare = best(|| (0..worlds).for_each(|seed| machine.world(seed)));
    let full = best(|| (0..worlds).for_each(|seed| assert!(world.run(seed).failures.is_empty())));
    let rate = |time: Duration| worlds as f64 / time.as_secs_f64();
    let row = |name: &str, time: Duration| {
        println!(
            "{name:<44} {:>10.0} worlds/s  {:>6.2}x the hand-written loop's time",
            rate(time),
            time.as_secs_f64() / hand.as_secs_f64()
        );
    };
    row("hand-written heap loop, nothing checked", hand);
    row("the machine alone, driven by hand", bare);
    row("the simulator, every check on", full);
}

fn best(mut round: impl FnMut()) -> Duration {
    let time = |_| {
        let begun = Instant::now();
        round();
        begun.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap_or_default()
}

/// The same draws as the scenario's.
fn draws(seed: u64) -> (u64, u64) {
    let draw = Draw::new(seed);
    let span = |low, high, choice| {
        let range = SpanRange { low: Span::from_millis(low), high: Span::from_millis(high) };
        draw.span(range, choice, 1_767_225_601_000).as_nanos()
    };
    (span(1, 2_000, Choice::Ready), span(31_000, 90_000, Choice::Takes))
}

/// Start, time out, finalise, late answer: as little as can be written for it.
fn by_hand(seed: u64) -> (u8, u64) {
    let (ready, takes) = draws(seed);
    let mut heap: BinaryHeap<Reverse<(u64, u8)>> = BinaryHeap::with_capacity(8);
    let (mut state, mut ended) = (0u8, 0u64);
    heap.push(Reverse((1_000_000_000, 0)));
    while let Some(Reverse((at, what))) = heap.pop() {
        match what {
            0 => {
                state = 1;
                heap.push(Reverse((at + 200_000, 1)));
                heap.push(Reverse((at + 30_000_000_000, 3)));
            }
            1 => heap.push(Reverse((at + ready, 2))),
            2 => {
                state = 2;
                heap.push(Reverse((at + 200_000, 5)));
                heap.push(Reverse((at + takes, 4)));
            }
            3 if state < 3 => {
                state = 3;
                ended = at;
                heap.push(Reverse((at + 200_000, 5)));
            }
            4 if state < 3 => state = 4,
            _ => {}
        }
    }
    (state, ended)
}

/// The machine, told by hand what happens in the scenario.
struct Bare {
    machine: StandardGateway,
    rows: Rows,
}

impl Bare {
    fn new() -> Self {
        let due = Wall::from_millis(1_000);
        let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
        let job = Job::new(JobId(0), AgentId(0), Schedule::At(due)).with_budgets(budgets);
        let rows = Rows { jobs: vec![(job, JobRow::new(job.id, 1, Some(due)))], ..Rows::default() };
        Self { machine: StandardGateway::new(Config::default(), Shape::Emit), rows }
    }

    fn world(&mut self, seed: u64) {
        let (ready, takes) = draws(seed);
        self.machine.restart(&self.rows, 1, at(0));
        let run = self.machine.handle(at(1_000_000_000), &[]).commit().expect("a grant").runs[0].id;
        let mut told = |nanos: u64, kind: InputKind| {
            let tick = self.machine.handle(at(nanos), &[Input { at: Mono::from_nanos(nanos), kind }]);
            black_box(tick.effects().iter().filter(|effect| matches!(effect, Effect::Start { .. })).count());
        };
        let applied = |commit| InputKind::Answer { commit, answer: Answer::Applied };
        let said = |report| InputKind::Report { run, report };
        told(1_000_200_000, applied(1));
        let live = 1_000_200_000 + ready;
        told(live, said(Report::Ready { session: SessionId(1) }));
        told(live + 200_000, applied(2));
        self.machine.handle(at(31_000_000_000), &[]);
        let mut told = |nanos: u64, kind: InputKind| {
            black_box(self.machine.handle(at(nanos), &[Input { at: Mono::from_nanos(nanos), kind }]));
        };
        told(31_000_200_000, applied(3));
        told(live + takes, said(Report::Completed(Finish::Ok)));
        told(live + takes + 200_000, applied(4));
    }
}

fn at(nanos: u64) -> Now {
    Now { mono: Mono::from_nanos(nanos), wall: Wall::from_millis((nanos / 1_000_000).cast_signed()) }
}
