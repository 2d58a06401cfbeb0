//! What users ask for, several times in one tick and at the very instant that matters.

use sametick_core::commit::{Answer, Commit, JobRow, Rows, Unran};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Refusal, Report, Tick};
use sametick_core::id::{AgentId, JobId, LaneId, RunId, SessionId};
use sametick_core::job::{Job, Overlap, Target};
use sametick_core::lane::LaneConfig;
use sametick_core::run::Shape;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Wall};
use sametick_core::{Config, Machine, StandardGateway, WaitsFor};

fn at(millis: u64) -> Now {
    Now { mono: Mono::from_nanos(millis * 1_000_000), wall: wall(millis.cast_signed()) }
}

const fn wall(millis: i64) -> Wall {
    Wall::from_millis(millis)
}

/// A job that is due every second, first at one second.
fn every_second(id: u32) -> Job {
    Job::new(JobId(id), AgentId(0), Schedule::Every { every_ms: 1_000, anchor: wall(1_000) })
}

/// A job that is due once, in an hour.
fn later(id: u32) -> Job {
    Job::new(JobId(id), AgentId(0), Schedule::At(wall(3_600_000)))
}

fn gateway(jobs: impl IntoIterator<Item = Job>) -> StandardGateway {
    gateway_of(Config::one_lane(4), jobs)
}

fn gateway_of(config: Config, jobs: impl IntoIterator<Item = Job>) -> StandardGateway {
    let row = |job: &Job| JobRow::new(job.id, 1, job.schedule.next_after(wall(0)));
    let jobs: Vec<(Job, JobRow)> = jobs.into_iter().map(|job| (job, row(&job))).collect();
    let mut gateway = StandardGateway::new(config, Shape::Emit);
    gateway.restart(&Rows { generations: 1, jobs, ..Rows::default() }, 1, at(0));
    gateway
}

fn add(job: Job) -> Command {
    Command::Add(Box::new(job))
}

fn edit(job: Job) -> Command {
    Command::Edit(Box::new(job))
}

/// One tick, in which all of this is asked for in this order: its commit, and what was refused.
fn ask(
    gateway: &mut StandardGateway,
    millis: u64,
    commands: impl IntoIterator<Item = Command>,
) -> (Commit, Vec<Refusal>) {
    let asked = (1..).zip(commands).map(|(ticket, command)| InputKind::Command { ticket, command });
    let inputs: Vec<Input> = asked.map(|kind| Input { at: at(millis).mono, kind }).collect();
    let tick = gateway.handle(at(millis), &inputs);
    let refused = tick.effects().iter().filter_map(|effect| {
        let Effect::Reply { reply, .. } = effect else { return None };
        reply.err()
    });
    (tick.commit().cloned().unwrap_or_default(), refused.collect())
}

fn hear(gateway: &mut StandardGateway, millis: u64, kind: InputKind) -> Vec<Effect> {
    gateway.handle(at(millis), &[Input { at: at(millis).mono, kind }]).effects().to_vec()
}

const fn applied(commit: u64) -> InputKind {
    InputKind::Answer { commit, answer: Answer::Applied }
}

/// Which jobs a commit removes, and which it declares.
fn changes(commit: &Commit) -> (Vec<u32>, Vec<u32>) {
    let removed = commit.removed.iter().map(|job| job.0).collect();
    (removed, commit.declared.iter().map(|job| job.id.0).collect())
}

#[test]
fn a_job_that_comes_back_in_the_tick_in_which_it_goes_was_never_away() {
    let mut gateway = gateway([later(0), later(1)]);
    let commands = [Command::Remove(JobId(0)), Command::Remove(JobId(1)), add(later(0))];
    let (commit, _) = ask(&mut gateway, 1, commands);
    assert_eq!(changes(&commit), (vec![1], vec![0]));
    assert_eq!(commit.jobs.iter().map(|row| (row.id, row.generation)).collect::<Vec<_>>(), [(JobId(0), 2)]);
}

#[test]
fn a_job_that_goes_in_the_tick_in_which_it_came_is_not_declared() {
    let mut gateway = gateway([]);
    let commands = [add(later(0)), add(later(1)), Command::Remove(JobId(0))];
    assert_eq!(changes(&ask(&mut gateway, 1, commands).0), (vec![0], vec![1]));
}

