//! Why an occurrence did not run is so: what the ledger gives as the reason was there.
//!
//! Judged from what was open before the commit and what came with it: what meets in one tick may have come in any order.

use sametick_core::commit::{LedgerRow, Unran};
use sametick_core::id::{JobId, RunId};
use sametick_core::job::{CatchUp, Job, Overlap};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Mono, Wall};

use super::Scene;
use super::account::wall_of;
use super::rooms::Rooms;
use super::slots::{lane_of, lane_of_terms};
use crate::lines::{ROUNDING_MS, millis, span_ms};

/// What was open before a commit.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    /// By job.
    pub(super) open: &'a [Vec<RunId>],
    /// Somebody paused, disabled or resumed the job in the tick at hand, or in one that no commit has spoken of.
    pub(super) is_told: bool,
    /// When it was resumed since, if that is all that was asked of it.
    pub(super) resumed: Option<Mono>,
    /// How much room each lane had.
    pub(super) rooms: &'a Rooms,
}

/// What is wrong with the reason of a range that is new or goes on, of a job that stays as it was declared.
pub(super) fn wrong_reason(
    row: &LedgerRow,
    job: &Job,
    before: Before<'_>,
    scene: &Scene<'_>,
) -> Option<&'static str> {
    match row.end {
        Unran::Overlap => match job.overlap {
            Overlap::BufferAll(most) => (before.waiters_of(job.id, scene) < u64::from(most))
                .then_some("is skipped because too many waited, and there was room for another to wait"),
            Overlap::Skip | Overlap::BufferOne | Overlap::CancelOther | Overlap::Allow => before
                .has_nothing_of(job.id, scene)
                .then_some("is skipped because a run was open, and none was"),
        },
        Unran::Coalesced => {
            let waits = job.overlap == Overlap::BufferOne && before.waiters_of(job.id, scene) > 0;
            // What is caught up on stands for those before it.
            let stands_for = |run: &RunRow| (run.id.asked, run.id.attempt) == (0, 1) && run.id.due > row.last;
            let caught_up = || job.catch_up == CatchUp::One && new_runs_of(job.id, scene).any(stands_for);
            (!waits && !caught_up())
                .then_some("is coalesced into another, and there is none that stands for it")
        }
        Unran::LaneFull if before.rooms.had_room(job, scene) => Some("found its lane full, and that had room"),
        Unran::LaneFull => (job.overlap == Overlap::CancelOther && before.has_a_place_of(job, row.last, scene)).then_some(
            "found its lane full, and had a place there: that of the run of its own job which it is to replace",
        ),
        Unran::Paused => {
            let was_active = scene.look_up().job(job.id).and_then(|(before, _)| *before);
            if was_active.is_none_or(|before| before.status.is_active()) && !before.is_told {
                return Some("was due while the job was paused, and nobody had paused it");
            }
            // Whoever resumes it has what is due from that very instant on.
            let after = |at| row.last > wall_of(at, scene).plus_millis(ROUNDING_MS);
            (row.last >= scene.said.wall || before.resumed.is_some_and(after))
                .then_some("is written off for a pause that ended by then")
        }
        // With an edit in the same commit nothing is judged.
        Unran::Superseded => Some("is superseded by an edit, and nobody edited the job"),
        Unran::Missed => None,
    }
}

impl Before<'_> {
    fn of(&self, job: JobId) -> &[RunId] {
        self.open.get(job.index()).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing of a job was open, and nothing came.
    fn has_nothing_of(&self, job: JobId, scene: &Scene<'_>) -> bool {
        self.of(job).is_empty() && new_runs_of(job, scene).next().is_none()
    }

    /// How many runs of a job waited at most.
    fn waiters_of(&self, job: JobId, scene: &Scene<'_>) -> u64 {
        let waited = self.of(job).iter().filter(|run| waited(**run, scene)).count();
        (waited + new_runs_of(job, scene).count()) as u64
    }

    /// Whether a run of a job waited in the job's own lane when the last of a range was due, and all through the tick but for a
    /// slot that it got.
    fn has_a_place_of(&self, job: &Job, last: Wall, scene: &Scene<'_>) -> bool {
        let config = &scene.labels.scenario().config;
        let own = lane_of_terms(&job.terms, config);
        let backs_off = |row: &RunRow| {
            let enters = scene.books.runs.get(&row.id).map_or(i64::MAX, |book| book.times.queued);
            // In a late tick it may come after what was due; so it does where a store that is behind makes the tick late.
            let at = Mono::from_nanos(u64::try_from(enters).unwrap_or(u64::MAX).saturating_mul(1_000_000));
            let after_what_was_due = || wall_of(at, scene).plus_millis(ROUNDING_MS) >= last;
            row.not_before.is_some()
                && (enters + ROUNDING_MS + span_ms(scene.lag) >= millis(scene.said.mono)
                    || after_what_was_due())
        };
        let stays = |run: &RunId| {
            let row = scene.books.run(*run);
            row.is_some_and(|row| row.state.phase().is_some() && row.parent.is_none() && !backs_off(row))
        };
        let in_lane = |run: &RunId| lane_of(*run, scene.books, config) == own;
        self.of(job.id).iter().any(|run| waited(*run, scene) && stays(run) && in_lane(run))
    }
}

/// Whether a run waited before the commit.
fn waited(run: RunId, scene: &Scene<'_>) -> bool {
    let before = scene.look_up().run(run).and_then(|change| change.before.as_ref());
    before.or_else(|| scene.books.run(run)).is_some_and(|row| row.state == RunState::Queued)
}

/// The runs of a job that come with the commit.
fn new_runs_of<'a>(job: JobId, scene: &Scene<'a>) -> impl Iterator<Item = &'a RunRow> {
    let new = scene.look_up().runs_of(job).filter(|change| change.before.is_none());
    new.map(|change| &change.after)
}
