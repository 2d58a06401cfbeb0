//! The JSON store on the field's real files: what it keeps, and what it refuses.

mod support;

use std::fs;
use std::path::Path;

use sametick_core::commit::Answer;
use sametick_core::effect::{Command, InputKind, Report};
use sametick_core::id::{AgentId, JobId};
use sametick_core::job::{Budgets, Job};
use sametick_core::ports::Store;
use sametick_core::schedule::{Cron, Schedule, stagger};
use sametick_core::session::Status;
use sametick_core::time::{Span, Wall};
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{JsonStore, StoreError};
use serde_json::{Map, Value, json};
use support::{DUE_MS, RECURRING, Script, TIMEOUT_MS, contents, field_files, lines, object};

/// What the machine writes into a session row.
const LIFECYCLE: [&str; 14] = [
    "sessionId",
    "status",
    "startedAt",
    "endedAt",
    "runtimeMs",
    "updatedAt",
    "runId",
    "jobId",
    "seq",
    "error",
    "errorKind",
    "stopReason",
    "timeoutBudget",
    "timeoutPhase",
];

/// Runs the recurring job into its timeout; the store holds the end of it.
fn time_out(dir: &Path) -> (JsonStore, Script) {
    let names = SharedNames::new();
    let mut store = JsonStore::open(dir, names.clone()).expect("the field's files");
    let rows = store.load().expect("the field's files");
    let session = names.with(|names| names.sessions.intern("new-session"));
    let mut script = Script::start(&rows, store.epoch(), DUE_MS - 1_000);
    script.at(1_000, &[]).report(1_020, Report::Ready { session });
    script.at(1_000 + TIMEOUT_MS, &[]).report(1_000 + TIMEOUT_MS + 5, Report::Stopped);
    for commit in &script.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    (store, script)
}

fn without_lifecycle(row: &Value) -> Vec<(&String, &Value)> {
    let fields = row.as_object().expect("a row").iter();
    fields.filter(|(field, _)| !LIFECYCLE.contains(&field.as_str())).collect()
}

#[test]
fn unknown_fields_of_sessions_survive_in_meaning_and_order() {
    let dir = field_files();
    let before = object(&dir.path().join("sessions.json"));
    time_out(dir.path());
    let after = object(&dir.path().join("sessions.json"));
    let keys: Vec<&String> = before.keys().collect();
    assert_eq!(after.keys().take(keys.len()).collect::<Vec<_>>(), keys);
    for (key, row) in &before {
        assert_eq!(without_lifecycle(&after[key]), without_lifecycle(row), "{key}");
    }
}

#[test]
fn rows_and_states_that_say_nothing_untrue_are_untouched() {
    let dir = field_files();
    let (sessions, states) =
        (object(&dir.path().join("sessions.json")), object(&dir.path().join("jobs-state.json")));
    time_out(dir.path());
    let after = object(&dir.path().join("sessions.json"));
    let recurring = format!("agent:main:cron:{RECURRING}");
    let mut untouched = 0;
    for (key, row) in sessions.iter().filter(|(key, _)| **key != recurring) {
        let left = sessions.values().any(|running| {
            running["sessionId"] == row["sessionId"] && running.get("status") == Some(&json!("running"))
        });
        if !left {
            assert_eq!(after[key].to_string(), row.to_string(), "{key}");
            untouched += 1;
        }
    }
    assert_eq!(untouched, 5);
    let after = object(&dir.path().join("jobs-state.json"));
    for (job, state) in
        states["jobs"].as_object().expect("states").iter().filter(|(job, _)| *job != RECURRING)
    {
        assert_eq!(after["jobs"][job].to_string(), state.to_string(), "{job}");
    }
}

