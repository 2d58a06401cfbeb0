//! A lane gives out as many slots as it has: never one more, and in the end not one less.

use sametick_core::id::JobId;
use sametick_core::job::Overlap;
use sametick_core::run::{Outcome, RunRow, RunState};
use sametick_core::time::Mono;

use super::slots::{Slots, lane_of, waits};
use super::{CheckName, Failure, Scene};
use crate::changes::RunChange;
use crate::label::Labels;

pub(super) const SENTENCE: &str = "no lane ever exceeds its limit, and every slot comes back: when a world is at rest, \
     as many new runs begin as there are slots";
pub(super) const FIELD: &[&str] =
    &["#18120", "#50280", "#57058", "#42997", "#79475", "#142737", "#132952", "BullMQ#4220"];

/// What became of runs that asked for the free slots of one lane.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Probe {
    /// The lane.
    pub(crate) lane: u32,
    /// How many slots are free by the books.
    pub(crate) free: u32,
    /// How many of as many new runs got one.
    pub(crate) granted: u32,
    /// The turns of how many of them were called; nobody looked when absent.
    pub(crate) called: Option<u32>,
}

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>, slots: &Slots) {
    judge_queues(failures, scene, slots);
    let config = &scene.labels.scenario().config;
    let mut runs = scene.changes.granted().map(|change| &change.after);
    let Some(run) = runs.find(|run| run.parent.is_none()) else { return };
    let limits = config.lanes.iter().map(|lane| lane.limit);
    let over = slots.held.iter().zip(limits).position(|(held, limit)| *held > limit);
    let what = match over {
        Some(lane) => {
            let name = scene.labels.lane(u32::try_from(lane).unwrap_or_default());
            format!(
                "lane {name} has {} and {} are held",
                of_slots(config.lanes[lane].limit),
                slots.held[lane]
            )
        }
        None if slots.total > config.running => {
            format!("all lanes together have {} and {} are held", of_slots(config.running), slots.total)
        }
        None => return,
    };
    let message = format!(
        "{} gets a slot, and {what}, counting turns that have not stopped: the limit limits nothing",
        scene.labels.run(run.id)
    );
    failures.push(Failure { check: CheckName::SlotsReturn, at: scene.at, run: Some(run.id), message });
}

/// A lane lets nobody in when as many wait as its queue holds, and as many more as it has slots to give.
fn judge_queues(failures: &mut Vec<Failure>, scene: &Scene<'_>, slots: &Slots) {
    let config = &scene.labels.scenario().config;
    let quiet = || !scene.changes.runs.iter().any(gives_a_slot_back);
    for run in scene.changes.new_runs().map(|change| &change.after).filter(|run| waits(run)) {
        let lane = lane_of(run.id, scene.books, config);
        let (waiting, limits) = (slots.waiting.get(lane).copied().unwrap_or_default(), config.lanes[lane]);
        if waiting <= limits.queue {
            continue;
        }
        // Where nobody gives a slot back in the tick, it is known how many slots were free when they came.
        let (free, gone) = if quiet() {
            (slots.free_before(lane, scene), granted_from(lane, scene))
        } else {
            (limits.limit, 0)
        };
        let bound = limits.queue.saturating_add(free).saturating_add(beyond(lane, scene));
        if waiting + gone > bound && !takes_a_place(run, lane, scene) {
            let name = scene.labels.lane(u32::try_from(lane).unwrap_or_default());
            let message = format!(
                "{} is let in though {} wait for lane {name} with it, whose queue holds {} and which has {} to give: nothing \
                 bounds what waits",
                scene.labels.run(run.id),
                waiting + gone,
                limits.queue,
                of_slots(free)
            );
            failures.push(Failure {
                check: CheckName::SlotsReturn,
                at: scene.at,
                run: Some(run.id),
                message,
            });
            return;
        }
    }
}

