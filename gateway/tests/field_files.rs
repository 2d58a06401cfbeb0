//! The field's real files as a starting state: what it left running is ended, once, and nothing of what
//! others keep in the files is lost.

mod support;

use std::fs;
use std::path::Path;

use sametick_core::commit::Answer;
use sametick_core::ports::Store;
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{JsonStore, look};
use serde_json::{Map, Value, json};
use support::{DUE_MS, NOW_MS, RECURRING, Script, contents, edit, field_files, lines, object, start_once};

const TIMED_OUT: &str = "06927ce3-2a36-4fbb-9244-5e926fe0b137";
const TWO: &str = "dc34b8b4-ddca-4278-91aa-22005e0f6bc7";
const SESSION: &str = "42002e96-65b3-40fe-84a9-6beb12d528a8";
fn base(job: &str) -> String {
    format!("agent:main:cron:{job}")
}

fn own(job: &str, session: &str) -> String {
    format!("agent:main:cron:{job}:run:{session}")
}

fn sessions(dir: &Path) -> Map<String, Value> {
    object(&dir.join("sessions.json"))
}

/// Makes the documents so large that they are not rewritten at once.
fn grow(dir: &Path) {
    edit(&dir.join("sessions.json"), |rows| {
        rows.insert("large".to_owned(), json!({ "padding": "x".repeat(300_000) }));
    });
}

/// What stands in the directory without our own files.
fn field_documents(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let ours =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sametick"));
    contents(dir).into_iter().filter(|(path, _)| !ours(path)).collect()
}

#[test]
fn every_row_is_terminal_after_one_start_and_a_second_changes_nothing_more() {
    let dir = field_files();
    let before = sessions(dir.path());
    assert_eq!(start_once(dir.path()), 2, "the ends, and the proof that no turn is at work");
    let after = sessions(dir.path());
    for (key, row) in &after {
        assert_ne!(row["status"], "running", "{key}");
        for (field, value) in before[key].as_object().expect("a row") {
            let written = ["status", "updatedAt"].contains(&field.as_str());
            assert!(written || row.get(field) == Some(value), "{key}: {field}");
        }
    }
    let once = field_documents(dir.path());
    assert_eq!(start_once(dir.path()), 0);
    assert_eq!(field_documents(dir.path()), once);
    assert_eq!(start_once(dir.path()), 0);
}

#[test]
fn a_run_whose_line_says_that_it_timed_out_keeps_that_reason_and_its_time() {
    let dir = field_files();
    start_once(dir.path());
    let after = sessions(dir.path());
    for key in [base(TIMED_OUT), own(TIMED_OUT, SESSION)] {
        let row = &after[&key];
        let said = [&row["status"], &row["errorKind"], &row["stopReason"], &row["timeoutPhase"]];
        assert_eq!(said, ["timeout", "timeout", "timeout", "running"], "{key}");
        // runAtMs + durationMs of the line.
        assert_eq!(
            (&row["startedAt"], &row["endedAt"]),
            (&json!(1_795_477_385_605_i64), &json!(1_795_477_391_091_i64))
        );
        assert_eq!(row["runId"], format!("{TIMED_OUT}:0:1795477385605:0"));
    }
    assert_eq!(after[&base(TWO)]["endedAt"], 1_795_477_717_791_i64);
    // It has its line already.
    assert_eq!(lines(&dir.path().join(format!("runs/{TIMED_OUT}.jsonl"))).len(), 1);
}

#[test]
fn a_line_that_names_the_session_goes_before_one_that_fits_in_time() {
    // The row says startedAt of the run before it, which timed out; its own run ended well.
    let dir = field_files();
    start_once(dir.path());
    let row = &sessions(dir.path())[&own(RECURRING, "0fe9bef0-5b7c-40be-993d-00589caf5397")];
    assert_eq!((&row["status"], &row["endedAt"]), (&json!("done"), &json!(1_795_478_581_105_i64)));
    assert_eq!(row.get("errorKind"), None);
}

