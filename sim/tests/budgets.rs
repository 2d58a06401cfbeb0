//! Budgets of every length, alone and against each other, beside an oracle that knows nothing of the machine.

use sametick_core::StandardGateway;
use sametick_core::job::{Budget, Budgets};
use sametick_core::run::{Outcome, Phase, Shape, TimedOut};
use sametick_core::time::{Mono, Span};
use sametick_sim::scenario::WORLD_BEGINS;
use sametick_sim::{Scenario, World};

const MS: u64 = 1_000_000;

/// The edges of the numbers that programs keep milliseconds and nanoseconds in: 31, 32 and 53 bits of the one, 63 and 64
/// of the other, and what no 64 bits of nanoseconds hold.
const EDGES_MS: [u64; 14] = [
    0,
    1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    i64::MAX as u64 / MS,
    i64::MAX as u64 / MS + 1,
    u64::MAX / MS,
    u64::MAX / MS + 1,
    1 << 53,
    u64::MAX,
];

/// What happens to the one run that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    /// It never gets a slot.
    Waits,
    /// Its session is never ready.
    SetsUp,
    /// It is ready at once and never ends.
    Works,
}

const STORIES: [Story; 3] = [Story::Waits, Story::SetsUp, Story::Works];

/// When a session is ready, after the grant.
const READY: u64 = 5 * MS;

/// The oracle: from a few lines of `docs/semantics.md`, in 128 bits, each budget with when it ends after the occurrence.
fn oracle(budgets: &Budgets, story: Story) -> Option<(u128, TimedOut)> {
    let set = |budget: Budget| match budget {
        Budget::Queue => budgets.queue_timeout,
        Budget::Start => budgets.start_timeout,
        Budget::Stall => budgets.stall_timeout,
        Budget::Run => budgets.timeout,
        Budget::Total => budgets.total_timeout,
    };
    let narrowest_first = [Budget::Queue, Budget::Start, Budget::Stall, Budget::Run, Budget::Total];
    let mut ends: Vec<(u128, usize, TimedOut)> = Vec::new();
    for (place, budget) in narrowest_first.into_iter().enumerate() {
        let Some(span) = set(budget) else { continue };
        let span = u128::from(span.as_nanos());
        let ready = u128::from(READY);
        // A queue or total time of nothing is over before grants, which come last.
        let queued = span == 0 && matches!(budget, Budget::Queue | Budget::Total);
        let (at, phase) = match (story, budget) {
            (_, Budget::Queue | Budget::Total) if queued || story == Story::Waits => (span, Phase::Queued),
            (Story::Waits, _) | (_, Budget::Queue) => continue,
            (Story::SetsUp, _) => (span, Phase::Starting),
            // Ready and a deadline in one instant: both happen.
            (Story::Works, Budget::Start) if span >= ready => continue,
            (Story::Works, Budget::Stall) if span >= ready => (ready + span, Phase::Running),
            (Story::Works, _) => (span, if span < ready { Phase::Starting } else { Phase::Running }),
        };
        ends.push((at, place, TimedOut { budget, phase }));
    }
    // What ends before the grant ends before whatever the grant begins.
    ends.sort_unstable_by_key(|(at, place, which)| (*at, which.phase != Phase::Queued, *place));
    ends.first().map(|(at, _, which)| (*at, *which))
}

const WORLD: &str = r#"# One run, and one before it that may hold the only slot.
until = "9223372036854775807ns"

[store]
answers = "0s"

[[job]]
name = "first"
at = "1s"

[[job]]
name = "digest"
at = "2s"
abort_grace = "1s"

[[turn]]
of = "first"
takes = "FIRST"

[[turn]]
of = "digest"
ready = "DIGEST"
takes = "never"
"#;

/// How the machine ends the run: when after the occurrence, and why.
fn machine(budgets: &Budgets, story: Story) -> Option<(u128, TimedOut)> {
    let first = if story == Story::Waits { "never" } else { "1ms" };
    // The start leaves when its commit is durable, a nanosecond after the grant.
    let digest = if story == Story::SetsUp { "never" } else { "4999999ns" };
    let text = WORLD.replace("FIRST", first).replace("DIGEST", digest);
    let mut scenario = Scenario::parse("budgets.toml", &text).expect("it reads");
    scenario.jobs[1].job.terms.budgets = Budgets { abort_grace: Span::from_secs(1), ..*budgets };
    let mut world = World::new(&scenario, StandardGateway::new(scenario.config.clone(), Shape::Emit));
    world.judge_claims(false);
    let verdict = world.run(0).clone();
    assert!(verdict.failures.is_empty(), "{story:?} {budgets:?}: {:?}", verdict.failures);
    let digest = scenario.jobs[1].job.id;
    let row = world.books().runs.values().map(|book| book.row).find(|row| row.id.job == digest)?;
    match row.state.outcome()? {
        Outcome::TimedOut(which) => {
            let at = row.settled_at.expect("it settled") - WORLD_BEGINS - 2_000;
            Some((u128::from(at.unsigned_abs()) * u128::from(MS), which))
        }
        other @ (Outcome::Ok | Outcome::Failed(_) | Outcome::Cancelled | Outcome::Interrupted(_)) => {
            panic!("{story:?} {budgets:?}: it ended as {other:?}")
        }
    }
}

