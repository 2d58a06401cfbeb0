//! How many runs of a job in a row did not end well, by its row, in every commit.

use sametick_core::commit::JobRow;
use sametick_core::run::Outcome;

use super::{CheckName, Failure, Scene};
use crate::lines::ROUNDING_MS;

/// A run that ends well begins the count anew, any other end adds to it, and nothing else changes it.
pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for (before, row) in &scene.changes.jobs {
        // Another generation of the job has had no run.
        let before = before.filter(|before| before.generation == row.generation);
        let counted = before.map_or(0, |before| before.consecutive_errors);
        let (least, most) = count(counted, row, scene);
        let said = row.consecutive_errors;
        if (least..=most).contains(&said) {
            continue;
        }
        let name = scene.labels.job(row.id);
        let message = format!(
            "{name} says that {said} of its runs in a row did not end well, and by their records it is {least}"
        );
        failures.push(Failure { check: CheckName::RecordsAgree, at: scene.at, run: None, message });
    }
}

/// What the count can be once all runs have ended that end with the commit: of those that ended as good as at once nobody
/// knows the order.
fn count(before: u32, row: &JobRow, scene: &Scene<'_>) -> (u32, u32) {
    let ends = || {
        let own = scene.look_up().runs_of(row.id);
        let ends = own.filter_map(|change| Some((change, change.settles()?)));
        ends.filter(|(change, _)| change.after.id.generation == row.generation).map(|(change, outcome)| {
            (change.book(scene.books).times.settled.unwrap_or(i64::MAX), outcome == Outcome::Ok)
        })
    };
    let well = ends().filter(|(_, well)| *well).map(|(at, _)| at).max();
    let errors = |from: i64| {
        let after = ends().filter(|(at, well)| !*well && *at > from).count();
        u32::try_from(after).unwrap_or(u32::MAX)
    };
    match well {
        None => {
            let all = before.saturating_add(errors(i64::MIN));
            (all, all)
        }
        Some(well) => {
            (errors(well.saturating_add(ROUNDING_MS)), errors(well.saturating_sub(ROUNDING_MS + 1)))
        }
    }
}
