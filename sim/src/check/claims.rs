//! What a scenario claims of its own runs.

use sametick_core::id::RunId;
use sametick_core::run::{Outcome, RunRow};

use super::{shown, told};
use crate::books::Books;
use crate::label::Labels;
use crate::scenario::{Claim, Counted};

/// What is wrong with a claim that counts, if anything.
pub(crate) fn count_broken(
    claim: &Claim,
    books: &Books,
    delivered: &[RunId],
    labels: &Labels<'_>,
) -> Option<String> {
    let job = labels.scenario().job_name(claim.runs.job);
    claim.counts.iter().find_map(|(counted, key, wanted)| {
        let runs = |run: &RunId| labels.fits(claim.runs, *run);
        let found = match counted {
            Counted::Runs => books.runs.keys().filter(|run| runs(run)).count() as u64,
            Counted::Late => books.late.iter().filter(|note| runs(&note.run)).count() as u64,
            Counted::Delivered => delivered.iter().filter(|run| runs(run)).count() as u64,
            Counted::Unran(end) => {
                let own = books.ledger.iter().filter(|row| row.job.0 == claim.runs.job && row.end == *end);
                own.map(|row| row.count).sum()
            }
        };
        (found != *wanted).then(|| {
            format!("the claim at line {} says that {key} = {wanted} of {job}; there are {found}", claim.line)
        })
    })
}

/// What is wrong with a claim about a run, if anything.
pub(crate) fn claim_broken(
    claim: &Claim,
    run: &RunRow,
    books: &Books,
    labels: &Labels<'_>,
) -> Option<String> {
    let name = || labels.run(run.id);
    let at_line = || format!("the claim at line {}", claim.line);
    let Some(outcome) = run.state.outcome() else {
        return Some(format!("{} speaks of how {} ends, but it never settled", at_line(), name()));
    };
    if let Some(wanted) = claim.outcome.as_deref().filter(|wanted| *wanted != outcome.name()) {
        return Some(format!("{} says {} ends \"{wanted}\"; it was {}", at_line(), name(), told(outcome)));
    }
    let timed_out = match outcome {
        Outcome::TimedOut(which) => Some(which),
        Outcome::Ok | Outcome::Failed(_) | Outcome::Cancelled | Outcome::Interrupted(_) => None,
    };
    let budget = timed_out.map(|which| which.budget.name());
    if claim.budget.is_some() && claim.budget.as_deref() != budget {
        return Some(format!("{} names another budget; {} was {}", at_line(), name(), told(outcome)));
    }
    let phase = timed_out.map(|which| which.phase.name());
    if claim.phase.is_some() && claim.phase.as_deref() != phase {
        return Some(format!("{} names another phase; {} was {}", at_line(), name(), told(outcome)));
    }
    let row = run.session.and_then(|_| books.sessions.get(&run.session_key()));
    let status = row.map_or("none", |row| shown(row.status));
    let wanted = claim.session.as_deref().filter(|wanted| *wanted != status)?;
    Some(format!("{} says the session of {} is \"{wanted}\"; it is \"{status}\"", at_line(), name()))
}
