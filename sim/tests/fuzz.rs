//! `sametick fuzz`, as people and programs use it.

use std::path::Path;
use std::process::{Command, Output};

use sametick_core::run::Shape;
use sametick_sim::{MUTANTS, Subject, fuzz};
use serde_json::Value;

fn sametick(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sametick")).args(words).current_dir(folder).output().expect("it runs")
}

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Everything but how long it took.
fn without_time(mut told: Value) -> Value {
    told["elapsedMs"] = Value::Null;
    told
}

#[test]
fn results_do_not_depend_on_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |jobs| {
        without_time(told(&sametick(folder.path(), &["fuzz", "--seeds", "0..700", "--json", "--jobs", jobs])))
    };
    let one = with("1");
    assert_eq!(one["holds"], true, "{one:#}");
    assert_eq!((&one["from"], &one["to"], &one["worlds"]), (&0.into(), &700.into(), &700.into()));
    assert_eq!(with("3"), one);
}

#[test]
fn what_breaks_is_made_small_and_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["fuzz", "--mutant", "field-race", "--until-failure", "--json", "--jobs"];
    let fuzz = |jobs| sametick(folder.path(), &[&words[..], &[jobs]].concat());
    let output = fuzz("1");
    assert_eq!(output.status.code(), Some(1));
    let summary = told(&output);
    assert_eq!(
        without_time(summary.clone()),
        without_time(told(&fuzz("2"))),
        "wherever it stops, it is the same"
    );
    let failure = &summary["failures"][0];
    for key in ["seed", "check", "atMs", "message", "replay", "file"] {
        assert!(!failure[key].is_null(), "{key}: {summary:#}");
    }
    let file = failure["file"].as_str().expect("a path");
    let text = std::fs::read_to_string(folder.path().join(file)).expect("it was written");
    assert!(text.contains("# What happened:"), "{text}");
    let replay = failure["replay"].as_str().expect("a command");
    let words: Vec<&str> = replay.trim_start_matches("sametick ").split(' ').collect();
    let replayed = sametick(folder.path(), &words);
    assert_eq!(replayed.status.code(), Some(1), "it breaks again");
    let replayed = String::from_utf8(replayed.stdout).expect("text");
    assert!(replayed.contains(&format!("✗ {}", failure["check"].as_str().expect("a name"))), "{replayed}");
}

#[test]
fn bad_use_says_what_to_write() {
    let folder = tempfile::tempdir().expect("a folder");
    for (words, part) in [
        (&["fuzz", "--for", "soon"][..], "write a length of time"),
        (&["fuzz", "--for", "0s"], "write a length of time"),
        (&["fuzz", "--seeds", "7"], "two numbers"),
        (&["fuzz", "--mutant", "nobody"], "no mutant has this name"),
    ] {
        let output = sametick(folder.path(), words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.contains(part), "{words:?}: {error}");
    }
    std::fs::write(folder.path().join("fuzz-failures"), "in the way").expect("a file");
    let output = sametick(folder.path(), &["fuzz", "--mutant", "field-race", "--seeds", "0..64"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(error.contains("could not write fuzz-failures") && error.contains("--out DIR"), "{error}");
}

#[test]
fn an_end_that_is_wanted_comes_with_a_summary() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = sametick(folder.path(), &["fuzz", "--for", "1ms", "--json"]);
    let summary = told(&output);
    assert!(summary["worlds"].as_u64().is_some_and(|worlds| (1..10_000).contains(&worlds)), "{summary:#}");
}

/// The drawn plans are enough to notice what is broken, and what they show is short. The whole table is `sametick mutants
/// --drawn`; these are killed within few seeds, so a test has the time for them.
#[test]
fn a_mutant_is_found_by_drawn_plans_and_shown_in_few_lines() {
    let (mut killed, mut long) = (0, Vec::new());
    for mutant in MUTANTS.iter() {
        let subject = Subject::Mutant(mutant);
        let Some((seed, failure)) = fuzz::first_failure(subject, 0..64) else { continue };
        killed += 1;
        let (plan, small) = fuzz::make_small(seed, &failure, subject);
        let text = plan.text();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        if lines > 15 {
            long.push(mutant.name);
        }
        assert!(lines <= 33, "{} takes {lines} lines to show:\n{text}", mutant.name);
        assert_eq!(
            (plan, small),
            fuzz::make_small(seed, &failure, subject),
            "{} shrinks in one way",
            mutant.name
        );
    }
    // 15 lines are meant. Plots made some longer: who takes more is known by number until the search for less is better.
    assert!(long.len() <= 8, "{long:?} take more than 15 lines to show");
    assert!(killed > 90, "{killed} of {} mutants are killed within 64 seeds", MUTANTS.len());
    assert!(fuzz::first_failure(Subject::Core(Shape::Emit), 0..200).is_none());
}
