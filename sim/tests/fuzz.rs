//! `sametick fuzz`, as people and programs use it.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;

use sametick_core::run::Shape;
use sametick_sim::plan::{Reason, Trial};
use sametick_sim::{MUTANTS, Mutant, Subject, fuzz};
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
    assert_eq!(one["unread"], Value::Null, "{one:#}");
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

/// The drawn plans are enough to notice what is broken, and what they show is short. How many seeds that takes in other
/// series is `sametick mutants --drawn`.
#[test]
fn every_mutant_is_found_by_drawn_plans_and_shown_in_few_lines() {
    // One thread takes the next as it is through with one, so that all threads are at work to the end.
    let next = Mutex::new(MUTANTS.iter().zip(0..));
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            threads.spawn(|| {
                loop {
                    let taken = next.lock().expect("no other thread panicked").next();
                    let Some((mutant, place)) = taken else { break };
                    is_shown_in_few_lines(mutant, place);
                }
            });
        }
    });
}

fn is_shown_in_few_lines(mutant: &'static Mutant, place: usize) {
    let (name, subject) = (mutant.name, Subject::Mutant(mutant));
    let found = fuzz::first_failure(subject, 0..10_000);
    let (seed, failure) = found.unwrap_or_else(|| panic!("{name} outlives 10,000 plans"));
    let (plan, small) = fuzz::make_small(seed, &failure, subject);
    let text = plan.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() <= 15, "{name} takes {} lines to show:\n{text}", lines.len());
    // Nor is much said in few lines.
    let keys: usize = plan.tables.iter().map(|table| table.keys.len()).sum();
    assert!(keys <= 20, "{name} takes {keys} keys to show:\n{text}");
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{name} takes long lines to show:\n{text}");
    assert_eq!(Reason::of(&small), Reason::of(&failure), "{name} breaks for the same reason:\n{text}");
    let again = |subject| Trial::of_seed(seed).run_plan(&plan, subject).expect("it reads").failures;
    assert_eq!(again(subject).first(), Some(&small), "{name} breaks again in the same way:\n{text}");
    assert_eq!(again(Subject::Core(Shape::Emit)), [], "the core is blamed for what {name} does:\n{text}");
    if place.is_multiple_of(8) {
        assert_eq!((plan, small), fuzz::make_small(seed, &failure, subject), "{name} shrinks in one way");
    }
}
