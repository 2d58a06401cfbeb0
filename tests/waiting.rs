//! What an unsettled run waits for, stage by stage, and what a machine at rest still asks to be woken for.

use sametick_core::commit::{Answer, JobRow, Rows};
use sametick_core::effect::{Command, Effect, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId, SessionKey};
use sametick_core::job::{Budgets, Job, Target};
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};
use sametick_core::run::{Failure, Finish, RunState, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway, WaitsFor};

fn at(millis: u64) -> Now {
    Now { mono: Mono::from_nanos(millis * 1_000_000), wall: Wall::from_millis(millis.cast_signed()) }
}

/// One job for each of `declared`, all of them due once, at one second.
fn gateway(config: Config, declared: impl IntoIterator<Item = Job>) -> StandardGateway {
    let due = Some(Wall::from_millis(1_000));
    let jobs = declared.into_iter().map(|job| (job, JobRow::new(job.id, 1, due))).collect();
    let mut gateway = StandardGateway::new(config, Shape::Emit);
    gateway.restart(&Rows { jobs, ..Rows::default() }, 1, at(0));
    gateway
}

fn job(id: u32) -> Job {
    let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
    Job::new(JobId(id), AgentId(0), Schedule::At(Wall::from_millis(1_000))).with_budgets(budgets)
}

/// A tick at `millis`, in which all of this happened.
fn tick(
    gateway: &mut StandardGateway,
    millis: u64,
    happened: impl IntoIterator<Item = InputKind>,
) -> Vec<Effect> {
    let inputs: Vec<Input> = happened.into_iter().map(|kind| Input { at: at(millis).mono, kind }).collect();
    gateway.handle(at(millis), &inputs).effects().to_vec()
}

const fn applied(commit: u64) -> InputKind {
    InputKind::Answer { commit, answer: Answer::Applied }
}

const fn said(run: RunId, report: Report) -> InputKind {
    InputKind::Report { run, report }
}

fn run(job: u32) -> RunId {
    RunId::scheduled(JobId(job), 1, Wall::from_millis(1_000))
}

fn waits_for(gateway: &StandardGateway) -> Vec<(RunId, WaitsFor)> {
    gateway.waiting().into_iter().map(|waiting| (waiting.run, waiting.waits_for)).collect()
}

#[test]
fn a_run_says_at_every_stage_what_it_waits_for() {
    let mut failing = job(0);
    failing.terms.retry = Retry {
        attempts: 2,
        on: Endings::failed(FailureKind::Network),
        backoff: Backoff::of(&[Span::from_secs(5)]),
    };
    let mut gateway = gateway(Config::default(), [failing]);
    let first = run(0);
    tick(&mut gateway, 1_000, []);
    assert_eq!(waits_for(&gateway), [(first, WaitsFor::Commit)]);
    tick(&mut gateway, 1_100, [applied(1)]);
    assert_eq!(waits_for(&gateway), [(first, WaitsFor::Session)]);
    tick(&mut gateway, 1_200, [said(first, Report::Ready { session: SessionId(1) })]);
    assert_eq!(waits_for(&gateway), [(first, WaitsFor::Turn)]);
    let failed = Finish::Failed(Failure { kind: FailureKind::Network, text: None });
    tick(&mut gateway, 1_300, [applied(2), said(first, Report::Completed(failed))]);
    let second = first.next_attempt();
    assert_eq!(waits_for(&gateway), [(second, WaitsFor::Backoff)]);
    tick(&mut gateway, 6_300, [applied(3)]);
    tick(&mut gateway, 6_400, [applied(4)]);
    assert_eq!(waits_for(&gateway), [(second, WaitsFor::Session)]);
    tick(&mut gateway, 6_500, [InputKind::Command { ticket: 1, command: Command::Cancel(second) }]);
    assert_eq!(waits_for(&gateway), [(second, WaitsFor::Stop)]);
    tick(&mut gateway, 6_600, [said(second, Report::Stopped)]);
    assert_eq!(waits_for(&gateway), []);
}

#[test]
fn a_run_in_its_lane_says_who_is_in_its_way() {
    let mut shared = [job(0), job(1)];
    shared.iter_mut().for_each(|job| job.terms.target = Target::Main);
    let mut gateway = gateway(Config::one_lane(2), [shared[0], shared[1], job(2), job(3)]);
    tick(&mut gateway, 1_000, []);
    let slot = WaitsFor::Slot { held: 2, limit: 2 };
    assert_eq!(
        waits_for(&gateway),
        [
            (run(0), WaitsFor::Commit),
            (run(1), WaitsFor::SharedSession),
            (run(2), WaitsFor::Commit),
            (run(3), slot)
        ]
    );
}

