//! What becomes of occurrences while a run of their job is open, missed ones among them, and when a job goes by itself.

use sametick_core::commit::{Answer, Commit, JobRow, JobStatus, Rows, TermsRow, Unran};
use sametick_core::effect::{Command, Effect, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budgets, CatchUp, Job, Overlap};
use sametick_core::retry::{FailureKind, Retry};
use sametick_core::run::{Failure, Finish, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway};

fn at(millis: u64) -> Now {
    Now { mono: Mono::from_nanos(millis * 1_000_000), wall: Wall::from_millis(millis.cast_signed()) }
}

fn every(every_ms: u64) -> Job {
    let budgets = Budgets { abort_grace: Span::ZERO, ..Budgets::default() };
    let schedule = Schedule::Every { every_ms, anchor: Wall::from_millis(1_000) };
    Job::new(JobId(0), AgentId(0), schedule).with_budgets(budgets)
}

fn once() -> Job {
    Job { schedule: Schedule::At(Wall::from_millis(1_000)), ..every(1) }
}

/// A gateway with one job, which is due first at this instant.
fn gateway(job: Job, due: i64, now: Now) -> (StandardGateway, Commit) {
    let row = JobRow::new(job.id, 1, Some(Wall::from_millis(due)));
    let rows = Rows { generations: 1, jobs: vec![(job, row)], ..Rows::default() };
    let (gateway, tick) = StandardGateway::recover(Config::one_lane(9), Shape::Emit, &rows, 1, now);
    (gateway, tick.commit().cloned().unwrap_or_default())
}

/// The same with a run at work since one second.
fn at_work(job: Job) -> (StandardGateway, RunId) {
    let (mut gateway, _) = gateway(job, 1_000, at(0));
    let run = tick(&mut gateway, at(1_000), []).0.runs[0].id;
    tick(&mut gateway, at(1_000), [(1_000, applied(1))]);
    (gateway, run)
}

fn tick(
    gateway: &mut StandardGateway,
    now: Now,
    happened: impl IntoIterator<Item = (u64, InputKind)>,
) -> (Commit, Vec<Effect>) {
    let inputs: Vec<Input> =
        happened.into_iter().map(|(millis, kind)| Input { at: at(millis).mono, kind }).collect();
    let tick = gateway.handle(now, &inputs);
    (tick.commit().cloned().unwrap_or_default(), tick.effects().to_vec())
}

const fn applied(commit: u64) -> InputKind {
    InputKind::Answer { commit, answer: Answer::Applied }
}

const fn asked(command: Command) -> InputKind {
    InputKind::Command { ticket: 1, command }
}

const fn failed(run: RunId) -> InputKind {
    let failure = Failure { kind: FailureKind::Network, text: None };
    InputKind::Report { run, report: Report::Completed(Finish::Failed(failure)) }
}

const fn done(run: RunId) -> InputKind {
    InputKind::Report { run, report: Report::Completed(Finish::Ok) }
}

/// Ranges of the ledger as they are read: why, from when, to when, how many.
fn unran(commit: &Commit) -> Vec<(Unran, i64, i64, u64)> {
    commit
        .ledger
        .iter()
        .map(|row| (row.end, row.first.as_millis(), row.last.as_millis(), row.count))
        .collect()
}

#[test]
fn what_takes_the_place_of_the_others_does_so_only_when_it_comes() {
    // The wall clock steps ahead, over two occurrences and not to the third.
    let stepped = Now { mono: at(2_000).mono, wall: at(3_501_000).wall };
    let cases = [
        // Nothing is caught up on, so nobody makes room.
        (Overlap::CancelOther, CatchUp::Skip, false, 0),
        (Overlap::CancelOther, CatchUp::One, true, 1),
        // It runs beside what is open.
        (Overlap::Allow, CatchUp::One, false, 1),
    ];
    for (overlap, catch_up, is_cancelled, comes) in cases {
        let mut job = Job { overlap, catch_up, ..every(1_200_000) };
        job.terms.alone = false;
        let (mut gateway, run) = at_work(job);
        let (commit, effects) = tick(&mut gateway, stepped, []);
        assert_eq!(effects.contains(&Effect::Abort { run }), is_cancelled, "{overlap:?} {catch_up:?}");
        let others = commit.runs.iter().filter(|row| row.id != run).count();
        assert_eq!(others, comes, "{overlap:?} {catch_up:?}");
    }
}