/// What the world, which is left after 2^63 ns, can still see of an end.
fn seen(end: Option<(u128, TimedOut)>) -> Option<(u128, TimedOut)> {
    end.filter(|(at, _)| at + u128::from(2_000 * MS) <= i64::MAX as u128)
}

fn assert_agree(budgets: &Budgets, story: Story) {
    assert_eq!(machine(budgets, story), seen(oracle(budgets, story)), "{story:?} {budgets:?}");
}

fn with(budgets: &mut Budgets, budget: Budget, span: Span) {
    let place = match budget {
        Budget::Queue => &mut budgets.queue_timeout,
        Budget::Start => &mut budgets.start_timeout,
        Budget::Stall => &mut budgets.stall_timeout,
        Budget::Run => &mut budgets.timeout,
        Budget::Total => &mut budgets.total_timeout,
    };
    *place = Some(span);
}

#[test]
fn a_budget_of_any_length_ends_when_it_ends() {
    for budget in Budget::ALL {
        for millis in EDGES_MS {
            for story in STORIES {
                let mut budgets = Budgets::default();
                with(&mut budgets, budget, Span::from_millis(millis));
                assert_agree(&budgets, story);
            }
        }
    }
}

#[test]
fn of_any_two_budgets_the_first_to_end_is_recorded_and_of_a_tie_the_narrower() {
    let spans = [0, 1, 5, 10_000, 10_005, 1 << 31, 1 << 32].map(Span::from_millis);
    let (mut pairs, mut ties) = (0, 0);
    for (nth, one) in Budget::ALL.into_iter().enumerate() {
        for two in &Budget::ALL[nth + 1..] {
            for (long, short) in spans.iter().flat_map(|long| spans.iter().map(move |short| (*long, *short)))
            {
                for story in STORIES {
                    let mut budgets = Budgets::default();
                    with(&mut budgets, one, long);
                    with(&mut budgets, *two, short);
                    assert_agree(&budgets, story);
                    pairs += 1;
                    ties += u32::from(long == short);
                }
            }
        }
    }
    assert_eq!((pairs, ties), (10 * 49 * 3, 10 * 7 * 3));
}

#[test]
fn of_all_five_the_narrowest_that_binds_is_recorded() {
    let ten = Span::from_secs(10);
    for story in STORIES {
        let mut budgets = Budgets::default();
        Budget::ALL.into_iter().for_each(|budget| with(&mut budgets, budget, ten));
        assert_agree(&budgets, story);
    }
}

#[test]
fn a_run_without_budgets_never_times_out() {
    for story in STORIES {
        assert_eq!(machine(&Budgets::default(), story), None, "{story:?}");
    }
}

/// A turn that ignores its abort is given up when its grace ends: at once, never, or in between.
#[test]
fn a_grace_of_any_length_ends_when_it_ends() {
    for millis in EDGES_MS {
        let text = WORLD.replace("FIRST", "1ms").replace("ready = \"DIGEST\"", "on_abort = \"ignores\"");
        let mut scenario = Scenario::parse("grace.toml", &text).expect("it reads");
        let budgets = &mut scenario.jobs[1].job.terms.budgets;
        budgets.timeout = Some(Span::from_secs(1));
        budgets.abort_grace = Span::from_millis(millis);
        let mut world = World::new(&scenario, StandardGateway::new(scenario.config.clone(), Shape::Emit));
        let verdict = world.run(0).clone();
        assert!(verdict.failures.is_empty(), "a grace of {millis} ms: {:?}", verdict.failures);
        let ends = Mono::from_nanos(3_000 * MS) + Span::from_millis(millis);
        let digest = scenario.jobs[1].job.id;
        let row = world.books().runs.values().map(|book| book.row).find(|row| row.id.job == digest);
        let alive = row.expect("it ran").is_alive();
        assert_eq!(alive, ends.as_nanos() > i64::MAX as u64, "a grace of {millis} ms");
    }
}