#[test]
fn a_run_without_a_line_was_interrupted_and_gets_one() {
    let dir = field_files();
    let log = dir.path().join(format!("runs/{TIMED_OUT}.jsonl"));
    fs::remove_file(&log).expect("a file");
    start_once(dir.path());
    let row = &sessions(dir.path())[&base(TIMED_OUT)];
    assert_eq!((&row["status"], &row["errorKind"]), (&json!("failed"), &json!("interrupted")));
    assert_eq!(row["endedAt"], NOW_MS);
    let log = lines(&log);
    assert_eq!(
        (log.len(), &log[0]["outcome"], &log[0]["sessionId"]),
        (1, &json!("interrupted"), &json!(SESSION))
    );
}

#[test]
fn a_base_row_alone_and_a_runs_row_alone_are_ended_too_and_none_is_made() {
    for lost in [base(TIMED_OUT), own(TIMED_OUT, SESSION)] {
        let dir = field_files();
        edit(&dir.path().join("sessions.json"), |rows| {
            rows[&own(TIMED_OUT, SESSION)]["status"] = json!("running");
            rows.shift_remove(&lost);
        });
        start_once(dir.path());
        let after = sessions(dir.path());
        assert!(!after.contains_key(&lost));
        let rest: Vec<&Value> =
            after.iter().filter(|(key, _)| key.contains(TIMED_OUT)).map(|(_, row)| &row["status"]).collect();
        assert_eq!(rest, ["timeout"], "without {lost}");
        assert_eq!(start_once(dir.path()), 0);
    }
}

#[test]
fn a_run_of_a_job_that_nobody_declares_is_ended_too() {
    let dir = field_files();
    edit(&dir.path().join("jobs.json"), |jobs| jobs["jobs"] = json!([]));
    edit(&dir.path().join("sessions.json"), |rows| {
        rows.insert("agent:other:cron:gone".to_owned(), json!({ "status": "running", "odd": 1 }));
        rows.insert("agent:other:cron:gone:run:s".to_owned(), json!({ "status": "running", "startedAt": 5 }));
    });
    start_once(dir.path());
    let after = sessions(dir.path());
    assert!(after.values().all(|row| row["status"] != "running"), "{after:#?}");
    assert_eq!(after["agent:other:cron:gone"]["odd"], 1);
    assert_eq!(start_once(dir.path()), 0);
}

#[test]
fn rows_of_no_job_are_left_alone() {
    let dir = field_files();
    let odd = ["agent:main:main", "agent:main:telegram:dm:1", "agent::cron:x", "", "agent:main:cron:"];
    edit(&dir.path().join("sessions.json"), |rows| {
        rows.extend(odd.map(|key| (key.to_owned(), json!({ "status": "running", "startedAt": 5 }))));
    });
    let before = sessions(dir.path());
    start_once(dir.path());
    let after = sessions(dir.path());
    for key in odd {
        assert_eq!(after[key], before[key], "{key}");
    }
}

#[test]
fn an_end_is_never_before_its_start() {
    let dir = field_files();
    let late = NOW_MS + 86_400_000;
    edit(&dir.path().join("sessions.json"), |rows| {
        rows[&base(TIMED_OUT)]["startedAt"] = json!(late);
        rows[&base(RECURRING)]["startedAt"] = json!(late);
    });
    start_once(dir.path());
    let after = sessions(dir.path());
    for job in [TIMED_OUT, RECURRING] {
        assert_eq!(after[&base(job)]["endedAt"], late, "{job}");
    }
}

#[test]
fn states_inside_jobs_json_are_a_starting_state_too_and_their_marker_is_taken_off() {
    let dir = field_files();
    fs::remove_file(dir.path().join("jobs-state.json")).expect("a file");
    edit(&dir.path().join("jobs.json"), |jobs| {
        jobs["jobs"][4]["state"] =
            json!({ "nextRunAtMs": DUE_MS, "runningAtMs": 1_795_478_566_331_i64, "odd": [1] });
    });
    start_once(dir.path());
    let state = &object(&dir.path().join("jobs-state.json"))["jobs"][RECURRING]["state"];
    assert_eq!((state.get("runningAtMs"), &state["odd"]), (None, &json!([1])));
    assert_eq!(start_once(dir.path()), 0);
}

