//! Jobs and histories as they are drawn.

use proptest::prelude::*;
use sametick_core::commit::Answer;
use sametick_core::id::{AgentId, JobId};
use sametick_core::job::{Budgets, CatchUp, Job, OnAbandon, Overlap, Target};
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Span, Wall};

/// One thing a history does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sleep until the machine wants to be called, or for a second.
    Sleep,
    /// Sleep this long, whatever the machine wants: the host is late.
    Oversleep(u64),
    /// The nth run there is reports.
    Report(usize, Said),
    /// Somebody cancels the nth run.
    Cancel(usize),
    /// Somebody asks for something with a job.
    Ask(u32, Asked),
    /// The nth run asks for a child of a job.
    Spawn(usize, u32),
    /// Another part of the gateway begins or ends a turn in the main session.
    Foreign(bool),
    /// The store gets its oldest open commit, and makes this of it; when it applies it, the answer comes later.
    Store(Answer),
    /// One of the answers that are on their way arrives.
    Hear(usize),
    /// The store answers the oldest renewal.
    Renewed(Answer),
    /// The wall clock steps by so many milliseconds, and somebody says so or not.
    Step(i64, bool),
    /// The gateway dies and comes back after so many milliseconds.
    Crash(u64),
}

/// What a turn can say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    Ready,
    Progress,
    Ok,
    Failed,
    Stopped,
}

/// What somebody can ask for with a job.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Add,
    Edit,
    Remove,
    Pause,
    Disable,
    Resume,
    RunNow,
}

pub(crate) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let said = prop_oneof![
        Just(Said::Ready),
        Just(Said::Progress),
        Just(Said::Ok),
        Just(Said::Failed),
        Just(Said::Stopped)
    ];
    let asked = prop_oneof![
        1 => Just(Asked::Add),
        1 => Just(Asked::Edit),
        1 => Just(Asked::Remove),
        1 => Just(Asked::Pause),
        1 => Just(Asked::Disable),
        2 => Just(Asked::Resume),
        3 => Just(Asked::RunNow)
    ];
    let answer =
        || prop_oneof![6 => Just(Answer::Applied), 1 => Just(Answer::NotApplied), 1 => Just(Answer::Unknown)];
    let act = prop_oneof![
        8 => Just(Act::Sleep),
        4 => (1u64..5_000).prop_map(Act::Oversleep),
        8 => (0usize..6, said).prop_map(|(run, said)| Act::Report(run, said)),
        2 => (0usize..6).prop_map(Act::Cancel),
        3 => (0u32..3, asked).prop_map(|(job, asked)| Act::Ask(job, asked)),
        1 => (0usize..6, 0u32..3).prop_map(|(parent, job)| Act::Spawn(parent, job)),
        1 => any::<bool>().prop_map(Act::Foreign),
        10 => answer().prop_map(Act::Store),
        10 => (0usize..3).prop_map(Act::Hear),
        3 => answer().prop_map(Act::Renewed),
        1 => (-5_000i64..5_000, any::<bool>()).prop_map(|(by, said)| Act::Step(by, said)),
        2 => (0u64..10_000).prop_map(Act::Crash),
    ];
    prop::collection::vec(act, 1..100)
}

pub(crate) fn jobs() -> impl Strategy<Value = Vec<Job>> {
    prop::collection::vec(job(), 1..4).prop_map(|jobs| {
        let numbered = jobs.into_iter().zip(0u32..);
        numbered.map(|(job, id)| Job { id: JobId(id), ..job }).collect()
    })
}

fn job() -> impl Strategy<Value = Job> {
    let schedule = prop_oneof![
        (1i64..3_000).prop_map(|at| Schedule::At(Wall::from_millis(at))),
        (500u64..3_000, 0i64..1_000)
            .prop_map(|(every_ms, anchor)| Schedule::Every { every_ms, anchor: Wall::from_millis(anchor) }),
    ];
    (schedule, budgets(), policies(), retry(), any::<(bool, bool, bool, bool)>()).prop_map(
        |(schedule, budgets, (overlap, catch_up, window, misfire), retry, flags)| {
            let mut job = Job::new(JobId(0), AgentId(0), schedule).with_budgets(budgets);
            (job.overlap, job.catch_up, job.catch_up_window) = (overlap, catch_up, window);
            job.misfire_after = misfire;
            job.terms.alone = overlap != Overlap::Allow;
            job.terms.retry = retry;
            let (deliver, main, hold, gone) = flags;
            job.terms.deliver = deliver;
            job.terms.target = if main { Target::Main } else { Target::Isolated };
            job.terms.on_abandon = if hold { OnAbandon::Hold } else { OnAbandon::Release };
            job.delete_after_run = gone;
            job
        },
    )
}

fn budgets() -> impl Strategy<Value = Budgets> {
    let span = || prop::option::of((0u64..4_000).prop_map(Span::from_millis));
    (span(), span(), span(), span(), span(), 0u64..2_000).prop_map(
        |(queue, start, stall, timeout, total, grace)| Budgets {
            queue_timeout: queue,
            start_timeout: start,
            stall_timeout: stall,
            timeout,
            total_timeout: total,
            abort_grace: Span::from_millis(grace),
        },
    )
}

fn policies() -> impl Strategy<Value = (Overlap, CatchUp, Option<Span>, Span)> {
    let overlap = prop_oneof![
        Just(Overlap::Skip),
        Just(Overlap::BufferOne),
        (0u32..3).prop_map(Overlap::BufferAll),
        Just(Overlap::CancelOther),
        Just(Overlap::Allow)
    ];
    let catch_up = prop_oneof![Just(CatchUp::Skip), Just(CatchUp::One), (0u32..4).prop_map(CatchUp::All)];
    let window = prop::option::of((0u64..8_000).prop_map(Span::from_millis));
    (overlap, catch_up, window, (0u64..3_000).prop_map(Span::from_millis))
}

fn retry() -> impl Strategy<Value = Retry> {
    let on = Endings::TRANSIENT.and(Endings::failed(FailureKind::Unknown));
    let steps = prop::collection::vec((0u64..1_500).prop_map(Span::from_millis), 0..3);
    (0u32..4, steps).prop_map(move |(attempts, steps)| Retry { attempts, on, backoff: Backoff::of(&steps) })
}
