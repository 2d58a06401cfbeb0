//! The gateway's own driver among simulated hosts: the provider it waits for, the subscriber that
//! hears of it, the monitor that reads its sessions. The simulator's checks judge the history.
//!
//! A host's clock moves in steps of a millisecond; seed and epoch are fixed, so a failure comes again.

mod clock;
mod gateway;
mod history;
mod inbox;
mod line;
mod link;
mod monitor;
mod provider;
mod simulation;
mod store;
mod subscriber;
mod turns;
mod watched;

use std::collections::BTreeSet;

use sametick_core::commit::LateWord;
use sametick_core::run::{Drain, Finish};
use sametick_core::time::Wall;
use sametick_sim::check::CheckName;
use sametick_sim::machines::{FieldGateway, Flaw};
use sametick_sim::scenario::WORLD_BEGINS;

use simulation::{Act, Simulation};

/// One job, whose turn has ten seconds and never answers.
const SILENT: &str = r#"# The provider opens a session and never answers.
[[job]]
name = "digest"
at = "1s"
timeout = "10s"
deliver = true

[[turn]]
of = "digest"
takes = "never"
"#;

/// By how many milliseconds a wall time is off from a second of the simulation.
fn off(at: Option<Wall>, second: i64) -> i64 {
    at.expect("it has happened") - WORLD_BEGINS.plus_millis(second * 1_000)
}

#[test]
fn a_provider_that_never_answers_is_timed_out_at_the_deadline() {
    let history = Simulation::of(SILENT, 1).play();
    history.assert_holds();
    assert_eq!(history.outcome("digest#1"), Some("timed out"));
    assert_eq!(off(history.run("digest#1").settled_at, 11), 0);
    assert_eq!(history.statuses("digest#1"), ["timeout", "timeout"]);
    assert_eq!(history.inbox.of("digest#1"), ["start", "error timeout"]);
    assert_eq!(history.inbox.repeats, 0);
    assert_eq!(history.delivered, ["digest#1 timed out"]);
    assert_eq!(history.run("digest#1").drain, Drain::Confirmed, "the provider said that it stopped");
}

#[test]
fn a_partition_from_the_provider_ends_in_a_timeout_whose_stop_is_not_proven() {
    let cut = |seed| Simulation::of(SILENT, seed).at("5s", Act::Partition(provider::HOST));
    let history = cut(2).at("40s", Act::Repair(provider::HOST)).play();
    history.assert_holds();
    assert_eq!(off(history.run("digest#1").settled_at, 11), 0);
    assert_eq!(history.run("digest#1").drain, Drain::Abandoned);
    assert_eq!(history.statuses("digest#1"), ["timeout", "timeout"]);
    assert_eq!(history.inbox.of("digest#1"), ["start", "error timeout"]);
}

#[test]
fn an_answer_held_back_until_after_the_timeout_is_noted_and_changes_nothing() {
    let text = SILENT.replace("\"never\"", "\"6s\"");
    let held = Simulation::of(&text, 3).at("5s", Act::Hold(provider::HOST));
    let history = held.at("40s", Act::Release(provider::HOST)).play();
    history.assert_holds();
    assert_eq!(history.outcome("digest#1"), Some("timed out"));
    assert_eq!(history.statuses("digest#1"), ["timeout", "timeout"]);
    assert_eq!(history.inbox.of("digest#1"), ["start", "error timeout"]);
    assert_eq!(history.delivered, ["digest#1 timed out"]);
    let late: Vec<LateWord> = history.books().late.iter().map(|note| note.said).collect();
    assert_eq!(late, [LateWord::Completed(Finish::Ok)]);
}

#[test]
fn a_crash_after_the_settling_commit_keeps_the_timeout_and_tells_of_it_once() {
    let text = format!("{SILENT}\n[[fault]]\nsettles = \"digest\"\ncrash = \"at\"\ndown = \"3s\"\n");
    let history = Simulation::of(&text, 4).play();
    history.assert_holds();
    assert_eq!(history.lives, 2);
    assert_eq!(history.outcome("digest#1"), Some("timed out"));
    assert_eq!(off(history.run("digest#1").settled_at, 11), 0);
    assert_eq!(history.statuses("digest#1"), ["timeout", "timeout"]);
    assert_eq!(history.inbox.of("digest#1"), ["start", "error timeout"]);
}

#[test]
fn an_event_heard_before_a_crash_comes_again_and_is_told_apart() {
    let text = format!("{SILENT}\n[[fault]]\nsettles = \"digest\"\ncrash = \"after\"\ndown = \"3s\"\n");
    let history = Simulation::of(&text, 4).play();
    history.assert_holds();
    assert_eq!(history.inbox.of("digest#1"), ["start", "error timeout"]);
    assert!(history.inbox.repeats > 0);
}

#[test]
fn a_crash_before_the_settling_commit_interrupts_the_run_and_fails_its_session() {
    let text = format!("{SILENT}\n[[fault]]\nsettles = \"digest\"\ncrash = \"before\"\ndown = \"3s\"\n");
    let history = Simulation::of(&text, 5).play();
    history.assert_holds();
    assert_eq!(history.lives, 2);
    assert_eq!(history.outcome("digest#1"), Some("interrupted"));
    assert_eq!(history.statuses("digest#1"), ["failed", "failed"]);
    assert_eq!(history.inbox.of("digest#1"), ["start", "error interrupted"]);
}

