//! `jobs.json`: what users declare. Jobs this version does not run stay in the file as they are.

use jiff::Timestamp;
use sametick_core::id::Names;
use sametick_core::job::{Budgets, CatchUp, Job};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Span, Wall};
use serde_json::{Map, Value, json};

use super::cron;
use super::document::{int, said, text};

/// The field's limit for an agent turn that names none.
const DEFAULT_TIMEOUT: Span = Span::from_secs(3_600);

/// A job in the file that is not scheduled, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its id, or its place in the file when it has none.
    pub job: String,
    /// Why it does not run.
    pub why: String,
}

/// Reads one declared job.
pub(crate) fn read(declared: &Map<String, Value>, id: &str, names: &mut Names) -> Result<Job, String> {
    check_target(declared)?;
    let payload = payload(declared)?;
    let schedule = schedule(declared, id)?;
    let agent = names.agents.intern(text(declared, "agentId").unwrap_or("main"));
    let mode = declared.get("delivery").and_then(|delivery| delivery.get("mode")).and_then(Value::as_str);
    let mut job = Job::new(names.jobs.intern(id), agent, schedule);
    job.terms.budgets = budgets(declared, payload)?;
    job.terms.deliver = mode.is_some_and(|mode| mode != "none");
    // The field catches up after a restart.
    job.catch_up = CatchUp::One;
    job.delete_after_run = declared.get("deleteAfterRun").and_then(Value::as_bool).unwrap_or(false);
    Ok(job)
}

fn check_target(declared: &Map<String, Value>) -> Result<(), String> {
    match text(declared, "sessionTarget") {
        Some("isolated") => Ok(()),
        Some(other) => {
            Err(format!("sessionTarget {other:?} is not run by this version, only \"isolated\" is"))
        }
        None => Err("sessionTarget is missing".to_owned()),
    }
}

fn payload(declared: &Map<String, Value>) -> Result<&Map<String, Value>, String> {
    let payload = declared.get("payload").and_then(Value::as_object).ok_or("payload is missing")?;
    match text(payload, "kind") {
        Some("agentTurn") => Ok(payload),
        Some(other) => {
            Err(format!("payload kind {other:?} is not run by this version, only \"agentTurn\" is"))
        }
        None => Err("payload.kind is missing".to_owned()),
    }
}

fn schedule(declared: &Map<String, Value>, id: &str) -> Result<Schedule, String> {
    let schedule = declared.get("schedule").and_then(Value::as_object).ok_or("schedule is missing")?;
    match text(schedule, "kind") {
        Some("at") => at(schedule).map(Schedule::At),
        Some("every") => every(schedule, declared),
        Some("cron") => cron::read(schedule, id).map(Schedule::Cron),
        Some(other) => Err(format!(
            "schedule kind {other:?} is not run by this version, only \"at\", \"every\" and \"cron\" are"
        )),
        None => Err("schedule.kind is missing".to_owned()),
    }
}

fn at(schedule: &Map<String, Value>) -> Result<Wall, String> {
    if let Some(millis) = int(schedule, "at").or_else(|| int(schedule, "atMs")) {
        return Ok(Wall::from_millis(millis));
    }
    let said = text(schedule, "at").ok_or("schedule.at is missing")?;
    said.parse()
        .map(|at: Timestamp| Wall::from_millis(at.as_millisecond()))
        .map_err(|error| format!("schedule.at {said:?} is not a time with its offset: {error}"))
}

fn every(schedule: &Map<String, Value>, declared: &Map<String, Value>) -> Result<Schedule, String> {
    let every = schedule.get("everyMs").and_then(Value::as_u64).filter(|every| *every > 0);
    let every_ms = every.ok_or("schedule.everyMs should be a whole number of milliseconds above 0")?;
    let anchor = int(schedule, "anchorMs").or_else(|| int(declared, "createdAtMs")).unwrap_or(0);
    Ok(Schedule::Every { every_ms, anchor: Wall::from_millis(anchor) })
}

fn budgets(declared: &Map<String, Value>, payload: &Map<String, Value>) -> Result<Budgets, String> {
    let millis = |field: &str| match declared.get(field) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .map(|millis| Some(Span::from_millis(millis)))
            .ok_or_else(|| format!("{field} should be a whole number of milliseconds")),
    };
    let standard = Budgets::default();
    Ok(Budgets {
        queue_timeout: millis("queueTimeoutMs")?,
        start_timeout: millis("startTimeoutMs")?,
        stall_timeout: millis("stallTimeoutMs")?,
        timeout: timeout(payload)?,
        total_timeout: millis("totalTimeoutMs")?,
        abort_grace: millis("abortGraceMs")?.unwrap_or(standard.abort_grace),
    })
}

/// `timeoutSeconds`: absent means the field's hour, zero or less means no limit.
fn timeout(payload: &Map<String, Value>) -> Result<Option<Span>, String> {
    let Some(value) = payload.get("timeoutSeconds") else { return Ok(Some(DEFAULT_TIMEOUT)) };
    let seconds = value.as_f64().ok_or("payload.timeoutSeconds should be a number")?;
    if seconds <= 0.0 {
        return Ok(None);
    }
    let span = std::time::Duration::try_from_secs_f64(seconds).unwrap_or(std::time::Duration::MAX);
    Ok(Some(Span::from_nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))))
}

