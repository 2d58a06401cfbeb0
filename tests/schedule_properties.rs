//! Schedules nobody wrote down: any expression, any zone, any policy, any instant.

use proptest::prelude::*;
use sametick_core::schedule::{Cron, Gap, Repeated, Schedule, Zone};
use sametick_core::time::Wall;

const ZONES: [&str; 9] = [
    "UTC",
    "America/New_York",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "America/St_Johns",
];

/// A field of numbers in a range.
fn field(low: u32, high: u32) -> BoxedStrategy<String> {
    let number = || low..=high;
    let range =
        (number(), number(), 1..=9u32).prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b)));
    let list = prop::collection::vec(prop_oneof![number().prop_map(|n| n.to_string()), range.clone()], 1..4);
    prop_oneof![
        4 => Just("*".to_owned()),
        3 => number().prop_map(|number| number.to_string()),
        2 => (1..=(high - low)).prop_map(|step| format!("*/{step}")),
        2 => range,
        2 => list.prop_map(|list| list.join(",")),
    ]
    .boxed()
}

fn expression() -> impl Strategy<Value = String> {
    let seconds =
        prop_oneof![3 => Just(String::new()), 1 => field(0, 59).prop_map(|field| format!("{field} "))];
    let special = prop::sample::select(vec!["L", "LW", "1W", "15W", "31W", "L,15", "?", "28-31"]);
    let day = prop_oneof![3 => field(1, 31), 1 => special.prop_map(str::to_owned)];
    let special = prop::sample::select(vec!["1#1", "FRI#5", "0L", "MON-FRI#2", "+SUN", "+1-5", "SAT-SUN"]);
    let weekday = prop_oneof![3 => field(0, 6), 1 => special.prop_map(str::to_owned)];
    (seconds, field(0, 59), field(0, 23), day, field(1, 12), weekday).prop_map(
        |(seconds, minute, hour, day, month, weekday)| {
            format!("{seconds}{minute} {hour} {day} {month} {weekday}")
        },
    )
}

fn cron() -> impl Strategy<Value = Cron> {
    let gap = prop::sample::select(vec![Gap::Shifted, Gap::Skipped]);
    let repeated = prop::sample::select(vec![Repeated::First, Repeated::Last, Repeated::Both]);
    let stagger = prop_oneof![3 => Just(0), 1 => 0..400_000u64];
    (expression(), prop::sample::select(&ZONES[..]), gap, repeated, stagger).prop_filter_map(
        "no year has the date",
        |(expression, zone, gap, repeated, stagger)| {
            let cron = Cron::parse(&expression, zone).ok()?;
            Some(cron.with_gap(gap).with_repeated(repeated).with_stagger_ms(stagger))
        },
    )
}

/// Instants of all kinds, most of them in years that zones know something of.
fn wall() -> impl Strategy<Value = Wall> {
    let millis = prop_oneof![
        8 => -2_000_000_000_000..5_000_000_000_000i64,
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, -62_135_596_800_001, 0, 253_402_300_799_999, i64::MAX]),
    ];
    millis.prop_map(Wall::from_millis)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn due_times_rise_strictly_and_nothing_lies_between(cron in cron(), from in wall()) {
        let schedule = Schedule::Cron(cron);
        let mut after = from;
        for _ in 0..20 {
            let Some(next) = schedule.next_after(after) else { break };
            prop_assert!(next > after);
            // From anywhere before it, it is still the next.
            let middle = Wall::from_millis(after.as_millis().midpoint(next.as_millis()));
            prop_assert_eq!(schedule.next_after(middle.min(next.plus_millis(-1))), Some(next));
            after = next;
        }
    }

    #[test]
    fn counting_is_walking(cron in cron(), from in wall(), steps in 0..60usize, beyond in 0..100_000i64) {
        let schedule = Schedule::Cron(cron);
        let walk = std::iter::successors(Some(from), |last| schedule.next_after(*last));
        let to = walk.take(steps + 1).last().unwrap_or(from).plus_millis(beyond);
        let (mut count, mut last) = (1, from);
        while let Some(next) = schedule.next_after(last).filter(|next| *next <= to) {
            (count, last) = (count + 1, next);
        }
        prop_assert_eq!(schedule.count_through(from, to), (count, last));
    }

    #[test]
    fn counts_add_up(cron in cron(), mut walls in [wall(), wall(), wall()]) {
        walls.sort_unstable();
        let [from, middle, to] = walls;
        let own = |from, to| Schedule::Cron(cron).count_through(from, to).0 - 1;
        prop_assert_eq!(own(from, middle) + own(middle, to), own(from, to));
    }

    #[test]
    fn what_is_told_reads_back(cron in cron()) {
        let read = Cron::parse(&cron.to_string(), cron.zone().name()).expect("it was told");
        let read = read.with_gap(cron.gap()).with_repeated(cron.repeated()).with_stagger_ms(cron.stagger_ms());
        prop_assert_eq!(read, cron);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,40}", near in "[0-9*/,#LW?+@A-Za-z -]{0,24}", zone in "\\PC{0,30}") {
        for text in [&text, &near] {
            if let Ok(cron) = Cron::parse(text, "Europe/Berlin") {
                let _ = Schedule::Cron(cron).next_after(Wall::from_millis(0));
            }
            let _ = Cron::usual_stagger_window_ms(text);
        }
        let _ = Zone::named(&zone);
    }
}
