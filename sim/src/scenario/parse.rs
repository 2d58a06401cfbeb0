//! From a file's text to a scenario.

use sametick_core::Config;
use sametick_core::id::{JobId, Names};
use sametick_core::job::{Budgets, CatchUp, Job};
use sametick_core::schedule::Schedule;
use sametick_core::time::Span;
use toml::de::DeTable;

use super::error::ScenarioError;
use super::read::{Source, Table};
use super::schedule;
use super::span::SpanRange;
use super::{
    Claim, CrashPoint, Event, EventKind, Fault, FaultKind, Moment, OnAbort, Order, RunPattern, Scenario,
    ScenarioJob, TurnEnd, TurnRule, WORLD_BEGINS,
};

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
    let jobs = jobs(&mut top, &mut names)?;
    let mut scenario = Scenario {
        name: name_of(path),
        path: path.to_owned(),
        text: text.to_owned(),
        sentence,
        seeds: 1,
        is_family: false,
        config: lane(&mut top)?,
        lag: SpanRange::default(),
        until: top.span_of("until")?.unwrap_or(Span::from_secs(86_400)),
        store_answers: SpanRange::exactly(Span::from_nanos(200_000)),
        jobs,
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

fn lane(top: &mut Table<'_>) -> Result<Config, ScenarioError> {
    let mut config = Config::default();
    if let Some(mut lane) = top.table("lane")? {
        if let Some(limit) = lane.count("limit", 1_000_000)? {
            config.lane_limit = u32::try_from(limit).unwrap_or(u32::MAX);
        }
        lane.finish()?;
    }
    Ok(config)
}

fn jobs(top: &mut Table<'_>, names: &mut Names) -> Result<Vec<ScenarioJob>, ScenarioError> {
    let mut jobs = Vec::new();
    for table in top.tables("job")? {
        jobs.push(job(table, names)?);
    }
    Ok(jobs)
}

fn job(mut table: Table<'_>, names: &mut Names) -> Result<ScenarioJob, ScenarioError> {
    let (name, at) = table.text("name")?.ok_or_else(|| table.missing("name", "add name = \"digest\""))?;
    if name.is_empty() || name.chars().any(|letter| letter.is_control() || matches!(letter, ':' | '#')) {
        let fix = "a job's name is not empty and has no colon, no # and no control character";
        return Err(table.wrong(at, "this cannot name a job", fix));
    }
    if names.jobs.get(name).is_some() {
        return Err(table.wrong(at, format!("there is a job \"{name}\" already"), "choose another name"));
    }
    let id: JobId = names.jobs.intern(name);
    let (schedule, shift) = schedule::schedule(&mut table, name, WORLD_BEGINS)?;
    let budgets = Budgets {
        queue_timeout: table.span_of("queue_timeout")?,
        timeout: table.span_of("timeout")?,
        total_timeout: table.span_of("total_timeout")?,
        abort_grace: table.span_of("abort_grace")?.unwrap_or(Budgets::default().abort_grace),
    };
    let catch_up =
        table.word("catch_up", &[("skip", CatchUp::Skip), ("one", CatchUp::One)])?.unwrap_or_default();
    let deliver = table.flag("deliver")?.unwrap_or(false);
    table.finish()?;
    let agent = sametick_core::id::AgentId(0);
    let shift =
        SpanRange { low: Span::ZERO, high: Span::from_nanos(shift.high.as_nanos() - shift.low.as_nanos()) };
    Ok(ScenarioJob { job: Job { id, agent, schedule, budgets, deliver, catch_up }, shift })
}

/// `digest` or `digest#2`.
fn pattern(
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
    let (job, occurrence) = match text.split_once('#') {
        Some((job, number)) => (job, Some(number.parse().ok().filter(|number| *number > 0)?)),
        None => (text, None),
    };
    scenario.names.jobs.get(job).map(|job| RunPattern { job: job.0, occurrence })
}

fn turn(mut table: Table<'_>, scenario: &Scenario) -> Result<TurnRule, ScenarioError> {
    let runs = pattern(&mut table, "of", scenario)?;
    let never_ready = matches!(table.text("ready"), Ok(Some(("never", _))));
    let ready = if never_ready {
        None
    } else {
        Some(table.spans("ready")?.unwrap_or(SpanRange::exactly(Span::from_millis(5))))
    };
    let near_timeout = table.offsets("answers_near_timeout")?;
    let near_total = table.offsets("answers_near_total_timeout")?;
    let never = matches!(table.text("takes"), Ok(Some(("never", _))));
    let takes = if never { None } else { table.spans("takes")? };
    let budgets = scenario.jobs.iter().find(|job| job.job.id.0 == runs.job).map(|job| job.job.budgets);
    let has = |budget: fn(&Budgets) -> Option<Span>| budgets.as_ref().and_then(budget).is_some();
    let ends = match (near_timeout, near_total, takes) {
        (Some((low, high)), None, None) if !never && has(|budgets| budgets.timeout) => {
            TurnEnd::NearTimeout(low, high)
        }
        (None, Some((low, high)), None) if !never && has(|budgets| budgets.total_timeout) => {
            TurnEnd::NearTotal(low, high)
        }
        (None, None, Some(takes)) => TurnEnd::After(takes),
        (None, None, None) if never => TurnEnd::Never,
        (None, None, None) => TurnEnd::After(SpanRange::exactly(Span::from_secs(1))),
        (Some(_), None, None) | (None, Some(_), None) if !never => {
            let fix = "give the job that budget, or say how long the turn `takes`";
            return Err(table.wrong(table.span.clone(), "its job has no such budget to answer near", fix));
        }
        (Some(_), ..) | (_, Some(_), _) => {
            return Err(table.wrong(
                table.span.clone(),
                "a turn ends only once",
                "write one of: takes, answers_near_timeout, answers_near_total_timeout",
            ));
        }
    };
    let ok = table.word("ends", &[("ok", true), ("failed", false)])?.unwrap_or(true);
    let ignores = table.word("on_abort", &[("stops", false), ("ignores", true)])?.unwrap_or(false);
    let stops = table.spans("stops")?.unwrap_or(SpanRange::exactly(Span::from_millis(20)));
    if ignores && table.value("stops").is_some() {
        let fix = "take `stops` out, or on_abort = \"ignores\"";
        return Err(table.wrong(table.span.clone(), "a turn that ignores aborts does not stop", fix));
    }
    let on_abort = if ignores { OnAbort::Ignores } else { OnAbort::Stops(stops) };
    let orders = [
        ("report first", Order::ReportFirst),
        ("deadline first", Order::DeadlineFirst),
        ("either", Order::Either),
    ];
    let order = table.word("order", &orders)?.unwrap_or(Order::ReportFirst);
    table.finish()?;
    Ok(TurnRule { runs, ready, ends, ok, on_abort, order })
}

fn fault(mut table: Table<'_>, scenario: &Scenario) -> Result<Fault, ScenarioError> {
    let mut found = None;
    let moments = [("grants", Moment::Grants), ("starts", Moment::Starts), ("settles", Moment::Settles)];
    for (key, moment) in moments {
        if table.value(key).is_some() {
            if found.is_some() {
                let fix = "write one [[fault]] for each of grants, starts, settles";
                return Err(table.wrong(table.span.clone(), "a fault has one moment", fix));
            }
            found = Some((moment, pattern(&mut table, key, scenario)?));
        }
    }
    let Some((moment, runs)) = found else {
        return Err(
            table.missing("grants`, `starts` or `settles", "say at which commit: settles = \"digest#1\"")
        );
    };
    let crashes = [("before", CrashPoint::Before), ("at", CrashPoint::At), ("after", CrashPoint::After)];
    let crash = table.word("crash", &crashes)?;
    let down = table.spans("down")?.unwrap_or(SpanRange::exactly(Span::from_secs(1)));
    #[derive(Clone, Copy)]
    enum Says {
        NotApplied,
        Unknown(bool),
    }
    let answers = [
        ("not applied", Says::NotApplied),
        ("unknown but applied", Says::Unknown(true)),
        ("unknown and not applied", Says::Unknown(false)),
    ];
    let says = table.word("store", &answers)?;
    let times = table.count("times", 1_000)?.unwrap_or(1);
    let misplaced = |key: &'static str, with: &str, table: &Table<'_>| {
        let fix = format!("take `{key}` out, or write {with}");
        table.wrong(table.span.clone(), format!("`{key}` has no meaning here"), fix)
    };
    if table.value("down").is_some() && crash.is_none() {
        return Err(misplaced("down", "crash = \"at\"", &table));
    }
    if table.value("times").is_some() && !matches!(says, Some(Says::NotApplied)) {
        return Err(misplaced("times", "store = \"not applied\"", &table));
    }
    let kind = match (crash, says) {
        (Some(when), None) => FaultKind::Crash { when, down },
        (None, Some(Says::NotApplied)) => FaultKind::NotApplied(u32::try_from(times).unwrap_or(u32::MAX)),
        (None, Some(Says::Unknown(applied))) => FaultKind::Unknown { applied },
        (Some(_), Some(_)) | (None, None) => {
            return Err(table.missing("crash` or `store", "write crash = \"at\" or store = \"not applied\""));
        }
    };
    table.finish()?;
    Ok(Fault { moment, runs, kind })
}

fn event(mut table: Table<'_>, scenario: &Scenario) -> Result<Event, ScenarioError> {
    let at = table.spans("at")?.ok_or_else(|| table.missing("at", "say when: at = \"10s\""))?;
    let crash = table.flag("crash")?.unwrap_or(false);
    let down = table.spans("down")?.unwrap_or(SpanRange::exactly(Span::from_secs(1)));
    let cancels = table.value("cancel").is_some();
    let kind = match (cancels, crash) {
        (true, false) => EventKind::Cancel(one_run(&mut table, scenario)?),
        (false, true) => EventKind::Crash { down },
        (true, true) | (false, false) => {
            return Err(table.missing("cancel` or `crash", "write cancel = \"digest#1\" or crash = true"));
        }
    };
    table.finish()?;
    Ok(Event { at, kind })
}

/// A cancel means one run: a job's first, unless it says which.
fn one_run(table: &mut Table<'_>, scenario: &Scenario) -> Result<RunPattern, ScenarioError> {
    let pattern = pattern(table, "cancel", scenario)?;
    let occurrence = pattern.occurrence.unwrap_or(1);
    let job = scenario.jobs.iter().find(|job| job.job.id.0 == pattern.job);
    if occurrence > 1 && job.is_some_and(|job| matches!(job.job.schedule, Schedule::At(_))) {
        let fix = "a job with `at` is due once; cancel its #1";
        return Err(table.wrong(table.span.clone(), "there is no such occurrence", fix));
    }
    Ok(RunPattern { occurrence: Some(occurrence), ..pattern })
}

fn claim(mut table: Table<'_>, scenario: &Scenario, source: Source<'_>) -> Result<Claim, ScenarioError> {
    let runs = pattern(&mut table, "of", scenario)?;
    let same = |words: &[&'static str]| words.iter().map(|word| (*word, *word)).collect::<Vec<_>>();
    let outcomes = same(&["ok", "failed", "timed out", "cancelled", "interrupted"]);
    let budgets = same(&["queue_timeout", "timeout", "total_timeout"]);
    let phases = same(&["queued", "starting", "running"]);
    let statuses = same(&["none", "running", "done", "timeout", "killed", "failed"]);
    let line = source.text[..table.span.start.min(source.text.len())].matches('\n').count() + 1;
    let claim = Claim {
        runs,
        when: table.offsets("when")?,
        outcome: table.word("outcome", &outcomes)?.map(str::to_owned),
        budget: table.word("budget", &budgets)?.map(str::to_owned),
        phase: table.word("phase", &phases)?.map(str::to_owned),
        session: table.word("session", &statuses)?.map(str::to_owned),
        line,
    };
    if claim.outcome.is_none() && claim.budget.is_none() && claim.phase.is_none() && claim.session.is_none() {
        return Err(table.missing("outcome", "a claim claims something: outcome, budget, phase or session"));
    }
    table.finish()?;
    Ok(claim)
}

/// Whether a seed has anything to draw.
fn draws(scenario: &Scenario) -> bool {
    let turn = |turn: &TurnRule| {
        turn.ready.is_some_and(|ready| ready.is_range())
            || turn.order == Order::Either
            || matches!(turn.on_abort, OnAbort::Stops(stops) if stops.is_range())
            || match turn.ends {
                TurnEnd::Never => false,
                TurnEnd::After(takes) => takes.is_range(),
                TurnEnd::NearTimeout(low, high) | TurnEnd::NearTotal(low, high) => low != high,
            }
    };
    let fault = |fault: &Fault| matches!(fault.kind, FaultKind::Crash { down, .. } if down.is_range());
    let event = |event: &Event| {
        event.at.is_range() || matches!(event.kind, EventKind::Crash { down } if down.is_range())
    };
    scenario.lag.is_range()
        || scenario.store_answers.is_range()
        || scenario.jobs.iter().any(|job| job.shift.is_range())
        || scenario.turns.iter().any(turn)
        || scenario.faults.iter().any(fault)
        || scenario.timeline.iter().any(event)
}
