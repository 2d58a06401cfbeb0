//! Every field of a job that `docs/field-files.md` lists: what it means, and what it is not to be.

mod support;

use std::fs;
use std::path::Path;

use sametick_core::commit::{Answer, JobRow, JobStatus};
use sametick_core::effect::{Command, InputKind};
use sametick_core::id::{AgentId, JobId, LaneId};
use sametick_core::job::{CatchUp, Job, OnAbandon, Overlap, Target};
use sametick_core::ports::Store;
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};
use sametick_core::schedule::{Cron, Gap, Repeated, Schedule, stagger};
use sametick_core::time::{Span, Wall};
use sametick_core::{Config, LaneConfig};
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::JsonStore;
use serde_json::{Map, Value, json};
use support::{Script, object};

/// What a row of the table makes of a job that says nothing else.
type Means = fn(&mut Job, &mut JobRow);

struct Row {
    /// The field, as the documentation names it.
    field: &'static str,
    /// What is written: paths and values.
    written: Value,
    means: Means,
    /// Values that it cannot have, with what is said of them.
    wrong: Vec<(Value, &'static str)>,
}

fn row(field: &'static str, written: Value, means: Means) -> Row {
    Row { field, written, means, wrong: Vec::new() }
}

impl Row {
    fn but_not(mut self, wrong: Value, says: &'static str) -> Self {
        self.wrong.push((wrong, says));
        self
    }
}

fn millis(millis: u64) -> Option<Span> {
    Some(Span::from_millis(millis))
}

fn cron(job: &mut Job, row: &mut JobRow, cron: Cron) {
    job.schedule = Schedule::Cron(cron);
    row.next_due = job.schedule.next_after(Wall::from_millis(0));
}

fn expression(zone: &str) -> Cron {
    Cron::parse("30 2 * * *", zone).expect("an expression")
}

fn cron_fields(more: Value) -> Value {
    let mut fields = json!({ "schedule.kind": "cron", "schedule.expr": "30 2 * * *" });
    fields.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    fields
}

fn schedules() -> Vec<Row> {
    vec![
        row("schedule.at", json!({ "schedule.at": "1970-01-01T01:00:09+01:00" }), |job, row| {
            (job.schedule, row.next_due) =
                (Schedule::At(Wall::from_millis(9_000)), Some(Wall::from_millis(9_000)));
        })
        .but_not(json!({}), "schedule.at is {}; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970")
        .but_not(json!(u64::MAX), "schedule.at is 18446744073709551615; write a time such as \"2026-11-23T23:43:03Z\", or milliseconds since 1970"),
        row(
            "schedule.everyMs",
            json!({ "schedule.kind": "every", "schedule.everyMs": 250.0, "createdAtMs": 9 }),
            |job, row| {
                job.schedule = Schedule::Every { every_ms: 250, anchor: Wall::from_millis(9) };
                row.next_due = Some(Wall::from_millis(259));
            },
        )
        .but_not(json!(0), "schedule.everyMs is 0; write a whole number of milliseconds above 0")
        .but_not(json!(-5), "schedule.everyMs is -5; write a whole number of milliseconds above 0")
        .but_not(json!(1.5), "schedule.everyMs is 1.5; write a whole number of milliseconds above 0")
        .but_not(json!(1e300), "schedule.everyMs is 1e+300; write a whole number of milliseconds above 0"),
        row(
            "schedule.anchorMs",
            json!({ "schedule.kind": "every", "schedule.everyMs": 1_000, "schedule.anchorMs": 400 }),
            |job, row| {
                job.schedule = Schedule::Every { every_ms: 1_000, anchor: Wall::from_millis(400) };
                row.next_due = Some(Wall::from_millis(1_400));
            },
        )
        .but_not(json!("soon"), "schedule.anchorMs is \"soon\"; write milliseconds since 1970"),
        row("schedule.expr", cron_fields(json!({})), |job, row| cron(job, row, expression("UTC")))
            .but_not(
                json!("0 25 * * *"),
                "schedule.expr \"0 25 * * *\": hour: 25 is out of range; write a number from 0 to 23",
            ),
        row("schedule.tz", cron_fields(json!({ "schedule.tz": "Europe/Berlin" })), |job, row| {
            cron(job, row, expression("Europe/Berlin"));
        })
        .but_not(
            json!("Europe/Berln"),
            "schedule.tz: there is no time zone \"Europe/Berln\"; did you mean Europe/Berlin?",
        )
        .but_not(json!(5), "schedule.tz is 5; write the name of a time zone such as \"Europe/Berlin\""),
        row("schedule.staggerMs", cron_fields(json!({ "schedule.staggerMs": 60_000 })), |job, row| {
            cron(job, row, expression("UTC").with_stagger_ms(stagger::offset("j", 60_000)));
        })
        .but_not(json!(true), "schedule.staggerMs is true; write a number of milliseconds"),
        row("schedule.staggerOffsetMs", cron_fields(json!({ "schedule.staggerOffsetMs": 7 })), |job, row| {
            cron(job, row, expression("UTC").with_stagger_ms(7));
        }),
        row("schedule.gap", cron_fields(json!({ "schedule.gap": "skipped" })), |job, row| {
            cron(job, row, expression("UTC").with_gap(Gap::Skipped));
        })
        .but_not(json!("later"), "schedule.gap is \"later\"; write one of \"shifted\", \"skipped\""),
        row("schedule.repeated", cron_fields(json!({ "schedule.repeated": "last" })), |job, row| {
            cron(job, row, expression("UTC").with_repeated(Repeated::Last));
        })
        .but_not(json!("twice"), "schedule.repeated is \"twice\"; write one of \"first\", \"last\", \"both\""),
    ]
}

fn what_runs() -> Vec<Row> {
    let main = json!({ "sessionTarget": "main", "payload.kind": "systemEvent" });
    vec![
        row("agentId", json!({ "agentId": "other" }), |job, _| job.agent = AgentId(0))
            .but_not(json!("a:b"), "agentId is \"a:b\"; write a name without colons and control characters"),
        row("sessionTarget", main.clone(), |job, _| {
            job.terms.target = Target::Main;
            job.terms.budgets.timeout = millis(600_000);
        })
        .but_not(
            json!("isolated"),
            "payload.kind is \"systemEvent\", which only \"sessionTarget\": \"main\" takes; change one of them",
        )
        .but_not(
            json!("session:x"),
            "sessionTarget is \"session:x\", which this version does not run; write \"isolated\" or \"main\"",
        ),
        row("payload.kind", main, |job, _| {
            job.terms.target = Target::Main;
            job.terms.budgets.timeout = millis(600_000);
        })
        .but_not(json!("dream"), "payload.kind is \"dream\"; write one of \"agentTurn\", \"systemEvent\""),
        row(
            "sessionKey",
            json!({ "sessionTarget": "current", "payload.kind": "systemEvent", "sessionKey": "agent:main:main" }),
            |job, _| {
                job.terms.target = Target::Main;
                job.terms.budgets.timeout = millis(600_000);
            },
        )
        .but_not(
            json!("agent:main:telegram:1"),
            "sessionTarget is \"current\", which this version does not run; write \"isolated\" or \"main\"",
        ),
        row("payload.timeoutSeconds", json!({ "payload.timeoutSeconds": 0.5 }), |job, _| {
            job.terms.budgets.timeout = millis(500);
        })
        .but_not(json!("8"), "payload.timeoutSeconds is \"8\"; write a number of seconds, 0 for no limit"),
        row("delivery.mode", json!({ "delivery.mode": "announce" }), |job, _| job.terms.deliver = true)
            .but_not(json!([]), "delivery.mode is []; write \"none\" or \"announce\""),
        row("deleteAfterRun", json!({ "deleteAfterRun": true }), |job, _| job.delete_after_run = true)
            .but_not(json!("yes"), "deleteAfterRun is \"yes\"; write true or false"),
        row("enabled", json!({ "enabled": false }), |_, row| row.status = JobStatus::Disabled)
            .but_not(json!(0), "enabled is 0; write true or false"),
        row("paused", json!({ "paused": true }), |_, row| row.status = JobStatus::Paused)
            .but_not(json!("no"), "paused is \"no\"; write true or false"),
    ]
}

fn policies() -> Vec<Row> {
    vec![
        row("overlap", json!({ "overlap": "allow" }), |job, _| {
            (job.overlap, job.terms.alone) = (Overlap::Allow, false);
        })
        .but_not(
            json!("maybe"),
            "overlap is \"maybe\"; write one of \"skip\", \"buffer one\", \"buffer all\", \"cancel other\", \"allow\"",
        ),
        row("buffer", json!({ "overlap": "buffer all", "buffer": 3 }), |job, _| {
            job.overlap = Overlap::BufferAll(3);
        })
        .but_not(json!(1_000_001), "buffer is 1000001; write a whole number from 0 to 1000000"),
        row("catchUp", json!({ "catchUp": "all" }), |job, _| job.catch_up = CatchUp::All(100))
            .but_not(json!("some"), "catchUp is \"some\"; write one of \"skip\", \"one\", \"all\""),
        row("catchUpMost", json!({ "catchUp": "all", "catchUpMost": 2 }), |job, _| {
            job.catch_up = CatchUp::All(2);
        })
        .but_not(json!(-1), "catchUpMost is -1; write a whole number from 0 to 1000000"),
        row("catchUpWindowMs", json!({ "catchUpWindowMs": 5_000 }), |job, _| {
            job.catch_up_window = millis(5_000);
        })
        .but_not(json!("1h"), "catchUpWindowMs is \"1h\"; write a whole number of milliseconds, 0 or more"),
        row("misfireAfterMs", json!({ "misfireAfterMs": 0 }), |job, _| job.misfire_after = Span::ZERO)
            .but_not(json!(-1), "misfireAfterMs is -1; write a whole number of milliseconds, 0 or more"),
        row("lane", json!({ "lane": "slow" }), |job, _| job.terms.lane = LaneId(1)).but_not(
            json!("fast"),
            "lane is \"fast\", and this gateway has no such lane; write one of \"main\", \"slow\", or configure it",
        ),
        row("onAbandon", json!({ "onAbandon": "hold" }), |job, _| job.terms.on_abandon = OnAbandon::Hold)
            .but_not(json!("keep"), "onAbandon is \"keep\"; write one of \"release\", \"hold\""),
        row("attempts", json!({ "attempts": 3 }), |job, _| job.terms.retry.attempts = 3)
            .but_not(json!(0), "attempts is 0; write a whole number from 1 to 1000"),
        row("backoffMs", json!({ "attempts": 2, "backoffMs": [10, 20] }), |job, _| {
            let backoff = Backoff::of(&[Span::from_millis(10), Span::from_millis(20)]);
            job.terms.retry = Retry { attempts: 2, backoff, ..Retry::default() };
        })
        .but_not(json!([]), "backoffMs is []; write a list of 1 to 5 whole numbers of milliseconds")
        .but_not(json!([1, "x"]), "backoffMs[1] is \"x\"; write a whole number of milliseconds, 0 or more"),
        row("retryOn", json!({ "attempts": 2, "retryOn": ["network", "timed out"] }), |job, _| {
            let on = Endings::failed(FailureKind::Network).and(Endings::TIMED_OUT);
            job.terms.retry = Retry { attempts: 2, on, ..Retry::default() };
        })
        .but_not(
            json!(["timeout"]),
            "retryOn[0] is \"timeout\"; write one of \"unknown\", \"rate limit\", \"overloaded\", \"network\", \
             \"server\", \"permanent\", \"timed out\", \"interrupted\"",
        ),
        row("queueTimeoutMs", json!({ "queueTimeoutMs": 1 }), |job, _| {
            job.terms.budgets.queue_timeout = millis(1);
        })
        .but_not(json!(-1), "queueTimeoutMs is -1; write a whole number of milliseconds, 0 or more"),
        row("startTimeoutMs", json!({ "startTimeoutMs": 2 }), |job, _| {
            job.terms.budgets.start_timeout = millis(2);
        }),
        row("stallTimeoutMs", json!({ "stallTimeoutMs": 3 }), |job, _| {
            job.terms.budgets.stall_timeout = millis(3);
        }),
        row("totalTimeoutMs", json!({ "totalTimeoutMs": u64::MAX }), |job, _| {
            job.terms.budgets.total_timeout = millis(u64::MAX);
        })
        .but_not(json!(0.5), "totalTimeoutMs is 0.5; write a whole number of milliseconds, 0 or more"),
        row("abortGraceMs", json!({ "abortGraceMs": 4 }), |job, _| {
            job.terms.budgets.abort_grace = Span::from_millis(4);
        }),
    ]
}

fn table() -> Vec<Row> {
    [schedules(), what_runs(), policies()].into_iter().flatten().collect()
}

/// A job that says as little as one can.
fn plain() -> Map<String, Value> {
    let plain =
        json!({ "id": "j", "schedule": { "kind": "at", "at": 5_000 }, "payload": { "kind": "agentTurn" } });
    plain.as_object().expect("an object").clone()
}

/// Writes under a path such as `schedule.tz`.
fn set(job: &mut Map<String, Value>, path: &str, value: &Value) {
    match path.split_once('.') {
        Some((outer, inner)) => {
            let object = job.entry(outer.to_owned()).or_insert_with(|| json!({}));
            object.as_object_mut().expect("an object").insert(inner.to_owned(), value.clone());
        }
        None => {
            job.insert(path.to_owned(), value.clone());
        }
    }
}

fn with(fields: &Value) -> Map<String, Value> {
    let mut job = plain();
    for (path, value) in fields.as_object().expect("paths") {
        set(&mut job, path, value);
    }
    job
}

fn names() -> SharedNames {
    let names = SharedNames::new();
    names.with(|names| ["main", "slow"].map(|lane| names.lanes.intern(lane)));
    names
}

/// What a store makes of one declared job.
fn read(job: &Map<String, Value>) -> Result<(Job, JobRow), String> {
    let dir = tempfile::tempdir().expect("a directory");
    let document = json!({ "version": 1, "jobs": [job] }).to_string();
    fs::write(dir.path().join("jobs.json"), &document).expect("a write");
    let mut store = JsonStore::open(dir.path(), names()).expect("a store");
    let rows = store.load().expect("rows");
    assert_eq!(fs::read_to_string(dir.path().join("jobs.json")).expect("a file"), document);
    match (rows.jobs.as_slice(), store.skipped()) {
        ([job], []) => Ok(*job),
        ([], [skipped]) => {
            assert_eq!(skipped.to_string(), format!("jobs.json: jobs[0].{}", skipped.why));
            Err(skipped.why.clone())
        }
        other => panic!("one job or one reason: {other:?}"),
    }
}

fn plain_job() -> (Job, JobRow) {
    let due = Wall::from_millis(5_000);
    let mut job = Job::new(JobId(0), AgentId(0), Schedule::At(due));
    job.catch_up = CatchUp::One;
    job.terms.budgets.timeout = millis(3_600_000);
    (job, JobRow::new(JobId(0), 1, Some(due)))
}

#[test]
fn a_job_that_says_nothing_has_the_defaults() {
    assert_eq!(read(&plain()), Ok(plain_job()));
}

#[test]
fn every_field_means_what_the_table_says() {
    for Row { field, written, means, .. } in table() {
        let mut wanted = plain_job();
        means(&mut wanted.0, &mut wanted.1);
        assert_eq!(read(&with(&written)), Ok(wanted), "{field}");
    }
}

#[test]
fn every_value_that_a_field_cannot_have_is_named_with_what_to_do() {
    for Row { field, written, wrong, .. } in table() {
        for (value, says) in wrong {
            let mut job = with(&written);
            set(&mut job, field, &value);
            assert_eq!(read(&job), Err(says.to_owned()), "{field}");
        }
    }
}

#[test]
fn a_job_that_is_declared_while_the_gateway_runs_reads_back_with_every_policy() {
    for Row { field, written, .. } in table() {
        let (job, _) = read(&with(&written)).expect("a job");
        let (dir, names) = (tempfile::tempdir().expect("a directory"), names());
        let same = JobId(0);
        names.with(|names| (names.jobs.intern("j"), names.agents.intern("main")));
        let mut store = JsonStore::open(dir.path(), names.clone()).expect("a store");
        let two_lanes = Config { lanes: vec![LaneConfig::default(); 2], ..Config::default() };
        let mut script = Script::start_with(two_lanes, &store.load().expect("rows"), store.epoch(), 0);
        script.at(
            1,
            &[InputKind::Command { ticket: 1, command: Command::Add(Box::new(Job { id: same, ..job })) }],
        );
        assert_eq!(script.commits.len(), 1, "{field}");
        assert_eq!(store.commit(&script.commits[0]), Answer::Applied, "{field}");
        drop(store);
        let rows = JsonStore::open(dir.path(), names).expect("a store").load().expect("rows");
        assert_eq!(rows.jobs.iter().map(|(job, _)| *job).collect::<Vec<_>>(), [job], "{field}");
    }
}

#[test]
fn who_disables_or_resumes_a_job_is_heard_after_a_restart_and_read_by_others() {
    let asks: [(Value, Command, Value, JobStatus); 4] = [
        (json!({ "enabled": false }), Command::Resume(JobId(0)), json!(true), JobStatus::Active),
        (json!({ "paused": true }), Command::Resume(JobId(0)), json!(true), JobStatus::Active),
        (json!({}), Command::Disable(JobId(0)), json!(false), JobStatus::Disabled),
        (json!({ "paused": true }), Command::Disable(JobId(0)), Value::Null, JobStatus::Disabled),
    ];
    for (fields, command, enabled, status) in asks {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("jobs.json");
        let mut job = with(&fields);
        set(&mut job, "odd", &json!([1, null]));
        fs::write(&path, json!({ "jobs": [job] }).to_string()).expect("a write");
        let mut store = JsonStore::open(dir.path(), names()).expect("a store");
        let mut script = Script::start(&store.load().expect("rows"), store.epoch(), 0);
        script.at(1, &[InputKind::Command { ticket: 1, command: command.clone() }]);
        for commit in &script.commits {
            assert_eq!(store.commit(commit), Answer::Applied);
        }
        drop(store);
        let job = object(&path)["jobs"][0].clone();
        assert_eq!((&job["enabled"], &job["odd"]), (&enabled, &json!([1, null])), "{command:?}");
        let rows = JsonStore::open(dir.path(), names()).expect("a store").load().expect("rows");
        assert_eq!(rows.jobs[0].1.status, status, "{fields} {command:?}");
    }
}

#[test]
fn null_is_as_good_as_nothing() {
    for Row { field, .. } in table().iter().filter(|row| !row.field.starts_with("schedule.")) {
        let mut job = plain();
        set(&mut job, field, &Value::Null);
        match *field {
            "payload.kind" => assert_eq!(
                read(&job),
                Err("payload.kind is missing; write \"agentTurn\" or \"systemEvent\"".to_owned())
            ),
            _ => assert_eq!(read(&job), Ok(plain_job()), "{field}"),
        }
    }
}

#[test]
fn fields_that_mean_nothing_beside_others_are_named() {
    for (fields, says) in [
        (
            json!({ "buffer": 3 }),
            "buffer means nothing here; take it out, or write \"overlap\": \"buffer all\"",
        ),
        (
            json!({ "catchUpMost": 3 }),
            "catchUpMost means nothing here; take it out, or write \"catchUp\": \"all\"",
        ),
        (json!({ "retryOn": [] }), "retryOn means nothing here; take it out, or write \"attempts\": 3"),
        (json!({ "backoffMs": [1] }), "backoffMs means nothing here; take it out, or write \"attempts\": 3"),
        (
            json!({ "sessionTarget": "main" }),
            "payload.kind is \"agentTurn\", which only \"sessionTarget\": \"isolated\" takes; change one of them",
        ),
    ] {
        assert_eq!(read(&with(&fields)), Err(says.to_owned()), "{fields}");
    }
}

#[test]
fn a_time_without_an_offset_is_in_utc_as_the_field_reads_it() {
    for (said, millis) in [
        (json!("1970-01-02"), 86_400_000),
        (json!("1970-01-01T00:00:01"), 1_000),
        (json!("1970-01-01 00:00:01.5"), 1_500),
        (json!("5000"), 5_000),
        (json!(-7), -7),
    ] {
        let (job, _) = read(&with(&json!({ "schedule.at": said }))).expect("a time");
        assert_eq!(job.schedule, Schedule::At(Wall::from_millis(millis)), "{said}");
    }
}

#[test]
fn the_documentation_lists_exactly_these_fields() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/field-files.md");
    let text = fs::read_to_string(path).expect("the documentation");
    let listed: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("| field |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    let tested: Vec<&str> = table().iter().map(|row| row.field).collect();
    assert_eq!(listed, tested);
}