#[test]
fn of_two_edits_in_one_tick_the_last_is_declared() {
    let mut gateway = gateway([later(0), later(1)]);
    let delivered = |id, deliver| {
        let mut job = later(id);
        job.terms.deliver = deliver;
        job
    };
    let edits = [edit(delivered(0, true)), edit(delivered(1, true)), edit(delivered(0, false))];
    let (commit, _) = ask(&mut gateway, 1, edits);
    let declared: Vec<(u32, bool)> =
        commit.declared.iter().map(|job| (job.id.0, job.terms.deliver)).collect();
    assert_eq!(declared, [(1, true), (0, false)]);
}

#[test]
fn what_is_due_at_the_instant_it_is_declared_is_met() {
    let once = |due| Job { schedule: Schedule::At(wall(due)), ..later(0) };
    let met = |job: Job| {
        let mut gateway = gateway([]);
        let (commit, refused) = ask(&mut gateway, 2_000, [add(job)]);
        (commit.runs.iter().map(|run| run.id.due.as_millis()).collect::<Vec<_>>(), refused)
    };
    assert_eq!(met(once(2_000)), (vec![2_000], vec![]));
    assert_eq!(met(once(2_001)), (vec![], vec![]));
    assert_eq!(met(once(1_999)), (vec![], vec![Refusal::NeverDue]));
}

#[test]
fn what_a_new_schedule_has_at_the_instant_of_the_edit_is_met_unless_it_was() {
    let moved = |due| edit(Job { schedule: Schedule::At(wall(due)), ..later(0) });
    let runs = |commit: &Commit| commit.runs.iter().map(|run| run.id.due.as_millis()).collect::<Vec<_>>();
    // It was never met: from this instant on its occurrences are the new schedule's.
    let mut fresh = gateway([later(0)]);
    let (commit, refused) = ask(&mut fresh, 2_000, [moved(2_000)]);
    assert_eq!((runs(&commit), refused), (vec![2_000], vec![]));
    let mut fresh = gateway([later(0)]);
    assert_eq!(ask(&mut fresh, 2_000, [moved(1_999)]).1, [Refusal::NeverDue]);
    // It was met at one second, and none that was met comes again.
    let mut met = gateway([every_second(0)]);
    assert_eq!(runs(&ask(&mut met, 1_000, []).0), [1_000]);
    assert_eq!(ask(&mut met, 1_000, [moved(1_000)]).1, [Refusal::NeverDue]);
    let mut met = gateway([every_second(0)]);
    ask(&mut met, 1_000, []);
    let (commit, refused) = ask(&mut met, 1_500, [moved(1_500)]);
    let skipped: Vec<Unran> = commit.ledger.iter().map(|row| row.end).collect();
    assert_eq!((refused, skipped), (vec![], vec![Unran::Overlap]), "its first run is still open");
}

#[test]
fn an_edit_that_leaves_the_schedule_alone_leaves_what_is_due_alone() {
    let mut gateway = gateway([later(0)]);
    ask(&mut gateway, 1_000, [Command::Pause(JobId(0))]);
    let mut renamed = later(0);
    renamed.terms.deliver = true;
    let (commit, _) = ask(&mut gateway, 3_600_000, [edit(renamed)]);
    assert_eq!(
        (commit.jobs, commit.ledger),
        (vec![], vec![]),
        "it is paused, and what it missed is not told yet"
    );
}

#[test]
fn a_job_that_is_edited_is_due_when_its_new_schedule_says() {
    let mut gateway = gateway([later(0)]);
    let (commit, _) = ask(&mut gateway, 1_500, [edit(every_second(0))]);
    assert_eq!(commit.jobs[0].next_due, Some(wall(2_000)));
    hear(&mut gateway, 1_600, applied(1));
    assert_eq!(gateway.next_wakeup(), Some(at(2_000).mono));
}

#[test]
fn what_was_due_while_a_job_was_paused_stays_unmet_but_for_the_instant_it_goes_on() {
    let mut gateway = gateway([every_second(0)]);
    ask(&mut gateway, 500, [Command::Pause(JobId(0))]);
    let (commit, _) = ask(&mut gateway, 3_000, [Command::Resume(JobId(0))]);
    let unmet: Vec<(Unran, i64, i64)> =
        commit.ledger.iter().map(|row| (row.end, row.first.as_millis(), row.last.as_millis())).collect();
    assert_eq!(unmet, [(Unran::Paused, 1_000, 2_000)]);
    let runs: Vec<i64> = commit.runs.iter().map(|run| run.id.due.as_millis()).collect();
    assert_eq!(runs, [3_000]);
}

