//! What gateways left behind in odd places: main sessions, logs that contradict rows, times that never were, and
//! very much of it.

mod support;

use std::fs;
use std::path::Path;

use sametick_core::commit::Answer;
use sametick_core::effect::{Command, InputKind, Report};
use sametick_core::id::{AgentId, JobId};
use sametick_core::job::{CatchUp, Job, Overlap};
use sametick_core::ports::Store;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Span, Wall};
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{JsonStore, look};
use serde_json::{Map, Value, json};
use support::{DUE_MS, NOW_MS, Script, edit, field_files, lines, object, start_once};

const JOB: &str = "06927ce3-2a36-4fbb-9244-5e926fe0b137";
const SESSION: &str = "42002e96-65b3-40fe-84a9-6beb12d528a8";
const MAIN: &str = "agent:main:main";

fn base() -> String {
    format!("agent:main:cron:{JOB}")
}

fn sessions(dir: &Path) -> Map<String, Value> {
    object(&dir.join("sessions.json"))
}

/// The field's files with a job that sends a system event to the main session every hour, and rows of main
/// sessions that others left.
fn with_main_job() -> tempfile::TempDir {
    let dir = field_files();
    edit(&dir.path().join("jobs.json"), |jobs| {
        let job = json!({ "id": "nudge", "enabled": true, "createdAtMs": DUE_MS - 3_000_000,
            "schedule": { "kind": "every", "everyMs": 3_600_000, "anchorMs": DUE_MS }, "sessionTarget": "main",
            "wakeMode": "now", "payload": { "kind": "systemEvent", "text": "anything new?" } });
        jobs["jobs"] = json!([job]);
    });
    edit(&dir.path().join("sessions.json"), |rows| {
        rows.clear();
        for key in [MAIN, "agent:other:main", "agent:main:telegram:group:-100:topic:7", "agent:main:hook:x"] {
            rows.insert(
                key.to_owned(),
                json!({ "sessionId": key, "status": "running", "startedAt": 5, "odd": [1] }),
            );
        }
        rows[MAIN]["status"] = json!("done");
    });
    dir
}

/// Takes the job into the middle of its run, and kills the gateway there.
fn kill_at_work(dir: &Path) {
    let names = SharedNames::new();
    let mut store = JsonStore::open(dir, names.clone()).expect("files");
    let session = names.with(|names| names.sessions.intern("main-session"));
    let mut script = Script::start(&store.load().expect("rows"), store.epoch(), DUE_MS - 1_000);
    script.at(1_000, &[]).report(1_020, Report::Ready { session });
    for commit in &script.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
}

#[test]
fn a_run_in_the_main_session_is_ended_after_a_crash_and_what_others_left_there_is_theirs() {
    let dir = with_main_job();
    let before = sessions(dir.path());
    kill_at_work(dir.path());
    let row = sessions(dir.path())[MAIN].clone();
    assert_eq!(
        (&row["status"], &row["jobId"], &row["odd"]),
        (&json!("running"), &json!("nudge"), &json!([1]))
    );
    start_once(dir.path());
    let after = sessions(dir.path());
    let row = &after[MAIN];
    let said = [&row["status"], &row["errorKind"], &row["stopReason"]];
    assert_eq!(said, ["failed", "interrupted", "restart"]);
    assert_eq!(row["odd"], json!([1]));
    for (key, row) in before.iter().filter(|(key, _)| *key != MAIN) {
        assert_eq!(&after[key], row, "{key}");
    }
    assert!(!after.keys().any(|key| key.contains("cron")), "{:?}", after.keys());
}

#[test]
fn a_run_of_ours_in_the_main_session_is_ended_though_our_own_books_are_gone() {
    let dir = with_main_job();
    kill_at_work(dir.path());
    fs::remove_file(dir.path().join("sametick.json")).expect("a file");
    start_once(dir.path());
    let row = &sessions(dir.path())[MAIN];
    assert_eq!([&row["status"], &row["errorKind"]], ["failed", "interrupted"]);
    assert_eq!(sessions(dir.path())["agent:other:main"]["status"], "running");
    // The same, when its end is in the log.
    let dir = with_main_job();
    kill_at_work(dir.path());
    let run = sessions(dir.path())[MAIN]["runId"].clone();
    let line =
        json!({ "ts": DUE_MS + 50, "status": "ok", "runAtMs": DUE_MS, "durationMs": 50, "runId": run });
    fs::write(dir.path().join("runs/nudge.jsonl"), format!("{line}\n")).expect("a write");
    fs::remove_file(dir.path().join("sametick.json")).expect("a file");
    start_once(dir.path());
    let row = &sessions(dir.path())[MAIN];
    assert_eq!((&row["status"], &row["endedAt"]), (&json!("done"), &json!(DUE_MS + 50)));
}

/// The log of the job that timed out, with further lines.
fn with_lines(dir: &Path, more: &[Value]) {
    let path = dir.join(format!("runs/{JOB}.jsonl"));
    let mut text = fs::read_to_string(&path).expect("a file");
    more.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    fs::write(path, text).expect("a write");
}

