//! Jobs that are due no more, and say or do otherwise than they should.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{JobStatus, Rows};
use sametick_core::effect::{Command, Input, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{Outcome, RunState};
use sametick_core::schedule::Schedule;
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, command_of, paused, settled};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "older-life-keeps-the-job",
        sentence: "a job that is to go stays for ever where the last of its runs was of an older life of it",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, KeepsTheJob::default())),
    },
    Mutant {
        name: "goes-before-its-attempt",
        sentence: "a job that is due once and goes once it is done goes with its first attempt, which is to be tried again",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, GoesEarly::default())),
    },
    Mutant {
        name: "goes-unasked",
        sentence: "a job that is due once goes with its run, though it does not say that it goes once it is done",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, GoesUnasked::default())),
    },
    Mutant {
        name: "resumed-is-through",
        sentence: "a job that is due once is resumed while its run is at work, and says that it is exhausted",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ExhaustsTheResumed::default())),
    },
    Mutant {
        name: "resumed-after-it-went-well",
        sentence: "a job that is due once is resumed after its run ended well, and says that it is exhausted",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ForgetsWhatWentWell::default())),
    },
    Mutant {
        name: "paused-is-not-through",
        sentence: "a job that is due once is paused, its run fails, and it stays paused as if it had something to do",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, StaysPaused::default())),
    },
];

/// Lets no job go with a run of an older life of it.
#[derive(Clone, Debug, Default)]
struct KeepsTheJob {
    generations: BTreeMap<JobId, u32>,
}

impl Twist for KeepsTheJob {
    fn rows(&mut self, rows: &mut Rows) {
        self.generations = rows.jobs.iter().map(|(_, row)| (row.id, row.generation)).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        let older = |job: JobId| {
            let generation = self.generations.get(&job).copied().unwrap_or_default();
            let mut closed = draft.runs.iter().filter(|run| run.is_closed() && run.id.job == job);
            closed.any(|run| run.id.generation < generation)
        };
        let kept: Vec<JobId> = draft.removed.iter().copied().filter(|job| older(*job)).collect();
        draft.removed.retain(|job| !kept.contains(job));
        self.generations.extend(draft.jobs.iter().map(|row| (row.id, row.generation)));
    }
}

/// Removes a job that goes once it is done as it is to be tried again.
#[derive(Clone, Debug, Default)]
struct GoesEarly {
    jobs: BTreeSet<JobId>,
}

impl Twist for GoesEarly {
    fn rows(&mut self, rows: &mut Rows) {
        let go = rows.jobs.iter().filter(|(job, _)| job.delete_after_run);
        let once = go.filter(|(job, _)| matches!(job.schedule, Schedule::At(_)));
        self.jobs = once.map(|(job, _)| job.id).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        let closed = draft.runs.iter().filter(|row| row.is_closed() && self.jobs.contains(&row.id.job));
        let next: Vec<RunId> = closed.map(|row| row.id.next_attempt()).collect();
        let rows = draft.runs.iter().map(|row| row.id);
        let again: Vec<RunId> = rows.filter(|run| next.contains(run)).collect();
        draft.runs.retain(|row| !again.contains(&row.id));
        draft.terms.retain(|row| !again.contains(&row.run));
        draft.jobs.retain(|row| !again.iter().any(|run| run.job == row.id));
        draft.removed.extend(again.iter().map(|run| run.job));
    }
}

/// Removes a job that is due once as its run ends well.
#[derive(Clone, Debug, Default)]
struct GoesUnasked {
    jobs: BTreeSet<JobId>,
}

impl Twist for GoesUnasked {
    fn rows(&mut self, rows: &mut Rows) {
        let stay = rows.jobs.iter().filter(|(job, row)| !job.delete_after_run && row.next_due.is_some());
        let once = stay.filter(|(job, _)| matches!(job.schedule, Schedule::At(_)));
        self.jobs = once.map(|(job, _)| job.id).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        let ends = |job: JobId| {
            let mut own = draft.runs.iter().filter(|row| row.id.job == job && row.id.asked == 0);
            own.any(|row| row.state == RunState::Settled(Outcome::Ok))
        };
        let gone: Vec<JobId> = self.jobs.iter().copied().filter(|job| ends(*job)).collect();
        draft.jobs.retain(|row| !gone.contains(&row.id));
        draft.removed.extend(gone);
    }
}

/// Resumes a job as if what it was due for had ended.
#[derive(Clone, Debug, Default)]
struct ExhaustsTheResumed {
    resumed: Vec<JobId>,
    open: BTreeSet<RunId>,
}

impl Twist for ExhaustsTheResumed {
    fn rows(&mut self, rows: &mut Rows) {
        self.open = rows.runs.iter().filter(|row| !row.is_closed()).map(|row| row.id).collect();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        self.resumed = resumed(inputs);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for row in &draft.runs {
            if row.is_closed() {
                self.open.remove(&row.id);
            } else {
                self.open.insert(row.id);
            }
        }
        for row in draft.jobs.iter_mut().filter(|row| self.resumed.contains(&row.id)) {
            let is_open = |run: &RunId| run.job == row.id && run.asked == 0 && row.last_due == Some(run.due);
            if row.next_due.is_none() && self.open.iter().any(is_open) {
                row.status = JobStatus::Exhausted;
            }
        }
    }
}

/// Resumes a job as if what it was due for had not ended well.
#[derive(Clone, Debug, Default)]
struct ForgetsWhatWentWell {
    resumed: Vec<JobId>,
}

impl Twist for ForgetsWhatWentWell {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        self.resumed = resumed(inputs);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in tick.draft().jobs.iter_mut().filter(|row| self.resumed.contains(&row.id)) {
            let went_well = row.last.filter(|last| last.outcome == Outcome::Ok && last.run.asked == 0);
            if row.next_due.is_none() && went_well.is_some_and(|last| Some(last.run.due) == row.last_due) {
                row.status = JobStatus::Exhausted;
            }
        }
    }
}

/// Leaves a job paused that is through.
#[derive(Clone, Debug, Default)]
struct StaysPaused {
    paused: BTreeSet<JobId>,
}

impl Twist for StaysPaused {
    fn rows(&mut self, rows: &mut Rows) {
        self.paused = paused(rows);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let ended: Vec<JobId> = settled(tick).iter().map(|(run, _)| run.id.job).collect();
        for row in &mut tick.draft().jobs {
            let was_paused = self.paused.contains(&row.id) && ended.contains(&row.id);
            match row.status {
                JobStatus::Paused => _ = self.paused.insert(row.id),
                JobStatus::Exhausted if was_paused => row.status = JobStatus::Paused,
                JobStatus::Active | JobStatus::Disabled | JobStatus::Exhausted => {
                    _ = self.paused.remove(&row.id)
                }
            }
        }
    }
}

/// The jobs that somebody resumes.
fn resumed(inputs: &[Input]) -> Vec<JobId> {
    let resumes = |input: &Input| {
        let Some((_, Command::Resume(job))) = command_of(input) else { return None };
        Some(*job)
    };
    inputs.iter().filter_map(resumes).collect()
}
