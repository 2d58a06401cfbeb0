//! `[[job]]`: what is declared.

use sametick_core::commit::JobStatus;
use sametick_core::id::{AgentId, JobId, LaneId, Names};
use sametick_core::job::{Budgets, CatchUp, Job, OnAbandon, Overlap, Target, Terms};
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};
use sametick_core::time::{Span, Wall};

use super::ScenarioJob;
use super::error::ScenarioError;
use super::read::Table;
use super::schedule::{schedule, words};
use super::span::SpanRange;
use crate::oracle::Times;

/// How many runs may wait, or be caught up on, unless the job says so.
const MOST_RUNS: u32 = 100;

pub(super) fn job(
    mut table: Table<'_>,
    names: &mut Names,
    begins: Wall,
) -> Result<(ScenarioJob, Option<Times>), ScenarioError> {
    let id = name(&mut table, names)?;
    let (schedule, first) = schedule(&mut table, names.jobs.name(id.0), begins)?;
    let words = words(&mut table, names.jobs.name(id.0))?;
    let high = Span::from_nanos(first.high.as_nanos() - first.low.as_nanos());
    let shift = SpanRange { low: Span::ZERO, high };
    let agent = agent(&mut table, names)?;
    let mut job = Job::new(id, agent, schedule);
    job.overlap = overlap(&mut table)?;
    job.catch_up = catch_up(&mut table)?;
    job.catch_up_window = table.span_of("catch_up_window")?;
    job.misfire_after = table.span_of("misfire_after")?.unwrap_or(job.misfire_after);
    job.delete_after_run = table.flag("delete_after_run")?.unwrap_or(false);
    job.terms = terms(&mut table, names)?;
    job.terms.alone = !matches!(job.overlap, Overlap::Allow);
    let declared = table.flag("declared")?.unwrap_or(true);
    let paused = table.flag("paused")?.unwrap_or(false);
    let status = if paused { JobStatus::Paused } else { JobStatus::Active };
    table.finish()?;
    Ok((ScenarioJob { job, shift, declared, status }, words))
}

fn name(table: &mut Table<'_>, names: &mut Names) -> Result<JobId, ScenarioError> {
    let (name, at) = table.text("name")?.ok_or_else(|| table.missing("name", "add name = \"digest\""))?;
    let odd = |letter: char| letter.is_control() || matches!(letter, ':' | '#' | '!' | '@' | '/');
    if name.is_empty() || name.chars().any(odd) {
        let fix = "a job's name is not empty and has none of : # ! @ / and no control character";
        return Err(table.wrong(at, "this cannot name a job", fix));
    }
    if names.jobs.get(name).is_some() {
        return Err(table.wrong(at, format!("there is a job \"{name}\" already"), "choose another name"));
    }
    Ok(names.jobs.intern(name))
}

/// The first agent there is, unless the job says so.
fn agent(table: &mut Table<'_>, names: &mut Names) -> Result<AgentId, ScenarioError> {
    let Some((name, at)) = table.text("agent")? else { return Ok(AgentId(0)) };
    if name.is_empty() || name.chars().any(|letter| letter.is_control() || letter == ':') {
        let fix = "an agent's name is not empty and has no colon and no control character";
        return Err(table.wrong(at, "this cannot name an agent", fix));
    }
    Ok(names.agents.intern(name))
}

fn overlap(table: &mut Table<'_>) -> Result<Overlap, ScenarioError> {
    let most = table.count("buffer", 1_000_000)?.map(|most| u32::try_from(most).unwrap_or(u32::MAX));
    let words = [
        ("skip", Overlap::Skip),
        ("buffer one", Overlap::BufferOne),
        ("buffer all", Overlap::BufferAll(most.unwrap_or(MOST_RUNS))),
        ("cancel other", Overlap::CancelOther),
        ("allow", Overlap::Allow),
    ];
    let overlap = table.word("overlap", &words)?.unwrap_or_default();
    if most.is_some() && !matches!(overlap, Overlap::BufferAll(_)) {
        let fix = "take `buffer` out, or write overlap = \"buffer all\"";
        return Err(table.wrong(table.span.clone(), "`buffer` has no meaning here", fix));
    }
    Ok(overlap)
}

