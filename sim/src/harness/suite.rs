//! Every scenario of a folder as a test with its name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use super::Harness;
use crate::scenario::{Scenario, files_below};
use crate::shipped;

/// Tests, each a scenario; the `main` of a test target with `harness = false`.
///
/// ```no_run
/// use sametick_core::StandardGateway;
/// use sametick_sim::harness::{Harness, Suite};
/// use sametick_sim::machines::{AnyMachine, Own};
///
/// const MINE: Own = Own::new("mine", |config, shape| AnyMachine::new(StandardGateway::new(config, shape)));
///
/// fn main() -> std::process::ExitCode {
///     Suite::new(Harness::new(MINE)).folder("tests/scenarios").shipped().main()
/// }
/// ```
#[derive(Debug)]
pub struct Suite {
    harness: Harness,
    tests: Vec<Test>,
}

#[derive(Debug)]
struct Test {
    name: String,
    what: What,
}

#[derive(Debug)]
enum What {
    File(PathBuf),
    Shipped(&'static str, &'static str),
    /// There is nothing to test, and that is a failure.
    Missing(String),
}

impl Suite {
    /// No tests yet.
    #[must_use]
    pub const fn new(harness: Harness) -> Self {
        Self { harness, tests: Vec::new() }
    }

    /// Every scenario below a folder, named by its path from there. A folder without any fails, under its own name.
    #[must_use]
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        let (files, missing) = match files_below(folder) {
            Err(error) => (Vec::new(), Some(format!("could not read {}: {error}", folder.display()))),
            Ok(files) if files.is_empty() => {
                (files, Some(format!("{} has no scenario (*.toml)", folder.display())))
            }
            Ok(files) => (files, None),
        };
        let missing =
            missing.map(|why| Test { name: folder.display().to_string(), what: What::Missing(why) });
        self.tests.extend(missing);
        self.tests.extend(files.into_iter().map(|file| {
            let name = file.strip_prefix(folder).unwrap_or(&file).with_extension("");
            Test { name: name.display().to_string().replace('\\', "/"), what: What::File(file) }
        }));
        self
    }

    /// The scenarios that come with the simulator, of those the ones that the machine plays.
    #[must_use]
    pub fn shipped(mut self) -> Self {
        self.tests.extend(shipped::FILES.iter().map(|(path, text)| {
            let name = path.trim_start_matches("scenarios/").trim_end_matches(".toml");
            Test { name: name.to_owned(), what: What::Shipped(path, text) }
        }));
        self
    }

    /// Runs them, with the arguments that every test runner takes.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let Self { harness, tests } = self;
        let trials = tests.into_iter().map(|Test { name, what }| {
            let harness = harness.clone();
            let plays = match &what {
                What::Shipped(path, text) => {
                    Scenario::parse(path, text).is_ok_and(|scenario| harness.subject.plays(&scenario))
                }
                What::File(_) | What::Missing(_) => true,
            };
            Trial::test(name, move || run(&harness, &what)).with_ignored_flag(!plays)
        });
        libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
    }
}

fn run(harness: &Harness, what: &What) -> Result<(), Failed> {
    let held = match what {
        What::File(path) => harness.file(path),
        What::Shipped(path, text) => harness.scenario(&Scenario::parse(path, text)?),
        What::Missing(why) => return Err(why.into()),
    };
    held.map(|_| ()).map_err(Failed::from)
}
