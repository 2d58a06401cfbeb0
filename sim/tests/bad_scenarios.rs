//! Mistakes in scenario files: each is a message with file, line, column and what to do.

use std::fmt::Write as _;

use sametick_sim::Scenario;

const JOB: &str = "# A job.\n[[job]]\nname = \"a\"\nat = \"1s\"\n";

#[test]
fn every_mistake_says_where_it_is_and_what_to_do() {
    let with = |more: &str| format!("{JOB}{more}");
    let cron = |text: &str, more: &str| format!("# A.\n[[job]]\nname = \"a\"\ncron = \"{text}\"\n{more}");
    let cases = [
        ("empty file", String::new()),
        ("no sentence", "[[job]]\nname = \"a\"\nat = \"1s\"\n".to_owned()),
        ("no job", "# Nothing.\n".to_owned()),
        ("broken TOML", "# Broken.\n[[job]\nname = \"a\"\n".to_owned()),
        ("duplicate key", "# Twice.\n[[job]]\nname = \"a\"\nname = \"b\"\n".to_owned()),
        ("unknown table", with("\n[[jobs]]\nname = \"b\"\n")),
        ("misspelt key", with("timeuot = \"3s\"\n")),
        ("a number for a text", "# A.\n[[job]]\nname = 3\nat = \"1s\"\n".to_owned()),
        ("no length of time", with("timeout = \"soon\"\n")),
        ("no unit", with("timeout = \"30\"\n")),
        ("a range where one length is wanted", with("timeout = \"1s..2s\"\n")),
        ("a range upside down", with("[[turn]]\nof = \"a\"\ntakes = \"9s..1s\"\n")),
        ("an overflowing length", with("timeout = \"99999999999d\"\n")),
        ("no schedule", "# A.\n[[job]]\nname = \"a\"\n".to_owned()),
        ("two schedules", with("every = \"1s\"\n")),
        ("an interval of zero", "# A.\n[[job]]\nname = \"a\"\nevery = \"0s\"\n".to_owned()),
        ("an empty name", "# A.\n[[job]]\nname = \"\"\nat = \"1s\"\n".to_owned()),
        ("a colon in a name", "# A.\n[[job]]\nname = \"a:b\"\nat = \"1s\"\n".to_owned()),
        ("one name twice", with("[[job]]\nname = \"a\"\nat = \"1s\"\n")),
        ("a turn of nobody", with("[[turn]]\nof = \"b\"\n")),
        ("an occurrence zero", with("[[turn]]\nof = \"a#0\"\n")),
        (
            "two ends",
            with("timeout = \"3s\"\n[[turn]]\nof = \"a\"\ntakes = \"1s\"\nanswers_near_timeout = \"0s\"\n"),
        ),
        ("near a budget that is not there", with("[[turn]]\nof = \"a\"\nanswers_near_timeout = \"0s\"\n")),
        ("an unknown word", with("[[turn]]\nof = \"a\"\non_abort = \"sulks\"\n")),
        ("a fault of nothing", with("[[fault]]\nsettles = \"a\"\n")),
        ("two moments", with("[[fault]]\nsettles = \"a\"\ngrants = \"a\"\ncrash = \"at\"\n")),
        ("times of a crash", with("[[fault]]\nsettles = \"a\"\ncrash = \"at\"\ntimes = 2\n")),
        ("downtime of a store", with("[[fault]]\nsettles = \"a\"\nstore = \"not applied\"\ndown = \"1s\"\n")),
        ("a tick zero", with("[[fault]]\ntick = 0\ncrash = \"at\"\n")),
        ("ticks upside down", with("[[fault]]\ntick = \"9..2\"\ncrash = \"at\"\n")),
        ("no range of ticks", with("[[fault]]\ntick = \"soon\"\ncrash = \"at\"\n")),
        ("a tick and a moment", with("[[fault]]\ntick = 2\nsettles = \"a\"\ncrash = \"at\"\n")),
        ("recoveries of a store", with("[[fault]]\ntick = 2\nstore = \"not applied\"\nagain = 2\n")),
        ("subscribers nobody spoke of", with("[[do]]\nat = \"1s\"\nsubscribers = \"die\"\n")),
        ("reports that are lost", with("[reports]\nlost = \"1s\"\n")),
        ("a stop that is ignored", with("[[turn]]\nof = \"a\"\non_abort = \"ignores\"\nstops = \"1s\"\n")),
        ("a start beside at", with("from = \"1s\"\n")),
        ("a due time finer than a millisecond", "# A.\n[[job]]\nname = \"a\"\nat = \"1us\"\n".to_owned()),
        ("a beginning that is none", format!("# A.\nbegins = \"tomorrow\"\n{}", &JOB[8..])),
        ("a beginning without a zone", format!("# A.\nbegins = \"2026-03-29T00:30:00\"\n{}", &JOB[8..])),
        (
            "a beginning in no zone",
            format!("# A.\nbegins = \"2026-03-29T00:30:00[Europe/Berln]\"\n{}", &JOB[8..]),
        ),
        ("a beginning on no day", format!("# A.\nbegins = \"2026-02-30T00:30:00Z\"\n{}", &JOB[8..])),
        ("a beginning long ago", format!("# A.\nbegins = \"1815-06-18T11:30:00Z\"\n{}", &JOB[8..])),
        (
            "a beginning within a millisecond",
            format!("# A.\nbegins = \"2026-03-29T00:30:00.0005Z\"\n{}", &JOB[8..]),
        ),
        ("an interval of centuries", "# A.\n[[job]]\nname = \"a\"\nevery = \"200000d\"\n".to_owned()),
        ("a date in centuries", "# A.\n[[job]]\nname = \"a\"\nat = \"200000d\"\n".to_owned()),
        ("a control character in a name", "# A.\n[[job]]\nname = \"a\\u0007b\"\nat = \"1s\"\n".to_owned()),
        ("a control character in a lane", format!("{JOB}lane = \"a\\nb\"\n")),
        ("more attempts than there may be", with("attempts = 100000\n")),
        ("a day there is not in any month", cron("0 9 31 4 *", "")),
        ("an empty expression", cron("", "")),
        ("an empty zone", cron("0 9 * * *", "zone = \"\"\n")),
        (
            "an end before the beginning",
            "# A.\nuntil = \"-1s\"\n[[job]]\nname = \"a\"\nat = \"1s\"\n".to_owned(),
        ),
        ("a negative number", with("attempts = -1\n")),
        ("a number beyond all numbers", with("attempts = 99999999999999999999999\n")),
        ("a schedule beside a cron", with("cron = \"@daily\"\n")),
        ("a start beside cron", cron("@daily", "from = \"1s\"\n")),
        ("a zone without cron", with("zone = \"Europe/Berlin\"\n")),
        ("an expression with too few fields", cron("0 9 * *", "")),
        ("an hour there is not", cron("0 24 * * *", "")),
        ("a date there is not", cron("0 9 30 2 *", "")),
        ("a zone there is not", cron("0 9 * * *", "zone = \"Europe/Berln\"\n")),
        ("an unknown policy", cron("0 9 * * *", "gap = \"later\"\n")),
        ("a stagger finer than a millisecond", cron("0 9 * * *", "stagger = \"5us\"\n")),
        ("a cancel of what never is", with("[[do]]\nat = \"1s\"\ncancel = \"a#2\"\n")),
        ("a claim of nothing", with("[[claim]]\nof = \"a\"\n")),
        ("an event without a time", with("[[do]]\ncrash = true\n")),
        ("too many slots", with("[lane]\nlimit = 99999999\n")),
        (
            "a transcript of a family",
            "# A.\nexpect = \"\"\n[[job]]\nname = \"a\"\nat = \"1s..2s\"\n".to_owned(),
        ),
        ("letters of more than one byte", "# Ä.\n[[job]]\nname = \"ä\"\nät = \"1s\"\n".to_owned()),
    ];
    let mut told = String::new();
    for (what, text) in cases {
        let error = Scenario::parse("scenarios/bad.toml", &text).expect_err(what);
        let _ = writeln!(told, "{what}\n    {error}");
        assert!(!error.render(false).is_empty());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn no_message_holds_what_a_terminal_obeys() {
    // As TOML writes them, and where TOML takes them as they are.
    for nasty in ["\\u001b[2J", "\\u009b2J", "\\u007f", "\\r", "\u{9b}2J"] {
        let texts = [
            format!("{JOB}[[do]]\nat = \"1s\"\nrun = \"{nasty}\"\n"),
            format!("{JOB}[[do]]\nat = \"1s\"\ncancel = \"{nasty}#1\"\n"),
            format!("{JOB}[[turn]]\nof = \"{nasty}\"\n"),
            format!("{JOB}[[turn]]\nof = \"a\"\ntakes = \"{nasty}\"\n"),
            format!("{JOB}[[turn]]\nof = \"a\"\non_abort = \"{nasty}\"\n"),
            format!("{JOB}lane = \"{nasty}\"\n"),
            format!("{JOB}\"{nasty}\" = 3\n"),
            format!("{JOB}[lanes.\"{nasty}\"]\nlimit = 2\n"),
            format!("# A.\nbegins = \"{nasty}\"\n{}", &JOB[8..]),
            format!("# A.\n[[job]]\nname = \"{nasty}\"\nat = \"1s\"\n"),
            format!("# A.\n[[job]]\nname = \"a\"\ncron = \"{nasty}\"\n"),
            format!("# A.\n[[job]]\nname = \"a\"\ncron = \"@daily\"\nzone = \"{nasty}\"\n"),
        ];
        for text in texts {
            let error = Scenario::parse("scenarios/\u{1b}.toml", &text).expect_err(&text);
            let told = error.to_string();
            assert!(!told.chars().any(char::is_control), "{told:?}\n{text}");
            let shown = error.render(false);
            assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown:?}\n{text}");
        }
    }
}

#[test]
fn a_mistake_is_shown_in_its_line() {
    let text = format!("{JOB}timeuot = \"3s\"\n");
    let error = Scenario::parse("scenarios/bad.toml", &text).expect_err("a misspelt key");
    insta::assert_snapshot!(error.render(false));
}

#[test]
fn no_text_makes_the_reader_panic() {
    // Every prefix of every shipped scenario, and of the first every character changed to something nasty.
    for (path, text) in sametick_sim::shipped::FILES {
        for place in (0..text.len()).filter(|place| text.is_char_boundary(*place)) {
            let _ = Scenario::parse(path, &text[..place]);
        }
    }
    let (path, text) = sametick_sim::shipped::FILES[0];
    for (place, letter) in text.char_indices() {
        for nasty in ["\"", "=", "[", "\u{0}", "9", "-"] {
            let end = place + letter.len_utf8();
            let _ = Scenario::parse(path, &format!("{}{nasty}{}", &text[..place], &text[end..]));
        }
    }
}
