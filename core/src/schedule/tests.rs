//! One-shots, cron on days when clocks change, and expressions that are refused.

use super::*;

/// Due times after an instant in UTC, as they are told in the zone's rows below.
fn due(cron: Cron, after: &str, count: usize) -> Vec<String> {
    let after: jiff::Timestamp = after.parse().expect("an instant");
    let mut last = Wall::from_millis(after.as_millisecond());
    let mut found = Vec::new();
    while let Some(next) = Schedule::Cron(cron).next_after(last).filter(|_| found.len() < count) {
        let at = jiff::Timestamp::from_millisecond(next.as_millis()).expect("in range");
        found.push(at.strftime("%m-%d %H:%M").to_string());
        last = next;
    }
    found
}

fn cron(expression: &str, zone: &str) -> Cron {
    Cron::parse(expression, zone).expect(expression)
}

#[test]
fn a_one_shot_is_due_once() {
    let at = Schedule::At(Wall::from_millis(5));
    assert_eq!(at.next_after(Wall::from_millis(4)), Some(Wall::from_millis(5)));
    assert_eq!(at.next_after(Wall::from_millis(5)), None);
}

const NEW_YORK: &str = "America/New_York";
const SPRING: &str = "2026-03-08T05:00:00Z";
const AUTUMN: &str = "2026-11-01T04:00:00Z";

#[test]
fn a_time_in_the_gap_is_shifted_by_it_or_skipped() {
    let nightly = cron("30 2 * * *", NEW_YORK);
    assert_eq!(due(nightly, SPRING, 2), ["03-08 07:30", "03-09 06:30"]);
    assert_eq!(due(nightly.with_gap(Gap::Skipped), SPRING, 1), ["03-09 06:30"]);
}

#[test]
fn a_shifted_time_that_is_due_anyway_is_due_once() {
    let twice = cron("30 2,3 * * *", NEW_YORK);
    assert_eq!(due(twice, SPRING, 2), ["03-08 07:30", "03-09 06:30"]);
}

#[test]
fn a_gap_of_a_whole_day_shifts_by_a_day() {
    let last_week = cron("0 9 30 12 *", "Pacific/Apia");
    assert_eq!(due(last_week, "2011-12-01T00:00:00Z", 1), ["12-30 19:00"]);
}

#[test]
fn a_time_in_the_repeated_hour_is_due_first_last_or_twice() {
    let nightly = cron("30 1 * * *", NEW_YORK);
    let on = |repeated| due(nightly.with_repeated(repeated), AUTUMN, 2);
    assert_eq!(on(Repeated::First), ["11-01 05:30", "11-02 06:30"]);
    assert_eq!(on(Repeated::Last), ["11-01 06:30", "11-02 06:30"]);
    assert_eq!(on(Repeated::Both), ["11-01 05:30", "11-01 06:30"]);
}

#[test]
fn an_hourly_expression_keeps_its_rhythm_unless_told_otherwise() {
    let hourly = cron("@hourly", NEW_YORK);
    let on = |cron| due(cron, AUTUMN, 4);
    assert_eq!(on(hourly), ["11-01 05:00", "11-01 06:00", "11-01 07:00", "11-01 08:00"]);
    let first = hourly.with_repeated(Repeated::First);
    assert_eq!(on(first), ["11-01 05:00", "11-01 07:00", "11-01 08:00", "11-01 09:00"]);
    let last = hourly.with_repeated(Repeated::Last);
    assert_eq!(on(last), ["11-01 06:00", "11-01 07:00", "11-01 08:00", "11-01 09:00"]);
    let spring = ["03-08 06:00", "03-08 07:00", "03-08 08:00"];
    assert_eq!(due(hourly, "2026-03-08T05:30:00Z", 3), spring);
    assert_eq!(due(hourly.with_gap(Gap::Shifted), "2026-03-08T05:30:00Z", 3), spring);
}

#[test]
fn every_minute_is_in_both_passes_or_in_one() {
    let minutes = cron("* * * * *", NEW_YORK);
    let (from, to) = (Wall::from_millis(1_793_505_600_000), Wall::from_millis(1_793_520_000_000));
    let count = |repeated| Schedule::Cron(minutes.with_repeated(repeated)).count_through(from, to).0;
    assert_eq!(
        [Repeated::Both, Repeated::First, Repeated::Last].map(count),
        [4 * 60 + 1, 3 * 60 + 1, 3 * 60 + 1]
    );
}