#[test]
fn of_lines_that_contradict_each_other_the_nearest_and_the_last_is_believed() {
    let began = 1_795_477_383_074_i64;
    let line = |session: Option<&str>, status: &str, took: i64| json!({ "sessionId": session, "status": status, "error": "broke", "runAtMs": began, "durationMs": took });
    for (lines, status, ended) in [
        // Its own session goes before a time that fits.
        (vec![line(Some(SESSION), "error", 9_000), line(None, "ok", 9_500)], "failed", began + 9_000),
        // The last of two.
        (vec![line(Some(SESSION), "ok", 1), line(Some(SESSION), "error", 9_000)], "failed", began + 9_000),
        // Another session is another run; the line of the files fits in time.
        (vec![line(Some("other"), "ok", 9_000)], "timeout", began + 8_017),
        // A run that was skipped never ran.
        (vec![line(Some(SESSION), "skipped", 9_000)], "timeout", began + 8_017),
    ] {
        let dir = field_files();
        with_lines(dir.path(), &lines);
        start_once(dir.path());
        let row = &sessions(dir.path())[&base()];
        assert_eq!((&row["status"], &row["endedAt"]), (&json!(status), &json!(ended)), "{lines:?}");
        assert_eq!(start_once(dir.path()), 0);
    }
}

#[test]
fn times_that_never_were_neither_panic_nor_end_before_they_start() {
    let started = 1_795_477_385_605_i64;
    for at in [0, -1, i64::MIN, i64::MAX, 253_402_300_800_000, NOW_MS + 86_400_000] {
        for took in [0, 8_017, i64::MAX] {
            let dir = field_files();
            let line = json!({ "sessionId": SESSION, "status": "ok", "runAtMs": at, "durationMs": took });
            with_lines(dir.path(), &[line]);
            start_once(dir.path());
            let row = &sessions(dir.path())[&base()];
            let ended = row["endedAt"].as_i64().expect("an end");
            assert_eq!((&row["status"], ended >= started), (&json!("done"), true), "{at} {took}: {row}");
            assert_eq!(start_once(dir.path()), 0);
        }
    }
}

#[test]
fn thousands_of_rows_of_one_job_without_a_time_are_runs_of_their_own() {
    let dir = field_files();
    edit(&dir.path().join("sessions.json"), |rows| {
        for number in 0..3_000 {
            let key = format!("agent:main:cron:{JOB}:run:s{number}");
            rows.insert(key, json!({ "status": "running" }));
        }
    });
    let seen = look(dir.path(), &SharedNames::new()).expect("files");
    let mut runs: Vec<_> = seen.left.iter().map(|left| left.run).collect();
    runs.sort_unstable();
    runs.dedup();
    assert_eq!((seen.left.len(), runs.len()), (3_003, 3_003));
    start_once(dir.path());
    let after = sessions(dir.path());
    assert!(after.values().all(|row| row["status"] != "running"));
    assert_eq!(lines(&dir.path().join(format!("runs/{JOB}.jsonl"))).len(), 3_001);
    assert_eq!(start_once(dir.path()), 0);
}

#[test]
fn an_edit_changes_what_the_machine_knows_and_nothing_else_of_the_declaration() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("jobs.json");
    let job = json!({ "id": "j", "name": "Mine", "odd": [1], "enabled": true, "createdAtMs": 7, "overlap": "allow",
        "lane": "main", "misfireAfterMs": 5, "schedule": { "kind": "at", "at": "2026-12-01T00:00:00Z", "odd": 2 },
        "payload": { "kind": "agentTurn", "message": "do it", "model": "m", "timeoutSeconds": 9 },
        "delivery": { "mode": "webhook", "to": "x" } });
    fs::write(&path, json!({ "jobs": [job] }).to_string()).expect("a write");
    let names = SharedNames::new();
    let mut store = JsonStore::open(dir.path(), names).expect("a store");
    let rows = store.load().expect("rows");
    let mut edited: Job = rows.jobs[0].0;
    (edited.id, edited.agent) = (JobId(0), AgentId(0));
    (edited.overlap, edited.terms.alone, edited.catch_up) = (Overlap::Skip, true, CatchUp::Skip);
    edited.misfire_after = Job::MISFIRE_AFTER;
    edited.terms.budgets.timeout = Some(Span::from_secs(4));
    edited.schedule = Schedule::At(Wall::from_millis(1_796_083_300_000));
    let mut script = Script::start(&rows, store.epoch(), NOW_MS);
    script.at(1, &[InputKind::Command { ticket: 1, command: Command::Edit(Box::new(edited)) }]);
    for commit in &script.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    drop(store);
    let there = object(&path)["jobs"][0].clone();
    let payload = json!({ "kind": "agentTurn", "message": "do it", "model": "m", "timeoutSeconds": 4 });
    assert_eq!((&there["payload"], &there["delivery"]), (&payload, &json!({ "mode": "webhook", "to": "x" })));
    assert_eq!(
        (&there["name"], &there["odd"], &there["createdAtMs"]),
        (&json!("Mine"), &json!([1]), &json!(7))
    );
    let schedule = json!({ "odd": 2, "kind": "at", "at": "2026-12-01T00:01:40Z" });
    assert_eq!(there["schedule"], schedule);
    assert_eq!((there.get("overlap"), there.get("misfireAfterMs")), (None, None));
    let rows = JsonStore::open(dir.path(), SharedNames::new()).expect("a store").load().expect("rows");
    assert_eq!(rows.jobs[0].0, edited);
}