#[test]
fn a_timeout_shows_in_every_file_with_its_reason_and_key() {
    let dir = field_files();
    time_out(dir.path());
    let base = format!("agent:main:cron:{RECURRING}");
    let own = format!("{base}:run:new-session");
    let sessions = object(&dir.path().join("sessions.json"));
    for key in [&base, &own] {
        let row = &sessions[key];
        let said = [&row["status"], &row["errorKind"], &row["stopReason"], &row["timeoutPhase"]];
        assert_eq!(said, ["timeout", "timeout", "timeout", "running"], "{key}");
        assert_eq!((&row["startedAt"], &row["endedAt"]), (&json!(DUE_MS + 20), &json!(DUE_MS + 22_000)));
    }
    let log = lines(&dir.path().join("runs").join(format!("{RECURRING}.jsonl")));
    let line = log.last().expect("a line");
    assert_eq!((log.len(), &line["status"], &line["outcome"]), (3, &json!("error"), &json!("timed out")));
    assert_eq!((&line["sessionKey"], &line["durationMs"]), (&json!(own), &json!(22_000)));
    let state = &object(&dir.path().join("jobs-state.json"))["jobs"][RECURRING]["state"];
    assert_eq!((&state["lastRunStatus"], &state["lastErrorReason"]), (&json!("error"), &json!("timeout")));
    assert_eq!(state["lastDeliveryStatus"], "not-requested");
    assert_eq!(state.get("runningAtMs"), None);
}

#[test]
fn numbers_of_others_survive_exactly() {
    let dir = field_files();
    let path = dir.path().join("sessions.json");
    let odd = r#"{"a":0.1,"b":1e21,"c":-0.000001234,"d":9007199254740993,"e":18446744073709551615,"f":5e-324,"g":1.7976931348623157e308,"h":2.5,"i":123456789.123456789}"#;
    let mut sessions = object(&path);
    let key = format!("agent:main:cron:{RECURRING}");
    sessions[&key]["odd"] = serde_json::from_str(odd).expect("numbers");
    let said = sessions[&key]["odd"].to_string();
    fs::write(&path, serde_json::to_string(&sessions).expect("text")).expect("a write");
    time_out(dir.path());
    assert_eq!(object(&path)[&key]["odd"].to_string(), said);
    assert!(said.contains("9007199254740993") && said.contains("18446744073709551615"), "{said}");
}

/// What no program of ours would write, and what none may lose: spellings of numbers, numbers that no type
/// holds, texts that are no Unicode, members that are there twice, tabs.
const ODD: &str = "\t\"odd\" :{\"n\":[1.50e+3, 123456789012345678901234567890,-0,1E999],\
                   \"cut\":\"\\ud83d\",\"x\":1,\"x\" : 2 },\r\n";

/// Puts a text behind each opening brace of a JSON text that begins a line's end.
fn with_odd(path: &Path) {
    let text = fs::read_to_string(path).expect("a file");
    fs::write(path, text.replace("{\n", &format!("{{\n{ODD}"))).expect("a write");
}