/// How many that came by a lane's queue get a slot with the commit.
fn granted_from(lane: usize, scene: &Scene<'_>) -> u32 {
    let config = &scene.labels.scenario().config;
    let runs = scene.changes.granted().map(|change| &change.after);
    let came = runs.filter(|run| run.id.attempt == 1 && run.parent.is_none());
    let count = came.filter(|run| lane_of(run.id, scene.books, config) == lane).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether a run that had a slot before the tick is over, or its turn is known to have stopped.
fn gives_a_slot_back(change: &RunChange) -> bool {
    let waited = change.before.as_ref().is_none_or(|before| before.state == RunState::Queued);
    !waited && (change.closes() || change.settles().is_some())
}

/// Whether a run comes in the place of one that waited in its lane, however that had come in: another attempt finds its lane
/// full and waits all the same.
fn takes_a_place(run: &RunRow, lane: usize, scene: &Scene<'_>) -> bool {
    let of_job = |change: &&RunChange| change.after.id.job == run.id.job;
    let gone = gave_way(lane, scene).filter(of_job).count();
    let come = came_to_wait(lane, scene).filter(of_job).count();
    replaces(run.id.job, scene) && gone >= come
}

/// How many come in the place of another attempt, which waited beyond what the lane has room for.
fn beyond(lane: usize, scene: &Scene<'_>) -> u32 {
    let was_attempt = |gone: &RunChange| gone.after.id.attempt > 1;
    let takes = |come: &&RunChange| {
        let job = come.after.id.job;
        replaces(job, scene)
            && gave_way(lane, scene).any(|gone| gone.after.id.job == job && was_attempt(gone))
    };
    u32::try_from(came_to_wait(lane, scene).filter(takes).count()).unwrap_or(u32::MAX)
}

/// Whether runs of a job take the place of those before them. Edits of the same tick may come before it or after.
fn replaces(job: JobId, scene: &Scene<'_>) -> bool {
    scene.commit.declared.iter().any(|edited| edited.id == job)
        || scene.books.job(job).is_some_and(|(job, _)| job.overlap == Overlap::CancelOther)
}

/// Those that waited in a lane and are cancelled, be it that they came in this very tick.
fn gave_way<'a>(lane: usize, scene: &'a Scene<'_>) -> impl Iterator<Item = &'a RunChange> {
    let config = &scene.labels.scenario().config;
    let waited = |change: &&RunChange| {
        change.before.as_ref().is_none_or(|before| before.state == RunState::Queued)
            && change.after.parent.is_none()
            && change.settles() == Some(Outcome::Cancelled)
    };
    let is_here = move |change: &&RunChange| lane_of(change.after.id, scene.books, config) == lane;
    scene.changes.runs.iter().filter(waited).filter(is_here)
}

/// Those that come in a tick and wait in a lane at its end.
fn came_to_wait<'a>(lane: usize, scene: &'a Scene<'_>) -> impl Iterator<Item = &'a RunChange> {
    let config = &scene.labels.scenario().config;
    let is_here = move |change: &&RunChange| lane_of(change.after.id, scene.books, config) == lane;
    scene.changes.new_runs().filter(|change| waits(&change.after)).filter(is_here)
}

/// What became of as many new runs as there are free slots.
pub(super) fn judge_probe(failures: &mut Vec<Failure>, at: Mono, probe: Probe, labels: &Labels<'_>) {
    let Probe { lane, free, granted, called } = probe;
    let name = labels.lane(lane);
    let message = if granted < free {
        format!(
            "nothing holds {} of lane {name} any more, and of as many new runs {granted} got one: \
             a slot never came back, and the lane is narrower until the gateway is started again",
            of_slots(free)
        )
    } else if let Some(called) = called.filter(|called| *called < free) {
        format!("{} of lane {name} went to new runs, and {called} of their turns were called", of_slots(free))
    } else {
        return;
    };
    failures.push(Failure { check: CheckName::SlotsReturn, at, run: None, message });
}

fn of_slots(count: u32) -> String {
    format!("{count} slot{}", if count == 1 { "" } else { "s" })
}
