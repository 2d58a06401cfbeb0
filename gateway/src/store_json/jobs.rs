//! `jobs.json`: what users declare. Jobs this version does not run stay in the file as they are.

use std::fmt;

use sametick_core::commit::JobStatus;
use sametick_core::id::Names;
use sametick_core::job::{Job, Target};
use sametick_core::name::Unfit;
use sametick_core::time::Span;
use serde_json::{Map, Value, json};

use super::document::text;
use super::fields::Fields;
use super::{policies, schedules};

/// The field's limit for an agent turn that names none, and for everything else.
const TURN_TIMEOUT: Span = Span::from_secs(3_600);
const OTHER_TIMEOUT: Span = Span::from_secs(600);

/// A job in the file that is not scheduled, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its id, or its place in the file when it has none.
    pub job: String,
    /// Its place in the list of the file, from 0.
    pub place: usize,
    /// Why it does not run: the field, what it holds, and what to do.
    pub why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joint = if self.why.starts_with("it ") { ": " } else { "." };
        write!(out, "jobs.json: jobs[{}]{joint}{}", self.place, self.why)
    }
}

/// Reads one declared job.
pub(crate) fn read(declared: &Map<String, Value>, id: &str, names: &mut Names) -> Result<Job, String> {
    let declared = Fields::of_job(declared);
    check_name("id", id)?;
    let agent = declared.text("agentId", "write the agent's id")?.unwrap_or("main");
    check_name("agentId", agent)?;
    status(&declared)?;
    let payload = declared.inside("payload")?;
    let target = target(&declared, &payload, agent)?;
    let schedule = schedules::read(&declared, id)?;
    let agent = names.agents.intern(agent);
    let mut job = Job::new(names.jobs.intern(id), agent, schedule);
    policies::read(&declared, names, &mut job)?;
    job.terms.target = target;
    job.terms.budgets.timeout = timeout(&payload, target)?;
    job.terms.deliver = delivers(&declared)?;
    job.delete_after_run = declared.flag("deleteAfterRun")?.unwrap_or(false);
    Ok(job)
}

/// What a session key could not name would never be found again.
fn check_name(field: &str, name: &str) -> Result<(), String> {
    let fix = "write a name without colons and control characters";
    if name.is_empty() {
        return Err(format!("{field} is empty; {fix}"));
    }
    if Unfit::of(name).is_some() {
        return Err(Fields::of_job(&Map::new()).wrong(field, &json!(name), fix));
    }
    Ok(())
}

/// Whether the declaration itself says that the schedule is not followed.
pub(crate) fn status(declared: &Fields<'_>) -> Result<JobStatus, String> {
    let (enabled, paused) = (declared.flag("enabled")?, declared.flag("paused")?);
    Ok(match (enabled.unwrap_or(true), paused.unwrap_or(false)) {
        (false, _) => JobStatus::Disabled,
        (true, true) => JobStatus::Paused,
        (true, false) => JobStatus::Active,
    })
}

/// As the field pairs them: a system event goes to the main session, an agent's turn to one of its own.
fn target(declared: &Fields<'_>, payload: &Fields<'_>, agent: &str) -> Result<Target, String> {
    let kinds = [("agentTurn", Target::Isolated), ("systemEvent", Target::Main)];
    let kind = payload.word("kind", &kinds)?;
    let kind = kind.ok_or_else(|| payload.missing("kind", "write \"agentTurn\" or \"systemEvent\""))?;
    let fix = "write \"isolated\" or \"main\"";
    let target = match declared.text("sessionTarget", fix)? {
        None => kind,
        Some("isolated") => Target::Isolated,
        Some("main") => Target::Main,
        Some("current") if is_main(declared, agent)? => Target::Main,
        Some(other) => {
            return Err(format!("sessionTarget is {other:?}, which this version does not run; {fix}"));
        }
    };
    match (target, kind) {
        (Target::Isolated, Target::Main) => {
            Err("payload.kind is \"systemEvent\", which only \"sessionTarget\": \"main\" takes; change one of them"
                .to_owned())
        }
        (Target::Main, Target::Isolated) => {
            Err("payload.kind is \"agentTurn\", which only \"sessionTarget\": \"isolated\" takes; change one of them"
                .to_owned())
        }
        (Target::Isolated, Target::Isolated) | (Target::Main, Target::Main) => Ok(target),
    }
}

/// Whether the session that the job was made in is the agent's main one.
fn is_main(declared: &Fields<'_>, agent: &str) -> Result<bool, String> {
    let key = declared.text("sessionKey", "write a session key")?;
    Ok(key.is_some_and(|key| key == format!("agent:{agent}:main")))
}

