//! Same plan, same bytes: twice in one process, in other processes, on any number of threads, and
//! whatever the compiler optimised.

use std::process::Command;
use std::sync::LazyLock;

use sametick_core::Machine;
use sametick_core::run::Shape;
use sametick_sim::machines::{MUTANTS, Visit};
use sametick_sim::world::{Verdict, World};
use sametick_sim::{Scenario, Subject, campaign, shipped};
use serde_json::Value;

/// What one thread of this binary comes to, which everything else is held against.
static ONE_THREAD: LazyLock<(Value, Value)> = LazyLock::new(|| digests(&mut this_binary(), "1"));

fn digests(command: &mut Command, jobs: &str) -> (Value, Value) {
    let output = command.args(["--seeds", "0..3000", "--json", "--jobs", jobs]).output().expect("it runs");
    let told: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(told["holds"], true, "{told:#}");
    (told["digest"].clone(), told["ticks"].clone())
}

fn this_binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sametick"))
}

#[test]
fn two_runs_in_one_process_have_one_digest() {
    let scenarios = shipped::scenarios().expect("what is shipped reads");
    for scenario in scenarios {
        let once = || campaign::run(&scenario, Subject::Core(Shape::Emit), 0..500).digest;
        assert_eq!(once(), once(), "{}", scenario.name);
    }
}

/// Worlds are copied where the seed has not decided anything yet. One that is the first of its kind is played.
#[test]
fn a_world_that_is_copied_is_the_one_that_is_played() {
    struct Both<'s>(&'s Scenario, Subject);
    impl Visit for Both<'_> {
        type Out = usize;
        fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> usize {
            let mut again = World::new(self.0, machine.clone());
            let told = |verdict: &Verdict| format!("{verdict:?}");
            let mut broken = 0;
            for seed in 0..12 {
                let played = World::new(self.0, machine.clone()).run(seed).clone();
                let copied = again.run(seed);
                assert_eq!(told(copied), told(&played), "{} --seed {seed}{}", self.0.name, self.1.flags());
                broken += usize::from(!played.failures.is_empty());
            }
            broken
        }
    }
    let mut broken = 0;
    let healthy = [Subject::Core(Shape::Emit), Subject::Core(Shape::Synthesize)];
    let mutants = MUTANTS.iter().map(|mutant| Subject::Mutant(mutant));
    let subjects: Vec<Subject> = healthy.into_iter().chain(mutants).collect();
    for scenario in shipped::scenarios().expect("what is shipped reads").iter().filter(|s| s.is_family) {
        for subject in &subjects {
            broken += subject.visit(scenario.config.clone(), Both(scenario, *subject));
        }
    }
    assert!(broken > 1_000, "{broken} worlds were broken: mutants show what is wrongly copied");
}

#[test]
fn other_processes_and_any_number_of_threads_have_the_same_digest() {
    for jobs in ["2", "3", "8"] {
        assert_eq!(digests(&mut this_binary(), jobs), *ONE_THREAD, "--jobs {jobs}");
    }
}

#[test]
fn both_shapes_have_the_same_digest() {
    assert_eq!(digests(this_binary().args(["--shape", "synthesize"]), "2"), *ONE_THREAD);
}

#[test]
fn debug_and_release_have_the_same_digest() {
    let this = std::path::Path::new(env!("CARGO_BIN_EXE_sametick"));
    let (ours, other) = if cfg!(debug_assertions) { ("debug", "release") } else { ("release", "debug") };
    let target = this.parent().and_then(std::path::Path::parent).expect("target/PROFILE/sametick");
    assert_eq!(this.parent().and_then(std::path::Path::file_name), Some(ours.as_ref()));
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--bin", "sametick", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if other == "release" {
        build.arg("--release");
    }
    let built = build.output().expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let theirs = digests(&mut Command::new(target.join(other).join("sametick")), "2");
    assert_eq!(*ONE_THREAD, theirs);
}