#[test]
fn every_byte_that_is_not_ours_survives_every_rewrite() {
    let dir = field_files();
    let paths = ["sessions.json", "jobs.json", "jobs-state.json"].map(|name| dir.path().join(name));
    // A state that says nothing yet, and a log that others write in.
    paths.iter().for_each(|path| with_odd(path));
    let log = dir.path().join("runs").join(format!("{RECURRING}.jsonl"));
    let odd_line = format!("{{{}\"last\":1}}\n", ODD.replace("\r\n", ""));
    fs::write(&log, format!("{odd_line}{}", fs::read_to_string(&log).expect("a file"))).expect("a write");
    // Its rows are objects at the top level too, and a row that is none would be refused.
    let before = paths.clone().map(|path| fs::read_to_string(path).expect("a file"));
    let (mut store, mut script) = time_out(dir.path());
    let done = script.commits.len();
    let disabled = Command::Disable(JobId(4));
    script.at(60_000, &[InputKind::Command { ticket: 1, command: disabled }]);
    let job = Job::new(JobId(5), AgentId(0), Schedule::At(Wall::from_millis(DUE_MS + 90_000)));
    script.at(60_001, &[InputKind::Command { ticket: 2, command: Command::Add(Box::new(job)) }]);
    script.at(60_002, &[InputKind::Command { ticket: 3, command: Command::Remove(JobId(5)) }]);
    for commit in &script.commits[done..] {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    for (path, before) in paths.iter().zip(before) {
        let after = fs::read_to_string(path).expect("a file");
        let count = |text: &str| text.matches(ODD).count();
        assert!(count(&before) > 3 && count(&after) >= count(&before), "{}", path.display());
        let ours = ["enabled", "nextRunAtMs", "consecutiveErrors", "updatedAtMs", "lastError"];
        let mut left = after.lines().peekable();
        for line in before.lines() {
            let field = line.split('"').nth(1).unwrap_or_default();
            if LIFECYCLE.contains(&field) || ours.contains(&field) || field.starts_with("last") {
                continue;
            }
            // A member behind it makes it end in a comma.
            let same = |new: &&str| *new == line || new.strip_suffix(',') == Some(line);
            assert!(left.any(|new| same(&new)), "{}: {line}", path.display());
        }
    }
    assert!(fs::read_to_string(&log).expect("a file").starts_with(&odd_line));
}

#[test]
fn what_others_write_while_the_gateway_runs_is_not_lost() {
    let dir = field_files();
    let (mut store, mut script) = time_out(dir.path());
    let path = dir.path().join("sessions.json");
    let mut sessions = object(&path);
    let key = format!("agent:main:cron:{RECURRING}");
    sessions[&key]["inputTokens"] = json!(77);
    sessions.insert("agent:main:main".to_owned(), json!({ "sessionId": "m" }));
    fs::write(&path, serde_json::to_string(&sessions).expect("text")).expect("a write");
    let done = script.commits.len();
    script.at(3_700_000, &[]);
    let session = sametick_core::id::SessionId(0);
    script.report(3_700_010, Report::Ready { session });
    for commit in &script.commits[done..] {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    let after = object(&path);
    assert_eq!((&after[&key]["inputTokens"], &after[&key]["status"]), (&json!(77), &json!("running")));
    assert_eq!(after["agent:main:main"]["sessionId"], "m");
}

#[test]
fn a_job_declared_while_the_gateway_runs_is_there_after_a_restart() {
    let dir = field_files();
    let (mut store, mut script) = time_out(dir.path());
    let names = SharedNames::new();
    let done = script.commits.len();
    let id = JobId(5);
    let budgets = Budgets { timeout: Some(Span::from_secs(9)), ..Budgets::default() };
    let schedule = Schedule::At(Wall::from_millis(DUE_MS + 90_000));
    let job = Job::new(id, AgentId(0), schedule).with_budgets(budgets);
    script.at(60_000, &[InputKind::Command { ticket: 1, command: Command::Add(Box::new(job)) }]);
    for commit in &script.commits[done..] {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    drop(store);
    let rows = JsonStore::open(dir.path(), names).expect("files").load().expect("rows");
    let (read, row) = rows.jobs.last().expect("the new job");
    assert_eq!((read.schedule, read.terms.budgets), (schedule, budgets));
    assert_eq!(row.next_due, Some(Wall::from_millis(DUE_MS + 90_000)));
}

#[test]
fn jobs_that_are_not_run_stay_in_the_file_and_say_why() {
    let dir = field_files();
    let path = dir.path().join("jobs.json");
    let mut jobs = object(&path);
    let list = jobs["jobs"].as_array_mut().expect("a list");
    list.push(
        json!({ "id": "nightly", "schedule": { "kind": "cron", "expr": "0 3 * * *", "tz": "Europe/Berln" },
        "sessionTarget": "isolated", "payload": { "kind": "agentTurn", "message": "x" }, "odd": [1, null] }),
    );
    list.push(json!({ "name": "nameless" }));
    fs::write(&path, serde_json::to_string_pretty(&jobs).expect("text")).expect("a write");
    let before = fs::read(&path).expect("a file");
    let (store, _) = time_out(dir.path());
    let said: Vec<String> =
        store.skipped().iter().map(|skip| format!("{}: {}", skip.job, skip.why)).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(
        said[0],
        "nightly: schedule.tz: there is no time zone \"Europe/Berln\"; did you mean Europe/Berlin?"
    );
    assert_eq!(said[1], "jobs[6]: id is missing; write a text that no other job has");
    assert_eq!(fs::read(&path).expect("a file"), before);
}

#[test]
fn a_cron_job_of_the_field_is_scheduled_and_stays_as_it_was_written() {
    let dir = field_files();
    let path = dir.path().join("jobs.json");
    let mut jobs = object(&path);
    jobs["jobs"].as_array_mut().expect("a list").push(json!({
        "id": "hourly", "createdAtMs": DUE_MS, "sessionTarget": "isolated", "odd": 1,
        "schedule": { "kind": "cron", "expr": "@hourly", "tz": "europe/berlin", "odd": [null] },
        "payload": { "kind": "agentTurn", "message": "x" },
    }));
    fs::write(&path, serde_json::to_string_pretty(&jobs).expect("text")).expect("a write");
    let before = fs::read(&path).expect("a file");
    drop(time_out(dir.path()));
    let rows = JsonStore::open(dir.path(), SharedNames::new()).expect("files").load().expect("rows");
    let (job, row) = rows.jobs.last().expect("the new job");
    let hourly = Cron::parse("0 * * * *", "Europe/Berlin").expect("an expression");
    let hourly = Schedule::Cron(hourly.with_stagger_ms(stagger::offset("hourly", 300_000)));
    assert_eq!((job.schedule, row.next_due), (hourly, hourly.next_after(Wall::from_millis(DUE_MS))));
    assert_eq!(fs::read(&path).expect("a file"), before);
}

#[test]
fn states_inside_jobs_json_are_read_and_carried_over() {
    let dir = field_files();
    fs::remove_file(dir.path().join("jobs-state.json")).expect("a file");
    let path = dir.path().join("jobs.json");
    let mut jobs = object(&path);
    jobs["jobs"][4]["state"] = json!({ "nextRunAtMs": DUE_MS, "oddStreak": 4, "consecutiveErrors": 2 });
    fs::write(&path, serde_json::to_string_pretty(&jobs).expect("text")).expect("a write");
    time_out(dir.path());
    let state = &object(&dir.path().join("jobs-state.json"))["jobs"][RECURRING]["state"];
    assert_eq!((&state["oddStreak"], &state["consecutiveErrors"]), (&json!(4), &json!(3)));
}

#[test]
fn a_marker_that_another_gateway_left_is_taken_off() {
    let dir = field_files();
    let path = dir.path().join("jobs-state.json");
    let mut states = object(&path);
    states["jobs"][RECURRING]["state"]["runningAtMs"] = json!(DUE_MS - 9_000);
    fs::write(&path, serde_json::to_string_pretty(&states).expect("text")).expect("a write");
    let mut store = JsonStore::open(dir.path(), SharedNames::new()).expect("files");
    let rows = store.load().expect("rows");
    let script = Script::start(&rows, store.epoch(), DUE_MS - 1_000);
    assert_eq!(store.commit(&script.commits[0]), Answer::Applied);
    assert_eq!(object(&path)["jobs"][RECURRING]["state"].get("runningAtMs"), None);
}

#[test]
fn a_restart_finds_what_the_commits_said() {
    let dir = field_files();
    let names = SharedNames::new();
    let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
    let rows = store.load().expect("rows");
    let session = names.with(|names| names.sessions.intern("new-session"));
    let mut script = Script::start(&rows, store.epoch(), DUE_MS - 1_000);
    script.at(1_000, &[]).report(1_020, Report::Ready { session });
    for commit in &script.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    drop(store);
    let rows = JsonStore::open(dir.path(), names).expect("files").load().expect("rows");
    let last = script.commits.last().expect("commits");
    assert_eq!((rows.runs.len(), rows.runs[0]), (1, last.runs[0]));
    // Nobody acknowledged the ends of what another gateway left behind either.
    assert_eq!(rows.events.len(), 4);
    assert_eq!(rows.events.last(), last.events.last());
    assert_eq!(rows.last_commit, last.number);
    let running: Vec<_> = rows.sessions.iter().filter(|row| row.run == Some(script.run())).collect();
    assert_eq!(running.len(), 2);
    assert!(running.iter().all(|row| row.status == Some(Status::Running) && row.session == Some(session)));
    let (_, job) = rows.jobs.iter().find(|(job, _)| job.id == script.run().job).expect("the job");
    assert_eq!(job.running, Some(script.run()));
}

#[test]
fn a_file_that_breaks_while_the_gateway_runs_is_not_overwritten_and_the_commit_is_kept() {
    let dir = field_files();
    let (mut store, mut script) = time_out(dir.path());
    let done = script.commits.len();
    script.at(3_700_000, &[]);
    let session = sametick_core::id::SessionId(0);
    script.report(3_700_010, Report::Ready { session });
    let path = dir.path().join("sessions.json");
    let good = fs::read(&path).expect("a file");
    fs::write(&path, "").expect("a write");
    let [grant, ready] = &script.commits[done..] else { panic!("two commits") };
    assert_eq!(store.commit(grant), Answer::Applied);
    assert_eq!(store.commit(ready), Answer::NotApplied);
    assert_eq!(fs::read(&path).expect("a file"), b"");
    fs::write(&path, good).expect("a write");
    assert_eq!(store.commit(ready), Answer::Applied);
}

#[test]
fn a_second_gateway_on_a_directory_is_refused_and_the_next_one_has_a_newer_epoch() {
    let dir = field_files();
    let first = JsonStore::open(dir.path(), SharedNames::new()).expect("files");
    let second = JsonStore::open(dir.path(), SharedNames::new()).expect_err("a second gateway");
    assert!(matches!(second, StoreError::Locked { .. }), "{second}");
    assert!(second.to_string().contains("another gateway works on"), "{second}");
    let epoch = first.epoch();
    drop(first);
    assert_eq!(JsonStore::open(dir.path(), SharedNames::new()).expect("files").epoch(), epoch + 1);
}

#[test]
fn a_commit_of_an_older_owner_is_fenced_a_repeat_ignored_a_gap_refused() {
    let dir = field_files();
    let (mut store, script) = time_out(dir.path());
    let before = contents(dir.path());
    let mut commit = script.commits[1].clone();
    assert_eq!(store.commit(&commit), Answer::Applied);
    commit.number = script.commits.last().expect("commits").number + 2;
    assert_eq!(store.commit(&commit), Answer::NotApplied);
    commit.epoch -= 1;
    assert_eq!(store.commit(&commit), Answer::Fenced);
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn rows_that_the_fields_gateway_left_running_are_listed() {
    let dir = field_files();
    let store = JsonStore::open(dir.path(), SharedNames::new()).expect("files");
    let own = format!("agent:main:cron:{RECURRING}:run:0fe9bef0-5b7c-40be-993d-00589caf5397");
    let jobs = ["06927ce3-2a36-4fbb-9244-5e926fe0b137", "dc34b8b4-ddca-4278-91aa-22005e0f6bc7", RECURRING];
    let wanted: Vec<String> = jobs.iter().map(|job| format!("agent:main:cron:{job}")).chain([own]).collect();
    assert_eq!(store.stale(), wanted);
}

#[test]
fn a_new_directory_is_an_empty_store() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = JsonStore::open(dir.path().join("new"), SharedNames::new()).expect("a store");
    assert_eq!(store.load().expect("rows"), sametick_core::commit::Rows::default());
}

#[test]
fn private_files_stay_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = field_files();
    let path = dir.path().join("sessions.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("permissions");
    time_out(dir.path());
    let mode = |name: &str| fs::metadata(dir.path().join(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("sessions.json"), mode("sametick.json")), (0o640, 0o600));
}

#[test]
fn a_start_inherits_nothing_from_the_row_before_it() {
    let dir = field_files();
    let path = dir.path().join("sessions.json");
    let mut sessions = object(&path);
    let key = format!("agent:main:cron:{RECURRING}");
    let mut old: Map<String, Value> = sessions[&key].as_object().expect("a row").clone();
    for (field, value) in [
        ("endedAt", json!(5)),
        ("error", json!("old")),
        ("errorKind", json!("timeout")),
        ("runtimeMs", json!(4)),
    ] {
        old.insert(field.to_owned(), value);
    }
    sessions.insert(key.clone(), Value::Object(old));
    fs::write(&path, serde_json::to_string(&sessions).expect("text")).expect("a write");
    let names = SharedNames::new();
    let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
    let session = names.with(|names| names.sessions.intern("s"));
    let mut script = Script::start(&store.load().expect("rows"), store.epoch(), DUE_MS - 1_000);
    script.at(1_000, &[]).report(1_020, Report::Ready { session });
    for commit in &script.commits {
        store.commit(commit);
    }
    let row = object(&path)[&key].clone();
    assert_eq!((&row["status"], &row["startedAt"]), (&json!("running"), &json!(DUE_MS + 20)));
    for field in ["endedAt", "error", "errorKind", "runtimeMs"] {
        assert_eq!(row.get(field), None, "{field}");
    }
}
