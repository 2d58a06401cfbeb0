//! `[[turn]]`: how turns behave.

use sametick_core::job::Budgets;
use sametick_core::retry::FailureKind;
use sametick_core::run::{Failure, Finish};
use sametick_core::time::Span;

use super::error::ScenarioError;
use super::parse::pattern;
use super::read::Table;
use super::span::SpanRange;
use super::{OnAbort, Order, RunPattern, Scenario, TurnEnd, TurnRule};

pub(super) fn turn(mut table: Table<'_>, scenario: &Scenario) -> Result<TurnRule, ScenarioError> {
    let runs = pattern(&mut table, "of", scenario)?;
    let never_ready = matches!(table.text("ready"), Ok(Some(("never", _))));
    let ready = if never_ready {
        None
    } else {
        Some(table.spans("ready")?.unwrap_or(SpanRange::exactly(Span::from_millis(5))))
    };
    let ends = ends(&mut table, scenario, runs)?;
    let finish = finish(&mut table)?;
    let on_abort = on_abort(&mut table)?;
    let progress = table.span_of("progress")?;
    if progress == Some(Span::ZERO) {
        let fix = "say how often it reports: progress = \"5s\"";
        return Err(table.wrong(table.span.clone(), "a turn cannot report without a pause", fix));
    }
    let again = table.spans("again")?;
    let delayed = table.spans("delayed")?;
    let orders = [
        ("report first", Order::ReportFirst),
        ("deadline first", Order::DeadlineFirst),
        ("either", Order::Either),
    ];
    let order = table.word("order", &orders)?.unwrap_or(Order::ReportFirst);
    table.finish()?;
    Ok(TurnRule { runs, ready, ends, finish, on_abort, order, progress, again, delayed })
}

fn ends(table: &mut Table<'_>, scenario: &Scenario, runs: RunPattern) -> Result<TurnEnd, ScenarioError> {
    let near_timeout = table.offsets("answers_near_timeout")?;
    let near_total = table.offsets("answers_near_total_timeout")?;
    let never = matches!(table.text("takes"), Ok(Some(("never", _))));
    let takes = if never { None } else { table.spans("takes")? };
    let budgets = scenario.jobs.iter().find(|job| job.job.id.0 == runs.job).map(|job| job.job.terms.budgets);
    let has = |budget: fn(&Budgets) -> Option<Span>| budgets.as_ref().and_then(budget).is_some();
    Ok(match (near_timeout, near_total, takes) {
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
    })
}

fn finish(table: &mut Table<'_>) -> Result<Finish, ScenarioError> {
    let ok = table.word("ends", &[("ok", true), ("failed", false)])?.unwrap_or(true);
    let kinds: Vec<(&str, FailureKind)> = FailureKind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    let kind = table.word("failure", &kinds)?;
    if ok && kind.is_some() {
        let fix = "write ends = \"failed\", or take `failure` out";
        return Err(table.wrong(table.span.clone(), "a turn that ends ok has no failure", fix));
    }
    Ok(if ok { Finish::Ok } else { Finish::Failed(Failure { kind: kind.unwrap_or_default(), text: None }) })
}

fn on_abort(table: &mut Table<'_>) -> Result<OnAbort, ScenarioError> {
    let ignores = table.word("on_abort", &[("stops", false), ("ignores", true)])?.unwrap_or(false);
    let stops = table.spans("stops")?.unwrap_or(SpanRange::exactly(Span::from_millis(20)));
    if ignores && table.value("stops").is_some() {
        let fix = "take `stops` out, or on_abort = \"ignores\"";
        return Err(table.wrong(table.span.clone(), "a turn that ignores aborts does not stop", fix));
    }
    Ok(if ignores { OnAbort::Ignores } else { OnAbort::Stops(stops) })
}
