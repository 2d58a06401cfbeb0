//! The lease on a store, by hand: what an owner may do when, and what its successor waits for.

use sametick_core::commit::{Answer, Commit, JobRow, Rows};
use sametick_core::effect::{Command, Effect, Input, InputKind, Refusal, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budgets, Job};
use sametick_core::run::{Drain, RunState, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway};

const LEASE_MS: u64 = 9_000;
const GRACE_MS: u64 = 2_000;

fn at(millis: u64) -> Now {
    Now { mono: Mono::from_nanos(millis * 1_000_000), wall: Wall::from_millis(millis.cast_signed()) }
}

fn input(millis: u64, kind: InputKind) -> Input {
    Input { at: at(millis).mono, kind }
}

fn applied(commit: u64) -> InputKind {
    InputKind::Answer { commit, answer: Answer::Applied }
}

fn renewed(sent_ms: u64, answer: Answer) -> InputKind {
    InputKind::Renewal { sent: at(sent_ms).mono, answer }
}

fn config(lease_ms: Option<u64>) -> Config {
    Config { lease: lease_ms.map(Span::from_millis), ..Config::default() }
}

/// A job that is due at one second.
fn rows() -> Rows {
    let budgets = Budgets {
        timeout: Some(Span::from_secs(60)),
        abort_grace: Span::from_millis(GRACE_MS),
        ..Budgets::default()
    };
    let due = Wall::from_millis(1_000);
    let job = Job::new(JobId(0), AgentId(0), Schedule::At(due)).with_budgets(budgets);
    Rows { jobs: vec![(job, JobRow::new(job.id, 1, Some(due)))], ..Rows::default() }
}

fn owner(lease_ms: Option<u64>) -> StandardGateway {
    let mut gateway = StandardGateway::new(config(lease_ms), Shape::Emit);
    gateway.restart(&rows(), 1, at(0));
    gateway
}

/// An owner whose turn is at work since 1.2 s, everything durable, and what it committed.
fn at_work(lease_ms: Option<u64>) -> (StandardGateway, RunId, Vec<Commit>) {
    let mut gateway = owner(lease_ms);
    let mut commits = Vec::new();
    let granted = gateway.handle(at(1_000), &[]).commit().expect("a grant").clone();
    let run = granted.runs[0].id;
    commits.push(granted);
    gateway.handle(at(1_100), &[input(1_100, applied(1))]);
    let ready = InputKind::Report { run, report: Report::Ready { session: SessionId(1) } };
    commits.extend(gateway.handle(at(1_200), &[input(1_200, ready)]).commit().cloned());
    gateway.handle(at(1_300), &[input(1_300, applied(2))]);
    (gateway, run, commits)
}

/// What a store holds after the owner's commits.
fn left_by(commits: &[Commit]) -> Rows {
    let mut rows = rows();
    for commit in commits {
        rows.last_commit = commit.number;
        for run in &commit.runs {
            rows.runs.retain(|kept| kept.id != run.id);
            rows.runs.push(*run);
        }
        for job in &commit.jobs {
            rows.jobs[0].1 = *job;
        }
    }
    rows
}

#[test]
fn a_lease_is_renewed_three_times_in_the_time_it_lasts() {
    let mut gateway = owner(Some(LEASE_MS));
    gateway.handle(at(1_000), &[]);
    let mut asked = Vec::new();
    while let Some(wake) = gateway.next_wakeup().filter(|wake| *wake < at(LEASE_MS).mono) {
        let now = Now { mono: wake, wall: Wall::from_millis(0) };
        let tick = gateway.handle(now, &[]);
        asked.extend(tick.effects().iter().filter_map(|effect| {
            if let Effect::Renew { sent } = effect { Some(sent.as_nanos() / 1_000_000) } else { None }
        }));
    }
    assert_eq!(asked, [3_000, 6_000]);
    assert_eq!(gateway.next_wakeup(), Some(at(LEASE_MS).mono), "the end of the lease");
}

#[test]
fn an_owner_whose_lease_ends_asks_its_turns_to_stop_and_is_silent() {
    let (mut gateway, run, _) = at_work(Some(LEASE_MS));
    gateway.handle(at(3_000), &[]);
    gateway.handle(at(6_000), &[]);
    let tick = gateway.handle(at(LEASE_MS), &[]);
    assert_eq!(tick.effects(), [Effect::Abort { run }, Effect::StepDown]);
    assert_eq!(tick.commit(), None, "what becomes of the run is for the successor to say");
    assert_eq!(gateway.next_wakeup(), None);
    let late = renewed(6_000, Answer::Applied);
    assert!(
        gateway.handle(at(9_500), &[input(9_500, late)]).effects().is_empty(),
        "it does not come back by itself"
    );
}

#[test]
fn a_renewal_counts_from_when_it_was_asked_for() {
    let (mut gateway, _, _) = at_work(Some(LEASE_MS));
    gateway.handle(at(3_000), &[]);
    gateway.handle(at(6_000), &[]);
    gateway.handle(at(8_000), &[input(8_000, renewed(3_000, Answer::Applied))]);
    gateway.handle(at(9_000), &[]);
    gateway.handle(at(11_999), &[]);
    let tick = gateway.handle(at(12_000), &[]);
    assert!(tick.effects().contains(&Effect::StepDown), "3 s and a lease of 9 s: {tick:?}");
}

#[test]
fn an_answer_that_comes_as_the_lease_ends_is_in_time() {
    let (mut gateway, _, _) = at_work(Some(LEASE_MS));
    let tick = gateway.handle(at(20_000), &[input(LEASE_MS, renewed(6_000, Answer::Applied))]);
    let asked = tick.effects().iter().filter(|effect| matches!(effect, Effect::Renew { .. })).count();
    assert_eq!(asked, 4, "at 3, 6, 9 and 12 s, of which only the second was answered");
    assert_eq!(tick.effects().last(), Some(&Effect::StepDown), "at 15 s, which this late tick is past");
}