#[test]
fn what_the_clocks_jump_over_is_counted_as_it_is_met() {
    let cases = [
        ("* * * * *", NEW_YORK, "2026-03-08T06:50:00Z", "2026-03-08T08:10:00Z"),
        ("30 2,3 * * *", NEW_YORK, "2026-03-08T06:50:00Z", "2026-03-08T08:10:00Z"),
        // Whole minutes of several seconds each.
        ("*/20 * 2,3 * * *", NEW_YORK, "2026-03-08T06:50:00Z", "2026-03-08T07:09:59Z"),
        // From the middle of one minute into the middle of the same.
        ("*/20 * * * * *", NEW_YORK, "2026-03-08T07:00:10Z", "2026-03-08T07:00:50Z"),
        // Behind Greenwich by 25 minutes and 21 seconds.
        ("*/7 2 * * *", "Europe/Dublin", "1916-05-21T02:00:00Z", "1916-05-21T04:00:00Z"),
        ("*/20 * 2 * * *", "Europe/Dublin", "1916-05-21T02:25:31Z", "1916-05-21T02:26:01Z"),
    ];
    for (expression, zone, from, to) in cases {
        let [from, to] = [from, to].map(|text| {
            let at: jiff::Timestamp = text.parse().expect("an instant");
            Wall::from_millis(at.as_millisecond())
        });
        let schedule = Schedule::Cron(cron(expression, zone).with_gap(Gap::Shifted));
        let walk = std::iter::successors(Some(from), |last| schedule.next_after(*last));
        let walked: Vec<Wall> = walk.take_while(|due| *due <= to).collect();
        let last = *walked.last().expect("the first of them");
        assert!(walked.len() > 1, "{expression}");
        assert_eq!(schedule.count_through(from, to), (walked.len() as u64, last), "{expression}");
    }
}

#[test]
fn half_an_hour_of_daylight_saving_is_shifted_by_half_an_hour() {
    let hourly = cron("0 * * * *", "Australia/Lord_Howe");
    let from = "2026-10-03T14:10:00Z";
    assert_eq!(due(hourly, from, 2), ["10-03 14:30", "10-03 16:00"]);
    assert_eq!(due(hourly.with_gap(Gap::Shifted), from, 3), ["10-03 14:30", "10-03 15:30", "10-03 16:00"]);
}

#[test]
fn a_stagger_moves_every_due_time() {
    let moved = cron("0 9 * * *", "UTC").with_stagger_ms(61_001);
    let at = |hour: i64, millis: i64| Wall::from_millis(hour * 3_600_000 + millis);
    let schedule = Schedule::Cron(moved);
    assert_eq!(schedule.next_after(at(9, 0)), Some(at(9, 61_001)));
    assert_eq!(schedule.next_after(at(9, 61_000)), Some(at(9, 61_001)));
    assert_eq!(schedule.next_after(at(9, 61_001)), Some(at(33, 61_001)));
    assert_eq!(schedule.count_through(at(9, 61_001), at(33, 61_001)), (2, at(33, 61_001)));
    assert_eq!(schedule.count_through(at(9, 61_001), at(33, 61_000)), (1, at(9, 61_001)));
}

#[test]
fn counting_is_quick_over_the_whole_calendar() {
    let seconds = cron("* * * * * *", "Europe/Berlin");
    let (count, last) =
        Schedule::Cron(seconds).count_through(Wall::from_millis(i64::MIN), Wall::from_millis(i64::MAX));
    let end = civil::ENDS - civil::BEGINS;
    assert_eq!((count, last.as_millis()), (end.unsigned_abs() + 1, (civil::ENDS - 1) * 1_000));
}

#[test]
fn outside_the_calendar_nothing_is_due() {
    let daily = Schedule::Cron(cron("0 9 * * *", NEW_YORK));
    assert_eq!(daily.next_after(Wall::from_millis(i64::MAX)), None);
    assert_eq!(daily.next_after(Wall::from_millis(civil::ENDS * 1_000)), None);
    let first = daily.next_after(Wall::from_millis(i64::MIN)).expect("the first of all");
    assert_eq!(civil::date_of(first.as_millis().div_euclid(86_400_000)), (1, 1, 1));
    let never = Schedule::Cron(cron("0 9 * * *", NEW_YORK).with_stagger_ms(u64::MAX));
    assert_eq!(never.next_after(Wall::from_millis(0)), None);
}

#[test]
fn usual_staggers_are_for_the_top_of_many_hours() {
    let window = |expression| Cron::usual_stagger_window_ms(expression);
    for staggered in ["0 * * * *", "0 */2 * * *", "0 0 */3 * * *", "@hourly", "0 ? * * *"] {
        assert_eq!(window(staggered), stagger::TOP_OF_HOUR_WINDOW_MS, "{staggered}");
    }
    for exact in ["0 7 * * *", "15 * * * *", "30 0 * * * *", "@daily", "0 0-5 * * *", ""] {
        assert_eq!(window(exact), 0, "{exact}");
    }
}

#[test]
fn an_expression_is_told_in_a_way_that_reads_back() {
    for expression in [
        "* * * * *",
        "0 9 * * 1-5",
        "*/15 0,12 1,15 JAN-MAR *",
        "5 4 L * *",
        "5 4 1W,15,L,LW 2 *",
        "0 0 * * FRI#2,1L,3",
        "0 0 13 * FRI",
        "0 0 13 * +5",
        "0 0 1-31 * 1",
        "0 0 1 * 0-6",
        "*/10 * * * * *",
        "1-59/2 0 0 1 1 ?",
        "0 0 * * */2",
    ] {
        let read = cron(expression, "UTC");
        assert_eq!(Cron::parse(&read.to_string(), "UTC"), Ok(read), "{expression}: {read}");
    }
}

