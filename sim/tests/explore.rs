//! `sametick explore` and the search behind it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use sametick_core::run::Shape;
use sametick_sim::explore::races::{self, Racer};
use sametick_sim::explore::{Cut, Limits, Progress, Report, explore, freeze};
use sametick_sim::machines::mutant;
use sametick_sim::plan::{Kind, Plan};
use sametick_sim::{Scenario, Subject, campaign, fuzz, shipped};
use serde_json::Value;

const CORE: Subject = Subject::Core(Shape::Emit);

fn broken(name: &str) -> Subject {
    Subject::Mutant(mutant(name).expect("a mutant"))
}

fn named(name: &str) -> Scenario {
    let found = shipped::find(name);
    let (path, text) = found.first().expect("a shipped scenario");
    Scenario::parse(path, text).expect("it reads")
}

fn read(text: &str) -> Scenario {
    Scenario::parse("told.toml", text).expect("it reads")
}

fn searched(scenario: &Scenario, subject: Subject, limits: Limits) -> Report {
    explore(scenario, subject, limits, &mut |_| true)
}

fn faults(faults: u32) -> Limits {
    Limits { faults, ..Limits::default() }
}

/// A turn that stops as soon as it is asked to can answer late in one nanosecond only, which whole milliseconds miss.
const STOPS_AT_ONCE: &str = "# A turn that stops at once.
[[job]]
name = \"digest\"
at = \"1s\"
timeout = \"30s\"

[[turn]]
of = \"digest\"
takes = \"1s..60s\"
stops = \"1ns\"

[[claim]]
of = \"digest\"
runs = 1
";

#[test]
fn an_answer_at_the_very_deadline_is_met_that_no_seed_draws() {
    let (scenario, mutant) = (read(STOPS_AT_ONCE), broken("loser-overwrites"));
    assert!(campaign::run(&scenario, mutant, 0..5_000).holds(), "no seed answers in that nanosecond");
    let report = searched(&scenario, mutant, faults(0));
    assert!(!report.holds());
    assert_eq!(report.cuts.total(), 0);
    assert!(searched(&scenario, CORE, faults(0)).holds());
}

#[test]
fn a_crash_and_an_answer_that_no_scenario_has_are_tried() {
    let scenario = named("races/answer_in_time");
    for name in ["recovery-forgets-running", "recovery-never-republishes", "unknown-is-lost"] {
        let subject = broken(name);
        assert!(campaign::run(&scenario, subject, 0..1).holds(), "{name}: nothing breaks by itself");
        assert!(searched(&scenario, subject, faults(0)).holds(), "{name}: nor in another order");
        assert!(!searched(&scenario, subject, faults(1)).holds(), "{name}");
    }
    let report = searched(&scenario, CORE, faults(1));
    assert!(report.holds() && report.cuts.total() == 0 && report.states > 100, "{report:?}");
}

#[test]
fn what_is_remembered_hides_nothing() {
    let scenarios = [
        ("races/either_order", 1),
        ("races/cancelled_before_its_start_left", 1),
        ("queues/slot_frees_at_the_deadline", 1),
        ("store/start_still_held", 0),
        ("crashes/while_draining", 1),
        ("schedules/overlap_while_draining", 0),
        ("owners/nobody_came", 0),
    ];
    let subjects =
        [CORE, broken("loser-overwrites"), broken("unknown-is-lost"), broken("recovery-forgets-queued")];
    let mut shorter = 0;
    for (name, most) in scenarios {
        let scenario = named(name);
        for subject in subjects {
            let all = searched(&scenario, subject, Limits { remembers: false, ..faults(most) });
            let once = searched(&scenario, subject, faults(most));
            assert_eq!((once.orders, once.broken), (all.orders, all.broken), "{name}, {subject:?}");
            assert_eq!(all.gone, all.orders, "{name}: without memory every order is gone to its end");
            assert!(once.gone <= all.gone && once.states <= all.states, "{name}");
            shorter += u32::from(once.gone < all.gone);
            let checks = |report: &Report| -> BTreeSet<&str> {
                report.failures.iter().map(|broken| broken.failures[0].check.name()).collect()
            };
            assert_eq!(checks(&once), checks(&all), "{name}, {subject:?}");
        }
    }
    assert!(shorter > 8, "only {shorter} of them are shorter with memory");
}