fn delivers(declared: &Fields<'_>) -> Result<bool, String> {
    if declared.value("delivery").is_none() {
        return Ok(false);
    }
    let mode = declared.inside("delivery")?.text("mode", "write \"none\" or \"announce\"")?;
    Ok(mode.is_some_and(|mode| mode != "none"))
}

/// `timeoutSeconds`: absent means the field's own limit, zero or less means none.
fn timeout(payload: &Fields<'_>, target: Target) -> Result<Option<Span>, String> {
    let Some(value) = payload.value("timeoutSeconds") else {
        return Ok(Some(match target {
            Target::Isolated => TURN_TIMEOUT,
            Target::Main => OTHER_TIMEOUT,
        }));
    };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
    let seconds = seconds
        .ok_or_else(|| payload.wrong("timeoutSeconds", value, "write a number of seconds, 0 for no limit"))?;
    if seconds <= 0.0 {
        return Ok(None);
    }
    let span = std::time::Duration::try_from_secs_f64(seconds).unwrap_or(std::time::Duration::MAX);
    Ok(Some(Span::from_nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))))
}

/// The id of a declared job.
pub(crate) fn id_of(declared: &Map<String, Value>) -> &str {
    text(declared, "id").unwrap_or_default()
}

/// A declared job with the time at which it was made, unless it says so itself.
pub(crate) fn stamped(mut declared: Map<String, Value>, at: Option<i64>) -> Map<String, Value> {
    if let Some(at) = at {
        declared.entry("createdAtMs").or_insert(json!(at));
    }
    declared
}

/// What an edit changes in the declaration that is in the file: nothing that the machine does not know.
pub(crate) fn edit(there: &Map<String, Value>, written: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = written.clone();
    for field in ["name", "enabled", "wakeMode", "state", "createdAtMs"] {
        patch.shift_remove(field);
    }
    let known = [
        ("payload", &["kind", "timeoutSeconds"][..]),
        ("delivery", &["mode"]),
        ("schedule", schedules::FIELDS),
    ];
    for (field, known) in known {
        let Some(Value::Object(before)) = there.get(field) else { continue };
        let mut after = before.clone();
        after.retain(|name, _| !known.contains(&name.as_str()));
        let news = written.get(field).and_then(Value::as_object).into_iter().flatten();
        for (name, value) in news.filter(|(name, _)| known.contains(&name.as_str())) {
            after.insert(name.clone(), value.clone());
        }
        patch.insert(field.to_owned(), Value::Object(after));
    }
    let schedule = |job: &Map<String, Value>| schedules::read(&Fields::of_job(job), id_of(there)).ok();
    if schedule(there) == schedule(written) {
        patch.shift_remove("schedule");
    }
    // There are more ways to deliver than the machine tells apart.
    let delivers = |job: &Map<String, Value>| delivers(&Fields::of_job(job)).unwrap_or_default();
    if delivers(there) == delivers(written) {
        patch.shift_remove("delivery");
    }
    patch
}

/// A job as the file has it that was declared while the gateway ran, with `null` where it has a default.
pub(crate) fn write(job: &Job, names: &Names) -> Map<String, Value> {
    let seconds = job.terms.budgets.timeout.map_or(0.0, |span| span.as_nanos() as f64 / 1e9);
    let (target, payload) = match job.terms.target {
        Target::Isolated => {
            ("isolated", json!({ "kind": "agentTurn", "message": "", "timeoutSeconds": number(seconds) }))
        }
        Target::Main => {
            ("main", json!({ "kind": "systemEvent", "text": "", "timeoutSeconds": number(seconds) }))
        }
    };
    let declared = json!({
        "id": names.jobs.name(job.id.0),
        "agentId": names.agents.name(job.agent.0),
        "name": names.jobs.name(job.id.0),
        "enabled": true,
        "schedule": schedules::write(job.schedule),
        "sessionTarget": target,
        "wakeMode": "now",
        "payload": payload,
        "delivery": { "mode": if job.terms.deliver { "announce" } else { "none" } },
        "deleteAfterRun": job.delete_after_run,
    });
    let mut declared = declared.as_object().cloned().unwrap_or_default();
    declared.extend(policies::write(job, names));
    declared.insert("state".to_owned(), json!({}));
    declared
}

/// Whole seconds as the field writes them, others as a fraction.
fn number(seconds: f64) -> Value {
    if seconds.fract() == 0.0 { json!(seconds as i64) } else { json!(seconds) }
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
    fn a_declared_job_reads_back_as_it_was() {
        let mut names = Names::default();
        let job = read(&declared(|_| ()), "j", &mut names).expect("a job");
        assert_eq!(read(&write(&job, &names), "j", &mut names), Ok(job));
    }
}