fn catch_up(table: &mut Table<'_>) -> Result<CatchUp, ScenarioError> {
    let most = table.count("catch_up_most", 1_000_000)?.map(|most| u32::try_from(most).unwrap_or(u32::MAX));
    let words =
        [("skip", CatchUp::Skip), ("one", CatchUp::One), ("all", CatchUp::All(most.unwrap_or(MOST_RUNS)))];
    let catch_up = table.word("catch_up", &words)?.unwrap_or_default();
    if most.is_some() && !matches!(catch_up, CatchUp::All(_)) {
        let fix = "take `catch_up_most` out, or write catch_up = \"all\"";
        return Err(table.wrong(table.span.clone(), "`catch_up_most` has no meaning here", fix));
    }
    Ok(catch_up)
}

fn terms(table: &mut Table<'_>, names: &Names) -> Result<Terms, ScenarioError> {
    let targets = [("isolated", Target::Isolated), ("main", Target::Main)];
    let abandons = [("release", OnAbandon::Release), ("hold", OnAbandon::Hold)];
    Ok(Terms {
        target: table.word("session", &targets)?.unwrap_or_default(),
        lane: lane(table, names)?,
        alone: true,
        budgets: budgets(table)?,
        on_abandon: table.word("on_abandon", &abandons)?.unwrap_or_default(),
        retry: retry(table)?,
        deliver: table.flag("deliver")?.unwrap_or(false),
    })
}

fn lane(table: &mut Table<'_>, names: &Names) -> Result<LaneId, ScenarioError> {
    let Some((name, at)) = table.text("lane")? else { return Ok(LaneId(0)) };
    names.lanes.get(name).ok_or_else(|| {
        let known: Vec<&str> = (0..names.lanes.len()).map(|lane| names.lanes.name(lane as u32)).collect();
        let fix = format!("one of {}, or add [lanes.{}]", known.join(", "), name.escape_debug());
        table.wrong(at, format!("there is no lane {name:?}"), fix)
    })
}

fn budgets(table: &mut Table<'_>) -> Result<Budgets, ScenarioError> {
    Ok(Budgets {
        queue_timeout: table.span_of("queue_timeout")?,
        start_timeout: table.span_of("start_timeout")?,
        stall_timeout: table.span_of("stall_timeout")?,
        timeout: table.span_of("timeout")?,
        total_timeout: table.span_of("total_timeout")?,
        abort_grace: table.span_of("abort_grace")?.unwrap_or(Budgets::default().abort_grace),
    })
}

fn retry(table: &mut Table<'_>) -> Result<Retry, ScenarioError> {
    let plain = Retry::default();
    let attempts = table.count("attempts", 1_000)?.map_or(1, |most| u32::try_from(most).unwrap_or(u32::MAX));
    let steps = table.span_list("backoff")?;
    let words: Vec<(&str, Endings)> = FailureKind::ALL
        .iter()
        .map(|kind| (kind.name(), Endings::failed(*kind)))
        .chain([("timed out", Endings::TIMED_OUT), ("interrupted", Endings::INTERRUPTED)])
        .collect();
    let on = table.word_list("retry_on", &words)?;
    if attempts == 1 && (steps.is_some() || on.is_some()) {
        let fix = "write attempts = 3, or take `backoff` and `retry_on` out";
        return Err(table.wrong(table.span.clone(), "a job with one attempt is not tried again", fix));
    }
    Ok(Retry {
        attempts,
        on: on.map_or(plain.on, |on| on.into_iter().fold(Endings::NONE, Endings::and)),
        backoff: steps.map_or(plain.backoff, |steps| Backoff::of(&steps)),
    })
}