#[test]
fn unknown_fields_of_every_document_survive() {
    let dir = field_files();
    let odd = json!({ "a": [null, 0.1, 9_007_199_254_740_993_i64], "": { "ü": "\u{1}" } });
    for name in ["jobs.json", "jobs-state.json"] {
        edit(&dir.path().join(name), |document| {
            document.insert("odd".to_owned(), odd.clone());
        });
    }
    edit(&dir.path().join("jobs.json"), |jobs| jobs["jobs"][4]["odd"] = odd.clone());
    edit(&dir.path().join("jobs-state.json"), |states| {
        states["jobs"][RECURRING]["odd"] = odd.clone();
        states["jobs"][RECURRING]["state"]["odd"] = odd.clone();
        states["jobs"][RECURRING]["state"]["runningAtMs"] = json!(5);
    });
    edit(&dir.path().join("sessions.json"), |rows| {
        rows[&base(TIMED_OUT)]["odd"] = odd.clone();
        rows.insert("odd".to_owned(), odd.clone());
    });
    let log = dir.path().join(format!("runs/{RECURRING}.jsonl"));
    let (jobs, before) =
        (fs::read(dir.path().join("jobs.json")).expect("a file"), fs::read(&log).expect("a file"));
    start_once(dir.path());
    assert_eq!(fs::read(dir.path().join("jobs.json")).expect("a file"), jobs);
    assert!(fs::read(&log).expect("a file").starts_with(&before), "a log only grows");
    let states = object(&dir.path().join("jobs-state.json"));
    let entry = &states["jobs"][RECURRING];
    assert_eq!([&states["odd"], &entry["odd"], &entry["state"]["odd"]], [&odd; 3]);
    let rows = sessions(dir.path());
    assert_eq!([&rows["odd"], &rows[&base(TIMED_OUT)]["odd"]], [&odd; 2]);
}

#[test]
fn odd_values_neither_stop_a_start_nor_get_lost() {
    let values = [
        json!(null),
        json!(""),
        json!("x"),
        json!(true),
        json!([]),
        json!({}),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(u32::MAX),
        json!(1e300),
        json!("running"),
        json!("2026-11-23T23:41:39Z"),
        json!("a:0:1:0"),
        json!("\u{0}"),
        json!("9".repeat(400)),
    ];
    let row_fields =
        ["startedAt", "endedAt", "updatedAt", "sessionId", "runId", "jobId", "seq", "runtimeMs", "errorKind"];
    let state_fields = [
        "nextRunAtMs",
        "runningAtMs",
        "lastRunAtMs",
        "consecutiveErrors",
        "generation",
        "lastDueAtMs",
        "runsAskedFor",
    ];
    let line_fields = ["ts", "runAtMs", "durationMs", "status", "error", "sessionId", "outcome"];
    for value in &values {
        let change = |part: &str, fields: &[&str], one: usize| {
            let dir = field_files();
            match part {
                "row" => edit(&dir.path().join("sessions.json"), |rows| {
                    rows[&base(TIMED_OUT)][fields[one]] = value.clone();
                }),
                "state" => edit(&dir.path().join("jobs-state.json"), |states| {
                    states["jobs"][RECURRING]["state"][fields[one]] = value.clone();
                }),
                _ => {
                    let path = dir.path().join(format!("runs/{TIMED_OUT}.jsonl"));
                    let mut line = lines(&path)[0].clone();
                    line[fields[one]] = value.clone();
                    fs::write(&path, format!("{line}\n")).expect("a write");
                }
            }
            start_once(dir.path());
            let after = sessions(dir.path());
            let running = after.values().any(|row| row["status"] == "running");
            assert!(!running, "{part} {}: {value}", fields[one]);
            let row = &after[&base(TIMED_OUT)];
            if let (Some(started), Some(ended)) = (row["startedAt"].as_i64(), row["endedAt"].as_i64()) {
                assert!(started <= ended, "{part} {}: {value}", fields[one]);
            }
            assert_eq!(start_once(dir.path()), 0, "{part} {}: {value}", fields[one]);
        };
        (0..row_fields.len()).for_each(|one| change("row", &row_fields, one));
        (0..state_fields.len()).for_each(|one| change("state", &state_fields, one));
        (0..line_fields.len()).for_each(|one| change("line", &line_fields, one));
    }
}