/// A look at the clock changes nothing, but it may be a tick more until the process dies at one.
fn a_tick_more_or_less(tick: u64) -> String {
    format!(
        "# The clock is looked at, perhaps with the end of a turn; later there is a second job.
[[job]]
name = \"digest\"
at = \"1s\"
timeout = \"30s\"

[[job]]
name = \"report\"
at = \"60s\"
timeout = \"30s\"

[[turn]]
of = \"digest\"
takes = \"20s\"

[[turn]]
of = \"report\"
takes = \"1s..2s\"

[[do]]
at = \"10s\"
clock = \"1ms\"
noticed = \"11s..11005200us\"

[[fault]]
tick = {tick}
crash = \"at\"
down = \"1s\"
"
    )
}

#[test]
fn how_many_ticks_there_were_counts_while_a_fault_waits_for_one() {
    for tick in 4..16 {
        let scenario = read(&a_tick_more_or_less(tick));
        let all = searched(&scenario, CORE, Limits { remembers: false, ..faults(0) });
        let once = searched(&scenario, CORE, faults(0));
        assert_eq!(
            (once.orders, once.broken, once.cuts.total()),
            (all.orders, 0, 0),
            "a fault at tick {tick}"
        );
    }
}

#[test]
fn a_search_says_what_it_left_out() {
    let scenario = named("races/either_order");
    let whole = searched(&scenario, CORE, faults(1));
    assert_eq!(whole.cuts.total(), 0);
    let part = searched(&scenario, CORE, Limits { states: 100, ..faults(1) });
    assert_eq!(part.states, 100);
    assert!(part.orders < whole.orders);
    assert!(part.cuts.iter().all(|(why, count)| why == Cut::States && count > 0), "{:?}", part.cuts);
    let mut looks = 0;
    let stopped = explore(&scenario, CORE, faults(1), &mut |_: Progress| {
        looks += 1;
        looks < 2
    });
    assert!(stopped.orders < whole.orders);
    assert!(stopped.cuts.iter().all(|(why, count)| why == Cut::Asked && count > 0), "{:?}", stopped.cuts);
}

#[test]
fn what_breaks_is_frozen_into_a_scenario_that_breaks() {
    let told = [
        ("races/either_order", "loser-overwrites", 0),
        ("races/answer_in_time", "recovery-forgets-running", 1),
        ("races/answer_in_time", "unknown-is-lost", 1),
        ("queues/queue_timeout_among_others", "queue-taken-for-set-up", 0),
        ("crashes/while_queued", "recovery-forgets-queued", 0),
    ];
    for (name, mutant, most) in told {
        let (scenario, subject) = (named(name), broken(mutant));
        let limits = Limits { states: 5_000, ..faults(most) };
        let report = searched(&scenario, subject, limits);
        let first = report.failures.first().unwrap_or_else(|| panic!("{mutant} breaks nothing in {name}"));
        let plan = freeze(&scenario, subject, &first.picks, most, &first.failures[0]);
        let plan = plan.unwrap_or_else(|| panic!("{name} has no words for what breaks with {mutant}"));
        let frozen = plan.scenario("frozen.toml").expect("it reads");
        assert!(!frozen.is_family, "{}", plan.text());
        assert!(!campaign::run(&frozen, subject, 0..1).holds(), "{}", plan.text());
    }
}

#[test]
fn the_core_holds_in_every_window_of_a_race() {
    let mut cells = 0;
    for meeting in races::meetings() {
        let cell = races::meet(meeting, CORE).expect("it reads");
        cells += 1;
        assert!(
            cell.holds(),
            "{meeting:?}: {:?}",
            cell.broken.map(|(scenario, broken)| (scenario.text, broken))
        );
        assert_eq!(cell.cuts.total(), 0, "{meeting:?}");
    }
    assert_eq!(cells, 21 * 7, "seven things in pairs, at seven distances");
}

