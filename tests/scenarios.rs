//! Each shipped scenario is a test with its name.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use sametick_core::run::Shape;
use sametick_sim::{Scenario, Subject, campaign, shipped};

/// A family draws at most this many worlds here; `sametick run` draws all of them.
const MOST_SEEDS: u64 = 2_000;

fn main() -> ExitCode {
    let trials = shipped::FILES.iter().map(|(path, text)| {
        let name = path.trim_start_matches("scenarios/").trim_end_matches(".toml");
        Trial::test(name, move || holds(path, text))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn holds(path: &str, text: &str) -> Result<(), Failed> {
    let mut scenario = Scenario::parse(path, text)?;
    scenario.seeds = scenario.seeds.min(MOST_SEEDS);
    let report = campaign::run(&scenario, Subject::Core(Shape::Emit), 0..scenario.seeds);
    let Some((seed, failures)) = report.failures.first() else { return Ok(()) };
    let told: Vec<String> =
        failures.iter().map(|failure| format!("{}: {}", failure.check.name(), failure.message)).collect();
    Err(format!("{}\nreplay: sametick explain {path} --seed {seed}", told.join("\n")).into())
}
