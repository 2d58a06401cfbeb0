//! What becomes of each request while a run of its job is queued, starting, running, draining, or waits to be tried
//! again: the whole table, as it is told.

use std::fmt::Write as _;

use sametick_core::run::Shape;
use sametick_sim::{Scenario, Subject, campaign, story};

/// Where a run is five seconds after the world began, and what brings it there.
const PHASES: [(&str, &str); 5] = [
    ("queued", "[[job]]\nname = \"other\"\nat = \"500ms\"\n[[turn]]\nof = \"other\"\ntakes = \"10s\"\n"),
    ("starting", "[[turn]]\nof = \"digest#1\"\nready = \"10s\"\n"),
    ("running", "[[turn]]\nof = \"digest#1\"\ntakes = \"10s\"\n"),
    (
        "draining",
        "[[turn]]\nof = \"digest#1\"\ntakes = \"never\"\nstops = \"9s\"\n[[do]]\nat = \"4s\"\ncancel = \"digest#1\"\n",
    ),
    ("waiting to retry", "[[turn]]\nof = \"digest#1.1\"\nends = \"failed\"\nfailure = \"network\"\n"),
];

const REQUESTS: [(&str, &str); 6] = [
    ("run now", "[[do]]\nat = \"5s\"\nrun = \"digest\"\n"),
    ("pause", "[[do]]\nat = \"5s\"\npause = \"digest\"\n"),
    ("edit", "[[do]]\nat = \"5s\"\nedit = \"digest\"\nlike = \"tight\"\n"),
    ("disable", "[[do]]\nat = \"5s\"\ndisable = \"digest\"\n"),
    ("remove", "[[do]]\nat = \"5s\"\nremove = \"digest\"\n"),
    (
        "remove and add again",
        "[[do]]\nat = \"5s\"\nremove = \"digest\"\n[[do]]\nat = \"6s\"\nadd = \"digest\"\n",
    ),
];

const JOBS: &str = r#"
[[job]]
name = "digest"
every = "30s"
from = "1s"
timeout = "20s"
attempts = 2
backoff = ["10s"]

[[job]]
name = "tight"
every = "30s"
from = "1s"
timeout = "500ms"
declared = false
"#;

#[test]
fn each_request_meets_each_phase_and_every_check_holds() {
    let mut told = String::new();
    for (request, asks) in REQUESTS {
        for (phase, brings) in PHASES {
            let text = format!("# {request}, while {phase}.\nuntil = \"50s\"\n{JOBS}\n{brings}\n{asks}\n");
            let mut scenario = Scenario::parse("requests.toml", &text).expect("it reads");
            let transcript = story::transcript(&scenario, Subject::Core(Shape::Emit), 0);
            scenario.expect = Some(transcript.clone());
            let report = campaign::run(&scenario, Subject::Core(Shape::Emit), 0..1);
            assert!(report.holds(), "{request} while {phase}: {:?}\n{transcript}", report.failures);
            writeln!(told, "{request}, while {phase}").expect("a text takes it");
            let asked =
                transcript.lines().skip_while(|line| !line.contains("somebody") || line.contains("cancels"));
            for line in asked.filter(|line| is_telling(line)) {
                writeln!(told, "    {}", line.trim()).expect("a text takes it");
            }
        }
    }
    insta::assert_snapshot!(told);
}

/// What subscribers hear follows from the commits.
fn is_telling(line: &str) -> bool {
    !line.contains("tell subscribers") && !line.contains("other#1 reports")
}
