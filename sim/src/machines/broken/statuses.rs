//! Jobs whose status is not what somebody asked for, and what somebody asks for at the very instant of something else.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{JobRow, JobStatus, Rows};
use sametick_core::effect::{Command, Input, InputKind, Report, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::run::Outcome;
use sametick_core::time::{Mono, Now};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, command_of, paused, settled};
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
        name: "edit-resumes",
        sentence: "a job that is edited while it is paused is active again",
        field: &["#13992"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, EditResumes::default())),
    },
    Mutant {
        name: "added-too-late",
        sentence: "what is due at the very instant at which its job is added is due no more",
        field: &["#12440"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, MeetsTooLate::of_edits(false))),
    },
    Mutant {
        name: "deadline-before-cancel",
        sentence: "somebody cancels a run at the very instant of its deadline, and it times out",
        field: &["#18917"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CancelsLast::default())),
    },
    Mutant {
        name: "cancel-before-answer",
        sentence: "somebody cancels a run at the very instant at which its turn answers, and the answer is lost",
        field: &["#18917"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CancelsFirst)),
    },
    Mutant {
        name: "edited-too-late",
        sentence: "what a new schedule has due at the very instant of its edit is due no more",
        field: &["#12440"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, MeetsTooLate::of_edits(true))),
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

/// Takes an edit for a resume, too.
#[derive(Clone, Debug, Default)]
struct EditResumes {
    paused: BTreeSet<JobId>,
}

impl Twist for EditResumes {
    fn rows(&mut self, rows: &mut Rows) {
        self.paused = paused(rows);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for row in &mut draft.jobs {
            let edited = draft.declared.iter().any(|job| job.id == row.id);
            if edited && self.paused.contains(&row.id) && row.status == JobStatus::Paused {
                row.status = JobStatus::Active;
            }
            if row.status == JobStatus::Paused {
                self.paused.insert(row.id);
            } else {
                self.paused.remove(&row.id);
            }
        }
    }
}

/// Does not hear what a turn answers at the instant of a cancel.
#[derive(Clone, Debug)]
struct CancelsFirst;

impl Twist for CancelsFirst {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        let cancels = |input: &Input| {
            let Some((_, Command::Cancel(run))) = command_of(input) else { return None };
            Some((*run, input.at))
        };
        let cancelled: Vec<(RunId, Mono)> = inputs.iter().filter_map(cancels).collect();
        let is_lost = |input: &Input| {
            matches!(input.kind, InputKind::Report { run, report: Report::Completed(_) }
                if cancelled.contains(&(run, input.at)))
        };
        inputs.retain(|input| !is_lost(input));
    }
}

/// Meets nothing that is due at the instant at which its job is declared.
#[derive(Clone, Debug)]
struct MeetsTooLate {
    /// Whether that is so of edits, and not of jobs that are added.
    edits: bool,
    jobs: BTreeMap<JobId, JobRow>,
}

impl MeetsTooLate {
    const fn of_edits(edits: bool) -> Self {
        Self { edits, jobs: BTreeMap::new() }
    }
}

impl Twist for MeetsTooLate {
    fn rows(&mut self, rows: &mut Rows) {
        self.jobs = rows.jobs.iter().map(|(_, row)| (row.id, *row)).collect();
    }

    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for job in draft.declared.clone() {
            let row = draft.jobs.iter().find(|row| row.id == job.id);
            let same = |before: &&JobRow| row.is_some_and(|row| row.generation == before.generation);
            let before = self.jobs.get(&job.id).filter(same);
            let was_due = before.is_some_and(|before| before.next_due == Some(now.wall));
            let came = |run: RunId| (run.job, run.due, run.asked, run.attempt) == (job.id, now.wall, 0, 1);
            let new: Vec<RunId> = draft.terms.iter().map(|row| row.run).filter(|run| came(*run)).collect();
            if before.is_some() != self.edits || was_due || new.is_empty() {
                continue;
            }
            draft.runs.retain(|row| !new.contains(&row.id));
            draft.terms.retain(|row| !new.contains(&row.run));
            for row in draft.jobs.iter_mut().filter(|row| row.id == job.id) {
                row.last_due = before.and_then(|before| before.last_due);
                row.running = before.and_then(|before| before.running);
            }
        }
        self.jobs.extend(draft.jobs.iter().map(|row| (row.id, *row)));
    }
}