#[test]
fn an_occurrence_at_the_instant_at_which_the_run_before_it_ends_is_met() {
    let (mut gateway, run) = at_work(every(1));
    let (commit, _) = tick(&mut gateway, at(1_007), [(1_005, done(run))]);
    let skipped = [(Unran::Overlap, 1_001, 1_004, 4), (Unran::Overlap, 1_006, 1_007, 2)];
    assert_eq!(unran(&commit), skipped);
    let met: Vec<i64> = commit.runs.iter().map(|run| run.id.due.as_millis()).collect();
    assert_eq!(met, [1_000, 1_005]);
}

#[test]
fn what_is_due_at_the_instant_of_a_recovery_is_not_missed() {
    let (mut gateway, commit) = gateway(every(1_000), 3_000, at(5_000));
    assert_eq!(unran(&commit), [(Unran::Missed, 3_000, 4_000, 2)]);
    let (commit, _) = tick(&mut gateway, at(5_000), []);
    assert_eq!(commit.runs.iter().map(|run| run.id.due.as_millis()).collect::<Vec<_>>(), [5_000]);
}

#[test]
fn an_occurrence_is_on_time_until_its_tolerance_has_passed() {
    let late = |millis: u64| {
        let (mut gateway, _) = gateway(every(3_600_000), 1_000, at(0));
        let (commit, _) = tick(&mut gateway, at(1_000 + millis), []);
        (commit.runs.len(), unran(&commit).len())
    };
    assert_eq!((late(60_000), late(60_001)), ((1, 0), (0, 1)));
}

#[test]
fn a_job_that_is_to_go_after_its_run_goes_with_its_last_one() {
    let mut job = Job { delete_after_run: true, overlap: Overlap::Allow, ..once() };
    job.terms.alone = false;
    let (mut gateway, first) = at_work(job);
    let now = InputKind::Command { ticket: 1, command: Command::RunNow(JobId(0)) };
    let second = tick(&mut gateway, at(1_100), [(1_100, now)]).0.runs[0].id;
    tick(&mut gateway, at(1_200), [(1_200, applied(2))]);
    let (commit, _) = tick(&mut gateway, at(1_300), [(1_300, done(first))]);
    assert_eq!(commit.removed, [], "another run of it is open");
    let (commit, _) = tick(&mut gateway, at(1_400), [(1_400, done(second))]);
    assert_eq!(commit.removed, [JobId(0)]);
}

#[test]
fn a_job_that_is_to_go_after_its_run_stays_while_it_is_due_again() {
    let (mut gateway, run) = at_work(Job { delete_after_run: true, ..every(60_000) });
    let (commit, _) = tick(&mut gateway, at(1_300), [(1_300, done(run))]);
    assert_eq!((commit.removed.len(), commit.jobs.len()), (0, 1));
    assert_eq!(gateway.next_wakeup(), Some(at(61_000).mono));
}

#[test]
fn of_runs_side_by_side_the_record_names_the_latest_that_is_still_at_work() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut job = Job { overlap: Overlap::Allow, ..every(1_000) };
        job.terms.alone = false;
        let (mut gateway, first) = at_work(job);
        let mut at_work = vec![first];
        for second in [2_000, 3_000] {
            let (commit, _) = tick(&mut gateway, at(second), []);
            at_work.push(commit.runs[0].id);
            assert_eq!(commit.jobs[0].running, Some(commit.runs[0].id));
            tick(&mut gateway, at(second + 1), [(second + 1, applied(second / 1_000))]);
        }
        let runs = at_work.clone();
        for (millis, run) in (3_100..).zip(order.map(|place| runs[place])) {
            let (commit, _) = tick(&mut gateway, at(millis), [(millis, done(run))]);
            at_work.retain(|other| *other != run);
            assert_eq!(commit.jobs[0].running, at_work.last().copied(), "{order:?}");
        }
    }
}