#[test]
fn a_line_that_was_cut_short_says_nothing_and_stands_in_nobodys_way() {
    let dir = field_files();
    let path = dir.path().join(format!("runs/{TIMED_OUT}.jsonl"));
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(&path, format!("{}\n\u{0}\n[1]\n{text}{}", &text[..40], &text[..90])).expect("a write");
    start_once(dir.path());
    assert_eq!(sessions(dir.path())[&base(TIMED_OUT)]["status"], "timeout");
}

#[test]
fn a_job_with_a_name_too_long_for_a_file_has_a_log_all_the_same() {
    let dir = field_files();
    let job = "ü".repeat(900);
    edit(&dir.path().join("sessions.json"), |rows| {
        rows.insert(base(&job), json!({ "status": "running", "startedAt": 5 }));
    });
    start_once(dir.path());
    assert_eq!(sessions(dir.path())[&base(&job)]["errorKind"], "interrupted");
    assert_eq!(start_once(dir.path()), 0);
}

#[test]
fn to_look_is_not_to_touch() {
    let dir = field_files();
    let before = contents(dir.path());
    let seen = look(dir.path(), &SharedNames::new()).expect("files");
    assert_eq!((seen.sessions.len(), seen.left.len()), (11, 3));
    assert_eq!(contents(dir.path()), before);
    assert!(!dir.path().join("sametick.lock").exists());
    // Also beside a gateway that has the directory open.
    let store = JsonStore::open(dir.path(), SharedNames::new()).expect("files");
    assert_eq!(look(dir.path(), &SharedNames::new()).expect("files").left, store.left());
}

#[test]
fn to_look_sees_commits_that_are_in_no_document_yet_and_does_not_write_them_there() {
    let (dir, same) = (field_files(), field_files());
    for dir in [&dir, &same] {
        grow(dir.path());
    }
    let names = SharedNames::new();
    let mut store = JsonStore::open(dir.path(), names).expect("files");
    let script = Script::start(&store.load().expect("rows"), store.epoch(), NOW_MS);
    for commit in &script.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    assert!(store.has_put_off());
    assert_eq!(sessions(dir.path())[&base(TIMED_OUT)]["status"], "running");
    let before = contents(dir.path());
    let seen = look(dir.path(), &SharedNames::new()).expect("files");
    let status = |row: &sametick_gateway::store_json::FieldSession| row.status.clone();
    assert!(
        seen.sessions.iter().all(|row| status(row).as_deref() != Some("running")),
        "{:#?}",
        seen.sessions
    );
    assert_eq!((seen.left.len(), contents(dir.path()) == before), (0, true));
    // The documents are what they would have been one commit after the other.
    while store.do_put_off() {}
    start_once(same.path());
    let ours = |path: &(std::path::PathBuf, Vec<u8>)| path.0.ends_with("sametick-notes.jsonl");
    let documents = |dir: &Path| {
        let strip = |(path, bytes): (std::path::PathBuf, Vec<u8>)| {
            (path.strip_prefix(dir).expect("inside").to_owned(), bytes)
        };
        field_documents(dir).into_iter().filter(|file| !ours(file)).map(strip).collect::<Vec<_>>()
    };
    assert!(documents(dir.path()) == documents(same.path()));
}
