//! Worlds with very many sessions: every check judges every one of them.

use std::fmt::Write as _;

use sametick_core::StandardGateway;
use sametick_core::run::Shape;
use sametick_sim::campaign;
use sametick_sim::check::CheckName;
use sametick_sim::{MUTANTS, Scenario, Subject, World, machines, matrix};

/// So many jobs in one lane, all due at once, each of them so many times.
fn crowd(jobs: usize, rounds: usize, takes: &str) -> Scenario {
    let until = rounds * 10 + 9;
    let mut text = format!(
        "# Many at once.\nseeds = 1\nuntil = \"{until}s\"\n\n[lane]\nlimit = {jobs}\nqueue = {jobs}\n\n"
    );
    for job in 0..jobs {
        let _ = writeln!(text, "[[job]]\nname = \"j{job}\"\nevery = \"10s\"\ntimeout = \"4s\"\n");
    }
    let last = jobs - 1;
    // A turn is drawn by looking through all rules.
    for job in (0..jobs).filter(|job| jobs <= 100 || *job == last) {
        let _ = writeln!(text, "[[turn]]\nof = \"j{job}\"\ntakes = {takes}\n");
    }
    let _ = writeln!(text, "[[claim]]\nof = \"j{last}\"\nruns = {rounds}");
    Scenario::parse("crowd.toml", &text).expect("a scenario")
}

#[test]
fn a_burst_holds() {
    let report = campaign::run(&crowd(2_000, 1, "\"1s..9s\""), Subject::Core(Shape::Emit), 0..1);
    assert_eq!((report.failed, report.failures), (0, Vec::new()));
}

#[test]
fn what_is_broken_in_a_large_commit_is_found_as_in_a_small_one() {
    // What one job's world gives away of a machine, forty jobs at once do, too: their commits are looked up in an index.
    for mutant in [
        "field-race",
        "marker-kept",
        "event-dropped",
        "base-row-missing",
        "publishes-other",
        "own-row-missing",
    ] {
        let mutant = machines::mutant(mutant).expect("a mutant");
        let (one, many) = (crowd(1, 1, "\"never\""), crowd(40, 1, "\"never\""));
        assert_eq!(matrix::broken_by(mutant, &one), matrix::broken_by(mutant, &many), "{}", mutant.name);
        assert!(!matrix::broken_by(mutant, &many).contains(&CheckName::Claim));
    }
    assert!(MUTANTS.len() > 100);
}

#[test]
#[ignore = "takes a minute: a million sessions in one world"]
fn a_million_sessions_hold() {
    let scenario = crowd(10_000, 100, "\"1s..9s\"");
    let mut world = World::new(&scenario, StandardGateway::new(scenario.config.clone(), Shape::Emit));
    let verdict = world.run(0);
    assert_eq!(verdict.failures, []);
    assert!(world.books().sessions.len() >= 1_000_000, "{} session rows", world.books().sessions.len());
}
