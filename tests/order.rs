//! What comes first inside a tick, however the host hands it over.

use sametick_core::commit::{Answer, JobRow, Rows};
use sametick_core::effect::{Command, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budgets, Job};
use sametick_core::run::{Finish, RunState, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway};

fn at(millis: u64) -> Now {
    Now { mono: Mono::from_nanos(millis * 1_000_000), wall: Wall::from_millis(millis.cast_signed()) }
}

fn run() -> RunId {
    RunId::scheduled(JobId(0), 1, Wall::from_millis(1_000))
}

/// A run is at work since 1.2 s, and its next commit is the third.
fn at_work() -> StandardGateway {
    let due = Wall::from_millis(1_000);
    let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
    let job = Job::new(JobId(0), AgentId(0), Schedule::At(due)).with_budgets(budgets);
    let rows = Rows { jobs: vec![(job, JobRow::new(job.id, 1, Some(due)))], ..Rows::default() };
    let mut gateway = StandardGateway::new(Config::default(), Shape::Emit);
    gateway.restart(&rows, 1, at(0));
    let happened = [
        (1_000, None),
        (1_100, Some(InputKind::Answer { commit: 1, answer: Answer::Applied })),
        (1_200, Some(said(Report::Ready { session: SessionId(1) }))),
        (1_300, Some(InputKind::Answer { commit: 2, answer: Answer::Applied })),
    ];
    for (millis, kind) in happened {
        let inputs: Vec<Input> = kind.map(|kind| Input { at: at(millis).mono, kind }).into_iter().collect();
        gateway.handle(at(millis), &inputs);
    }
    gateway
}

fn said(report: Report) -> InputKind {
    InputKind::Report { run: run(), report }
}

/// How the run ended, and whether it was heard making progress: what a tick with these inputs says of it.
fn told(gateway: &mut StandardGateway, now: Now, inputs: &[Input]) -> Option<(RunState, bool)> {
    let commit = gateway.handle(now, inputs).commit()?;
    commit.runs.last().map(|run| (run.state, run.last_progress.is_some()))
}

#[test]
fn the_order_in_which_inputs_are_handed_over_decides_nothing() {
    let cancel = InputKind::Command { ticket: 1, command: Command::Cancel(run()) };
    let ok = said(Report::Completed(Finish::Ok));
    let pairs = [
        ("what was stamped first comes first", (2_000, &cancel), (2_001, &ok)),
        ("at one stamp a report comes before a command", (2_000, &ok), (2_000, &cancel)),
        ("reports of one run as they follow one another", (2_000, &said(Report::Progress)), (2_000, &ok)),
    ];
    for (rule, first, second) in pairs {
        let mut apart = at_work();
        let [one, other] =
            [first, second].map(|(millis, kind)| Input { at: at(millis).mono, kind: kind.clone() });
        let before = told(&mut apart, at(1_999), &[Input { at: at(1_999).mono, kind: one.kind.clone() }]);
        let expected = told(&mut apart, at(2_001), std::slice::from_ref(&other)).or(before);
        for inputs in [[one.clone(), other.clone()], [other.clone(), one.clone()]] {
            assert_eq!(told(&mut at_work(), at(2_001), &inputs), expected, "{rule}");
        }
    }
}

#[test]
fn what_is_stamped_before_the_last_tick_happens_after_it() {
    let mut gateway = at_work();
    gateway.handle(at(2_000), &[]);
    let late = [Input { at: at(1_500).mono, kind: said(Report::Completed(Finish::Ok)) }];
    let commit = gateway.handle(at(2_500), &late).commit().expect("its end").clone();
    assert_eq!(commit.runs[0].settled_at, Some(at(2_000).wall), "that tick is told");
}
