//! A million jobs wait, and a hundred thousand are due at once: how long until each has its run.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use sametick_core::commit::{Answer, JobRow, Rows};
use sametick_core::effect::{Effect, Input, InputKind};
use sametick_core::id::{AgentId, JobId, RunId};
use sametick_core::job::{Job, Target};
use sametick_core::run::{RunRow, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::Wall;
use sametick_core::{Config, LaneConfig, Machine, StandardGateway};

use crate::first::at;

const DUE: Wall = Wall::from_millis(1_000);
const ROUNDS: usize = 5;

/// The machine beside a set of due times, as whoever sleeps until the next one keeps it.
pub(crate) fn compare(whole: bool) {
    let pending: u32 = if whole { 1_000_000 } else { 1_000 };
    let rows = rows(pending);
    println!("pending: {pending} jobs, {} of them due at once, best of {ROUNDS}", pending / 10);
    let mut taken = [Duration::MAX; 2];
    let mut set = [Duration::MAX; 3];
    let mut machine = machine();
    for _ in 0..ROUNDS {
        keep_least(&mut taken, by_machine(&mut machine, &rows, pending));
        keep_least(&mut set, by_set(&rows, pending));
    }
    let row = |name: &str, time: Duration, beside: Duration| {
        let ratio = time.as_secs_f64() / beside.as_secs_f64();
        println!("{name:<60} {:>9.2} ms {ratio:>6.1}x", time.as_secs_f64() * 1_000.0);
    };
    row("BTreeSet: all taken in", set[0], set[0]);
    row("the machine: all taken in, with what each job declares", taken[0], set[0]);
    row("BTreeSet: those due taken out", set[1], set[1]);
    row("BTreeSet: and a record of run and job made for each", set[2], set[1]);
    row("the machine: each has its run, slot, record and commit", taken[1], set[1]);
    row("the machine, beside the set that makes records", taken[1], set[2]);
}

fn rows(pending: u32) -> Rows {
    let job = |id: u32| {
        // No order is any data structure's favourite.
        let later = i64::from(id.wrapping_mul(2_654_435_761) % 1_000_000);
        let due = if id.is_multiple_of(10) { DUE } else { DUE.plus_millis(10_000_000 + later) };
        let job = Job::new(JobId(id), AgentId(0), Schedule::At(due));
        (job, JobRow::new(job.id, 1, Some(due)))
    };
    Rows { jobs: (0..pending).map(job).collect(), ..Rows::default() }
}

fn machine() -> StandardGateway {
    let lanes = vec![LaneConfig { limit: u32::MAX, queue: u32::MAX }];
    StandardGateway::new(Config { lanes, ..Config::default() }, Shape::Emit)
}

fn by_machine(machine: &mut StandardGateway, rows: &Rows, pending: u32) -> [Duration; 2] {
    let begun = Instant::now();
    machine.restart(rows, 1, at(0));
    let taken_in = begun.elapsed();
    let begun = Instant::now();
    let commit = machine.handle(at(1_000_000_000), &[]).commit().expect("one commit");
    let fired = begun.elapsed();
    assert_eq!(commit.runs.len(), pending as usize / 10, "an occurrence was lost");
    let applied = InputKind::Answer { commit: commit.number, answer: Answer::Applied };
    let now = at(1_000_200_000);
    let tick = machine.handle(now, &[Input { at: now.mono, kind: applied }]);
    let starts = tick.effects().iter().filter(|effect| matches!(effect, Effect::Start { .. })).count();
    assert_eq!(starts, pending as usize / 10, "a start was lost");
    [taken_in, fired]
}

fn by_set(rows: &Rows, pending: u32) -> [Duration; 3] {
    let begun = Instant::now();
    let dues = rows.jobs.iter().filter_map(|(job, row)| row.next_due.map(|due| (due, job.id)));
    let mut set: BTreeSet<(Wall, JobId)> = dues.collect();
    let taken_in = begun.elapsed();
    let mut bare = set.clone();
    let begun = Instant::now();
    let mut due = Vec::new();
    while let Some((_, job)) = bare.first().copied().filter(|(at, _)| *at <= DUE) {
        bare.pop_first();
        due.push(job);
    }
    let taken_out = begun.elapsed();
    assert_eq!(black_box(due).len(), pending as usize / 10);
    let begun = Instant::now();
    let (mut runs, mut jobs) = (Vec::new(), Vec::new());
    while let Some((at, job)) = set.first().copied().filter(|(at, _)| *at <= DUE) {
        set.pop_first();
        let run = RunId::scheduled(job, 1, at);
        runs.push(RunRow::queued(run, AgentId(0), Target::Isolated, at));
        let row = &rows.jobs[job.index()].1;
        jobs.push(JobRow { running: Some(run), last_due: Some(at), next_due: None, ..*row });
    }
    let recorded = begun.elapsed();
    assert_eq!(black_box((runs, jobs)).0.len(), pending as usize / 10);
    [taken_in, taken_out, recorded]
}

fn keep_least<const N: usize>(least: &mut [Duration; N], times: [Duration; N]) {
    for (least, time) in least.iter_mut().zip(times) {
        *least = time.min(*least);
    }
}
