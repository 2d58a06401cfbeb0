//! From what a store holds to a machine that hides nothing, by hand: what no crash of this core leaves behind,
//! but another program may have written.

use sametick_core::commit::{Commit, JobRow, Rows, TermsRow};
use sametick_core::effect::{Command, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId, SessionKey};
use sametick_core::job::{Budgets, Job, Target, Terms};
use sametick_core::lane::LaneConfig;
use sametick_core::run::{Drain, Outcome, RunRow, RunState, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::session::{SessionRow, Status};
use sametick_core::time::{Mono, Now, Span, Wall};
use sametick_core::{Config, Machine, StandardGateway};

const START: Wall = Wall::from_millis(50_000);

fn at(millis: u64) -> Now {
    let mono = Mono::from_nanos(millis * 1_000_000);
    Now { mono, wall: START.plus_millis(millis.cast_signed()) }
}

/// Two jobs that are due once, an hour from now.
fn rows() -> Rows {
    let due = START.plus_millis(3_600_000);
    let job = |id| Job::new(JobId(id), AgentId(0), Schedule::At(due));
    let jobs = [0, 1].map(|id| (job(id), JobRow::new(JobId(id), 1, Some(due))));
    Rows { generations: 1, jobs: jobs.into(), ..Rows::default() }
}

fn run(job: u32) -> RunId {
    RunId::scheduled(JobId(job), 1, Wall::from_millis(1_000))
}

fn queued(id: RunId, since_ms: i64) -> RunRow {
    RunRow::queued(id, AgentId(0), Target::Isolated, Wall::from_millis(since_ms))
}

fn recovered(rows: &Rows) -> (StandardGateway, Commit) {
    let (gateway, tick) = StandardGateway::recover(Config::default(), Shape::Emit, rows, 2, at(0));
    (gateway, tick.commit().cloned().unwrap_or_default())
}

#[test]
fn who_waited_longer_before_a_crash_is_granted_first_after_it() {
    let rows = Rows { runs: vec![queued(run(0), 2_000), queued(run(1), 1_000)], ..rows() };
    let (mut gateway, _) = recovered(&rows);
    let granted = gateway.handle(at(1), &[]).commit().expect("a grant").runs[0].id;
    assert_eq!(granted, run(1));
}

#[test]
fn what_waits_for_a_job_that_nobody_declares_any_more_is_cancelled() {
    let gone = RunId { generation: 0, ..run(0) };
    let rows = Rows { runs: vec![queued(gone, 1_000), queued(run(1), 1_000)], ..rows() };
    let (_, commit) = recovered(&rows);
    let ends: Vec<(RunId, RunState)> = commit.runs.iter().map(|run| (run.id, run.state)).collect();
    assert_eq!(ends, [(gone, RunState::Settled(Outcome::Cancelled))]);
}

#[test]
fn a_child_whose_parent_nobody_knows_is_cancelled() {
    let child = RunRow { parent: Some(run(0)), ..queued(run(1), 1_000) };
    let (_, commit) = recovered(&Rows { runs: vec![child], ..rows() });
    assert_eq!(commit.runs[0].state, RunState::Settled(Outcome::Cancelled));
}

#[test]
fn a_job_that_names_a_run_nobody_knows_names_none() {
    let mut rows = rows();
    rows.runs.push(queued(run(1), 1_000));
    for (place, (_, row)) in (0..).zip(&mut rows.jobs) {
        row.running = Some(run(place));
    }
    let (_, commit) = recovered(&rows);
    let names: Vec<(JobId, Option<RunId>)> = commit.jobs.iter().map(|row| (row.id, row.running)).collect();
    assert_eq!(names, [(JobId(0), None)], "the other's run is there");
}

/// What a store holds of a run that was cancelled and drains, while its sessions say `says`.
fn drains(says: &[(SessionKey, RunId)]) -> Rows {
    let over = RunRow {
        state: RunState::Settled(Outcome::Cancelled),
        drain: Drain::Open,
        session: Some(SessionId(3)),
        started_at: Some(Wall::from_millis(2_000)),
        settled_at: Some(Wall::from_millis(9_000)),
        seq: 1,
        ..queued(run(0), 1_000)
    };
    let session = |(key, run): &(SessionKey, RunId)| SessionRow {
        status: Some(Status::Running),
        run: Some(*run),
        seq: 1,
        ..SessionRow::blank(*key)
    };
    Rows { runs: vec![over], sessions: says.iter().map(session).collect(), ..rows() }
}

#[test]
fn a_session_that_says_running_of_a_run_that_is_over_gets_its_end() {
    let base = SessionKey::Base { agent: AgentId(0), job: JobId(0) };
    let own = SessionKey::Run { agent: AgentId(0), job: JobId(0), session: SessionId(3) };
    for says in [vec![(own, run(0))], vec![(base, run(0))], vec![(own, run(0)), (base, run(0))]] {
        let (_, commit) = recovered(&drains(&says));
        assert_eq!(commit.events.len(), 1, "of {says:?}");
        let mut mended: Vec<SessionKey> = commit.sessions.iter().map(|patch| patch.key).collect();
        let mut lied: Vec<SessionKey> = says.iter().map(|(key, _)| *key).collect();
        mended.sort_unstable();
        lied.sort_unstable();
        assert_eq!(mended, lied);
        assert_eq!(commit.runs[0].seq, 2, "the run's record counts that event");
    }
}

#[test]
fn a_session_that_speaks_of_another_run_is_left_alone() {
    let base = SessionKey::Base { agent: AgentId(0), job: JobId(0) };
    let newer = RunId { due: Wall::from_millis(8_000), ..run(0) };
    let (_, commit) = recovered(&drains(&[(base, newer)]));
    assert_eq!((commit.events.len(), commit.sessions.len()), (0, 0));
}

#[test]
fn a_machine_that_comes_back_gives_no_generation_twice() {
    let mut rows = rows();
    // The highest one was removed again; only the counter knows of it.
    rows.generations = 9;
    rows.jobs.pop();
    let (mut gateway, _) = recovered(&rows);
    let job = Job::new(JobId(1), AgentId(0), Schedule::At(START.plus_millis(60_000)));
    let add = InputKind::Command { ticket: 1, command: Command::Add(Box::new(job)) };
    let commit = gateway.handle(at(1), &[Input { at: at(1).mono, kind: add }]).commit().expect("it").clone();
    assert_eq!((commit.jobs[0].generation, commit.generations), (10, 10));
}

#[test]
fn a_family_that_a_crash_found_at_work_gives_its_slot_back_once() {
    let at_work = |id: RunId, parent| RunRow {
        state: RunState::Running,
        parent,
        session: Some(SessionId(id.job.0)),
        granted_at: Some(Wall::from_millis(1_000)),
        started_at: Some(Wall::from_millis(2_000)),
        seq: 1,
        ..queued(id, 1_000)
    };
    for order in [[0, 1], [1, 0]] {
        let runs = vec![at_work(run(0), None), at_work(run(1), Some(run(0)))];
        let (mut gateway, _) = recovered(&Rows { runs, ..rows() });
        for (millis, job) in (1..).zip(order) {
            let stopped = InputKind::Report { run: run(job), report: Report::Stopped };
            gateway.handle(at(millis), &[Input { at: at(millis).mono, kind: stopped }]);
        }
        let again = InputKind::Command { ticket: 1, command: Command::RunNow(JobId(0)) };
        let commit =
            gateway.handle(at(9), &[Input { at: at(9).mono, kind: again }]).commit().expect("a run").clone();
        assert_eq!(commit.runs[0].state, RunState::Starting, "the lane's one slot is free");
    }
}

#[test]
fn a_run_whose_terms_nobody_wrote_down_keeps_the_session_that_its_record_names() {
    let shared = |job| RunRow { target: Target::Main, ..queued(run(job), 1_000) };
    let rows = Rows { runs: vec![shared(0), shared(1)], ..rows() };
    let (mut gateway, _) = StandardGateway::recover(Config::one_lane(2), Shape::Emit, &rows, 2, at(0));
    let commit = gateway.handle(at(1), &[]).commit().expect("a grant").clone();
    let granted: Vec<RunId> = commit.runs.iter().map(|row| row.id).collect();
    assert_eq!(granted, [run(0)], "their jobs want sessions of their own now; these two share one");
}

#[test]
fn what_waits_after_a_crash_goes_by_its_own_terms_and_has_its_budgets_in_full() {
    let terms = |job, budgets| TermsRow { run: run(job), terms: Terms { budgets, ..Terms::default() } };
    let seconds = |seconds| Some(Span::from_secs(seconds));
    let queue = Budgets { queue_timeout: seconds(1), ..Budgets::default() };
    let total = Budgets { total_timeout: seconds(2), ..Budgets::default() };
    let rows = Rows {
        runs: vec![queued(run(0), 1_000), queued(run(1), 1_000)],
        // In no order.
        terms: vec![terms(1, queue), terms(0, total)],
        ..rows()
    };
    let lanes = vec![LaneConfig { limit: 0, ..LaneConfig::default() }];
    let config = Config { lanes, ..Config::default() };
    let (mut gateway, _) = StandardGateway::recover(config, Shape::Emit, &rows, 2, at(0));
    let mut wakes = Vec::new();
    for millis in [1, 1_000, 2_000] {
        let tick = gateway.handle(at(millis), &[]);
        let over: Vec<RunId> =
            tick.commit().into_iter().flat_map(|it| it.runs.iter()).map(|row| row.id).collect();
        wakes.push((over, gateway.next_wakeup()));
    }
    let next = at(2_000).mono;
    assert_eq!(wakes[0], (vec![], Some(at(1_000).mono)));
    assert_eq!(wakes[1], (vec![run(1)], Some(next)));
    assert_eq!(wakes[2].0, [run(0)]);
}
