//! `sametick explain --from` on the field's real files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, io};

use serde_json::{Value, json};

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/data/openclaw-2026.4.20")
}

/// A copy that may be spoilt.
fn copied() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    copy(&files(), dir.path()).expect("a copy");
    dir
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() { copy(&path, &target)? } else { fs::copy(&path, &target).map(|_| ())? }
    }
    Ok(())
}

fn explain(dir: &Path, more: &[&str], columns: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sametick"))
        .args(["explain", "--from", &dir.to_string_lossy()])
        .args(more)
        .env("NO_COLOR", "1")
        .env("COLUMNS", columns)
        .output()
        .expect("the binary that was just built")
}

fn json_of(dir: &Path) -> Value {
    serde_json::from_slice(&explain(dir, &["--json"], "80").stdout).expect("one JSON object")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Every path under a directory with its content and the time it was changed.
fn seen(dir: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let changed = fs::metadata(&path).and_then(|data| data.modified()).expect("a time");
        let bytes = if path.is_dir() {
            all.extend(seen(&path));
            Vec::new()
        } else {
            fs::read(&path).expect("a file")
        };
        all.push((path, bytes, changed));
    }
    all.sort();
    all
}

#[test]
fn the_fields_rows_stand_beside_what_the_core_writes() {
    let output = explain(&files(), &[], "120");
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    for part in [
        "running, no end",
        "timeout, 2026-11-23 23:43:11.091",
        "done, 2026-11-24 00:03:01.105",
        "line 2",
        "(#70347)",
        "6 of 11 session rows are not what this core writes",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn the_table_fits_every_width() {
    for columns in [60, 80, 120] {
        let told = text(&explain(&files(), &[], &columns.to_string()).stdout);
        let widest = told.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= columns, "{widest} > {columns}:\n{told}");
        assert!(!told.contains('\u{1b}'));
    }
}

#[test]
fn json_has_whole_keys_times_and_evidence() {
    let told = json_of(&files());
    assert_eq!((&told["command"], &told["holds"]), (&json!("explain"), &json!(false)));
    let rows = told["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 11);
    let row = &rows[2];
    assert_eq!(row["key"], "agent:main:cron:06927ce3-2a36-4fbb-9244-5e926fe0b137");
    assert_eq!((&row["file"]["status"], &row["file"]["endedAt"]), (&json!("running"), &Value::Null));
    let core = &row["core"];
    let said = (&core["status"], &core["endedAt"], &core["errorKind"]);
    assert_eq!(said, (&json!("timeout"), &json!(1_795_477_391_091_i64), &json!("timeout")));
    assert_eq!(row["evidence"]["path"], "runs/06927ce3-2a36-4fbb-9244-5e926fe0b137.jsonl");
    assert_eq!(row["evidence"]["line"], 1);
    let agree = rows.iter().filter(|row| row["agrees"] == true);
    assert_eq!(agree.filter(|row| row["file"] == row["core"]).count(), 5);
}

#[test]
fn nothing_in_the_directory_is_made_locked_or_changed() {
    let dir = copied();
    let before = seen(dir.path());
    explain(dir.path(), &[], "80");
    assert_eq!(seen(dir.path()), before);
}

#[test]
fn a_directory_whose_rows_agree_exits_with_0() {
    let dir = copied();
    let path = dir.path().join("sessions.json");
    let told =
        fs::read_to_string(&path).expect("a file").replace("\"status\": \"running\"", "\"status\": \"done\"");
    fs::write(&path, told).expect("a write");
    let output = explain(dir.path(), &[], "80");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("holds: 11 session rows"));
}

#[test]
fn a_run_without_a_line_is_said_to_be_interrupted() {
    let dir = copied();
    fs::remove_dir_all(dir.path().join("runs")).expect("a directory");
    let told = json_of(dir.path());
    let row = &told["rows"][2];
    assert_eq!(
        (&row["core"]["status"], &row["core"]["errorKind"]),
        (&json!("failed"), &json!("interrupted"))
    );
    assert_eq!((&row["core"]["endedAt"], &row["endsAtStart"]), (&Value::Null, &json!(true)));
    assert!(row["why"].as_str().is_some_and(|why| why.contains("interrupted when its gateway went down")));
    assert!(text(&explain(dir.path(), &[], "120").stdout).contains("failed (interrupted), when it starts"));
}

#[test]
fn bad_input_exits_with_2_and_says_where_and_what_to_do() {
    let cases: [(&str, &str, &str); 6] = [
        ("sessions.json", "", "sessions.json:1:1: the file is empty"),
        ("sessions.json", "{\n  \"a\": {,}\n}", "sessions.json:2:9: key must be a string"),
        ("sessions.json", "{\"agent:main:cron:j\": 5}", "\"agent:main:cron:j\" should be an object"),
        ("sessions.json", "[]", "sessions.json:1:"),
        ("jobs.json", "{\"jobs\": 7}", "jobs.json:1:10: \"jobs\" should be a list"),
        (
            "jobs-state.json",
            "{\"jobs\": {\"j\": 1}}",
            "jobs-state.json:1:16: \"jobs\" / \"j\" should be an object",
        ),
    ];
    for (file, content, says) in cases {
        let dir = copied();
        fs::write(dir.path().join(file), content).expect("a write");
        let output = explain(dir.path(), &[], "80");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(says), "{told}\nshould say: {says}");
        assert!(told.contains("correct it there") || told.contains("put a copy back"), "{told}");
        assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    }
}

#[test]
fn a_directory_that_is_none_of_a_gateway_says_what_to_name() {
    let empty = tempfile::tempdir().expect("a directory");
    let (missing, file) = (empty.path().join("no"), files().join("jobs.json"));
    for (path, says) in [
        (missing.as_path(), "no such directory"),
        (&file, "it is a file"),
        (empty.path(), "no sessions.json"),
    ] {
        let output = explain(path, &[], "80");
        assert_eq!(output.status.code(), Some(2));
        let told = text(&output.stderr);
        assert!(told.contains(says) && told.contains("holds sessions.json, jobs.json and runs/"), "{told}");
    }
    let both = explain(&files(), &["timeouts/after_session_start"], "80");
    assert_eq!(both.status.code(), Some(2), "a directory or a scenario, not both");
}
