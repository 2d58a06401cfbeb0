//! Whole gateways over a directory, timing out and killed. These tests take real time, since real
//! processes do.

mod hosted;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hosted::{declare, eventually, group_in_log, group_is_alive, statuses};
use sametick_core::ports::Store;
use sametick_gateway::store_json::JsonStore;
use sametick_gateway::subscribers::Channel;
use sametick_gateway::{Host, Settings, SharedNames};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

#[tokio::test]
async fn a_host_times_a_real_process_out_and_every_file_agrees() {
    let dir = tempfile::tempdir().expect("a directory");
    declare(dir.path(), 1, &["sh", "-c", "echo $$; sleep 60"]);
    let (subscriber, mut events) = Channel::new(8);
    let host = Host::open(Settings::for_dir(dir.path())).expect("a directory").subscriber(subscriber);
    let handle = host.handle();
    let running = tokio::spawn(host.run());
    assert_eq!(events.recv().await.map(|(_, event)| event.seq), Some(1));
    assert_eq!(events.recv().await.map(|(_, event)| event.seq), Some(2));
    handle.at_rest().await.expect("a driver");
    handle.stop().await.expect("a driver");
    running.await.expect("no panic").expect("a good end");
    assert_eq!(
        statuses(dir.path()),
        [(json!("timeout"), json!("timeout")), (json!("timeout"), json!("timeout"))]
    );
    assert!(!group_is_alive(&group_in_log(dir.path()).expect("the turn ran")));
    JsonStore::open(dir.path(), SharedNames::new()).expect("the lock is free").load().expect("rows");
}

#[tokio::test]
async fn a_job_that_is_declared_while_the_gateway_runs_is_kept_whole_and_runs_its_program() {
    let dir = tempfile::tempdir().expect("a directory");
    let host = Host::open(Settings::for_dir(dir.path())).expect("a directory");
    let (subscriber, mut events) = Channel::new(8);
    let host = host.subscriber(subscriber);
    let (handle, declarations) = (host.handle(), host.declarations());
    let running = tokio::spawn(host.run());
    let job = json!({ "id": "new", "odd": [1, { "two": 2.5 }], "sessionTarget": "isolated",
        "schedule": { "kind": "every", "everyMs": 50, "anchorMs": 0 },
        "payload": { "kind": "agentTurn", "message": "hello", "command": ["true"] } });
    let job = job.as_object().expect("an object").clone();
    declarations.add(&handle, job.clone()).await.expect("room");
    let again = declarations.add(&handle, job.clone()).await.expect_err("it is there");
    assert_eq!(again.to_string(), "a job with this id exists already; edit it, or choose another id");
    let mut nightly = job.clone();
    nightly.insert("schedule".to_owned(), json!({ "kind": "cron", "expr": "0 30 2 *" }));
    let refused = declarations.add(&handle, nightly).await.expect_err("cron");
    assert!(refused.to_string().starts_with("the job cannot be declared: schedule.expr"), "{refused}");
    while let Some((_, event)) = events.recv().await {
        if event.ended_at.is_some() {
            assert_eq!(event.cause, None);
            break;
        }
    }
    handle.stop().await.expect("a driver");
    running.await.expect("no panic").expect("a good end");
    let text = fs::read_to_string(dir.path().join("jobs.json")).expect("a file");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let mut kept = file["jobs"][0].as_object().expect("a job").clone();
    assert!(kept.remove("createdAtMs").is_none_or(|at| at.is_i64()));
    assert_eq!(kept, job);
}

/// Not a test of its own: the gateway that the next one kills.
#[test]
#[ignore = "the gateway that other tests kill"]
fn a_gateway_to_kill() {
    let dir = std::env::var_os("SAMETICK_TEST_DIR").expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let end = runtime.block_on(async {
        let host = Host::open(Settings::for_dir(dir)).expect("a directory");
        let _stays_open = host.handle();
        host.run().await
    });
    panic!("nobody stops it: {end:?}");
}