#[test]
fn what_is_over_wakes_nobody() {
    let mut gateway = gateway(Config::default(), [job(0)]);
    tick(&mut gateway, 1_000, []);
    tick(&mut gateway, 1_100, [applied(1)]);
    assert_eq!(gateway.next_wakeup(), Some(at(31_000).mono), "its timeout");
    tick(&mut gateway, 1_200, [said(run(0), Report::Completed(Finish::Ok))]);
    assert_eq!(gateway.next_wakeup(), None);
}

#[test]
fn a_run_is_looked_at_when_the_first_budget_of_its_stage_ends() {
    let with_start = |start_timeout| {
        let mut job = job(0);
        job.terms.budgets.start_timeout = start_timeout;
        job.terms.budgets.stall_timeout = Some(Span::from_secs(20));
        let mut gateway = gateway(Config::default(), [job]);
        tick(&mut gateway, 1_000, []);
        tick(&mut gateway, 1_100, [applied(1)]);
        gateway
    };
    let mut starting = with_start(Some(Span::from_secs(5)));
    assert_eq!(starting.next_wakeup(), Some(at(6_000).mono), "its start");
    tick(&mut starting, 2_000, [said(run(0), Report::Ready { session: SessionId(1) })]);
    assert_eq!(starting.next_wakeup(), Some(at(22_000).mono), "it is still since it began");
    assert_eq!(with_start(None).next_wakeup(), Some(at(21_000).mono), "it is still since it has its slot");
}

#[test]
fn a_session_is_busy_from_the_first_word_of_a_foreign_turn_to_its_last() {
    let key = SessionKey::Main { agent: AgentId(0) };
    let foreign = |began| InputKind::Foreign { key, turn: 9, began };
    let mut shared = job(0);
    shared.terms.target = Target::Main;
    let cases: [(&[InputKind], bool); 4] = [
        (&[], false),
        (&[foreign(false)], false),
        (&[foreign(true)], true),
        // Both words are said twice: a host sends again what it is not sure of.
        (&[foreign(true), foreign(true), foreign(false), foreign(false)], false),
    ];
    for (words, is_busy) in cases {
        let mut gateway = gateway(Config::default(), [shared]);
        for (millis, word) in (1..).zip(words) {
            tick(&mut gateway, millis, [word.clone()]);
        }
        tick(&mut gateway, 1_000, []);
        let expected = if is_busy { WaitsFor::SharedSession } else { WaitsFor::Commit };
        assert_eq!(waits_for(&gateway), [(run(0), expected)], "after {words:?}");
    }
}

#[test]
fn a_foreign_turn_in_one_instant_leaves_its_session_free() {
    let key = SessionKey::Main { agent: AgentId(0) };
    // Stamped before the last tick, both are brought to the first instant of this one.
    let word = |millis, began| Input {
        at: at(millis).mono,
        kind: InputKind::Foreign { key, turn: u64::MAX, began },
    };
    let mut shared = job(0);
    shared.terms.target = Target::Main;
    for words in [[word(100, true), word(200, false)], [word(200, false), word(100, true)]] {
        let mut gateway = gateway(Config::default(), [shared]);
        tick(&mut gateway, 500, []);
        gateway.handle(at(600), &words);
        tick(&mut gateway, 1_000, []);
        assert_eq!(waits_for(&gateway), [(run(0), WaitsFor::Commit)]);
    }
}

#[test]
fn what_is_noted_while_the_store_is_behind_goes_out_once_it_is_not() {
    let config = Config { open_commits: 1, ..Config::default() };
    let mut gateway = gateway(config, [job(0)]);
    tick(&mut gateway, 1_000, []);
    // Runs that are long over: one commit is open, and nothing but late words comes in.
    let stray = |number: u32| RunId { attempt: number, ..run(7) };
    let words = (1..=2_000).map(|number| said(stray(number), Report::Stopped));
    tick(&mut gateway, 1_050, words);
    assert!(gateway.handle(at(1_060), &[]).commit().is_none(), "notes alone open no commit");
    let heard = [Input { at: at(1_100).mono, kind: applied(1) }];
    let commit = gateway.handle(at(1_100), &heard).commit().expect("the notes").clone();
    assert_eq!(commit.late.len(), 1_024, "beyond that nothing is kept");
    assert!(commit.late.iter().all(|note| note.at == at(1_050).wall), "as of when they were heard");
}

