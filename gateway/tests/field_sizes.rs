//! Directories of every size: they load, what was left running in them ends, and jobs run in them.
//!
//! `cargo test --release -p sametick-gateway --test field_sizes -- --ignored --nocapture` runs the long form, which
//! takes minutes and some gigabytes, and prints the figures of `docs/field-files.md`.

#![allow(clippy::print_stdout, reason = "the long form is there for its figures")]

mod support;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use sametick_core::commit::Answer;
use sametick_core::effect::Report;
use sametick_core::ports::Store;
use sametick_core::session::Status;
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{Disk, JsonStore, LeftRun, RealDisk};
use serde_json::Value;
use support::{DUE_MS, Script, lines, object};

/// What a generated directory holds.
#[derive(Clone, Copy)]
struct Size {
    jobs: usize,
    /// Rows, of which each job has its base row and as many of runs as it takes.
    sessions: usize,
    /// Of how many jobs the base row and a run's row say that a run is at work.
    running: usize,
}

/// A job that is due at `DUE_MS` if it is the first, and a year later otherwise.
fn job(place: usize) -> String {
    let due = if place == 0 { DUE_MS } else { DUE_MS + 31_536_000_000 };
    format!(
        "    {{\n      \"id\": \"job-{place:06}\",\n      \"name\": \"Job {place}\",\n      \"enabled\": true,\n      \
         \"createdAtMs\": 1795478549837,\n      \"schedule\": {{\n        \"kind\": \"at\",\n        \"at\": {due}\n      \
         }},\n      \"sessionTarget\": \"isolated\",\n      \"wakeMode\": \"now\",\n      \"payload\": {{\n        \
         \"kind\": \"agentTurn\",\n        \"message\": \"do it\",\n        \"timeoutSeconds\": 22\n      }},\n      \
         \"delivery\": {{\n        \"mode\": \"none\"\n      }},\n      \"state\": {{}}\n    }}"
    )
}

fn state(place: usize) -> String {
    format!(
        "    \"job-{place:06}\": {{\n      \"updatedAtMs\": 1795477322141,\n      \"state\": {{\n        \
         \"lastDeliveryStatus\": \"not-requested\",\n        \"consecutiveErrors\": 0\n      }}\n    }}"
    )
}

fn row(key: &str, session: &str, running: bool) -> String {
    let status = if running { "running" } else { "done" };
    let mut row =
        format!("  \"{key}\": {{\n    \"sessionId\": \"{session}\",\n    \"updatedAt\": 1795477303725,\n");
    let _infallible = write!(
        row,
        "    \"systemSent\": true,\n    \"sessionFile\": \"{session}.jsonl\",\n    \"label\": \"Cron: generated\",\n    \
         \"skillsSnapshot\": {{\n      \"prompt\": \"\",\n      \"skills\": []\n    }},\n    \"modelProvider\": \
         \"fake\",\n    \"model\": \"fake-1\",\n    \"status\": \"{status}\",\n    \"startedAt\": 1795477385605,\n    \
         \"abortedLastRun\": false,\n    \"totalTokens\": 10,\n    \"estimatedCostUsd\": 0.10\n  }}"
    );
    row
}

fn document(path: &Path, before: &str, items: impl Iterator<Item = String>, after: &str) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let mut between = "";
    file.write_all(before.as_bytes()).expect("a write");
    for item in items {
        file.write_all(between.as_bytes()).and_then(|()| file.write_all(item.as_bytes())).expect("a write");
        between = ",\n";
    }
    file.write_all(after.as_bytes()).expect("a write");
    file.flush().expect("a write");
}

impl Size {
    fn generate(self, dir: &Path) {
        fs::create_dir_all(dir.join("runs")).expect("a directory");
        let Self { jobs, sessions, running } = self;
        document(
            &dir.join("jobs.json"),
            "{\n  \"version\": 1,\n  \"jobs\": [\n",
            (0..jobs).map(job),
            "\n  ]\n}",
        );
        let states = (0..jobs).map(state);
        document(&dir.join("jobs-state.json"), "{\n  \"version\": 1,\n  \"jobs\": {\n", states, "\n  }\n}");
        let rows = (0..sessions).map(|place| {
            let (job, run) = (place % jobs, place / jobs);
            let latest = (sessions - 1 - job) / jobs;
            // The latest run's session is the base row's too.
            let session = format!("{job:08x}-{:04x}-4000-8000-000000000000", run.max(1).min(latest.max(1)));
            let base = format!("agent:main:cron:job-{job:06}");
            if run == 0 {
                let session = format!("{job:08x}-{latest:04x}-4000-8000-000000000000");
                row(&base, &session, job < running)
            } else {
                row(&format!("{base}:run:{session}"), &session, job < running && run == latest)
            }
        });
        document(&dir.join("sessions.json"), "{\n", rows, "\n}");
        // Of every second run the log knows how it ended.
        for job in (0..running).step_by(2) {
            let line = format!(
                "{{\"ts\":1795477391104,\"jobId\":\"job-{job:06}\",\"action\":\"finished\",\"status\":\"error\",\"error\":\
                 \"cron: job execution timed out\",\"runAtMs\":1795477383074,\"durationMs\":8017}}\n"
            );
            fs::write(dir.join(format!("runs/job-{job:06}.jsonl")), line).expect("a write");
        }
    }
}

