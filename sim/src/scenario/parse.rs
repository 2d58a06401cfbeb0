//! From a file's text to a scenario.

use sametick_core::id::Names;
use sametick_core::name::Unfit;
use sametick_core::time::{Span, Wall};
use sametick_core::{Config, LaneConfig};
use toml::de::DeTable;

use super::begins::begins;
use super::claim::claim;
use super::error::ScenarioError;
use super::event::event;
use super::fault::fault;
use super::job::job;
use super::read::{Source, Table};
use super::span::SpanRange;
use super::turn::turn;
use super::{
    CrashPoint, EventKind, Fault, FaultKind, HOST_NAMES, OnAbort, Order, Reports, RunPattern, Scenario,
    ScenarioJob, TurnEnd, TurnRule,
};
use crate::oracle::Times;

/// How many seeds a family draws unless it says so.
const DEFAULT_SEEDS: u64 = 1_000;

pub(super) fn scenario(path: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let source = Source { path, text };
    let sentence = sentence(source)?;
    let parsed = DeTable::parse(text).map_err(|error| {
        source.wrong(error.span().unwrap_or(0..0), error.message().to_owned(), "mend the TOML here")
    })?;
    let mut top = Table::new(source, "a scenario", 0..0, parsed.get_ref());
    let mut names = Names::default();
    names.agents.intern("main");
    let config = limits(&mut top, &mut names)?;
    let begins = begins(&mut top)?;
    let (jobs, times) = jobs(&mut top, &mut names, begins)?;
    let mut scenario = Scenario {
        name: name_of(path),
        path: path.to_owned(),
        text: text.to_owned(),
        sentence,
        seeds: 1,
        is_family: false,
        config,
        begins,
        lag: SpanRange::default(),
        until: top.span_of("until")?.unwrap_or(Span::from_secs(86_400)),
        store_answers: SpanRange::exactly(Span::from_nanos(200_000)),
        hosts: 1,
        jobs,
        times,
        subscribers: None,
        reports: Reports::default(),
        turns: Vec::new(),
        faults: Vec::new(),
        timeline: Vec::new(),
        claims: Vec::new(),
        expect: None,
        names,
    };
    if let Some(mut host) = top.table("host")? {
        scenario.lag = host.spans("lag")?.unwrap_or_default();
        host.finish()?;
    }
    if let Some(mut store) = top.table("store")? {
        scenario.store_answers = store.spans("answers")?.unwrap_or(scenario.store_answers);
        store.finish()?;
    }
    if let Some(mut subscribers) = top.table("subscribers")? {
        scenario.subscribers = Some(subscribers.spans("acknowledge")?.unwrap_or_default());
        subscribers.finish()?;
    }
    if let Some(mut reports) = top.table("reports")? {
        scenario.reports = Reports { again: reports.spans("again")?, delayed: reports.spans("delayed")? };
        reports.finish()?;
    }
    if let Some(table) = top.table("owners")? {
        owners(table, &mut scenario)?;
    }
    for table in top.tables("turn")? {
        scenario.turns.push(turn(table, &scenario)?);
    }
    for table in top.tables("fault")? {
        scenario.faults.push(fault(table, &scenario)?);
    }
    for table in top.tables("do")? {
        scenario.timeline.push(event(table, &scenario)?);
    }
    for table in top.tables("claim")? {
        scenario.claims.push(claim(table, &scenario, source)?);
    }
    scenario.is_family = draws(&scenario);
    let seeds = top.count("seeds", 1_000_000_000)?;
    scenario.seeds = if scenario.is_family { seeds.unwrap_or(DEFAULT_SEEDS) } else { 1 };
    let expect = top.text("expect")?;
    if let Some((text, at)) = expect {
        if scenario.is_family {
            return Err(source.wrong(
                at,
                "a scenario with ranges has no single transcript to expect",
                "state a [[claim]] instead, or take the ranges out",
            ));
        }
        scenario.expect = Some(text.to_owned());
    }
    if scenario.jobs.is_empty() {
        return Err(source.wrong(0..0, "a scenario without a job shows nothing", "add a [[job]]"));
    }
    top.finish()?;
    Ok(scenario)
}