#[test]
fn an_expression_is_told_as_people_write_it() {
    for told in [
        "5 9 * * *",
        "5,6 9 * * *",
        "5-7 9 * * *",
        "5,7-9,20,21 9 1-3,15W,L * *",
        "0 9 * 1,2 1,5L",
        "7 0 9 * * 1#2",
    ] {
        assert_eq!(cron(told, "UTC").to_string(), told);
    }
}

#[test]
fn a_weekday_is_due_in_every_week_of_a_month() {
    let mondays = ["03-02 09:00", "03-09 09:00", "03-16 09:00", "03-23 09:00", "03-30 09:00", "04-06 09:00"];
    assert_eq!(due(cron("0 9 * * 1", "UTC"), "2026-03-01T00:00:00Z", 6), mondays);
}

#[test]
fn what_is_said_twice_counts_once() {
    for (twice, once) in
        [("5,5 * * * *", "5 * * * *"), ("0 9 * * MON-WED,2", "0 9 * * 1-3"), ("0 9 * * 0-7", "0 9 * * 0-6")]
    {
        assert_eq!(cron(twice, "UTC"), cron(once, "UTC"), "{twice}");
    }
}

#[test]
fn what_is_refused_says_where_and_what_to_do() {
    let said = |expression: &str| {
        let error = Cron::parse(expression, "UTC").expect_err(expression);
        format!("{expression:?}: {error}")
    };
    let refused = [
        (
            "",
            "the expression is empty; write minute, hour, day of month, month, day of week, such as \"0 9 * * *\"",
        ),
        (
            "* * * *",
            "the expression has 4 fields; write five (minute, hour, day of month, month, day of week), or six with the second in front",
        ),
        (
            "0 0 0 1 1 * 2027",
            "the expression has 7 fields, and years are not scheduled; take the year, the last field, out",
        ),
        (
            "@reboot",
            "there is no nickname \"@reboot\"; write @yearly, @monthly, @weekly, @daily or @hourly, or five fields",
        ),
        ("60 * * * *", "minute: 60 is out of range; write a number from 0 to 59"),
        ("0 24 * * *", "hour: 24 is out of range; write a number from 0 to 23"),
        ("0 0 0 * *", "day of month: 0 is out of range; write a number from 1 to 31"),
        (
            "0 0 * january *",
            "month: \"JANUARY\" is no number; write numbers from 1 to 12, or a name from JAN to DEC",
        ),
        ("0 0 * * 8", "day of week: 8 is out of range; write a number from 0 to 7"),
        (
            "0 0 * * L",
            "day of week: L alone names no weekday; write which weekday: 5L is the last Friday of the month",
        ),
        (
            "0 0 * * 5#6",
            "day of week: a month has no such weekday as \"5#6\"; write # and a number from 1 to 5, or #L for the last",
        ),
        (
            "0 0 1-5W * *",
            "day of month: \"1-5\" is no number; W stands behind one day, as in 15W, or in LW, the last weekday of the month",
        ),
        ("0 0 * * *#2", "day of week: \"*#2\" is not the nth of a weekday; write it as in 5#2"),
        ("0 0 * * 1-5/2#1", "day of week: \"1-5/2#1\" is not the nth of a weekday; write it as in 5#2"),
        ("+5 * * * *", "minute: \"+5\" is no number; write numbers from 0 to 59"),
        ("00005 * * * *", "minute: \"00005\" is no number; write numbers from 0 to 59"),
        ("0 22-2 * * *", "hour: the range \"22-2\" runs backwards; write both ends: 22-23,0-2"),
        ("5/15 * * * *", "minute: the step \"5/15\" has no range; write from where to where: 5-59/15"),
        ("/15 * * * *", "minute: the step \"/15\" has no range; write */15"),
        ("*/0 * * * *", "minute: \"*/0\" has no step; write a step from 1 to 60"),
        ("1,,2 * * * *", "minute: a number is missing; take the comma, dash or sign out"),
        (
            "0 0 30 2 *",
            "day of month: no year has the date that day \"30\", month \"2\", weekday \"*\" means; write a day that one of the months has",
        ),
        (
            "0 0 29 2 +1#1",
            "day of month: no year has the date that day \"29\", month \"2\", weekday \"1#1\" means; write a day that one of the months has",
        ),
    ];
    for (expression, message) in refused {
        assert_eq!(said(expression), format!("{expression:?}: {message}"));
    }
    let zone = Cron::parse("0 9 * * *", "Europe/Berln").expect_err("no zone");
    assert_eq!(zone.to_string(), "there is no time zone \"Europe/Berln\"; did you mean Europe/Berlin?");
}

#[test]
fn a_job_can_still_be_copied() {
    fn small<T: Copy + Eq + std::hash::Hash + std::fmt::Debug>() -> usize {
        size_of::<T>()
    }
    assert!(small::<Schedule>() <= 96);
}