#[tokio::test]
async fn a_gateway_that_is_killed_leaves_no_session_at_work_and_no_turn() {
    let dir = tempfile::tempdir().expect("a directory");
    declare(dir.path(), 600, &["sh", "-c", "trap '' TERM; echo $$; sleep 300 & sleep 300"]);
    let mut gateway = gateway_on(dir.path());
    eventually("the session is at work", || {
        statuses(dir.path()).iter().any(|(status, _)| status == "running")
            && group_in_log(dir.path()).is_some()
    })
    .await;
    gateway.kill().expect("SIGKILL");
    gateway.wait().expect("an end");
    let group = group_in_log(dir.path()).expect("a turn");
    assert!(group_is_alive(&group), "a turn outlives its gateway");

    let mut settings = Settings::for_dir(dir.path());
    settings.turns.kill_after = Duration::from_millis(100);
    let host = Host::open(settings).expect("the lock went with the process");
    let handle = host.handle();
    let running = tokio::spawn(host.run());
    handle.at_rest().await.expect("a driver");
    assert!(!group_is_alive(&group));
    let wanted = (json!("failed"), json!("restart"));
    assert_eq!(statuses(dir.path()), [wanted.clone(), wanted]);
    let log = fs::read_to_string(dir.path().join("runs/job.jsonl")).expect("a log");
    let line: Value = serde_json::from_str(log.trim()).expect("one line");
    assert_eq!((&line["outcome"], &line["phase"]), (&json!("interrupted"), &json!("running")));
    handle.stop().await.expect("a driver");
    running.await.expect("no panic").expect("a good end");
}

/// A gateway in a process of its own.
fn gateway_on(dir: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_gateway_to_kill", "--ignored"])
        .env("SAMETICK_TEST_DIR", dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("a gateway")
}

#[tokio::test]
async fn a_gateway_that_is_killed_again_and_again_never_lies_and_writes_each_run_once() {
    let dir = tempfile::tempdir().expect("a directory");
    kill_again_and_again(dir.path()).await;
}

#[tokio::test]
async fn nor_does_one_whose_documents_are_so_large_that_they_lag() {
    let dir = tempfile::tempdir().expect("a directory");
    let large = json!({ "agent:main:telegram:1": { "padding": vec!["x".repeat(1_000); 1_000] } });
    fs::write(dir.path().join("sessions.json"), large.to_string()).expect("a write");
    kill_again_and_again(dir.path()).await;
    // Whatever was in the journal alone is in the documents after a start.
    drop(JsonStore::open(dir.path(), SharedNames::new()).expect("the lock went with the process"));
    assert_eq!(fs::read(dir.path().join("sametick-journal.jsonl")).expect("a journal"), b"");
    look(dir.path());
}

async fn kill_again_and_again(dir: &Path) {
    let job = |number: u32, timeout: f64| {
        json!({ "id": format!("j{number}"), "enabled": true, "createdAtMs": 0, "sessionTarget": "isolated",
            "schedule": { "kind": "every", "everyMs": 150 + 13 * number },
            "payload": { "kind": "agentTurn", "timeoutSeconds": timeout, "command": ["sleep", "0.05"] } })
    };
    let jobs = json!({ "version": 1, "jobs": [job(0, 5.0), job(1, 0.03), job(2, 5.0)] });
    fs::write(dir.join("jobs.json"), jobs.to_string()).expect("a write");
    for lives_ms in [40, 310, 120, 265, 77, 402, 198, 233] {
        let mut gateway = gateway_on(dir);
        let until = Instant::now() + Duration::from_millis(lives_ms);
        while Instant::now() < until {
            look(dir);
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(gateway.try_wait().expect("a child"), None, "it runs until it is killed");
        gateway.kill().expect("SIGKILL");
        gateway.wait().expect("an end");
    }
    assert!(look(dir) >= 3, "runs came to an end meanwhile");
}

/// Reads outcomes first and sessions after them; how many runs are over.
fn look(dir: &Path) -> usize {
    let logs = fs::read_dir(dir.join("runs")).into_iter().flatten().flatten();
    let logs: String = logs.map(|log| fs::read_to_string(log.path()).expect("a log")).collect();
    let lines: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let runs: Vec<String> = lines.iter().map(|line| line["runId"].to_string()).collect();
    let once: BTreeSet<&String> = runs.iter().collect();
    assert_eq!(once.len(), runs.len(), "a run has two lines");
    let sessions = fs::read_to_string(dir.join("sessions.json")).unwrap_or_else(|_| "{}".to_owned());
    let sessions: Map<String, Value> = serde_json::from_str(&sessions).expect("sessions");
    for (key, row) in sessions.iter().filter(|(_, row)| row["status"] == "running") {
        assert!(!once.contains(&row["runId"].to_string()), "{key} is at work and over: {row}");
    }
    runs.len()
}