/// `[owners]`: more than one host may own the store, each for as long as its lease lasts.
fn owners(mut table: Table<'_>, scenario: &mut Scenario) -> Result<(), ScenarioError> {
    let lease = table.span_of("lease")?.filter(|lease| *lease > Span::default());
    scenario.config.lease =
        Some(lease.ok_or_else(|| table.missing("lease", "say how long a lease lasts: lease = \"10s\""))?);
    let most = HOST_NAMES.len() as u64;
    let hosts = table.count("hosts", most)?.unwrap_or(2);
    scenario.hosts = usize::try_from(hosts).unwrap_or(1).max(1);
    if scenario.until == Span::from_secs(86_400) {
        let fix = "say above how long to watch it: until = \"2m\"";
        return Err(table.wrong(table.span.clone(), "a world with a lease has no end of its own", fix));
    }
    table.finish()
}

/// The first comment: one sentence.
fn sentence(source: Source<'_>) -> Result<String, ScenarioError> {
    let lines = source.text.lines().take_while(|line| line.starts_with('#'));
    let sentence = lines.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ");
    if sentence.is_empty() {
        let fix = "begin the file with a comment that says in a sentence what it shows";
        return Err(source.wrong(0..0, "the scenario has no sentence", fix));
    }
    Ok(sentence)
}

fn name_of(path: &str) -> String {
    let path = path.strip_suffix(".toml").unwrap_or(path);
    path.rsplit_once("scenarios/").map_or(path, |(_, name)| name).trim_start_matches("./").to_owned()
}

/// The lanes: `main`, which `[lane]` speaks of, and those that `[lanes.NAME]` adds.
fn limits(top: &mut Table<'_>, names: &mut Names) -> Result<Config, ScenarioError> {
    names.lanes.intern("main");
    let mut config = Config::default();
    if let Some(lane) = top.table("lane")? {
        config.lanes[0] = lane_limits(lane)?;
    }
    if let Some(mut lanes) = top.table("lanes")? {
        for name in lanes.keys() {
            let Some(lane) = lanes.table(name)? else { continue };
            if Unfit::of(name).is_some() {
                let fix = "a lane's name is not empty and has no colon and no control character";
                return Err(lane.wrong(lane.span.clone(), "this cannot name a lane", fix));
            }
            if names.lanes.get(name).is_some() {
                let fix = "the first lane is called main, and [lane] speaks of it; choose another name";
                return Err(lane.wrong(
                    lane.span.clone(),
                    format!("there is a lane \"{name}\" already"),
                    fix,
                ));
            }
            names.lanes.intern(name);
            config.lanes.push(lane_limits(lane)?);
        }
        lanes.finish()?;
    }
    if let Some(running) = top.count("running", 1_000_000)? {
        config.running = u32::try_from(running).unwrap_or(u32::MAX);
    }
    if let Some(open) = top.count("open_commits", 1_000_000)? {
        config.open_commits = u32::try_from(open).unwrap_or(u32::MAX);
    }
    Ok(config)
}

fn lane_limits(mut lane: Table<'_>) -> Result<LaneConfig, ScenarioError> {
    let plain = LaneConfig::default();
    let number =
        |count: Option<u64>, plain| count.map_or(plain, |count| u32::try_from(count).unwrap_or(u32::MAX));
    let limit = number(lane.count("limit", 1_000_000)?, plain.limit);
    let queue = number(lane.count("queue", 1_000_000)?, plain.queue);
    lane.finish()?;
    Ok(LaneConfig { limit, queue })
}

fn jobs(
    top: &mut Table<'_>,
    names: &mut Names,
    begins: Wall,
) -> Result<(Vec<ScenarioJob>, Vec<Option<Times>>), ScenarioError> {
    let (mut jobs, mut times) = (Vec::new(), Vec::new());
    for table in top.tables("job")? {
        let (job, words) = job(table, names, begins)?;
        jobs.push(job);
        times.push(words);
    }
    Ok((jobs, times))
}

/// A job by its name.
pub(super) fn job_named(
    table: &mut Table<'_>,
    key: &'static str,
    scenario: &Scenario,
) -> Result<u32, ScenarioError> {
    let Some((text, at)) = table.text(key)? else {
        return Err(table.missing(key, &format!("name a job: {key} = \"digest\"")));
    };
    scenario.names.jobs.get(text).map(|job| job.0).ok_or_else(|| {
        let jobs: Vec<&str> = scenario.jobs.iter().map(|job| scenario.job_name(job.job.id.0)).collect();
        table.wrong(at, format!("no job is called \"{text}\""), format!("one of: {}", jobs.join(", ")))
    })
}

