//! Bad input: what is wrong with which file, exactly as it is said; nothing panics, nothing is lost, and
//! nothing is written where something could not be read.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use sametick_core::commit::Answer;
use sametick_core::ports::Store;
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{JsonStore, look};
use serde_json::{Value, json};
use support::{DUE_MS, RECURRING, Script, contents, field_files, object};

/// How a file is spoilt.
enum Spoilt {
    Text(&'static str),
    Bytes(&'static [u8]),
    /// Its own text, cut after so many bytes.
    Cut(usize),
    /// A directory in its place.
    Directory,
    /// A link in its place.
    LinkTo(&'static str),
}

use Spoilt::{Bytes, Cut, Directory, LinkTo, Text};

impl Spoilt {
    fn spoil(&self, path: &Path) {
        let there = fs::read(path).unwrap_or_default();
        let _none_there = fs::remove_file(path);
        match self {
            Text(text) => fs::write(path, text),
            Bytes(bytes) => fs::write(path, bytes),
            Cut(at) => fs::write(path, &there[..*at]),
            Directory => fs::create_dir(path),
            LinkTo(target) => symlink(target, path),
        }
        .expect("a spoilt file");
    }
}

/// What follows a mistake in a text.
const MEND: &str = "correct it there, put a copy back, or delete the file to start without what it held; nothing was overwritten";
const EMPTY: &str = "the file is empty, as a write that was cut short leaves it; put a copy back, or delete it to \
                     start without what it held; nothing was overwritten";
const SHORT: &str = "the file ends in the middle of a value, as a write that was cut short leaves it";
const NO_FILE: &str =
    "is a directory; move what is there away, and put a plain file in its place; nothing was overwritten";

fn cases() -> Vec<(&'static str, Spoilt, String)> {
    let mend = |place: &str, what: &str| format!("{place}: {what}; {MEND}");
    let correct = |said: &str| format!("{said}; correct it there; nothing was overwritten");
    vec![
        ("sessions.json", Text(""), format!("sessions.json:1:1: {EMPTY}")),
        ("jobs.json", Text(" \n\t"), format!("jobs.json:1:1: {EMPTY}")),
        ("jobs-state.json", Text(""), format!("jobs-state.json:1:1: {EMPTY}")),
        ("sametick.json", Text(""), format!("sametick.json:1:1: {EMPTY}")),
        ("sessions.json", Text("no json"), mend("sessions.json:1:2", "expected ident")),
        ("sessions.json", Text("{'a': 1}"), mend("sessions.json:1:2", "key must be a string")),
        ("jobs.json", Text("{\n  \"jobs\": [,]\n}"), mend("jobs.json:2:12", "expected value")),
        ("jobs.json", Text("{\"jobs\": [{}],}"), mend("jobs.json:1:15", "trailing comma")),
        ("jobs.json", Text("{\"jobs\": []} {}"), mend("jobs.json:1:14", "trailing characters")),
        ("jobs.json", Text("{\"jobs\": [01]}"), mend("jobs.json:1:12", "invalid number")),
        ("jobs.json", Text("{\"jobs\": [NaN]}"), mend("jobs.json:1:11", "expected value")),
        (
            "sessions.json",
            Text("{\"a\": \"\n\"}"),
            mend("sessions.json:1:7", "control character (\\u0000-\\u001F) found while parsing a string"),
        ),
        ("sessions.json", Cut(1), mend("sessions.json:1:1", SHORT)),
        ("sessions.json", Cut(30), mend("sessions.json:2:28", SHORT)),
        ("sessions.json", Cut(100), mend("sessions.json:3:38", SHORT)),
        ("sessions.json", Cut(5_600), mend("sessions.json:184:20", SHORT)),
        ("jobs.json", Cut(500), mend("jobs.json:22:10", SHORT)),
        ("jobs-state.json", Cut(1_972), mend("jobs-state.json:67:1", SHORT)),
        (
            "jobs.json",
            Text("\u{feff}{\"jobs\": []}"),
            mend("jobs.json:1:1", "the file begins with a byte order mark, which JSON does not have: save it without"),
        ),
        (
            "sessions.json",
            Bytes(b"{\n  \"a\": \"\xff\"}"),
            mend("sessions.json:2:9", "the byte 0xFF is no UTF-8, as a save in another encoding leaves it"),
        ),
        (
            "jobs.json",
            Bytes(b"\xfe\xff\0{\0}"),
            mend("jobs.json:1:1", "the byte 0xFE is no UTF-8, as a save in another encoding leaves it"),
        ),
        ("sessions.json", Text("[]"), mend("sessions.json:1:1", "invalid type: sequence, expected an object")),
        ("sessions.json", Text("7"), mend("sessions.json:1:1", "invalid type: integer `7`, expected an object")),
        ("jobs.json", Text("null"), mend("jobs.json:1:4", "invalid type: null, expected an object")),
        (
            "sessions.json",
            Text("{\n  \"agent:main:cron:j\": 5}"),
            correct("sessions.json:2:24: \"agent:main:cron:j\" should be an object"),
        ),
        ("jobs.json", Text("{\"jobs\": {}}"), correct("jobs.json:1:10: \"jobs\" should be a list")),
        ("jobs-state.json", Text("{\"jobs\": []}"), correct("jobs-state.json:1:10: \"jobs\" should be an object")),
        (
            "jobs-state.json",
            Text("{\"jobs\": {\"j\": 1}}"),
            correct("jobs-state.json:1:16: \"jobs\" / \"j\" should be an object"),
        ),
        (
            "jobs-state.json",
            Text("{\"jobs\": {\"j\": {\"state\": []}}}"),
            correct("jobs-state.json:1:26: \"jobs\" / \"j\" / \"state\" should be an object"),
        ),
        ("sessions.json", Directory, format!("could not read sessions.json: {NO_FILE}")),
        ("jobs.json", Directory, format!("could not read jobs.json: {NO_FILE}")),
        ("sametick-journal.jsonl", Directory, format!("could not read sametick-journal.jsonl: {NO_FILE}")),
        (
            "sessions.json",
            LinkTo("sessions.json"),
            "could not read sessions.json: Too many levels of symbolic links (os error 40); put the file itself in the \
             place of the link; nothing was overwritten"
                .to_owned(),
        ),
        (
            "jobs.json",
            // Whoever reads it from the start gets an error of the device.
            LinkTo("/proc/self/mem"),
            "could not read jobs.json: Input/output error (os error 5); look at the disk, and try again; nothing was \
             overwritten"
                .to_owned(),
        ),
        (
            "sessions.json",
            LinkTo("/dev/zero"),
            "could not read sessions.json: it is a pipe, a device or a socket; move what is there away, and put a plain \
             file in its place; nothing was overwritten"
                .to_owned(),
        ),
        ("sametick.json", Text("{}"), mend("sametick.json:1:2", "missing field `version`")),
        (
            "sametick.json",
            Text("{\"version\":-1}"),
            mend("sametick.json:1:13", "invalid value: integer `-1`, expected u32"),
        ),
    ]
}

/// A message without the directory, which is another one each time.
fn said(error: &dyn std::error::Error, dir: &Path) -> String {
    error.to_string().replace(&format!("{}/", dir.display()), "")
}

#[test]
fn every_file_that_does_not_read_is_named_with_place_reason_and_remedy() {
    let mut wrong = Vec::new();
    for (file, spoilt, wanted) in cases() {
        let dir = field_files();
        spoilt.spoil(&dir.path().join(file));
        let links = |path: &Path| path.is_symlink();
        let before = if links(&dir.path().join(file)) { Vec::new() } else { contents(dir.path()) };
        let opened = JsonStore::open(dir.path(), SharedNames::new()).expect_err("a bad file");
        let looked = look(dir.path(), &SharedNames::new()).expect_err("a bad file");
        for told in [said(&opened, dir.path()), said(&looked, dir.path())] {
            if told != wanted {
                wrong.push(format!("{file}\n   says {told}\n wanted {wanted}"));
            }
        }
        if !before.is_empty() {
            assert_eq!(contents(dir.path()), before, "{file} {wanted}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_cut_at_any_byte_is_refused_or_whole_and_never_overwritten() {
    for (file, step) in [("jobs.json", 37), ("jobs-state.json", 31), ("sessions.json", 41)] {
        let whole = field_files();
        let text = fs::read(whole.path().join(file)).expect("a file");
        for at in (0..text.len() - 1).step_by(step) {
            fs::write(whole.path().join(file), &text[..at]).expect("a write");
            JsonStore::open(whole.path(), SharedNames::new()).expect_err("a part of a file");
            assert_eq!(fs::read(whole.path().join(file)).expect("a file"), &text[..at], "{file} {at}");
        }
    }
}

/// Jobs that cannot be scheduled, and what is said of each; `good` stands between them and runs.
fn jobs() -> Vec<(Value, &'static str)> {
    let with = |fields: Value| {
        let mut job =
            json!({ "id": "j", "schedule": { "kind": "at", "at": 5 }, "payload": { "kind": "agentTurn" } });
        job.as_object_mut().expect("an object").extend(fields.as_object().expect("fields").clone());
        job
    };
    let at = |at: Value| with(json!({ "schedule": { "kind": "at", "at": at } }));
    let every = |every: Value| with(json!({ "schedule": { "kind": "every", "everyMs": every } }));
    vec![
        (json!(5), "jobs.json: jobs[1]: it is no object; write a job there, or take it out"),
        (json!({}), "jobs.json: jobs[2].id is missing; write a text that no other job has"),
        (with(json!({ "id": 7 })), "jobs.json: jobs[3].id is missing; write a text that no other job has"),
        (
            with(json!({ "id": "" })),
            "jobs.json: jobs[4].id is empty; write a name without colons and control characters",
        ),
        (
            with(json!({ "id": "a:b" })),
            "jobs.json: jobs[5].id is \"a:b\"; write a name without colons and control characters",
        ),
        (
            with(json!({ "id": "a\u{0}b" })),
            "jobs.json: jobs[6].id is \"a\\u0000b\"; write a name without colons and control characters",
        ),
        (
            with(json!({ "id": "good" })),
            "jobs.json: jobs[7].id is \"good\", as that of a job before it, which is run; write another",
        ),
        (
            with(json!({ "agentId": "" })),
            "jobs.json: jobs[8].agentId is empty; write a name without colons and control characters",
        ),
        (json!({ "id": "j" }), "jobs.json: jobs[9].payload is missing; add it, as an object, { … }"),
        (
            with(json!({ "payload": "hello" })),
            "jobs.json: jobs[10].payload is \"hello\"; write an object, { … }",
        ),
        (
            with(json!({ "schedule": null })),
            "jobs.json: jobs[11].schedule is missing; add it, as an object, { … }",
        ),
        (with(json!({ "schedule": [] })), "jobs.json: jobs[12].schedule is []; write an object, { … }"),
        (
            with(json!({ "schedule": { "kind": "moon" } })),
            "jobs.json: jobs[13].schedule.kind is \"moon\"; write one of \"at\", \"every\", \"cron\"",
        ),
        (
            at(json!("2026-02-30T00:00:00Z")),
            "jobs.json: jobs[14].schedule.at: \"2026-02-30T00:00:00Z\" is no time: parsed date is not valid: parameter 'day' for `2026-02` is invalid, must be in range `1..=28`; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970",
        ),
        (
            at(json!("tomorrow")),
            "jobs.json: jobs[15].schedule.at: \"tomorrow\" is no time: failed to parse four digit integer as year: invalid digit, expected 0-9 but got t; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970",
        ),
        (
            at(json!("2026-11-23T25:00:00Z")),
            "jobs.json: jobs[16].schedule.at: \"2026-11-23T25:00:00Z\" is no time: failed to parse two digit integer as hour: parameter 'hour' is not in the required range of 0..=23; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970",
        ),
        (
            at(json!("99999999999999999999")),
            "jobs.json: jobs[17].schedule.at: \"99999999999999999999\" is beyond 64 bits; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970",
        ),
        (
            at(json!(1e300)),
            "jobs.json: jobs[18].schedule.at is 1e+300; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970",
        ),
        (
            at(json!(null)),
            "jobs.json: jobs[19].schedule.at is missing; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970",
        ),
        (
            every(json!(0)),
            "jobs.json: jobs[20].schedule.everyMs is 0; write a whole number of milliseconds above 0",
        ),
        (
            every(json!(-1)),
            "jobs.json: jobs[21].schedule.everyMs is -1; write a whole number of milliseconds above 0",
        ),
        (
            every(json!(18_446_744_073_709_551_616_f64)),
            "jobs.json: jobs[22].schedule.everyMs is 1.8446744073709552e+19; write a whole number of milliseconds above 0",
        ),
        (
            with(json!({ "schedule": { "kind": "cron", "expr": "0 0 30 2 *" } })),
            "jobs.json: jobs[23].schedule.expr \"0 0 30 2 *\": day of month: no year has the date that day \"30\", month \"2\", weekday \"*\" means; write a day that one of the months has",
        ),
        (
            with(json!({ "schedule": { "kind": "cron", "expr": "0 9 * * *", "tz": "Mars/Olympus" } })),
            "jobs.json: jobs[24].schedule.tz: there is no time zone \"Mars/Olympus\"; write a name of the IANA database, such as \"Europe/Berlin\" or \"UTC\"",
        ),
        (
            with(json!({ "payload": { "kind": "agentTurn", "timeoutSeconds": "x".repeat(99) } })),
            "jobs.json: jobs[25].payload.timeoutSeconds is \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…; write a number of seconds, 0 for no limit",
        ),
    ]
}

#[test]
fn a_job_that_cannot_be_scheduled_is_reported_in_its_place_and_the_others_go_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("jobs.json");
    let good =
        json!({ "id": "good", "schedule": { "kind": "at", "at": 5 }, "payload": { "kind": "agentTurn" } });
    let mut list: Vec<Value> = jobs().into_iter().map(|(job, _)| job).collect();
    list.insert(0, good);
    fs::write(&path, json!({ "jobs": list }).to_string()).expect("a write");
    let before = fs::read(&path).expect("a file");
    let mut store = JsonStore::open(dir.path(), SharedNames::new()).expect("a store");
    let rows = store.load().expect("rows");
    assert_eq!(rows.jobs.len(), 1, "the good one");
    let wanted: Vec<&str> = jobs().iter().map(|(_, said)| *said).collect();
    let said: Vec<String> = store.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(said, wanted);
    assert_eq!(fs::read(&path).expect("a file"), before, "a job is reported, and stays as it is");
}

#[test]
fn lengths_and_times_at_the_ends_of_what_numbers_hold_are_taken_and_never_panic() {
    let numbers = [
        json!(0),
        json!(1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(-1),
        json!(1e18),
        json!(1e300),
        json!(0.5),
        json!("x"),
        json!(253_402_300_800_000_i64),
    ];
    let fields = [
        "at",
        "everyMs",
        "anchorMs",
        "staggerMs",
        "staggerOffsetMs",
        "createdAtMs",
        "timeoutSeconds",
        "queueTimeoutMs",
        "totalTimeoutMs",
        "misfireAfterMs",
        "catchUpWindowMs",
        "abortGraceMs",
        "buffer",
        "attempts",
    ];
    for field in fields {
        let kind = match field {
            "at" => "at",
            "staggerMs" | "staggerOffsetMs" => "cron",
            _ => "every",
        };
        for number in &numbers {
            let mut job = json!({ "id": "j", "overlap": "buffer all",
                "schedule": { "kind": kind, "at": 5, "everyMs": 3_600_000, "expr": "0 9 * * *" },
                "payload": { "kind": "agentTurn" } });
            let holder = match field {
                "at" | "everyMs" | "anchorMs" | "staggerMs" | "staggerOffsetMs" => &mut job["schedule"],
                "timeoutSeconds" => &mut job["payload"],
                _ => &mut job,
            };
            holder[field] = number.clone();
            let dir = tempfile::tempdir().expect("a directory");
            fs::write(dir.path().join("jobs.json"), json!({ "jobs": [job] }).to_string()).expect("a write");
            let mut store =
                JsonStore::open_on(support::Quick, dir.path(), SharedNames::new()).expect("a store");
            let rows = store.load().expect("rows");
            assert_eq!(rows.jobs.len() + store.skipped().len(), 1, "{field} {number}");
            let mut script = Script::start(&rows, store.epoch(), DUE_MS);
            script.at(1, &[]).at(5, &[]).at(86_400_000, &[]);
            for commit in &script.commits {
                assert_eq!(store.commit(commit), Answer::Applied, "{field} {number}");
            }
        }
    }
}

#[test]
fn a_file_behind_a_link_is_written_where_it_is() {
    let (dir, elsewhere) = (field_files(), tempfile::tempdir().expect("a directory"));
    let (link, target) = (dir.path().join("sessions.json"), elsewhere.path().join("real.json"));
    fs::rename(&link, &target).expect("a move");
    symlink(&target, &link).expect("a link");
    let mut store = JsonStore::open(dir.path(), SharedNames::new()).expect("a store");
    let script = Script::start(&store.load().expect("rows"), store.epoch(), DUE_MS - 60_000);
    for commit in &script.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    assert!(link.is_symlink());
    assert_ne!(object(&target)[&format!("agent:main:cron:{RECURRING}")]["status"], "running");
}