#[test]
fn a_lane_that_is_not_there_is_refused_to_who_comes_and_to_who_stays() {
    let mut gateway = gateway([later(0)]);
    let in_lane = |id, lane| {
        let mut job = later(id);
        job.terms.lane = LaneId(lane);
        job
    };
    let commands = [add(in_lane(1, 1)), edit(in_lane(0, 1)), add(in_lane(1, 0))];
    assert_eq!(ask(&mut gateway, 1, commands).1, [Refusal::NoSuchLane, Refusal::NoSuchLane]);
}

/// A gateway whose run of job 0, of this agent in this session, is at work.
fn parent_at_work(
    agent: u32,
    target: Target,
    children: impl IntoIterator<Item = Job>,
) -> (StandardGateway, RunId) {
    let mut parent = Job { agent: AgentId(agent), ..every_second(0) };
    parent.terms.target = target;
    let mut gateway = gateway([parent].into_iter().chain(children));
    let run = ask(&mut gateway, 1_000, []).0.runs[0].id;
    hear(&mut gateway, 1_001, applied(1));
    hear(&mut gateway, 1_002, InputKind::Report { run, report: Report::Ready { session: SessionId(1) } });
    (gateway, run)
}

#[test]
fn a_child_that_would_wait_for_what_its_parent_holds_is_refused() {
    use Target::{Isolated, Main};
    let cases = [
        // Whose session, of which agent, and of which agent the child is that wants its main session.
        (Main, 0, Main, 0, true),
        (Main, 1, Main, 0, false),
        (Isolated, 0, Main, 0, false),
        (Main, 0, Isolated, 0, false),
        (Isolated, 1, Isolated, 0, false),
    ];
    for (of_parent, agent, of_child, child_agent, is_refused) in cases {
        let mut child = Job { agent: AgentId(child_agent), ..later(1) };
        child.terms.target = of_child;
        let (mut gateway, parent) = parent_at_work(agent, of_parent, [child]);
        let (_, refused) = ask(&mut gateway, 1_100, [Command::Spawn { parent, job: JobId(1) }]);
        let expected: &[Refusal] = if is_refused { &[Refusal::Deadlock] } else { &[] };
        assert_eq!(refused, expected, "{of_child:?} of {child_agent} below {of_parent:?} of {agent}");
    }
    let (mut gateway, parent) = parent_at_work(0, Isolated, []);
    let itself = Command::Spawn { parent, job: JobId(0) };
    assert_eq!(
        ask(&mut gateway, 1_100, [itself]).1,
        [Refusal::Deadlock],
        "its own job, whose runs are alone"
    );
}

#[test]
fn who_asks_for_a_run_is_told_which_once_it_is_durable() {
    let mut gateway = gateway([later(0)]);
    let (commit, _) = ask(&mut gateway, 1_000, [Command::RunNow(JobId(0))]);
    let run = commit.runs[0].id;
    assert_eq!((run.asked, run.due), (1, wall(1_000)));
    let effects = hear(&mut gateway, 1_001, applied(1));
    assert!(effects.contains(&Effect::Reply { ticket: 1, reply: Ok(Accepted::Run(run)) }), "{effects:?}");
}

#[test]
fn what_changes_nothing_is_answered_without_a_commit_of_its_own() {
    let resume = || InputKind::Command { ticket: 7, command: Command::Resume(JobId(0)) };
    let done = [Effect::Reply { ticket: 7, reply: Ok(Accepted::Done) }];
    let mut idle = gateway([later(0)]);
    assert_eq!(hear(&mut idle, 1, resume()), done, "it is followed already, and everything is durable");
    let mut behind = gateway([later(0), later(1)]);
    ask(&mut behind, 1, [Command::Pause(JobId(1))]);
    assert_eq!(hear(&mut behind, 2, resume()), [], "not before what came before it is durable");
    assert_eq!(hear(&mut behind, 3, applied(1))[1..], done);
}

#[test]
fn who_waits_in_another_lane_makes_no_room_in_a_full_one() {
    let waits_in = |id, lane| {
        let mut job = Job { overlap: Overlap::CancelOther, ..later(id) };
        job.terms.lane = LaneId(lane);
        job
    };
    let closed = LaneConfig { limit: 0, queue: 1 };
    let config = Config { lanes: vec![closed, closed], ..Config::default() };
    let mut gateway = gateway_of(config, [waits_in(0, 1), waits_in(1, 0)]);
    let run_now = |id| Command::RunNow(JobId(id));
    assert_eq!(ask(&mut gateway, 1, [run_now(0), run_now(1), run_now(1)]).1, [], "each replaces its own");
    let moved = [edit(waits_in(0, 0)), run_now(0)];
    assert_eq!(ask(&mut gateway, 2, moved).1, [Refusal::LaneFull]);
}