/// `digest`, `digest#2` for its second occurrence, `digest#2.3` for the third attempt at that,
/// `digest!1` for the first run that was asked for.
pub(super) fn pattern(
    table: &mut Table<'_>,
    key: &'static str,
    scenario: &Scenario,
) -> Result<RunPattern, ScenarioError> {
    let Some((text, at)) = table.text(key)? else {
        return Err(table.missing(
            key,
            &format!("add {key} = \"digest\" for all runs of a job, \"digest#2\" for its second"),
        ));
    };
    pattern_of(text, scenario).ok_or_else(|| {
        let jobs: Vec<&str> = scenario.jobs.iter().map(|job| scenario.job_name(job.job.id.0)).collect();
        table.wrong(
            at,
            format!("no run is called \"{text}\""),
            format!("a job ({}) or its nth run, as in \"job#2\"", jobs.join(", ")),
        )
    })
}

fn pattern_of(text: &str, scenario: &Scenario) -> Option<RunPattern> {
    let place = text.find(['#', '!']);
    let (job, rest) = place.map_or((text, ""), |place| text.split_at(place));
    let job = scenario.names.jobs.get(job)?.0;
    let mut pattern = RunPattern { job, occurrence: None, asked: None, attempt: None };
    let Some(mark) = rest.chars().next() else { return Some(pattern) };
    let (number, attempt) = match rest[1..].split_once('.') {
        Some((number, attempt)) => (number, Some(attempt.parse().ok().filter(|attempt| *attempt > 0)?)),
        None => (&rest[1..], None),
    };
    pattern.attempt = attempt;
    if mark == '#' {
        pattern.occurrence = Some(number.parse().ok().filter(|number| *number > 0)?);
    } else {
        pattern.asked = Some(number.parse().ok().filter(|number| *number > 0)?);
    }
    Some(pattern)
}

/// Whether a seed has anything to draw.
fn draws(scenario: &Scenario) -> bool {
    let is_drawn = |range: Option<SpanRange>| range.is_some_and(|range| range.is_range());
    let turn = |turn: &TurnRule| {
        turn.ready.is_some_and(|ready| ready.is_range())
            || turn.order == Order::Either
            || is_drawn(turn.again)
            || is_drawn(turn.delayed)
            || matches!(turn.on_abort, OnAbort::Stops(stops) if stops.is_range())
            || match turn.ends {
                TurnEnd::Never => false,
                TurnEnd::After(takes) => takes.is_range(),
                TurnEnd::NearTimeout(low, high) | TurnEnd::NearTotal(low, high) => low != high,
            }
    };
    let fault = |fault: &Fault| {
        let crash = |when: CrashPoint, down: SpanRange| when == CrashPoint::Anywhere || down.is_range();
        fault.at.is_range()
            || matches!(fault.kind, FaultKind::Crash { when, down, again } if again > 0 || crash(when, down))
    };
    let event = |event: &super::Event| {
        event.at.is_range()
            || match event.kind {
                EventKind::Crash { down: span, .. }
                | EventKind::Freeze { lasts: span, .. }
                | EventKind::Cut { lasts: span, .. }
                | EventKind::Foreign { lasts: span }
                | EventKind::SubscribersDie { lasts: span }
                | EventKind::Clock { noticed: span, .. }
                    if span.is_range() =>
                {
                    true
                }
                EventKind::Clock { low, high, .. } => low != high,
                EventKind::Crash { .. }
                | EventKind::Foreign { .. }
                | EventKind::Freeze { .. }
                | EventKind::Cut { .. }
                | EventKind::Takeover { .. }
                | EventKind::SubscribersDie { .. }
                | EventKind::Cancel(_)
                | EventKind::Job(..)
                | EventKind::Edit { .. }
                | EventKind::Spawn { .. } => false,
            }
    };
    scenario.lag.is_range()
        || scenario.store_answers.is_range()
        || is_drawn(scenario.subscribers)
        || is_drawn(scenario.reports.again)
        || is_drawn(scenario.reports.delayed)
        || scenario.jobs.iter().any(|job| job.shift.is_range())
        || scenario.turns.iter().any(turn)
        || scenario.faults.iter().any(fault)
        || scenario.timeline.iter().any(event)
}
