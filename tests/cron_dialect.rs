//! What docs/cron-dialect.md says is what the core does; and the core reads an expression as the field's library
//! does.

use std::path::Path;

use croner::time::Weekday;
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use sametick_core::schedule::{Cron, Schedule};
use sametick_core::time::Wall;

/// The rows of the tables that are headed so, cell by cell and without backquotes.
fn rows(head: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cron-dialect.md");
    let text = std::fs::read_to_string(path).expect("the page");
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let tables = text.split(head).skip(1);
    let lines = tables.flat_map(|table| table.lines().skip(2).take_while(|line| line.starts_with('|')));
    lines.map(cells).collect()
}

/// The first due times after an instant, told as the page tells them.
fn due(expression: &str, zone: &str, after: &str, count: usize) -> String {
    let Ok(cron) = Cron::parse(expression, zone) else { return "refused".to_owned() };
    let after: Timestamp = after.parse().expect("an instant");
    let mut last = Wall::from_millis(after.as_millisecond());
    let mut told = Vec::new();
    for _ in 0..count {
        last = Schedule::Cron(cron).next_after(last).expect("due again");
        let at = Timestamp::from_millisecond(last.as_millis()).expect("in range");
        told.push(at.strftime("%m-%d %H:%M").to_string());
    }
    told.join(", ")
}

#[test]
fn every_row_of_the_page_is_what_the_core_does() {
    let differences = rows("| expression | zone | after | croner 10.0.1 | here |");
    let shared = rows("| expression | zone | after | both |");
    assert!(differences.len() >= 10 && shared.len() >= 8, "the tables are found");
    for row in differences.iter().chain(&shared) {
        let [expression, zone, after, .., here] = &row[..] else { panic!("five cells: {row:?}") };
        assert_eq!(due(expression, zone, after, here.split(", ").count()), *here, "{expression} in {zone}");
    }
    for row in &differences {
        assert_ne!(row[3], row[4], "{} is no difference", row[0]);
    }
}

#[test]
fn every_refused_expression_of_the_page_says_why() {
    let refused = rows("| expression | what it is told |");
    assert!(refused.len() >= 6, "the table is found");
    for row in &refused {
        let error = Cron::parse(&row[0], "UTC").expect_err(&row[0]);
        assert_eq!(error.to_string(), row[1], "{}", row[0]);
    }
}

const EXPRESSIONS: [&str; 46] = [
    "* * * * *",
    "*/7 * * * *",
    "1-59/13 */5 * * *",
    "0,30 9-17 * * 1-5",
    "5,10-20,50-59/3 * * * *",
    "0 0 * * SUN",
    "0 0 * * 7",
    "0 0 * * mon-fri",
    "0 0 * * SAT-SUN",
    "0 0 * * 5-7",
    "0 0 * * */2",
    "0 0 * jan,JUL *",
    "0 0 * MAR-MAY *",
    "0 0 * */5 *",
    "0 0 1 * *",
    "0 0 31 * *",
    "0 0 */10 * *",
    "0 0 29 2 *",
    "0 0 L * *",
    "0 0 L 2 *",
    "0 0 LW * *",
    "0 0 L,15 * *",
    "0 0 1W * *",
    "0 0 15W * *",
    "0 0 30W * *",
    "0 0 31W * *",
    "0 0 1W,15W,20 * *",
    "0 0 * * 5L",
    "0 0 * * FRI#L",
    "0 0 * * FRIL",
    "0 0 * * 1#1",
    "0 0 * * 0#5",
    "0 0 * * 7#2",
    "0 0 * * MON-FRI#2",
    "0 0 * * 1#1,3,5L",
    "0 0 13 * FRI",
    "0 0 13 * +FRI",
    "0 0 L * 5L",
    "0 0 1-7 * +1",
    "0 0 1 * */1",
    "0 0 ? * 1",
    "0 0 1 * ?",
    "@weekly",
    "@yearly",
    "*/10 * * * * *",
    "30 5 4 * * *",
];

#[test]
fn an_expression_is_read_as_the_fields_library_reads_it() {
    for expression in EXPRESSIONS {
        let theirs: croner::Cron = expression.parse().expect(expression);
        let ours = Schedule::Cron(Cron::parse(expression, "UTC").expect(expression));
        let times =
            [theirs.pattern.hours.values(), theirs.pattern.minutes.values(), theirs.pattern.seconds.values()];
        let times = times.map(|values| values.len() as u64).iter().product::<u64>();
        let first = times_of(&theirs);
        let mut day = date(2024, 1, 1);
        while day.year() < 2034 {
            let midnight = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).expect("in range").as_millisecond();
            let before = Wall::from_millis(midnight - 1);
            // The instant before midnight counts itself.
            let count = ours.count_through(before, Wall::from_millis(midnight + 86_399_999)).0 - 1;
            let meant = theirs_means(&theirs, day);
            assert_eq!(count, if meant { times } else { 0 }, "{expression} on {day}");
            if meant {
                assert_eq!(
                    ours.next_after(before),
                    Some(Wall::from_millis(midnight + first)),
                    "{expression}"
                );
            }
            day = day.tomorrow().expect("in range");
        }
    }
}

/// The first time of a day, in milliseconds.
fn times_of(cron: &croner::Cron) -> i64 {
    let first = |values: Vec<u16>| i64::from(*values.first().expect("a value"));
    let pattern = &cron.pattern;
    let (hour, minute) = (first(pattern.hours.values()), first(pattern.minutes.values()));
    (hour * 3_600 + minute * 60 + first(pattern.seconds.values())) * 1_000
}

fn theirs_means(cron: &croner::Cron, day: jiff::civil::Date) -> bool {
    let weekday = [
        Weekday::Sunday,
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
    ][usize::from(day.weekday().to_sunday_zero_offset().unsigned_abs())];
    let (year, month, of_month) = (day.year(), day.month(), day.day());
    let (month, of_month) = (u32::from(month.unsigned_abs()), u32::from(of_month.unsigned_abs()));
    cron.pattern.month_match(month).expect("a month")
        && cron.pattern.day_match(year.into(), month, of_month, weekday).expect("a day")
}

/// What Rust's croner 4 does otherwise, so that we notice when it changes its mind.
#[test]
fn the_fields_library_still_differs_where_the_page_says_so() {
    let accepts = |expression: &str| expression.parse::<croner::Cron>().is_ok();
    for theirs_alone in
        ["0 0 * * L", "0 0 30 2 *", "0 0 * * */8", "0 0 * */13 *", "0 0 0 1 1 * 2027", "1,,2 * * * *"]
    {
        assert!(accepts(theirs_alone) && Cron::parse(theirs_alone, "UTC").is_err(), "{theirs_alone}");
    }
    for ours_alone in ["@midnight", "? ? * * *", "*,5 * * * *"] {
        assert!(!accepts(ours_alone) && Cron::parse(ours_alone, "UTC").is_ok(), "{ours_alone}");
    }
}