/// A job as the file has it that was declared while the gateway ran.
pub(crate) fn write(job: &Job, names: &Names) -> Map<String, Value> {
    let mut payload = json!({ "kind": "agentTurn", "message": "" });
    let seconds = job.terms.budgets.timeout.map_or(0.0, |span| span.as_nanos() as f64 / 1e9);
    payload["timeoutSeconds"] = number(seconds);
    let declared = json!({
        "id": names.jobs.name(job.id.0),
        "agentId": names.agents.name(job.agent.0),
        "name": names.jobs.name(job.id.0),
        "enabled": true,
        "schedule": schedule_document(job.schedule),
        "sessionTarget": "isolated",
        "wakeMode": "now",
        "payload": payload,
        "delivery": { "mode": if job.terms.deliver { "announce" } else { "none" } },
        "deleteAfterRun": job.delete_after_run,
        "startTimeoutMs": job.terms.budgets.start_timeout.map(Span::as_millis),
        "stallTimeoutMs": job.terms.budgets.stall_timeout.map(Span::as_millis),
        "queueTimeoutMs": job.terms.budgets.queue_timeout.map(Span::as_millis),
        "totalTimeoutMs": job.terms.budgets.total_timeout.map(Span::as_millis),
        "abortGraceMs": job.terms.budgets.abort_grace.as_millis(),
        "state": {},
    });
    said(declared)
}

/// Whole seconds as the field writes them, others as a fraction.
fn number(seconds: f64) -> Value {
    if seconds.fract() == 0.0 { json!(seconds as i64) } else { json!(seconds) }
}

fn schedule_document(schedule: Schedule) -> Value {
    match schedule {
        Schedule::At(at) => match Timestamp::from_millisecond(at.as_millis()) {
            Ok(at) => json!({ "kind": "at", "at": at.to_string() }),
            // Outside the years RFC 3339 knows.
            Err(_) => json!({ "kind": "at", "at": at.as_millis() }),
        },
        Schedule::Every { every_ms, anchor } => {
            json!({ "kind": "every", "everyMs": every_ms, "anchorMs": anchor.as_millis() })
        }
        Schedule::Cron(cron) => cron::write(cron),
    }
}

/// The program a job's payload names, as a list of arguments.
pub(crate) fn command(declared: &Map<String, Value>) -> Option<Vec<String>> {
    let list = declared.get("payload")?.get("command")?.as_array()?;
    list.iter().map(|part| part.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(change: impl FnOnce(&mut Value)) -> Map<String, Value> {
        let mut job = json!({
            "id": "j", "schedule": { "kind": "at", "at": "2026-11-23T23:43:03.058Z" },
            "sessionTarget": "isolated", "payload": { "kind": "agentTurn", "timeoutSeconds": 8 },
        });
        change(&mut job);
        job.as_object().expect("an object").clone()
    }

    fn timeout_of(seconds: Option<Value>) -> Option<Span> {
        let job = declared(|job| match seconds {
            Some(seconds) => job["payload"]["timeoutSeconds"] = seconds,
            None => job["payload"] = json!({ "kind": "agentTurn" }),
        });
        read(&job, "j", &mut Names::default()).expect("a job").terms.budgets.timeout
    }

    #[test]
    fn the_fields_timeout_rules_hold() {
        assert_eq!(timeout_of(None), Some(Span::from_secs(3_600)));
        assert_eq!(timeout_of(Some(json!(0))), None);
        assert_eq!(timeout_of(Some(json!(-1))), None);
        assert_eq!(timeout_of(Some(json!(0.5))), Some(Span::from_millis(500)));
        assert_eq!(timeout_of(Some(json!(8))), Some(Span::from_secs(8)));
    }

    #[test]
    fn a_job_that_is_not_run_says_why() {
        let why = |change: fn(&mut Value)| read(&declared(change), "j", &mut Names::default());
        let moon = why(|job| job["schedule"] = json!({ "kind": "moon" }));
        assert!(moon.expect_err("a kind").contains("\"moon\" is not run"));
        let cron = why(|job| job["schedule"] = json!({ "kind": "cron", "expr": "* * * *" }));
        assert!(cron.expect_err("four fields").starts_with("schedule.expr \"* * * *\": "));
        let main = why(|job| job["sessionTarget"] = json!("main"));
        assert!(main.expect_err("main").contains("\"main\" is not run"));
        let wrong = why(|job| job["schedule"]["at"] = json!("tomorrow"));
        assert!(wrong.expect_err("no time").contains("schedule.at \"tomorrow\""));
    }

    #[test]
    fn a_declared_job_reads_back_as_it_was() {
        let mut names = Names::default();
        let job = read(&declared(|_| ()), "j", &mut names).expect("a job");
        assert_eq!(read(&write(&job, &names), "j", &mut names), Ok(job));
    }
}