/// Starts on the directory, ends what was left, and takes the first job into its timeout. `tell` hears how long
/// each step took.
fn live_through(dir: &Path, size: Size, tell: impl Fn(&str, Duration)) {
    let names = SharedNames::new();
    let (took, store) = timed(|| JsonStore::open(dir, names.clone()));
    tell("open", took);
    let mut store = store.expect("a store");
    let (took, rows) = timed(|| store.load());
    tell("load", took);
    let rows = rows.expect("rows");
    assert_eq!((rows.jobs.len(), store.skipped().len()), (size.jobs, 0));
    assert_eq!(store.left().len(), size.running);
    let logged = store.left().iter().filter(|left: &&LeftRun| left.line.is_some()).count();
    assert_eq!(logged, size.running.div_ceil(2));
    let session = names.with(|names| names.sessions.intern("new-session"));
    let (took, mut script) = timed(|| Script::start(&rows, store.epoch(), DUE_MS - 1_000));
    tell("first tick", took);
    let recovered = script.commits.len();
    script.at(1_000, &[]).report(1_020, Report::Ready { session });
    script.at(1_000 + 22_000, &[]).report(23_005, Report::Stopped);
    for (place, commit) in script.commits.iter().enumerate() {
        let (took, answer) = timed(|| store.commit(commit));
        let part = if place < recovered { "recovery" } else { "run" };
        tell(&format!("commit of the {part}, {} session patches", commit.sessions.len()), took);
        assert_eq!(answer, Answer::Applied);
    }
    let (took, ()) = timed(|| while store.do_put_off() {});
    tell("rewrite of the documents", took);
    assert!(!store.has_put_off());
}

#[allow(clippy::disallowed_methods, reason = "figures for people; no test depends on them")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = std::time::Instant::now();
    let done = work();
    (began.elapsed(), done)
}

/// Everything that was at work is over, in every file.
fn check(dir: &Path, size: Size) {
    let sessions = object(&dir.join("sessions.json"));
    assert_eq!(sessions.len(), size.sessions + 1);
    assert!(sessions.values().all(|row| row["status"] != "running"));
    let with = |status: Status| sessions.values().filter(|row| row["status"] == status.name()).count();
    let timed_out = size.running.div_ceil(2) * 2;
    // The base row of the first job speaks of its new run, which timed out too.
    assert_eq!(with(Status::Timeout), timed_out + 1);
    let line = lines(&dir.join("runs/job-000000.jsonl")).pop().expect("a line");
    assert_eq!(
        (&line["outcome"], &line["sessionId"]),
        (&Value::from("timed out"), &Value::from("new-session"))
    );
}

#[test]
fn hundreds_of_jobs_and_thousands_of_sessions_load_run_and_end() {
    let size = Size { jobs: 300, sessions: 2_400, running: 150 };
    let dir = tempfile::tempdir().expect("a directory");
    size.generate(dir.path());
    live_through(dir.path(), size, |_, _| {});
    check(dir.path(), size);
}

#[test]
#[ignore = "takes minutes and gigabytes; prints figures"]
fn a_hundred_thousand_jobs_and_a_million_sessions_load_run_and_end() {
    for (jobs, sessions, running) in [
        (10, 100, 4),
        (100, 1_000, 4),
        (1_000, 10_000, 100),
        (10_000, 100_000, 1_000),
        (100_000, 1_000_000, 5_000),
    ] {
        let size = Size { jobs, sessions, running };
        let dir = tempfile::tempdir().expect("a directory");
        size.generate(dir.path());
        let bytes = fs::metadata(dir.path().join("sessions.json")).expect("a file").len();
        println!("{jobs} jobs, {sessions} sessions ({} KiB), {running} left running", bytes / 1_024);
        live_through(dir.path(), size, |what, took| println!("  {took:>10.2?}  {what}"));
        println!("  {:>10.2?}  a bare durable append of 1 KiB, median of 21", bare_append(dir.path()));
        println!("  {:>10}  resident at most", peak());
        let log = dir.path().join("runs/job-000000.jsonl");
        assert!(fs::read_to_string(&log).expect("a log").contains("new-session"));
    }
}

/// What the disk itself needs to make a line durable: no commit can be faster.
fn bare_append(dir: &Path) -> Duration {
    let (path, line) = (dir.join("bare"), [b'x'; 1_024]);
    let once = |place: u64| timed(|| RealDisk.append(&path, place * 1_024, &line).expect("an append")).0;
    let mut took: Vec<Duration> = (0..21).map(once).collect();
    took.sort_unstable();
    took[10]
}

/// The most memory this process ever had.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or_else(String::new, |line| line.replace("VmHWM:", "").trim().to_owned())
}