#[test]
fn events_behind_a_partition_arrive_after_it_in_order_and_none_is_missing() {
    let text = r#"# A job that is due every five seconds, while its subscriber cannot be reached.
[[job]]
name = "digest"
every = "5s"
timeout = "2s"

[[turn]]
of = "digest#2"
takes = "never"
"#;
    let cut = Simulation::of(text, 6).at("5500ms", Act::Partition(subscriber::HOST));
    let history = cut.at("19s", Act::Repair(subscriber::HOST)).play();
    history.assert_holds();
    assert_eq!(history.inbox.of("digest#1"), ["start", "end"]);
    assert_eq!(history.inbox.of("digest#2"), ["start", "error timeout"]);
    assert_eq!(history.inbox.of("digest#3"), ["start", "end"]);
}

#[test]
fn a_store_that_refuses_or_does_not_answer_moves_no_deadline() {
    let text = format!(
        "{SILENT}\n[[fault]]\ngrants = \"digest\"\nstore = \"not applied\"\ntimes = 3\n\
         [[fault]]\nstarts = \"digest\"\nstore = \"unknown and not applied\"\n\
         [[fault]]\nsettles = \"digest\"\nstore = \"unknown but applied\"\n"
    );
    let history = Simulation::of(&text, 7).play();
    history.assert_holds();
    assert_eq!(off(history.run("digest#1").granted_at, 1), 0);
    assert_eq!(off(history.run("digest#1").settled_at, 11), 0);
    assert_eq!(history.statuses("digest#1"), ["timeout", "timeout"]);
    assert_eq!(history.inbox.of("digest#1"), ["start", "error timeout"]);
}

/// Three jobs on two slots; turns that are quick, slow and silent; a partition and a crash somewhere.
const MIXED: &str = r#"# Jobs that compete for two slots while the network and the gateway fail.
[lane]
limit = 2

[store]
answers = "1ms..40ms"

[[job]]
name = "digest"
every = "2s"
timeout = "1s"
abort_grace = "250ms"
deliver = true

[[job]]
name = "backup"
every = "2500ms"
timeout = "1500ms"
queue_timeout = "100ms"
abort_grace = "250ms"
catch_up = "one"

[[job]]
name = "report"
every = "3500ms"
total_timeout = "2s"
abort_grace = "250ms"
deliver = true

[[turn]]
of = "digest"
ready = "5ms..50ms"
takes = "250ms..1500ms"

[[turn]]
of = "backup"
ready = "5ms..1s"
takes = "500ms..2500ms"
ends = "failed"

[[turn]]
of = "report"
takes = "500ms..3s"
on_abort = "ignores"

[[do]]
at = "3s..10s"
crash = true
down = "10ms..2s"
"#;

fn mixed(seed: u64) -> Simulation {
    let cut = if seed.is_multiple_of(2) { provider::HOST } else { subscriber::HOST };
    let world = Simulation::of(MIXED, seed);
    world.at("2s..6s", Act::Partition(cut)).at("10s..14s", Act::Repair(cut))
}

#[test]
fn ten_seeds_of_a_mixed_world_hold() {
    let mut met = BTreeSet::new();
    for seed in 0..10 {
        let history = mixed(seed).play();
        history.assert_holds();
        assert_eq!(history.lives, 2, "seed {seed}");
        let runs = history.books().runs.values().map(|book| book.row);
        assert!(runs.len() >= 8, "seed {seed} has {} runs", runs.len());
        met.extend(runs.flat_map(|run| {
            let outcome = run.state.outcome().map(|outcome| outcome.name());
            let queued = run.granted_at.is_none().then_some("never granted");
            let abandoned = (run.drain == Drain::Abandoned).then_some("abandoned");
            [outcome, queued, abandoned].into_iter().flatten()
        }));
    }
    for wanted in ["ok", "failed", "timed out", "interrupted", "never granted", "abandoned"] {
        assert!(met.contains(wanted), "no run was {wanted}: these seeds show too little");
    }
}

#[test]
fn the_same_seed_is_the_same_history_and_another_is_another() {
    let digest = |seed| mixed(seed).play().digest();
    assert_eq!(digest(7), digest(7));
    assert_ne!(digest(7), digest(8));
}

#[test]
fn both_shapes_of_finalisation_have_the_same_history() {
    assert_eq!(mixed(3).play().digest(), mixed(3).synthesizing().play().digest());
}

/// The checks that judge the field's own shapes, broken as they were.
fn broken_by(flaw: Flaw, text: &str) -> BTreeSet<CheckName> {
    let history = Simulation::of(text, 1).play_with(|config| FieldGateway::new(config, flaw));
    history.failures().iter().map(|(check, _)| *check).collect()
}

#[test]
fn the_fields_race_is_caught_and_the_monitor_sees_the_session_that_lies() {
    let history = Simulation::of(SILENT, 1).play_with(|config| FieldGateway::new(config, Flaw::Race));
    let same_tick = |(check, _): &(CheckName, &str)| *check == CheckName::SameTick;
    assert!(history.failures().iter().any(same_tick), "{:?}", history.failures());
    assert_eq!(history.outcome("digest#1"), Some("timed out"));
    assert_eq!(history.statuses("digest#1"), ["running", "running"]);
    assert!(!history.lies.is_empty());
}

#[test]
fn the_fields_near_fixes_are_caught() {
    assert!(broken_by(Flaw::Grace, SILENT).contains(&CheckName::SameTick));
    assert!(broken_by(Flaw::WholeRow, SILENT).contains(&CheckName::RecordsAgree));
    let slow = "[[job]]\nname = \"slow\"\nat = \"1s\"\ntimeout = \"30s\"\n[[turn]]\nof = \"slow\"\ntakes = \"15s\"\n";
    let two = format!("{SILENT}\n{slow}\n[lane]\nlimit = 2\n");
    assert!(broken_by(Flaw::Batch, &two).contains(&CheckName::ComesToRest));
}
