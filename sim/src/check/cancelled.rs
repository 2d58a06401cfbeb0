//! Nobody is cancelled without cause, and who is to be cancelled is: before a deadline of that instant, and not once it is
//! over or its turn has answered.
//!
//! Somebody asks for it, by the run's name or by removing its job; a job that is disabled cancels what waits; a run that
//! comes in the place of others cancels them; and a child ends with its parent.

use educe::Educe;
use sametick_core::commit::JobStatus;
use sametick_core::effect::Effect;
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{Outcome, RunState};
use sametick_core::time::Span;

use super::unspoken::Unspoken;
use super::{CheckName, Departure, Failure, Scene, told};
use crate::changes::RunChange;

/// What somebody asked for that cancels runs.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Asked {
    /// Runs to be cancelled.
    pub(super) runs: Unspoken<RunId>,
    /// Those among them of which that was asked at the very instant of a tick, while the store had room for it.
    pub(super) at_once: Unspoken<RunId>,
    /// Runs whose turns answered at the very instant of a tick.
    pub(super) answered: Unspoken<RunId>,
    /// Those that were over before, with the command.
    pub(super) of_over: Vec<(u64, RunId)>,
    /// Jobs to be removed.
    pub(super) jobs: Unspoken<JobId>,
}

impl Asked {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.runs.clear();
        self.at_once.clear();
        self.answered.clear();
        self.of_over.clear();
        self.jobs.clear();
    }

    /// A reply leaves: what was over before somebody asked for its end cannot be cancelled.
    pub(super) fn judge_reply(&mut self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        let Departure { at, effect, labels, .. } = *departure;
        let Effect::Reply { ticket, reply } = *effect else { return };
        let Some(place) = self.of_over.iter().position(|(asked, _)| *asked == ticket) else { return };
        let (_, run) = self.of_over.swap_remove(place);
        if reply.is_ok() {
            let message = format!(
                "{} was over when somebody asked for its end, and that is accepted: whoever asked takes it for cancelled",
                labels.run(run)
            );
            failures.push(Failure { check: CheckName::CommandsKept, at, run: Some(run), message });
        }
    }

    /// What became durable. `is_told` tells of jobs whose status somebody changed in the meantime.
    pub(super) fn judge(
        &mut self,
        failures: &mut Vec<Failure>,
        scene: &Scene<'_>,
        is_told: impl Fn(JobId) -> bool,
    ) {
        for (change, outcome) in scene.changes.settling() {
            if outcome == Outcome::Cancelled && !self.has_cause(change, scene, &is_told) {
                let name = scene.labels.run(change.after.id);
                let message = format!(
                    "{name} is cancelled, and nothing cancels it: nobody asked for that or removed its job, it did not wait \
                     for a job that was disabled, nothing comes in its place, and no parent of it is over"
                );
                let run = Some(change.after.id);
                failures.push(Failure { check: CheckName::CommandsKept, at: scene.at, run, message });
            }
        }
        for (change, outcome) in scene.changes.settling() {
            let was_there = change.before.is_some() && matches!(outcome, Outcome::TimedOut(_));
            if was_there && self.came_first(change.after.id, scene) {
                let name = scene.labels.run(change.after.id);
                let message = format!(
                    "{name} is {}, and somebody had it cancelled at that very instant: what is asked counts before a deadline",
                    told(outcome)
                );
                let run = Some(change.after.id);
                failures.push(Failure { check: CheckName::CommandsKept, at: scene.at, run, message });
            }
        }
        for (change, outcome) in scene.changes.settling() {
            if outcome == Outcome::Cancelled && self.was_done(change, scene) {
                let message = format!(
                    "{} is cancelled, and its turn answered at that very instant: the work was done",
                    scene.labels.run(change.after.id)
                );
                let run = Some(change.after.id);
                failures.push(Failure { check: CheckName::CommandsKept, at: scene.at, run, message });
            }
        }
        self.runs.spoken(scene.said.mono);
        self.at_once.spoken(scene.said.mono);
        self.answered.spoken(scene.said.mono);
        self.jobs.spoken(scene.said.mono);
    }

    /// Whether somebody asked for the end of a run no later than any deadline that a tick can have met: where ticks are never
    /// late, that is at the instant of the tick.
    fn came_first(&self, run: RunId, scene: &Scene<'_>) -> bool {
        let is_punctual = scene.lag == Span::ZERO && scene.labels.scenario().hosts == 1;
        is_punctual && self.at_once.has_in(&run, scene.said.mono)
    }

    /// Whether the turn of a run that was at work answered at the instant of a tick, and whatever cancels the run in that tick
    /// is a command of that instant.
    fn was_done(&self, change: &RunChange, scene: &Scene<'_>) -> bool {
        let (run, said) = (change.after.id, scene.said.mono);
        let was_at_work = change.before.is_some_and(|before| before.state == RunState::Running);
        let commands = self.runs.count_in(&run, said);
        was_at_work
            && !is_replaced(run, scene)
            && self.answered.has_in(&run, said)
            && commands > 0
            && commands == self.at_once.count_in(&run, said)
            && !self.jobs.has_in(&run.job, said)
            && change.after.parent.is_none()
    }

    fn has_cause(&self, change: &RunChange, scene: &Scene<'_>, is_told: impl Fn(JobId) -> bool) -> bool {
        let run = &change.after;
        let job = run.id.job;
        let said = scene.said.mono;
        let is_asked = self.runs.has_by(&run.id, said) || self.jobs.has_by(&job, said);
        // Of a job that is gone, or declared anew, the records tell too little.
        let own = scene.books.job(job).filter(|(_, row)| row.generation == run.id.generation);
        let Some((_, row)) = own else { return true };
        let waited = change.before.is_none_or(|before| before.state == RunState::Queued);
        let is_disabled = || row.status == JobStatus::Disabled || is_told(job);
        let is_over = |parent| scene.books.run(parent).is_none_or(|row| row.state.outcome().is_some());
        is_asked || waited && is_disabled() || run.parent.is_some_and(is_over) || is_replaced(run.id, scene)
    }
}

/// Whether another run of the job comes with the commit, in whose place this one may have been.
fn is_replaced(run: RunId, scene: &Scene<'_>) -> bool {
    let comes = |change: &RunChange| change.before.is_none() && change.after.id.attempt == 1;
    scene.look_up().runs_of(run.job).any(|other| comes(other) && other.after.id != run)
}