#[test]
fn a_job_that_was_due_once_goes_on_only_where_its_time_ended_well_or_may_yet() {
    let job = JobId(0);
    let run = RunId::scheduled(job, 1, Wall::from_millis(1_000));
    let by_hand = asked(Command::RunNow(job));
    // How often it is tried, how long it may take to start, and what happens between, in one tick each: the last in the
    // very tick in which the job, disabled while its run was at work, is resumed.
    let cases = [
        (1, None, vec![], JobStatus::Active, "its run is at work"),
        (1, None, vec![done(run)], JobStatus::Active, "it ended well"),
        (1, None, vec![failed(run)], JobStatus::Exhausted, "it did not"),
        (
            1,
            None,
            vec![failed(run), by_hand],
            JobStatus::Exhausted,
            "what somebody asks for is not for that time",
        ),
        (1, Some(500), vec![], JobStatus::Exhausted, "its turn has not stopped, and nothing follows"),
        (2, Some(500), vec![], JobStatus::Active, "its turn has not stopped, and another attempt follows"),
        (2, None, vec![failed(run)], JobStatus::Exhausted, "it let go while the job was disabled"),
    ];
    for (attempts, start_timeout, between, status, why) in cases {
        let mut tried = once();
        tried.terms.budgets.abort_grace = Span::from_secs(9);
        tried.terms.budgets.start_timeout = start_timeout.map(Span::from_millis);
        tried.terms.retry = Retry { attempts, ..Retry::default() };
        let (mut gateway, _) = at_work(tried);
        tick(&mut gateway, at(1_001), [(1_001, asked(Command::Disable(job)))]);
        let at_last = between.len().saturating_sub(1);
        for (millis, kind) in (1_002..).zip(&between[..at_last]) {
            tick(&mut gateway, at(millis), [(millis, kind.clone())]);
        }
        let resumed = between[at_last..].iter().cloned().chain([asked(Command::Resume(job))]);
        let (commit, _) = tick(&mut gateway, at(2_000), resumed.map(|kind| (2_000, kind)));
        assert_eq!(commit.jobs.iter().map(|row| row.status).collect::<Vec<_>>(), [status], "{why}");
    }
}

#[test]
fn each_attempt_has_its_terms_written_down_with_its_first_record() {
    let mut tried = once();
    tried.terms.retry = Retry { attempts: 2, ..Retry::default() };
    let (mut gateway, first) = at_work(tried);
    let (commit, _) = tick(&mut gateway, at(1_100), [(1_100, failed(first))]);
    assert_eq!(commit.terms, [TermsRow { run: first.next_attempt(), terms: tried.terms }]);
}

#[test]
fn how_long_a_run_took_is_not_what_a_stepped_clock_says() {
    let (mut gateway, run) = at_work(once());
    let ready = InputKind::Report { run, report: Report::Ready { session: SessionId(1) } };
    tick(&mut gateway, at(1_200), [(1_200, ready)]);
    let stepped = Now { mono: at(1_500).mono, wall: at(3_600_000).wall };
    let (commit, _) = tick(&mut gateway, stepped, [(1_500, done(run))]);
    let granted = commit.jobs[0].last.map(|last| last.duration_ms);
    assert_eq!((granted, commit.runs[0].runtime_ms), (Some(500), Some(300)));
}

#[test]
fn who_is_cancelled_while_it_waits_leaves_its_place_to_the_next() {
    let (mut gateway, _) = at_work(Job { overlap: Overlap::BufferOne, ..every(1_000) });
    let waits = tick(&mut gateway, at(2_000), []).0.runs[0].id;
    let (commit, _) = tick(&mut gateway, at(3_000), []);
    assert_eq!(unran(&commit), [(Unran::Coalesced, 3_000, 3_000, 1)]);
    tick(&mut gateway, at(3_500), [(3_500, asked(Command::Cancel(waits)))]);
    let (commit, _) = tick(&mut gateway, at(4_000), []);
    assert_eq!(commit.runs.iter().map(|run| run.id.due.as_millis()).collect::<Vec<_>>(), [4_000]);
}

#[test]
fn what_a_new_schedule_passes_over_is_a_range_of_its_own() {
    let (mut gateway, _) = at_work(every(1_000));
    let (commit, _) = tick(&mut gateway, at(3_000), []);
    assert_eq!(unran(&commit), [(Unran::Overlap, 2_000, 3_000, 2)]);
    let edit = Command::Edit(Box::new(every(500)));
    tick(&mut gateway, at(3_100), [(3_100, asked(edit))]);
    let (commit, _) = tick(&mut gateway, at(4_000), []);
    assert_eq!(unran(&commit), [(Unran::Overlap, 3_500, 4_000, 2)]);
}
