//! One world with more and more sessions, each of which starts, times out and answers late: what an event costs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use sametick_core::commit::{Answer, JobRow, Rows};
use sametick_core::effect::{Effect, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId};
use sametick_core::job::{Budgets, Job};
use sametick_core::run::{Finish, Shape};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Span, Wall};
use sametick_core::{Config, LaneConfig, Machine, StandardGateway, Tick};

use crate::by_hand;
use crate::first::at;
use crate::measure::{forget_peak, least, peak_mib};

/// As many sessions in all as small worlds are repeated for.
const ENOUGH: usize = 10_000;

/// The machine beside the loop written by hand.
pub(crate) fn compare(whole: bool) {
    println!("growth: one world with so many sessions due over 100 s, its host included");
    let sizes: &[usize] = if whole { &[1, 100, 10_000, 1_000_000] } else { &[1, 100] };
    for sessions in sizes {
        let draws: Vec<(u64, u64)> = (0..*sessions as u64).map(by_hand::draws).collect();
        // Spread over a hundred seconds, by a step that no size divides.
        let dues: Vec<u64> =
            (0..*sessions as u64).map(|one| (1_000 + one * 7_919 % 100_000) * 1_000_000).collect();
        let rounds = if whole { (ENOUGH / sessions).max(1) } else { 1 };
        let mut host = Host::new(&dues);
        forget_peak();
        let (mut by_hand, mut by_machine) = (0_u64, 0_u64);
        let [hand, machine] = least(
            if rounds > 10 { 20 } else { 3 },
            [
                &mut || by_hand = (0..rounds).map(|_| black_box(by_hand::sessions(&dues, &draws))).sum(),
                &mut || by_machine = (0..rounds).map(|_| host.drive(&dues, &draws)).sum(),
            ],
        );
        let hand = hand.as_nanos() as f64 / by_hand as f64;
        let machine = machine.as_nanos() as f64 / by_machine as f64;
        let peak = peak_mib().map_or_else(String::new, |mib| format!(", at most {mib} MiB"));
        println!(
            "{sessions:>9} sessions {machine:>8.0} ns an event, by hand {hand:>6.0}: {:>5.1}x{peak}",
            machine / hand
        );
    }
}

/// What is planned: an answer of the store to a commit, or a word of a session's turn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Applied(u64),
    Ready(u32),
    Completed(u32),
}

/// A host on an agenda: what is planned comes in at its time, and the machine is woken when it asks to be.
struct Host {
    rows: Rows,
    machine: StandardGateway,
    agenda: BinaryHeap<Reverse<(u64, Plan)>>,
    tick: Box<Tick>,
}

impl Host {
    fn new(dues: &[u64]) -> Self {
        let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
        let job = |(due, id): (&u64, u32)| {
            let due = wall(*due);
            let job = Job::new(JobId(id), AgentId(0), Schedule::At(due)).with_budgets(budgets);
            (job, JobRow::new(job.id, 1, Some(due)))
        };
        let rows = Rows { jobs: dues.iter().zip(0..).map(job).collect(), ..Rows::default() };
        let lanes = vec![LaneConfig { limit: u32::MAX, queue: u32::MAX }];
        let config = Config { lanes, open_commits: 1_024, ..Config::default() };
        let machine = StandardGateway::new(config, Shape::Emit);
        Self { rows, machine, agenda: BinaryHeap::new(), tick: Box::default() }
    }

    /// Returns how many events there were: what came in, and what the machine woke up for.
    fn drive(&mut self, dues: &[u64], draws: &[(u64, u64)]) -> u64 {
        self.machine.restart(&self.rows, 1, at(0));
        let (mut events, mut ended) = (0, 0);
        loop {
            let planned = self.agenda.peek().map(|Reverse((at, _))| *at);
            let woken = self.machine.next_wakeup().map(Mono::as_nanos);
            let Some(now) = planned.into_iter().chain(woken).min() else { break };
            events += 1;
            match self.agenda.peek().copied().filter(|Reverse((at, _))| *at == now) {
                None => self.machine.handle_into(at(now), &[], &mut self.tick),
                Some(Reverse((_, plan))) => {
                    self.agenda.pop();
                    let input = Input { at: Mono::from_nanos(now), kind: input(plan, dues) };
                    self.machine.handle_into(at(now), &[input], &mut self.tick);
                }
            }
            ended += self.follow(now, draws);
        }
        assert_eq!(ended, dues.len(), "a session was not ended");
        events
    }

    /// Plans what follows from the tick; returns how many sessions it ended.
    fn follow(&mut self, now: u64, draws: &[(u64, u64)]) -> usize {
        let mut plan = |after: u64, plan| self.agenda.push(Reverse((now + after, plan)));
        if let Some(commit) = self.tick.commit() {
            plan(200_000, Plan::Applied(commit.number));
        }
        let mut ended = 0;
        for effect in self.tick.effects() {
            if let Effect::Start { run } = effect {
                let (ready, takes) = draws[run.job.index()];
                plan(ready, Plan::Ready(run.job.0));
                plan(ready + takes, Plan::Completed(run.job.0));
            }
            ended += usize::from(matches!(effect, Effect::Abort { .. }));
        }
        ended
    }
}

fn input(plan: Plan, dues: &[u64]) -> InputKind {
    let said = |job: u32, report| {
        let run = RunId::scheduled(JobId(job), 1, wall(dues[job as usize]));
        InputKind::Report { run, report }
    };
    match plan {
        Plan::Applied(commit) => InputKind::Answer { commit, answer: Answer::Applied },
        Plan::Ready(job) => said(job, Report::Ready { session: SessionId(job) }),
        Plan::Completed(job) => said(job, Report::Completed(Finish::Ok)),
    }
}

fn wall(nanos: u64) -> Wall {
    Wall::from_millis((nanos / 1_000_000).cast_signed())
}
