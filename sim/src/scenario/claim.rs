//! `[[claim]]`: what must be true at a world's end.

use sametick_core::commit::Unran;

use super::error::ScenarioError;
use super::parse::pattern;
use super::read::{Source, Table};
use super::{Claim, Counted, Scenario};

/// What a claim about a job can count, by its key.
const COUNTS: [(&str, Counted); 9] = [
    ("runs", Counted::Runs),
    ("late", Counted::Late),
    ("delivered", Counted::Delivered),
    ("overlapped", Counted::Unran(Unran::Overlap)),
    ("missed", Counted::Unran(Unran::Missed)),
    ("coalesced", Counted::Unran(Unran::Coalesced)),
    ("superseded", Counted::Unran(Unran::Superseded)),
    ("paused", Counted::Unran(Unran::Paused)),
    ("lane_full", Counted::Unran(Unran::LaneFull)),
];

pub(super) fn claim(
    mut table: Table<'_>,
    scenario: &Scenario,
    source: Source<'_>,
) -> Result<Claim, ScenarioError> {
    let runs = pattern(&mut table, "of", scenario)?;
    let same = |words: &[&'static str]| words.iter().map(|word| (*word, *word)).collect::<Vec<_>>();
    let outcomes = same(&["ok", "failed", "timed out", "cancelled", "interrupted"]);
    let budgets = same(&["queue_timeout", "start_timeout", "stall_timeout", "timeout", "total_timeout"]);
    let phases = same(&["queued", "starting", "running"]);
    let statuses = same(&["none", "running", "done", "timeout", "killed", "failed"]);
    let line = source.text[..table.span.start.min(source.text.len())].matches('\n').count() + 1;
    let mut counts = Vec::new();
    for (key, counted) in COUNTS {
        if let Some(number) = table.count(key, u64::MAX / 2)? {
            counts.push((counted, key, number));
        }
    }
    let claim = Claim {
        runs,
        when: table.offsets("when")?,
        outcome: table.word("outcome", &outcomes)?.map(str::to_owned),
        budget: table.word("budget", &budgets)?.map(str::to_owned),
        phase: table.word("phase", &phases)?.map(str::to_owned),
        session: table.word("session", &statuses)?.map(str::to_owned),
        counts,
        line,
    };
    let of_runs = claim.speaks_of_runs();
    if !of_runs && claim.counts.is_empty() {
        let fix = "a claim claims something: outcome, budget, phase or session of runs, or a count such as runs = 2";
        return Err(table.missing("outcome", fix));
    }
    if !claim.counts.is_empty() && (of_runs || claim.when.is_some()) {
        let fix = "write one [[claim]] for the runs and another for the counts";
        return Err(table.wrong(table.span.clone(), "a claim speaks of runs or counts them", fix));
    }
    table.finish()?;
    Ok(claim)
}
