//! Edges of the machine that no scenario can say yet: each was a defect once.

use sametick_core::commit::{Answer, JobRow, Rows, Unran};
use sametick_core::effect::{Command, Effect, Input, InputKind, Refusal, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budgets, Job};
use sametick_core::run::{Finish, RunState, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway};

fn at(millis: u64) -> Now {
    Now { mono: Mono::from_nanos(millis * 1_000_000), wall: Wall::from_millis(millis.cast_signed()) }
}

fn input(millis: u64, kind: InputKind) -> Input {
    Input { at: at(millis).mono, kind }
}

fn said(run: RunId, report: Report) -> InputKind {
    InputKind::Report { run, report }
}

fn applied(commit: u64) -> InputKind {
    InputKind::Answer { commit, answer: Answer::Applied }
}

fn gateway(schedule: Schedule, first: i64) -> StandardGateway {
    let budgets =
        Budgets { timeout: Some(Span::from_secs(30)), abort_grace: Span::ZERO, ..Budgets::default() };
    let mut job = Job::new(JobId(0), AgentId(0), schedule).with_budgets(budgets);
    job.terms.deliver = true;
    let rows =
        Rows { jobs: vec![(job, JobRow::new(job.id, 1, Some(Wall::from_millis(first))))], ..Rows::default() };
    let mut gateway = StandardGateway::new(Config::default(), Shape::Emit);
    gateway.restart(&rows, 1, at(0));
    gateway
}

/// A gateway whose run was granted at one second, in commit 1, which is open.
fn granted() -> (StandardGateway, RunId) {
    let mut gateway = gateway(Schedule::At(Wall::from_millis(1_000)), 1_000);
    let run = gateway.handle(at(1_000), &[]).commit().expect("a grant").runs[0].id;
    (gateway, run)
}

/// A gateway whose run is at work since 1.2 s, everything durable.
fn at_work() -> (StandardGateway, RunId) {
    let (mut gateway, run) = granted();
    gateway.handle(at(1_100), &[input(1_100, applied(1))]);
    gateway.handle(at(1_200), &[input(1_200, said(run, Report::Ready { session: SessionId(1) }))]);
    gateway.handle(at(1_300), &[input(1_300, applied(2))]);
    (gateway, run)
}

#[test]
fn a_year_of_missed_beats_is_two_ranges_in_the_ledger() {
    let mut gateway = gateway(Schedule::Every { every_ms: 1, anchor: Wall::from_millis(1_000) }, 1_000);
    gateway.handle(at(1_000), &[]);
    // The wall clock steps ahead by a year; the first run still holds the job's fence.
    let year = 365 * 86_400_000;
    let now = Now { mono: at(1_001).mono, wall: Wall::from_millis(year) };
    let commit = gateway.handle(now, &[]).commit().expect("a ledger").clone();
    // What is later than a minute is missed; the last minute is only late, and overlaps.
    let ranges: Vec<(Unran, u64)> = commit.ledger.iter().map(|row| (row.end, row.count)).collect();
    assert_eq!(ranges, [(Unran::Missed, (year - 61_001).unsigned_abs()), (Unran::Overlap, 60_001)]);
}

#[test]
fn what_is_said_of_a_turn_that_was_not_called_is_not_heard() {
    let (mut gateway, run) = granted();
    let ready = said(run, Report::Ready { session: SessionId(1) });
    assert!(gateway.handle(at(1_050), &[input(1_050, ready)]).commit().is_none());
    let tick = gateway.handle(at(1_100), &[input(1_100, applied(1))]);
    assert_eq!(tick.effects(), [Effect::Start { run }], "the start is still there to leave");
}

#[test]
fn progress_after_the_end_changes_no_record() {
    let (mut gateway, run) = at_work();
    let inputs =
        [input(2_000, said(run, Report::Completed(Finish::Ok))), input(5_000, said(run, Report::Progress))];
    let commit = gateway.handle(at(6_000), &inputs).commit().expect("an end").clone();
    assert!(matches!(commit.runs[0].state, RunState::Settled(_)));
    assert_eq!(commit.runs[0].last_progress, None);
}

#[test]
fn nobody_can_have_heard_what_has_not_left() {
    let (mut gateway, run) = at_work();
    let inputs = [
        input(2_000, said(run, Report::Completed(Finish::Ok))),
        input(2_000, InputKind::Heard { below: u64::MAX }),
    ];
    let commit = gateway.handle(at(2_000), &inputs).commit().expect("an end").clone();
    assert_eq!(
        (commit.first_offset, commit.acknowledged),
        (1, 1),
        "the start was heard, the end is not out yet"
    );
}

#[test]
fn an_owner_that_was_replaced_keeps_what_it_owes_and_refuses_the_rest() {
    let (mut gateway, run) = at_work();
    gateway.handle(at(2_000), &[input(2_000, said(run, Report::Completed(Finish::Ok)))]);
    let fenced = InputKind::Answer { commit: 4, answer: Answer::Fenced };
    gateway.handle(at(2_050), &[input(2_050, said(run, Report::Stopped))]);
    let asked = InputKind::Command { ticket: 7, command: Command::Cancel(run) };
    let inputs = [input(2_100, applied(3)), input(2_100, fenced), input(2_100, asked.clone())];
    let effects = gateway.handle(at(2_100), &inputs).effects().to_vec();
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Deliver { .. })),
        "the result was durable: {effects:?}"
    );
    let refused = Effect::Reply { ticket: 7, reply: Err(Refusal::NotOwner) };
    assert!(effects.contains(&Effect::StepDown) && effects.contains(&refused), "{effects:?}");
    let tick = gateway.handle(at(2_200), &[input(2_200, asked)]);
    assert_eq!((tick.effects(), tick.commit()), ([refused].as_slice(), None));
    assert_eq!(gateway.next_wakeup(), None);
}

#[test]
fn what_happens_within_a_tick_bears_the_time_at_which_it_happened() {
    let (mut gateway, run) = granted();
    gateway.handle(at(1_100), &[input(1_100, applied(1))]);
    let words = [
        input(1_200, said(run, Report::Ready { session: SessionId(1) })),
        input(1_250, said(run, Report::Progress)),
        input(1_300, said(run, Report::Completed(Finish::Ok))),
    ];
    let commit = gateway.handle(at(2_000), &words).commit().expect("a start and an end").clone();
    let told = |millis| Some(at(millis).wall);
    let row = &commit.runs[0];
    assert_eq!(
        [row.granted_at, row.started_at, row.last_progress, row.settled_at],
        [told(1_000), told(1_200), told(1_250), told(1_300)]
    );
    let events: Vec<_> = commit
        .events
        .iter()
        .map(|event| (event.seq, Some(event.ts), event.started_at, event.ended_at))
        .collect();
    assert_eq!(events, [(1, told(1_200), told(1_200), None), (2, told(1_300), told(1_200), told(1_300))]);
    let updated: Vec<_> = commit.sessions.iter().map(|patch| Some(patch.updated_at)).collect();
    assert_eq!(updated, [told(1_200), told(1_200), told(1_300), told(1_300)], "the run's row and its job's");
}
