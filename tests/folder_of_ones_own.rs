//! A suite over a folder, as a gateway author has one: this program runs itself as that suite, over folders that it writes.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use sametick_core::run::Shape;
use sametick_sim::Subject;
use sametick_sim::harness::{Harness, Suite};

/// Has this program be the suite over a folder.
const FOLDER: &str = "SUITE_OVER";

const FAMILY: &str = "# A turn that answers about when its timeout ends.
seeds = 50
job = [{ name = \"digest\", at = \"1s\", timeout = \"10s\" }]
turn = [{ of = \"digest\", takes = \"1s..20s\" }]
claim = [{ of = \"digest\", runs = 1 }]
";

const UNTOLD: &str = "# One run that is over in time.
job = [{ name = \"digest\", at = \"1s\", timeout = \"10s\" }]
";

fn main() -> ExitCode {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Suite::new(Harness::of(Subject::Core(Shape::Emit))).folder(folder).main();
    }
    let tests: [(&str, fn()); 3] = [
        ("each_file_is_a_test_with_its_name", each_file_is_a_test_with_its_name),
        ("a_transcript_is_written_when_asked_for", a_transcript_is_written_when_asked_for),
        ("nothing_to_test_is_a_failure", nothing_to_test_is_a_failure),
    ];
    let trials = tests.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// What the suite over a folder says, and whether it passes.
fn suite(folder: &Path, blesses: bool, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(FOLDER, folder).env_remove("SAMETICK_SEEDS").env_remove("SAMETICK_BLESS").args(words);
    if blesses {
        command.env("SAMETICK_BLESS", "1");
    }
    let output = command.output().expect("it runs");
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).expect("text"))
}

fn each_file_is_a_test_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let below = folder.path().join("timeouts");
    fs::create_dir(&below).expect("a folder");
    fs::write(below.join("about_then.toml"), FAMILY).expect("a file");
    fs::write(folder.path().join("torn.toml"), "job = [{ name = ").expect("a file");
    let (_, listed) = suite(folder.path(), false, &["--list"]);
    assert!(listed.contains("timeouts/about_then: test") && listed.contains("torn: test"), "{listed}");
    let (passes, told) = suite(folder.path(), false, &["timeouts/about_then", "--exact"]);
    assert!(passes && told.contains("1 passed"), "{told}");
    let (passes, told) = suite(folder.path(), false, &[]);
    assert!(!passes && told.contains("1 passed; 1 failed"), "{told}");
    assert!(told.contains("torn.toml"), "{told}");
}

fn a_transcript_is_written_when_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("in_time.toml");
    fs::write(&file, UNTOLD).expect("a file");
    let (passes, told) = suite(folder.path(), false, &[]);
    assert!(!passes && told.contains("no transcript"), "{told}");
    assert_eq!(fs::read_to_string(&file).expect("the file"), UNTOLD, "unasked nothing is written");
    let (passes, told) = suite(folder.path(), true, &[]);
    assert!(passes, "{told}");
    let blessed = fs::read_to_string(&file).expect("the file");
    assert!(
        blessed.starts_with("# One run") && blessed.contains("digest#1 reports that it is done"),
        "{blessed}"
    );
    let (passes, told) = suite(folder.path(), false, &[]);
    assert!(passes, "{told}");
    fs::write(&file, blessed.replace("reports that it is done", "reports that it failed")).expect("a file");
    let (passes, told) = suite(folder.path(), false, &[]);
    assert!(!passes && told.contains("reports that it failed"), "{told}");
}

fn nothing_to_test_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let (passes, told) = suite(folder.path(), false, &[]);
    assert!(!passes && told.contains("has no scenario (*.toml)"), "{told}");
    let (passes, told) = suite(&folder.path().join("nowhere"), false, &[]);
    assert!(!passes && told.contains("could not read"), "{told}");
}