#[test]
fn an_edit_says_what_became_of_the_times_that_the_old_schedule_had() {
    let unmet = |commit: &Commit| -> Vec<(Unran, i64, i64)> {
        commit.ledger.iter().map(|row| (row.end, row.first.as_millis(), row.last.as_millis())).collect()
    };
    let mut paused = gateway([every_second(0)]);
    ask(&mut paused, 500, [Command::Pause(JobId(0))]);
    let (commit, _) = ask(&mut paused, 3_500, [edit(later(0))]);
    assert_eq!(unmet(&commit), [(Unran::Paused, 1_000, 3_000)]);
    // Who asks at the instant at which it is due comes first.
    let mut followed = gateway([every_second(0)]);
    let (commit, _) = ask(&mut followed, 1_000, [edit(later(0))]);
    assert_eq!((unmet(&commit), commit.runs), (vec![(Unran::Superseded, 1_000, 1_000)], vec![]));
}

#[test]
fn what_is_asked_of_a_job_that_is_not_there_is_refused() {
    let nobody = JobId(7);
    let commands = [Command::Remove, Command::Pause, Command::Disable, Command::Resume, Command::RunNow]
        .map(|command| command(nobody))
        .into_iter()
        .chain([edit(later(7))]);
    let (commit, refused) = ask(&mut gateway([later(0)]), 1, commands);
    assert_eq!((commit, refused), (Commit::default(), vec![Refusal::NoSuchJob; 6]));
}

#[test]
fn a_machine_that_is_started_again_goes_on_as_a_new_one_would() {
    let config =
        || Config { lanes: vec![LaneConfig { limit: 2, queue: 1 }], running: 1, ..Config::default() };
    let jobs = || {
        let mut shared = [every_second(0), every_second(1), later(2)];
        shared.iter_mut().for_each(|job| job.terms.target = Target::Main);
        shared
    };
    let mut used = gateway_of(config(), jobs());
    let run = ask(&mut used, 1_000, []).0.runs[0].id;
    hear(&mut used, 1_001, applied(1));
    hear(&mut used, 1_002, InputKind::Report { run, report: Report::Ready { session: SessionId(1) } });
    ask(&mut used, 1_003, [Command::Spawn { parent: run, job: JobId(2) }, Command::Pause(JobId(1))]);
    hear(&mut used, 1_004, InputKind::Report { run: RunId { attempt: 9, ..run }, report: Report::Stopped });
    let row = |job: &Job| JobRow::new(job.id, 1, job.schedule.next_after(wall(1_999)));
    let jobs: Vec<(Job, JobRow)> = jobs().into_iter().map(|job| (job, row(&job))).collect();
    let rows = Rows { generations: 1, jobs, ..Rows::default() };
    let mut new = StandardGateway::new(config(), Shape::Emit);
    let both = |used: &Tick, new: &Tick| {
        assert_eq!((used.commit(), used.effects()), (new.commit(), new.effects()));
    };
    both(used.restart(&rows, 2, at(1_500)), new.restart(&rows, 2, at(1_500)));
    let mut answers = Vec::new();
    for millis in (1_600..6_000).step_by(200) {
        let (used_tick, new_tick) = (used.handle(at(millis), &answers), new.handle(at(millis), &answers));
        both(used_tick, new_tick);
        let open = new_tick.commit().map(|commit| applied(commit.number));
        answers = open.into_iter().map(|kind| Input { at: at(millis + 1).mono, kind }).collect();
        assert_eq!((used.next_wakeup(), used.waiting()), (new.next_wakeup(), new.waiting()));
    }
    let granted = new.waiting().into_iter().map(|waiting| waiting.waits_for);
    assert_eq!(granted.collect::<Vec<_>>(), [WaitsFor::Session, WaitsFor::SharedSession]);
}

#[test]
fn how_many_runs_were_asked_for_is_durable_with_the_run_itself() {
    let closed = LaneConfig { limit: 0, queue: 1 };
    let mut gateway = gateway_of(Config { lanes: vec![closed], ..Config::default() }, [later(0)]);
    let (commit, _) = ask(&mut gateway, 1, [Command::RunNow(JobId(0))]);
    assert_eq!((commit.runs.len(), commit.jobs.iter().map(|row| row.asked).collect()), (1, vec![1]));
}