#[test]
fn another_attempt_of_a_child_shares_its_parents_slot_too() {
    let mut child = job(1);
    child.terms.retry =
        Retry { attempts: 2, on: Endings::failed(FailureKind::Network), backoff: Backoff::of(&[Span::ZERO]) };
    child.schedule = Schedule::At(Wall::from_millis(3_600_000));
    let due = |job: &Job| if job.id.0 == 0 { 1_000 } else { 3_600_000 };
    let jobs = [job(0), child].map(|job| (job, JobRow::new(job.id, 1, Some(Wall::from_millis(due(&job))))));
    let mut gateway = StandardGateway::new(Config::default(), Shape::Emit);
    gateway.restart(&Rows { jobs: jobs.into(), ..Rows::default() }, 1, at(0));
    tick(&mut gateway, 1_000, []);
    tick(&mut gateway, 1_100, [applied(1)]);
    let spawn = Command::Spawn { parent: run(0), job: JobId(1) };
    tick(&mut gateway, 1_200, [InputKind::Command { ticket: 1, command: spawn }]);
    let first = gateway.waiting()[1].run;
    tick(&mut gateway, 1_300, [applied(2)]);
    let failed = Finish::Failed(Failure { kind: FailureKind::Network, text: None });
    let inputs = [Input { at: at(1_400).mono, kind: said(first, Report::Completed(failed)) }];
    gateway.handle(at(1_400), &inputs);
    gateway.handle(at(1_401), &[]);
    let second = gateway.waiting()[1];
    assert_eq!((second.run, second.waits_for), (first.next_attempt(), WaitsFor::Commit));
}

#[test]
fn what_fails_after_its_job_was_disabled_is_not_tried_again() {
    let mut failing = job(0);
    failing.terms.retry = Retry {
        attempts: 2,
        on: Endings::failed(FailureKind::Network),
        backoff: Backoff::of(&[Span::from_secs(5)]),
    };
    let failed = Finish::Failed(Failure { kind: FailureKind::Network, text: None });
    let ended = |command: Option<Command>| {
        let mut gateway = gateway(Config::default(), [failing]);
        tick(&mut gateway, 1_000, []);
        tick(&mut gateway, 1_100, [applied(1)]);
        tick(&mut gateway, 1_200, command.map(|command| InputKind::Command { ticket: 1, command }));
        let inputs = [Input { at: at(1_300).mono, kind: said(run(0), Report::Completed(failed)) }];
        let commit = gateway.handle(at(1_300), &inputs).commit().expect("an end").clone();
        assert!(matches!(commit.runs[0].state, RunState::Settled(_)));
        commit.runs.len() - 1
    };
    assert_eq!(ended(None), 1, "another attempt");
    assert_eq!(ended(Some(Command::Pause(JobId(0)))), 1, "what is under way goes on");
    assert_eq!(ended(Some(Command::Disable(JobId(0)))), 0);
}

#[test]
fn what_timed_out_before_its_job_was_declared_anew_is_not_tried_again() {
    let mut late = job(0);
    late.terms.retry =
        Retry { attempts: 2, on: Endings::TIMED_OUT, backoff: Backoff::of(&[Span::from_secs(5)]) };
    let attempts = |anew: &[Command]| {
        let mut gateway = gateway(Config::default(), [late]);
        tick(&mut gateway, 1_000, []);
        tick(&mut gateway, 1_100, [applied(1)]);
        tick(&mut gateway, 31_000, []);
        for (ticket, command) in (1..).zip(anew) {
            tick(&mut gateway, 31_000 + ticket, [InputKind::Command { ticket, command: command.clone() }]);
        }
        tick(&mut gateway, 32_000, [said(run(0), Report::Stopped)]);
        waits_for(&gateway)
    };
    assert_eq!(attempts(&[]), [(run(0).next_attempt(), WaitsFor::Backoff)]);
    let again = Job { schedule: Schedule::At(Wall::from_millis(3_600_000)), ..late };
    assert_eq!(attempts(&[Command::Remove(JobId(0)), Command::Add(Box::new(again))]), []);
}

#[test]
fn a_turn_that_falls_silent_after_progress_stalls_as_long_after_that() {
    let mut stalls = job(0);
    stalls.terms.budgets.stall_timeout = Some(Span::from_secs(10));
    let mut gateway = gateway(Config::default(), [stalls]);
    tick(&mut gateway, 1_000, []);
    tick(&mut gateway, 1_100, [applied(1)]);
    tick(&mut gateway, 1_200, [said(run(0), Report::Ready { session: SessionId(1) })]);
    tick(&mut gateway, 6_000, [said(run(0), Report::Progress)]);
    assert_eq!(tick(&mut gateway, 11_200, []), [], "no more than a reason to look again");
    assert_eq!(gateway.next_wakeup(), Some(at(16_000).mono));
    assert_eq!(tick(&mut gateway, 16_000, []), [Effect::Abort { run: run(0) }]);
}

#[test]
fn what_a_run_waits_for_is_told_in_words() {
    let told = [
        (WaitsFor::Backoff, "the end of its backoff"),
        (WaitsFor::Job, "the run of its job that is at work"),
        (WaitsFor::SharedSession, "its shared session to be free"),
        (WaitsFor::Slot { held: 2, limit: 3 }, "a slot in its lane (2 of 3 held)"),
        (WaitsFor::Commit, "the commit of its grant"),
        (WaitsFor::Session, "its session to be ready"),
        (WaitsFor::Turn, "its turn to end"),
        (WaitsFor::Stop, "its turn to confirm that it stopped"),
    ];
    for (waits_for, words) in told {
        assert_eq!(format!("it waits for {waits_for}"), format!("it waits for {words}"));
    }
}
