//! What users meet: exit codes, JSON, errors.

use std::process::{Command, Output};

use serde_json::Value;

fn sametick(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sametick"))
        .args(args)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary that was just built")
}

fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&sametick(args).stdout).expect("one JSON object on stdout")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

const FIRST: &str = "timeouts/after_session_start";

#[test]
fn a_run_that_holds_exits_with_0_and_says_so() {
    let output = sametick(&["run", FIRST, "--seeds", "0..50"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("everything holds: 50 worlds"), "{}", stdout(&output));
    assert!(output.stderr.is_empty(), "nothing on stderr unless something is wrong");
}

#[test]
fn the_fields_own_bug_exits_with_1_and_explains_itself() {
    let output = sametick(&["run", FIRST, "--seeds", "0..50", "--mutant", "field-race"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    for part in ["same_tick breaks at 31s, seed 0", "it holds that:", "still says \"running\"", "replay:"] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}

#[test]
fn the_replay_command_shows_the_same_failure() {
    let told = json(&["run", FIRST, "--seeds", "0..50", "--mutant", "field-race", "--json"]);
    let failure = &told["scenarios"][0]["failures"][0];
    let replay = failure["replay"].as_str().expect("a command");
    let words: Vec<&str> = replay.split(' ').skip(1).collect();
    let output = sametick(&words);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains(failure["message"].as_str().expect("a message")));
}

#[test]
fn where_a_world_and_its_twin_part_is_told_side_by_side() {
    let args = ["explain", "races/answer_in_time", "--mutant", "timers-rounded"];
    let output = sametick(&args);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    for line in [
        "law of the time shift: with clocks that show other times",
        "  this world  1s  commit 1: digest#1 starting",
        "  its twin    1.000666667s  commit 1: digest#1 starting",
        "broken after",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let told = json(&[&args[..], &["--json"]].concat());
    assert_eq!(told["holds"], false);
    assert_eq!(told["partings"][0]["check"], "law of the time shift");
    assert_eq!(told["partings"][0]["twin"]["text"], "commit 1: digest#1 starting");
}

#[test]
fn rows_that_differ_and_read_alike_are_told_field_by_field() {
    let told = stdout(&sametick(&["explain", "retries/given_up", "--mutant", "first-job-favoured"]));
    assert!(told.contains("law of relabelling"), "{told}");
    for line in [
        "that of digest has 2717 ms as \"last duration\", and not 2718 ms",
        "  this world  1.0052s  job row of digest: \"last duration\" is 6 ms",
        "  its twin    1.0052s  job row of digest: \"last duration\" is 5 ms",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn run_speaks_the_json_it_promises() {
    let told = json(&["run", FIRST, "--seeds", "0..50", "--mutant", "field-race", "--json"]);
    assert_eq!(told["command"], "run");
    assert_eq!(told["holds"], false);
    for key in ["worlds", "events", "ticks", "elapsedMs"] {
        assert!(told[key].is_u64(), "{key}");
    }
    assert!(told["digest"].is_string());
    let scenario = &told["scenarios"][0];
    assert_eq!(scenario["name"], FIRST);
    assert_eq!(scenario["worlds"], 50);
    let failure = &scenario["failures"][0];
    assert_eq!((failure["seed"].as_u64(), failure["check"].as_str()), (Some(0), Some("same_tick")));
    assert_eq!(failure["atMs"].as_f64(), Some(31_000.0));
    assert_eq!(failure["run"], "digest#1");
}

/// A few rows of the matrix; all of them are a step of CI, in release.
#[test]
fn mutants_speak_the_json_they_promise() {
    let told = json(&["mutants", "watchdog-repairs", "field-race", "--json"]);
    let names: Vec<_> = told["mutants"].as_array().expect("a list").iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["field-race", "watchdog-repairs"], "in the order of the whole table");
    let [race, watchdog] = [&told["mutants"][0], &told["mutants"][1]];
    let killed_by = race["killedBy"].as_array().expect("a list");
    assert!(killed_by.contains(&"same_tick".into()) && killed_by.contains(&"reason_kept".into()), "{race}");
    assert_eq!(race["field"][0], "#70347");
    assert!(race["seedsToKill"].is_u64());
    assert_eq!(watchdog["killedBy"], serde_json::json!(["same_tick"]), "it repairs the row later");
    assert_eq!(told["survivors"], Value::Array(Vec::new()), "{told:#}");
    assert_eq!(told["idleChecks"], Value::Array(Vec::new()), "not asked of a part of the table: {told:#}");
    assert_eq!(told["holds"], true, "{told:#}");
}

#[test]
fn a_mutant_on_drawn_plans_dies_in_every_series() {
    let told = json(&["mutants", "field-race", "--drawn", "--json"]);
    assert_eq!((&told["command"], &told["holds"]), (&"mutants".into(), &true.into()), "{told:#}");
    let seeds = told["mutants"][0]["seedsToKill"].as_array().expect("a list");
    assert_eq!(seeds.len() as u64, told["series"].as_u64().expect("a number"));
    assert!(seeds.iter().all(Value::is_u64), "{told:#}");
}

#[test]
fn bad_use_exits_with_2_and_says_what_to_do() {
    let cases: [(&[&str], &str); 8] = [
        (&["run", "--seeds", "9..1"], "the smaller first"),
        (&["run", "--seeds", "all"], "write two numbers"),
        (&["run", "--mutant", "field-rice"], "did you mean field-race?"),
        (&["run", "--mutant", "xyz"], "`sametick mutants` tries all there are and names them"),
        (&["run", "races/answer_in_tim"], "did you mean races/answer_in_time?"),
        (&["run", "--jobs", "0"], "0 is not in 1.."),
        (&["run", "no/such.toml"], "could not read no/such.toml"),
        (&["explain", "no/such.toml"], "could not read no/such.toml"),
    ];
    for (args, says) in cases {
        let output = sametick(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(says), "{args:?} says:\n{}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?} writes nothing on stdout");
    }
}

#[test]
fn the_highest_seeds_are_seeds_like_any_other() {
    let seeds = "18446744073709551610..18446744073709551615";
    let told = stdout(&sametick(&["run", "races/either_order", "--seeds", seeds]));
    assert!(told.contains("everything holds: 5 worlds"), "{told}");
}

#[test]
fn a_world_that_breaks_in_several_ways_is_one_broken_world() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("two_ways.toml");
    // It fails its claim, and has no transcript to agree with.
    let text =
        "# Two ways.\n[[job]]\nname = \"a\"\nat = \"1s\"\n[[claim]]\nof = \"a#1\"\noutcome = \"timed out\"\n";
    std::fs::write(&path, text).expect("a file");
    let told = stdout(&sametick(&["run", path.to_str().expect("a path")]));
    assert!(told.contains("broken in 1 of 1"), "{told}");
    assert!(told.contains("1 of 1 scenarios broken: 1 worlds"), "{told}");
}

#[test]
fn a_clock_that_steps_by_years_does_not_fill_the_memory_with_due_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("years.toml");
    let text = "# Years.\nuntil = \"10s\"\n[[job]]\nname = \"a\"\ncron = \"0 0 12 1 * *\"\n[[do]]\nat = \"1s\"\nclock = \"3650d\"\n";
    std::fs::write(&path, text).expect("a file");
    let told = stdout(&sametick(&["run", "--bless", path.to_str().expect("a path")]));
    assert!(told.contains("everything holds: 1 worlds"), "{told}");
}

#[test]
fn a_folder_without_scenarios_is_bad_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = sametick(&["run", &folder.path().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is no scenario"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_not_followed_and_a_file_without_end_is_not_read_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).expect("a link");
    std::fs::write(folder.path().join("one.toml"), "# One run.\n\n[[job]]\nname = \"a\"\nat = \"1s\"\n")
        .expect("a file");
    let output = sametick(&["run", &folder.path().to_string_lossy(), "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(told["scenarios"].as_array().map(Vec::len), Some(1), "{told:#}");
    let output = sametick(&["run", "/dev/zero"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("at most 1048576 bytes"), "{}", stderr(&output));
}

#[test]
fn bless_writes_the_transcript_and_nothing_else_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("one.toml");
    let text = "# One run.\n\n[[job]]\nname = \"a\"\nat = \"1s\"\n";
    std::fs::write(&path, text).expect("a file");
    let name = path.to_string_lossy().into_owned();
    let before = sametick(&["run", &name]);
    assert_eq!(before.status.code(), Some(1), "no transcript yet");
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), text, "run alone writes nothing");
    assert_eq!(sametick(&["run", &name, "--bless"]).status.code(), Some(0));
    let blessed = std::fs::read_to_string(&path).expect("a file");
    assert!(blessed.contains("expect = '''") && blessed.ends_with("at = \"1s\"\n"), "{blessed}");
    assert_eq!(sametick(&["run", &name]).status.code(), Some(0));
    assert_eq!(sametick(&["run", &name, "--bless"]).status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), blessed, "blessing twice changes nothing");
    std::fs::write(&path, blessed.replace("a#1 starting", "a#1 napping")).expect("a file");
    let broken = sametick(&["run", &name]);
    assert!(stdout(&broken).contains("expected `1s  commit 1: a#1 napping`"), "{}", stdout(&broken));
}

#[test]
fn without_a_terminal_there_is_no_colour_and_no_progress() {
    let output = Command::new(env!("CARGO_BIN_EXE_sametick"))
        .args(["run", FIRST, "--seeds", "0..5"])
        .env_remove("NO_COLOR")
        .output()
        .expect("the binary that was just built");
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
}

#[test]
fn completions_are_written_for_a_shell() {
    let output = sametick(&["completions", "bash"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("_sametick"));
}

#[test]
fn crashing_everywhere_says_how_many_worlds_and_that_they_hold() {
    let told = json(&["run", "--crash-everywhere", FIRST, "--json"]);
    assert_eq!(
        (&told["crashEverywhere"], &told["holds"]),
        (&Value::Bool(true), &Value::Bool(true)),
        "{told:#}"
    );
    let (places, worlds) =
        (told["places"].as_u64().expect("ticks"), told["worlds"].as_u64().expect("worlds"));
    assert!(places >= 5 && worlds > 8 * places, "{places} ticks, {worlds} worlds");
    let output = sametick(&["run", "--crash-everywhere", FIRST]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("each with everything that can go wrong there"), "{}", stdout(&output));
}

#[test]
fn what_a_crash_anywhere_breaks_is_told_again_by_its_replay_command() {
    let args =
        ["run", "--crash-everywhere", "races/report_first", "--mutant", "recovery-forgets-running", "--json"];
    let told = json(&args);
    assert_eq!(sametick(&args).status.code(), Some(1));
    let failure = &told["scenarios"][0]["failures"][0];
    let replay = failure["replay"].as_str().expect("a command");
    assert!(replay.contains(" --fault "), "{replay}");
    let words: Vec<&str> = replay.split(' ').skip(1).collect();
    let output = sametick(&words);
    assert_eq!(output.status.code(), Some(1), "{replay}");
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat(&stdout(&output)).contains(&flat(failure["message"].as_str().expect("a message"))),
        "{replay}"
    );
}

#[test]
fn a_fault_that_is_none_says_what_to_write() {
    let output = sametick(&["explain", FIRST, "--fault", "12:sometime"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("after-effects"), "{}", stderr(&output));
}

/// What the first failing world of a scenario is made into: kept, read again, and broken in the same way.
#[test]
fn a_world_of_a_family_that_breaks_is_made_small() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a path");
    for (scenario, mutant) in [
        (FIRST, "field-race"),
        ("races/late_host", "late-resurrects"),
        ("crashes/at_any_tick", "recovery-forgets-running"),
        ("store/unknown_and_not_applied", "unknown-is-lost"),
    ] {
        let told = json(&["run", scenario, "--mutant", mutant, "--out", out, "--json"]);
        let row = &told["scenarios"][0];
        let (first, small) = (&row["failures"][0], &row["small"]);
        let text = small["scenario"].as_str().unwrap_or_else(|| panic!("{mutant} in {scenario}: {row:#}"));
        assert!(
            text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count() <= 15,
            "{text}"
        );
        assert!(!text.contains(".."), "nothing is left to draw:\n{text}");
        let file = small["file"].as_str().expect("a file");
        let again = sametick(&["explain", file, "--mutant", mutant]);
        assert_eq!(again.status.code(), Some(1), "{text}");
        let check = first["check"].as_str().expect("a check");
        assert!(stdout(&again).contains(&format!("✗ {check}")), "{check}: {}", stdout(&again));
        let core = sametick(&["explain", file]);
        assert_eq!(core.status.code(), Some(0), "the core holds there: {}", stdout(&core));
    }
}