#[test]
fn in_the_tick_that_ends_a_lease_no_turn_is_called_any_more() {
    let mut gateway = owner(Some(LEASE_MS));
    let run = gateway.handle(at(1_000), &[]).commit().expect("a grant").runs[0].id;
    let mut in_time = gateway.clone();
    let heard = [input(8_999, applied(1))];
    assert!(in_time.handle(at(8_999), &heard).effects().contains(&Effect::Start { run }));
    // The same answer at the same time, and a tick that comes when another may own the store.
    let late = gateway.handle(at(9_001), &heard);
    assert!(!late.effects().contains(&Effect::Start { run }), "{late:?}");
    assert!(late.effects().contains(&Effect::StepDown));
}

#[test]
fn an_owner_that_hears_of_another_by_its_renewal_steps_down() {
    let (mut gateway, run, _) = at_work(Some(LEASE_MS));
    gateway.handle(at(3_000), &[]);
    let tick = gateway.handle(at(3_001), &[input(3_001, renewed(3_000, Answer::Fenced))]);
    assert_eq!(tick.effects(), [Effect::Abort { run }, Effect::StepDown]);
}

#[test]
fn without_an_answer_it_asks_again_and_ends_all_the_same() {
    let (mut gateway, _, _) = at_work(Some(LEASE_MS));
    for sent in [3_000, 6_000] {
        gateway.handle(at(sent), &[]);
        gateway.handle(at(sent + 1), &[input(sent + 1, renewed(sent, Answer::Unknown))]);
    }
    assert!(gateway.handle(at(LEASE_MS), &[]).effects().contains(&Effect::StepDown));
}

#[test]
fn a_successor_gives_inherited_turns_a_lease_and_their_grace() {
    let (_, run, commits) = at_work(Some(LEASE_MS));
    for (lease_ms, abandoned_at) in
        [(Some(LEASE_MS), 20_000 + LEASE_MS + GRACE_MS), (None, 20_000 + GRACE_MS)]
    {
        let mut gateway = StandardGateway::new(config(lease_ms), Shape::Emit);
        gateway.restart(&left_by(&commits), 2, at(20_000));
        gateway.handle(at(20_001), &[input(20_001, applied(3))]);
        let mut drained = None;
        for sent in 0_u64.. {
            let Some(wake) = gateway.next_wakeup().filter(|wake| *wake <= at(60_000).mono) else { break };
            let millis = wake.as_nanos() / 1_000_000;
            let kind = renewed(millis.saturating_sub(1), Answer::Applied);
            let tick = gateway.handle(at(millis), &[input(millis, kind)]);
            let row = tick.commit().and_then(|commit| commit.runs.iter().find(|row| row.id == run));
            if row.is_some_and(|row| row.drain == Drain::Abandoned) {
                drained = Some(millis);
                break;
            }
            assert!(sent < 100, "it drains some time");
        }
        assert_eq!(drained, Some(abandoned_at), "with a lease of {lease_ms:?}");
    }
}

#[test]
fn what_waited_begins_with_the_successor_at_once() {
    let mut rows = rows();
    let granted = owner(None).handle(at(1_000), &[]).commit().expect("a grant").runs[0];
    let mut queued = granted;
    (queued.state, queued.granted_at) = (RunState::Queued, None);
    rows.runs.push(queued);
    rows.jobs[0].1.next_due = None;
    let mut gateway = StandardGateway::new(config(Some(LEASE_MS)), Shape::Emit);
    gateway.restart(&rows, 2, at(20_000));
    let wake = gateway.next_wakeup().expect("a grant to make");
    assert!(wake < at(20_001).mono, "no turn of it was ever called, so nobody is waited for");
    let tick = gateway.handle(Now { mono: wake, wall: at(20_000).wall }, &[]);
    assert_eq!(tick.commit().expect("a grant").runs[0].state, RunState::Starting);
}

#[test]
fn a_machine_without_a_lease_asks_for_none() {
    let (mut gateway, _, _) = at_work(None);
    assert_eq!(gateway.next_wakeup(), Some(at(61_000).mono), "the timeout and nothing before");
    let stray = renewed(500, Answer::Applied);
    assert!(gateway.handle(at(5_000), &[input(5_000, stray)]).effects().is_empty());
    assert_eq!(gateway.next_wakeup(), Some(at(61_000).mono));
}

#[test]
fn who_was_asked_to_stop_is_not_asked_again_when_the_lease_ends() {
    let (mut gateway, run, _) = at_work(Some(LEASE_MS));
    gateway.handle(at(3_000), &[]);
    gateway.handle(at(6_000), &[]);
    let cancel = InputKind::Command { ticket: 1, command: Command::Cancel(run) };
    let tick = gateway.handle(at(LEASE_MS), &[input(8_999, cancel)]);
    let refused = Effect::Reply { ticket: 1, reply: Err(Refusal::NotOwner) };
    assert_eq!(tick.effects(), [Effect::Abort { run }, refused, Effect::StepDown]);
}

#[test]
fn what_a_successor_began_itself_drains_for_its_grace_and_no_longer() {
    let (mut gateway, run, _) = at_work(Some(LEASE_MS));
    let cancel = InputKind::Command { ticket: 1, command: Command::Cancel(run) };
    gateway.handle(at(2_000), &[input(2_000, cancel)]);
    gateway.handle(at(3_000), &[]);
    let tick = gateway.handle(at(2_000 + GRACE_MS), &[]);
    assert_eq!(tick.commit().expect("the end of the drain").runs[0].drain, Drain::Abandoned);
}
