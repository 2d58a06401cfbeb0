//! The core's due times against an oracle that knows nothing of the core: it reads a zone's clock at every minute
//! and decides from the definition of the fields and of the policies whether something is due.

mod cases;

use std::sync::atomic::{AtomicUsize, Ordering};

use cases::{EXPRESSIONS, WITH_SECONDS, ZONES};
use jiff::civil::date;
use jiff::tz::TimeZone;
use sametick_core::schedule::{Cron, Gap, Repeated, Schedule};
use sametick_core::time::Wall;
use sametick_sim::oracle::{Grid, POLICIES, Reading};

const DAY: i64 = 86_400;

/// Due times that were compared.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    due: usize,
    counted: usize,
}

fn year(year: i16) -> i64 {
    TimeZone::UTC.to_timestamp(date(year, 1, 1).at(0, 0, 0, 0)).expect("in range").as_second()
}

fn wall(second: i64) -> Wall {
    Wall::from_millis(second * 1_000)
}

/// Compares every due time of an expression in a zone, under every policy, and a few counts.
fn judge(zone: &str, expression: &str, grid: &Grid) -> Told {
    let cron = Cron::parse(expression, zone).expect(expression);
    let hourly = Reading::of(expression).is_hourly();
    let usual = if hourly { (Gap::Skipped, Repeated::Both) } else { (Gap::Shifted, Repeated::First) };
    assert_eq!((cron.gap(), cron.repeated()), usual, "{expression}");
    let (from, to) = grid.ends();
    let mut told = Told::default();
    for ((gap, repeated), due) in POLICIES.into_iter().zip(grid.due(expression)) {
        let schedule = Schedule::Cron(cron.with_gap(gap).with_repeated(repeated));
        let place = || format!("{expression:?} in {zone}, {gap:?}, {repeated:?}");
        let mut after = Wall::from_millis(from * 1_000 - 1);
        for due in &due {
            let next = schedule.next_after(after);
            assert_eq!(next, Some(wall(*due)), "{} after {after:?}", place());
            after = wall(*due);
        }
        assert!(
            schedule.next_after(after).is_none_or(|next| next >= wall(to)),
            "{} after {after:?}",
            place()
        );
        // Counts from and to places all over the grid, on due times and beside them.
        for part in 1..8 {
            let (low, high) = (from + (to - from) / (part + 1) / 3, to - 1 - (to - from) / part / 5);
            let (low, high) = (low - low % 60 + part % 2, high - high % 60);
            let inside = due.partition_point(|at| *at <= high) - due.partition_point(|at| *at <= low);
            let last = if inside == 0 { low } else { due[due.partition_point(|at| *at <= high) - 1] };
            let counted = schedule.count_through(wall(low), wall(high));
            assert_eq!(counted, (inside as u64 + 1, wall(last)), "{} from {low} to {high}", place());
        }
        told.due += due.len();
        told.counted += 7;
    }
    told
}

/// Ten expressions with seconds, second by second around some jumps of a zone's clock.
fn judge_seconds(zone: &str, minutes: &Grid, jumps: usize) -> Told {
    let (from, to) = minutes.ends();
    let mut around = minutes.jumps();
    around.truncate(jumps);
    around.push(from + 59 * DAY);
    let mut told = Told::default();
    for at in around {
        let (low, high) = ((at - DAY).max(from), (at + DAY + DAY / 8).min(to));
        let grid = Grid::read(zone, low, high, 1);
        for expression in WITH_SECONDS {
            let more = judge(zone, expression, &grid);
            told = Told { due: told.due + more.due, counted: told.counted + more.counted };
        }
    }
    told
}

#[test]
fn due_times_are_what_the_definition_says() {
    let mut told = 0;
    for (place, (zone, first)) in ZONES.into_iter().enumerate() {
        // A hundred days around the middle of each jump's season, another year for each zone.
        let from = year(first + i16::try_from(place % 5).expect("small"));
        let year = Grid::read(zone, from, from + 370 * DAY, 3_600);
        let jump = year.jumps().get(place % 2).copied().unwrap_or(from + 60 * DAY);
        let grid = Grid::read(zone, jump - 20 * DAY, jump + 20 * DAY, 60);
        for turn in 0..25 {
            told += judge(zone, EXPRESSIONS[(turn * 4 + place) % EXPRESSIONS.len()], &grid).due;
        }
        let seconds = Grid::read(zone, jump - 7_000, jump + 9_000, 1);
        for expression in WITH_SECONDS {
            told += judge(zone, expression, &seconds).due;
        }
    }
    assert!(told > 100_000, "{told}");
}

#[test]
#[ignore = "minutes in a release build: just oracle"]
fn ten_years_of_every_expression_in_every_zone() {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut told = Told::default();
        while let Some((zone, first)) = ZONES.get(next.fetch_add(1, Ordering::Relaxed)) {
            let grid = Grid::read(zone, year(*first), year(first + 10), 60);
            let mut of_zone = judge_seconds(zone, &grid, 4);
            for expression in EXPRESSIONS {
                let more = judge(zone, expression, &grid);
                of_zone = Told { due: of_zone.due + more.due, counted: of_zone.counted + more.counted };
            }
            told = Told { due: told.due + of_zone.due, counted: told.counted + of_zone.counted };
        }
        told
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let told = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let told = threads.into_iter().map(|thread| thread.join().expect("no difference"));
        told.fold(Told::default(), |a, b| Told { due: a.due + b.due, counted: a.counted + b.counted })
    });
    assert!(told.due > 500_000_000, "{told:?}");
    let all = ZONES.len() * (EXPRESSIONS.len() + WITH_SECONDS.len()) * POLICIES.len();
    assert!(told.counted >= all * 7, "{told:?}");
    #[expect(clippy::print_stderr, reason = "figures for whoever waited for them")]
    {
        eprintln!("{} due times, {} counts, no difference", told.due, told.counted);
    }
}
