//! A job is paused, disabled or active because somebody asked for that, and stays so: also over a crash, once it is accepted.
//! And one that is there is not added once more.

use std::collections::BTreeMap;

use educe::Educe;
use sametick_core::commit::JobStatus;
use sametick_core::effect::{Accepted, Command, Effect};
use sametick_core::id::JobId;
use sametick_core::time::Mono;

use super::{CheckName, Departure, Failure, Scene};

/// What was asked last of each job.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Statuses {
    latest: BTreeMap<JobId, Asked>,
}

/// Somebody changes a job.
#[derive(Clone, Copy, Debug)]
struct Asked {
    ticket: u64,
    /// The tick that heard of it.
    tick: Mono,
    /// What the job is then; nothing where it may be more than one thing, as of two that came in one tick.
    status: Option<JobStatus>,
}

impl Statuses {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.latest.clear();
    }

    /// A tick of the owner hears a command.
    pub(super) fn hear(&mut self, ticket: u64, command: &Command, tick: Mono) {
        let (job, status) = match command {
            Command::Pause(job) => (*job, Some(JobStatus::Paused)),
            Command::Disable(job) => (*job, Some(JobStatus::Disabled)),
            // A resume may find that nothing is left to do.
            Command::Resume(job) => (*job, Some(JobStatus::Active)),
            Command::Add(job) | Command::Edit(job) => (job.id, None),
            Command::Remove(job) => (*job, None),
            Command::RunNow(_) | Command::Spawn { .. } | Command::Cancel(_) => return,
        };
        let alone = self.latest.get(&job).is_none_or(|before| before.tick != tick);
        self.latest.insert(job, Asked { ticket, tick, status: status.filter(|_| alone) });
    }

    /// An acceptance leaves: what was asked for is durable.
    pub(super) fn judge_reply(&mut self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        let Departure { at, effect, books, labels } = *departure;
        let Effect::Reply { ticket, reply: Ok(Accepted::Done) } = *effect else { return };
        let asked = self.latest.iter().find(|(_, asked)| asked.ticket == ticket);
        let Some((job, wanted)) = asked.and_then(|(job, asked)| Some((*job, asked.status?))) else { return };
        let Some((_, row)) = books.job(job) else { return };
        // What somebody disabled stays so.
        let is_through = row.status == JobStatus::Exhausted && wanted != JobStatus::Disabled;
        let is_it = row.status == wanted || is_through;
        if !is_it {
            let message = format!(
                "{} is asked to be {}, that is accepted, and what is durable says {}: after a crash nobody asked",
                labels.job(job),
                wanted.name(),
                row.status.name()
            );
            failures.push(Failure { check: CheckName::CommandsKept, at, run: None, message });
        }
    }

    /// What became durable. `is_told` tells of jobs that somebody paused, disabled or resumed since the commit before.
    pub(super) fn judge(
        &self,
        failures: &mut Vec<Failure>,
        scene: &Scene<'_>,
        is_told: impl Fn(JobId) -> bool,
    ) {
        for (before, row) in &scene.changes.jobs {
            let Some(before) = before.filter(|before| before.generation == row.generation) else { continue };
            let is_held = match before.status {
                JobStatus::Disabled => true,
                // What goes on in a pause may be the last of it; and who is through then is active again with another schedule.
                JobStatus::Paused => row.status != JobStatus::Exhausted && !was_through(row.id, scene),
                JobStatus::Active | JobStatus::Exhausted => false,
            };
            if is_held && row.status != before.status && !is_told(row.id) {
                let message = format!(
                    "{} was {} and is {} now, and nobody asked for that",
                    scene.labels.job(row.id),
                    before.status.name(),
                    row.status.name()
                );
                failures.push(Failure { check: CheckName::CommandsKept, at: scene.at, run: None, message });
            }
        }
    }
}

/// Whether a job may have been through in the very tick that edits it: a run of it ends there.
fn was_through(job: JobId, scene: &Scene<'_>) -> bool {
    let is_edited = scene.commit.declared.iter().any(|edited| edited.id == job);
    is_edited && scene.changes.settling().any(|(change, _)| change.after.id.job == job)
}

/// A job that is there is not added once more: it is another life of one that was removed or went. `goes` tells of jobs that
/// somebody removed since the commit before, or edited, as they may go by what only that says.
pub(super) fn judge_lives(failures: &mut Vec<Failure>, scene: &Scene<'_>, goes: impl Fn(JobId) -> bool) {
    for (before, row) in &scene.changes.jobs {
        let is_another = before.is_some_and(|before| before.generation != row.generation);
        // One that was there, and had no cause to go by itself in this very commit.
        let is_due = before.is_some_and(|before| before.next_due.is_some());
        let before = scene.books.declared_before(row.id);
        let stays = || before.is_some_and(|job| is_due || !job.delete_after_run);
        if is_another && !goes(row.id) && stays() {
            let message = format!(
                "{} is there, and is added once more as if it were not: what it was due for and what became of it are forgotten",
                scene.labels.job(row.id)
            );
            failures.push(Failure { check: CheckName::CommandsKept, at: scene.at, run: None, message });
        }
    }
}
