//! `[[do]]`: what happens at certain times.

use sametick_core::schedule::Schedule;
use sametick_core::time::Span;

use super::error::ScenarioError;
use super::parse::{job_named, pattern};
use super::read::Table;
use super::span::SpanRange;
use super::{Event, EventKind, HOST_NAMES, JobCommand, RunPattern, Scenario};

/// Each says by its key what happens.
const KINDS: [&str; 16] = [
    "cancel",
    "crash",
    "clock",
    "add",
    "edit",
    "remove",
    "pause",
    "disable",
    "resume",
    "run",
    "spawn",
    "foreign",
    "freeze",
    "cut",
    "takeover",
    "subscribers",
];

pub(super) fn event(mut table: Table<'_>, scenario: &Scenario) -> Result<Event, ScenarioError> {
    let at = table.spans("at")?.ok_or_else(|| table.missing("at", "say when: at = \"10s\""))?;
    let found: Vec<&'static str> = KINDS.into_iter().filter(|kind| table.value(kind).is_some()).collect();
    let kind = match found.as_slice() {
        ["cancel"] => EventKind::Cancel(one_run(&mut table, "cancel", scenario)?),
        ["crash"] => crash(&mut table, scenario)?,
        ["clock"] => clock(&mut table)?,
        ["freeze"] => {
            EventKind::Freeze { host: host(&mut table, "freeze", scenario)?, lasts: lasts(&mut table)? }
        }
        ["cut"] => EventKind::Cut { host: host(&mut table, "cut", scenario)?, lasts: lasts(&mut table)? },
        ["takeover"] => EventKind::Takeover { host: host(&mut table, "takeover", scenario)? },
        ["foreign"] => foreign(&mut table)?,
        ["subscribers"] => subscribers(&mut table, scenario)?,
        ["edit"] => {
            let job = job_named(&mut table, "edit", scenario)?;
            EventKind::Edit { job, like: job_named(&mut table, "like", scenario)? }
        }
        ["spawn"] => {
            let job = job_named(&mut table, "spawn", scenario)?;
            EventKind::Spawn { job, parent: one_run(&mut table, "by", scenario)? }
        }
        [word] if command(word).is_some() => {
            let job = job_named(&mut table, word, scenario)?;
            EventKind::Job(command(word).unwrap_or(JobCommand::RunNow), job)
        }
        _ => {
            let fix = "write one thing that happens: cancel = \"digest#1\", crash = true, clock = \"1h\", \
                       add, edit, remove, pause, disable, resume, run or spawn = \"digest\", foreign = \"main\", \
                       freeze, cut or takeover = \"a\", subscribers = \"die\"";
            return Err(table.missing("cancel` or `crash", fix));
        }
    };
    table.finish()?;
    Ok(Event { at, kind })
}

fn command(word: &str) -> Option<JobCommand> {
    Some(match word {
        "add" => JobCommand::Add,
        "remove" => JobCommand::Remove,
        "pause" => JobCommand::Pause,
        "disable" => JobCommand::Disable,
        "resume" => JobCommand::Resume,
        "run" => JobCommand::RunNow,
        _ => return None,
    })
}

fn crash(table: &mut Table<'_>, scenario: &Scenario) -> Result<EventKind, ScenarioError> {
    let of = table.value("host").is_some().then(|| host(table, "host", scenario)).transpose()?;
    let down = table.spans("down")?.unwrap_or(SpanRange::exactly(Span::from_secs(1)));
    match table.flag("crash")? {
        Some(true) => Ok(EventKind::Crash { host: of, down }),
        Some(false) | None => Err(table.missing("crash", "write crash = true")),
    }
}

/// The wall clock steps; the host reads it anew when it is told, or a while later.
fn clock(table: &mut Table<'_>) -> Result<EventKind, ScenarioError> {
    let noticed = table.spans("noticed")?.unwrap_or_default();
    let (low, high) = table.offsets("clock")?.unwrap_or_default();
    Ok(EventKind::Clock { low, high, noticed })
}

fn foreign(table: &mut Table<'_>) -> Result<EventKind, ScenarioError> {
    table.word("foreign", &[("main", ())])?;
    Ok(EventKind::Foreign { lasts: lasts(table)? })
}

/// Who listens dies; there has to be somebody to speak of.
fn subscribers(table: &mut Table<'_>, scenario: &Scenario) -> Result<EventKind, ScenarioError> {
    table.word("subscribers", &[("die", ())])?;
    if scenario.subscribers.is_none() {
        let fix = "add [subscribers] above, with acknowledge = \"1s\" or how long they take";
        return Err(table.wrong(table.span.clone(), "nothing is said of subscribers that could die", fix));
    }
    Ok(EventKind::SubscribersDie { lasts: lasts(table)? })
}

fn lasts(table: &mut Table<'_>) -> Result<SpanRange, ScenarioError> {
    Ok(table.spans("lasts")?.unwrap_or(SpanRange::exactly(Span::from_secs(1))))
}

/// A host by its name.
fn host(table: &mut Table<'_>, key: &'static str, scenario: &Scenario) -> Result<usize, ScenarioError> {
    let names = &HOST_NAMES[..scenario.hosts];
    let known: Vec<(&str, usize)> = names.iter().copied().zip(0..).collect();
    match table.word(key, &known)? {
        Some(host) => Ok(host),
        None => Err(table.missing(key, &format!("name a host: {key} = \"a\""))),
    }
}

/// One run: a job's first, unless it says which.
fn one_run(
    table: &mut Table<'_>,
    key: &'static str,
    scenario: &Scenario,
) -> Result<RunPattern, ScenarioError> {
    let pattern = pattern(table, key, scenario)?;
    let occurrence = pattern.occurrence.unwrap_or(1);
    let job = scenario.jobs.iter().find(|job| job.job.id.0 == pattern.job);
    if occurrence > 1 && job.is_some_and(|job| matches!(job.job.schedule, Schedule::At(_))) {
        let fix = format!("a job with `at` is due once; {key} its #1");
        return Err(table.wrong(table.span.clone(), "there is no such occurrence", fix));
    }
    let occurrence = if pattern.asked.is_some() { None } else { Some(occurrence) };
    Ok(RunPattern { occurrence, ..pattern })
}
