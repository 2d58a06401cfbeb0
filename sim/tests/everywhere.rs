//! Every shipped scenario, with a crash at each of its ticks and with every answer of its store.

use sametick_core::run::Shape;
use sametick_sim::scenario::{CrashPoint, FaultKind};
use sametick_sim::sweep::{self, Report};
use sametick_sim::{Subject, shipped};

fn swept(subject: Subject) -> Vec<(String, Report)> {
    let scenarios = shipped::scenarios().expect("what is shipped reads");
    scenarios.iter().map(|scenario| (scenario.name.clone(), sweep::run(scenario, subject, 0..1))).collect()
}

#[test]
fn no_crash_and_no_answer_at_any_tick_of_any_shipped_scenario_breaks_anything() {
    for (name, report) in swept(Subject::Core(Shape::Emit)) {
        let told = report.failures.iter().map(|struck| {
            let faults: Vec<String> = struck.faults.iter().map(ToString::to_string).collect();
            format!("--fault {}: {}", faults.join(" --fault "), struck.failures[0].message)
        });
        assert!(report.holds(), "{name}: {}", told.collect::<Vec<_>>().join("\n"));
        assert!(report.worlds > 8 * report.places, "{name}: every tick has at least eight worlds");
    }
}

#[test]
fn a_sweep_finds_a_gateway_that_forgets_what_was_running() {
    let mutant = sametick_sim::machines::mutant("recovery-forgets-running").expect("a mutant");
    let scenario = shipped::find("races/answer_in_time");
    let (path, text) = scenario.first().expect("a shipped scenario");
    let scenario = sametick_sim::Scenario::parse(path, text).expect("it reads");
    let report = sweep::run(&scenario, Subject::Mutant(mutant), 0..1);
    assert!(!report.holds(), "nothing goes wrong in that world by itself, and a crash at any tick shows it");
    assert!(report.failures.iter().all(|struck| !struck.faults.is_empty()));
}

#[test]
fn every_tick_has_every_crash_and_every_commit_every_answer() {
    let faults = sweep::faults(0, 7, true);
    for point in [CrashPoint::Before, CrashPoint::At, CrashPoint::AfterEffects] {
        let alone = faults.iter().filter(|world| world.len() == 1);
        let dies = |kind: FaultKind| matches!(kind, FaultKind::Crash { when, .. } if when == point);
        assert_eq!(alone.filter(|world| dies(world[0].kind)).count(), 1, "{point:?}");
    }
    let answers = faults.iter().filter(|world| !matches!(world[0].kind, FaultKind::Crash { .. }));
    assert_eq!(answers.count(), 3, "not applied, unknown and applied, unknown and not applied");
    assert!(sweep::faults(0, 7, false).iter().all(|world| matches!(world[0].kind, FaultKind::Crash { .. })));
    assert!(faults.iter().any(|world| world.len() == 3), "a recovery that dies twice in a row");
}
