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
    for columns in [40, 50, 63, 64, 80, 120] {
        let told = text(&explain(&files(), &[], &columns.to_string()).stdout);
        let widest = told.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= columns, "{widest} > {columns}:\n{told}");
        assert!(!told.contains('\u{1b}'));
        assert!(told.starts_with("6 of 11 session rows are not"), "totals first:\n{told}");
        // No word is torn apart, at any width.
        let words: Vec<&str> = told.split_whitespace().collect();
        for word in ["published", "(#70347)", "runs/….jsonl"] {
            assert!(words.iter().any(|told| told.trim_end_matches(';') == word), "{columns}: {word}\n{told}");
        }
    }
}

#[test]
fn a_long_directory_is_told_by_its_totals_and_some_rows_of_each_kind() {
    let dir = copied();
    let path = dir.path().join("sessions.json");
    let mut rows: serde_json::Map<String, Value> =
        serde_json::from_str(&fs::read_to_string(&path).expect("a file")).expect("rows");
    for number in 0..1_200 {
        let status = if number < 1_000 { "running" } else { "done" };
        let row = json!({ "sessionId": "s", "status": status, "startedAt": number });
        rows.insert(format!("agent:main:cron:job-{number}"), row);
    }
    fs::write(&path, serde_json::to_string(&rows).expect("text")).expect("a write");
    for columns in ["40", "80"] {
        let told = text(&explain(dir.path(), &[], columns).stdout);
        assert!(
            told.replace('\n', " ").starts_with("1,006 of 1,211 session rows are not what this core writes")
        );
        assert!(told.contains("1,000  running → failed"), "{told}");
        assert!(told.contains("2  nothing → timeout"), "{told}");
        assert!(told.contains("and 996 more like these; --all"), "{told}");
        assert_eq!(told.matches("job-").count(), 4, "{told}");
        assert!(told.lines().count() < 100, "{told}");
    }
    let all = text(&explain(dir.path(), &["--all"], "80").stdout);
    assert_eq!(all.matches("job-").count(), 1_200);
    let totals = &json_of(dir.path())["totals"];
    assert_eq!(
        (&totals["jobs"], &totals["rows"], &totals["wrong"]),
        (&json!(5), &json!(1_211), &json!(1_006))
    );
    assert_eq!(totals["changes"][0], json!({ "file": "running", "core": "failed", "rows": 1_000 }));
}

#[test]
fn what_is_in_the_files_cannot_change_the_terminal() {
    let dir = copied();
    let odd = "\u{1b}[2J\u{7}";
    let row = json!({ "status": odd, "errorKind": odd, "endedAt": 5 });
    let rows = json!({ format!("agent:main:cron:{odd}"): row, odd: { "status": "running" } });
    fs::write(dir.path().join("sessions.json"), rows.to_string()).expect("a write");
    let job = json!({ "jobs": [{ "id": odd }, { "id": "x", "payload": odd }] });
    fs::write(dir.path().join("jobs.json"), job.to_string()).expect("a write");
    for columns in ["40", "80"] {
        let output = explain(dir.path(), &[], columns);
        let told = text(&output.stdout);
        assert!(
            told.contains("not scheduled") && !told.contains(|c: char| c.is_control() && c != '\n'),
            "{told:?}"
        );
    }
}

#[test]
fn jobs_that_are_not_scheduled_are_told_with_their_place_and_the_first_of_many() {
    let dir = copied();
    let jobs: Vec<Value> = (0..30).map(|number| json!({ "id": format!("j{number}") })).collect();
    fs::write(dir.path().join("jobs.json"), json!({ "jobs": jobs }).to_string()).expect("a write");
    let told = text(&explain(dir.path(), &[], "120").stdout);
    assert!(told.contains("not scheduled: j0: jobs.json: jobs[0].payload is missing; add it"), "{told}");
    assert_eq!(told.matches("not scheduled").count(), 30, "a short directory is told whole");
    assert_eq!(json_of(dir.path())["skipped"].as_array().map(Vec::len), Some(30));
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
    let cases: [(&str, &str, &str); 11] = [
        ("sessions.json", "", "sessions.json:1:1: the file is empty"),
        ("sessions.json", "{\n  \"a\": {,}\n}", "sessions.json:2:9: key must be a string"),
        ("sessions.json", "{\"agent:main:cron:j\": 5}", "\"agent:main:cron:j\" should be an object"),
        ("sessions.json", "[]", "sessions.json:1:1: invalid type: sequence, expected an object"),
        ("sessions.json", "\u{feff}{}", "sessions.json:1:1: the file begins with a byte order mark"),
        ("sessions.json", "{\n\"a\": {\"b\"", "sessions.json:2:9: the file ends in the middle of a value"),
        ("jobs.json", "{\"jobs\": [", "jobs.json:1:10: the file ends in the middle of a value"),
        ("sametick.json", "{}", "sametick.json:1:2: missing field `version`"),
        ("sametick-journal.jsonl", "{}\n{}\n", "sametick-journal.jsonl:1:2: missing field `commit`"),
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
fn a_file_that_is_none_exits_with_2_and_says_what_to_do() {
    type Spoil = fn(&Path) -> io::Result<()>;
    let spoil: [(Spoil, &str); 3] = [
        (|path| fs::create_dir(path), "is a directory; move what is there away"),
        (|path| std::os::unix::fs::symlink(path, path), "put the file itself in the place of the link"),
        (|path| fs::write(path, b"{\"\xff\"}"), "sessions.json:1:3: the byte 0xFF is no UTF-8"),
    ];
    for (spoil, says) in spoil {
        let dir = copied();
        let path = dir.path().join("sessions.json");
        fs::remove_file(&path).expect("a file");
        spoil(&path).expect("a spoilt file");
        for more in [&[][..], &["--json"]] {
            let output = explain(dir.path(), more, "80");
            let told = text(&output.stderr);
            assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{told}");
            assert!(told.contains(says), "{told}\nshould say: {says}");
        }
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
