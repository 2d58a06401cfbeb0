//! Worlds of the first scenario a second: start, time out, finalise, late answer.

use std::hint::black_box;
use std::time::Duration;

use sametick_core::commit::{Answer, JobRow, Rows};
use sametick_core::effect::{Effect, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, SessionId};
use sametick_core::job::{Budgets, Job};
use sametick_core::run::{Finish, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway};
use sametick_sim::{Scenario, World, shipped};

use crate::by_hand::{self, draws};
use crate::measure::best;
use crate::others;

const SCENARIO: &str = "timeouts/after_session_start";
const ROUNDS: usize = 5;

/// All of them, beside the loop written by hand.
pub(crate) fn compare(whole: bool) {
    let (path, text) = *shipped::find(SCENARIO).first().expect("the first scenario is shipped");
    let scenario = Scenario::parse(path, text).expect("a shipped scenario");
    let worlds = if whole { 200_000 } else { 500 };
    println!("first: {SCENARIO}, one core, best of {ROUNDS} rounds of {worlds} worlds");
    let mut world = World::new(&scenario, StandardGateway::new(scenario.config.clone(), Shape::Emit));
    let mut machine = Bare::new();
    let hand = best(ROUNDS, || (0..worlds).for_each(|seed| _ = black_box(by_hand::world(seed))));
    let by_loop = hand.as_secs_f64() / worlds as f64;
    let row = |name: &str, worlds: u64, time: Duration| {
        let each = time.as_secs_f64() / worlds as f64;
        println!("{name:<44} {:>11.0} worlds/s {:>10.2}x the time of the loop", 1.0 / each, each / by_loop);
    };
    row("a heap loop written by hand, nothing checked", worlds, hand);
    let bare = best(ROUNDS, || (0..worlds).for_each(|seed| machine.world(seed)));
    row("the machine alone, driven by hand", worlds, bare);
    let full = best(ROUNDS, || (0..worlds).for_each(|seed| assert!(world.run(seed).failures.is_empty())));
    row("the simulator, every check on", worlds, full);
    let paused = best(ROUNDS, || others::on_paused_tokio(worlds / 10));
    row("tokio with its clock paused, nothing checked", worlds / 10, paused);
    let few = if whole { 20 } else { 1 };
    row("turmoil, ticks of 1 ms, nothing checked", few, best(1, || others::on_turmoil(few)));
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

pub(crate) fn at(nanos: u64) -> Now {
    Now { mono: Mono::from_nanos(nanos), wall: Wall::from_millis((nanos / 1_000_000).cast_signed()) }
}
