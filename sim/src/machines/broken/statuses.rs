//! Jobs whose status is not what somebody asked for, or that stay where they should go.

use std::collections::BTreeMap;

use sametick_core::commit::{JobRow, JobStatus, Rows};
use sametick_core::effect::{Command, Input, InputKind, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::run::Outcome;
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
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ResumesInMemory::default())),
    },
    Mutant {
        name: "disabled-is-exhausted",
        sentence: "a job that somebody disabled says that it is exhausted, once its last run did not end well",
        field: &["#88197"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ExhaustsTheDisabled)),
    },
    Mutant {
        name: "older-life-keeps-the-job",
        sentence: "a job that is to go stays for ever where the last of its runs was of an older life of it",
        field: &["#88197"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, KeepsTheJob::default())),
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
        killed_by: &[CheckName::PolicyKept],
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
