//! Jobs whose status is not what somebody asked for, or that stay where they should go.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{JobRow, JobStatus, Rows};
use sametick_core::effect::{Command, Input, InputKind, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{Outcome, RunState};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, settled};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "resume-unwritten",
        sentence: "a resume that passed nothing over is accepted and stays in memory",
        field: &["#13992"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ResumesInMemory::default())),
    },
    Mutant {
        name: "disabled-is-exhausted",
        sentence: "a job that somebody disabled says that it is exhausted, once its last run did not end well",
        field: &["#88197"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ExhaustsTheDisabled)),
    },
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
        name: "added-too-late",
        sentence: "what is due at the very instant at which its job is added is due no more",
        field: &["#12440"],
        killed_by: &[CheckName::EventFirst, CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AddsTooLate)),
    },
    Mutant {
        name: "deadline-before-cancel",
        sentence: "somebody cancels a run at the very instant of its deadline, and it times out",
        field: &["#18917"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CancelsLast::default())),
    },
];

/// Does not write that a job is active again, where nothing else of it changes.
#[derive(Clone, Debug, Default)]
struct ResumesInMemory {
    jobs: BTreeMap<JobId, JobRow>,
}

impl Twist for ResumesInMemory {
    fn rows(&mut self, rows: &mut Rows) {
        self.jobs = rows.jobs.iter().map(|(_, row)| (row.id, *row)).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let jobs = &self.jobs;
        let only_resumed = |row: &JobRow| {
            let before = jobs.get(&row.id).filter(|before| before.status == JobStatus::Paused);
            before.is_some_and(|before| JobRow { status: JobStatus::Active, ..*before } == *row)
        };
        tick.draft().jobs.retain(|row| !only_resumed(row));
        self.jobs.extend(tick.draft().jobs.iter().map(|row| (row.id, *row)));
    }
}

/// Takes a disabled job for one that is through.
#[derive(Clone, Debug)]
struct ExhaustsTheDisabled;

impl Twist for ExhaustsTheDisabled {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let failed: Vec<RunId> = settled(tick)
            .iter()
            .filter(|(_, outcome)| *outcome != Outcome::Ok)
            .map(|(row, _)| row.id)
            .collect();
        for row in tick.draft().jobs.iter_mut().filter(|row| row.status == JobStatus::Disabled) {
            if failed.iter().any(|run| run.job == row.id) {
                row.status = JobStatus::Exhausted;
            }
        }
    }
}

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
        self.resumed.clear();
        for input in inputs {
            if let InputKind::Command { command: Command::Resume(job), .. } = input.kind {
                self.resumed.push(job);
            }
        }
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

/// Meets nothing that is due at the instant of its job's beginning.
#[derive(Clone, Debug)]
struct AddsTooLate;

impl Twist for AddsTooLate {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for job in draft.declared.clone() {
            let came = |run: RunId| (run.job, run.due, run.asked, run.attempt) == (job.id, now.wall, 0, 1);
            let new: Vec<RunId> = draft.terms.iter().map(|row| row.run).filter(|run| came(*run)).collect();
            if new.is_empty() {
                continue;
            }
            draft.runs.retain(|row| !new.contains(&row.id));
            draft.terms.retain(|row| !new.contains(&row.run));
            for row in draft.jobs.iter_mut().filter(|row| row.id == job.id) {
                (row.last_due, row.running) = (None, None);
            }
        }
    }
}

/// Carries out cancels once all else of their instant is done.
#[derive(Clone, Debug, Default)]
struct CancelsLast {
    held: Vec<Input>,
}

impl Twist for CancelsLast {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        let is_cancel =
            |input: &mut Input| matches!(input.kind, InputKind::Command { command: Command::Cancel(_), .. });
        let now: Vec<Input> = inputs.extract_if(.., is_cancel).collect();
        inputs.append(&mut self.held);
        self.held = now;
    }

    fn wakeup(&self) -> Option<Mono> {
        (!self.held.is_empty()).then(Mono::default)
    }
}