#[test]
fn a_mutant_breaks_the_windows_it_should_and_no_other() {
    let subject = broken("loser-overwrites");
    let broken: Vec<_> = races::meetings()
        .filter(|meeting| meeting.one == Racer::Timeout && meeting.other != Racer::Answer)
        .filter(|meeting| !races::meet(*meeting, subject).expect("it reads").holds())
        .map(|meeting| (meeting.other, meeting.distance))
        .collect();
    let late = [0, 1, 1_000_000, 2_000_000].map(|distance| (Racer::Completion, distance));
    assert_eq!(broken, late, "an answer after the timeout, or in its instant and heard second");
}

#[test]
fn forks_find_what_a_plan_does_not_have() {
    let subject = broken("recovery-never-republishes");
    let seeds = 0..40;
    let campaign = |forks| fuzz::Campaign { subject, forks, until_failure: false };
    let plain = fuzz::run(campaign(false), seeds.clone(), &mut Never);
    let forked = fuzz::run(campaign(true), seeds, &mut Never);
    assert!(forked.failed > plain.failed, "{} and {}", forked.failed, plain.failed);
    let by_fork = forked.failures.iter().filter(|hit| hit.fork.is_some());
    for hit in by_fork.clone() {
        assert!(!plain.failures.iter().any(|plain| plain.seed == hit.seed), "the plan of {} holds", hit.seed);
    }
    let small = fuzz::shrink_all(&forked, subject);
    assert!(small.iter().any(|found| found.breaks && says_a_fault(&found.plan)), "{small:?}");
}

fn says_a_fault(plan: &Plan) -> bool {
    plan.tables.iter().any(|table| table.kind == Kind::Each("fault".into()))
}

struct Never;

impl fuzz::Watch for Never {
    fn goes_on(&mut self, _: &fuzz::Tally) -> bool {
        true
    }
}

fn sametick(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sametick")).args(words).current_dir(folder).output().expect("it runs")
}

fn told(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn programs_get_the_keys_they_were_promised() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = sametick(folder.path(), &["explore", "races/answer_in_time", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let summary = told(&output);
    let keys: Vec<&str> = summary.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["command", "states", "orders", "cut", "holds", "failures"]);
    assert_eq!((&summary["command"], &summary["holds"]), (&"explore".into(), &true.into()));
    let words = ["explore", "races/either_order", "--json", "--mutant", "field-race"];
    let output = sametick(folder.path(), &words);
    assert_eq!(output.status.code(), Some(1));
    let failure = &told(&output)["failures"][0];
    for key in ["check", "atMs", "message", "replay", "choices"] {
        assert!(!failure[key].is_null(), "{key}: {failure:#}");
    }
    let replay = failure["replay"].as_str().expect("a command");
    let words: Vec<&str> = replay.trim_start_matches("sametick ").split(' ').collect();
    let replayed = sametick(folder.path(), &words);
    assert_eq!(replayed.status.code(), Some(1), "it breaks again");
    let choices = failure["choices"].as_str().expect("choices");
    let words = ["explore", "races/either_order", "--take", choices, "--mutant", "field-race"];
    let replayed = sametick(folder.path(), &words);
    assert_eq!(replayed.status.code(), Some(1), "and so it does by its choices");
}

#[test]
fn bad_use_says_what_to_write() {
    let folder = tempfile::tempdir().expect("a folder");
    for (words, part) in [
        (&["explore"][..], "required"),
        (&["explore", "races"], "explore goes through one"),
        (&["explore", "races/either_order", "--take", "soon"], "as in 12:3"),
        (&["explore", "races/either_order", "--races"], "cannot be used with"),
    ] {
        let output = sametick(folder.path(), words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(error.contains(part), "{words:?}: {error}");
    }
}
