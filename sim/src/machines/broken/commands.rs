//! What users ask for, done otherwise or half.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{JobStatus, Rows};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Refusal, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{Outcome, RunRow, RunState};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, command_of};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "edit-unwritten",
        sentence: "an edit is accepted and stays in memory",
        field: &["#82103"],
        killed_by: &[
            CheckName::ReasonKept,
            CheckName::RecordsAgree,
            CheckName::InTurn,
            CheckName::NothingLost,
            CheckName::PolicyKept,
            CheckName::CommandsKept,
            CheckName::ScheduleRight,
        ],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, EditsInMemory::default())),
    },
    Mutant {
        name: "disabled-waits-on",
        sentence: "a job that is disabled is due no more, and what waits of it runs",
        field: &["#13992"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WaitsOn::default())),
    },
    Mutant {
        name: "disable-cancels-what-starts",
        sentence: "a job that is disabled cancels its run that has its slot and no session yet",
        field: &["#18917"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CancelsStarting::default())),
    },
    Mutant {
        name: "added-once-more",
        sentence: "a job that is added though it is there is another life of it",
        field: &["#82103"],
        killed_by: &[CheckName::NothingLost, CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AddsAnyway::default())),
    },
    Mutant {
        name: "tried-again-in-another-life",
        sentence: "what was at work of a job when that was removed is tried again once the job is added again",
        field: &["#13927"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, TriesOldLives::default())),
    },
    Mutant {
        name: "cancels-what-is-over",
        sentence: "whoever cancels a run that is over is told that it is cancelled",
        field: &["#18917"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CancelsAnything::default())),
    },
];

/// Asks for the end of what starts as its job is disabled.
#[derive(Clone, Debug, Default)]
struct CancelsStarting {
    starting: BTreeSet<RunId>,
}

impl CancelsStarting {
    /// No host gives a command this ticket.
    const TICKET: u64 = u64::MAX;
}

impl Twist for CancelsStarting {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        let disables = |input: &Input| {
            let Some((_, Command::Disable(job))) = command_of(input) else { return None };
            Some((*job, input.at))
        };
        let disabled: Vec<_> = inputs.iter().filter_map(disables).collect();
        for (job, at) in disabled {
            for run in self.starting.iter().filter(|run| run.job == job) {
                let command = Command::Cancel(*run);
                inputs.push(Input { at, kind: InputKind::Command { ticket: Self::TICKET, command } });
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let own = |effect: &Effect| matches!(effect, Effect::Reply { ticket: Self::TICKET, .. });
        tick.effects_mut().retain(|effect| !own(effect));
        for row in &tick.draft().runs {
            if row.state == RunState::Starting {
                self.starting.insert(row.id);
            } else {
                self.starting.remove(&row.id);
            }
        }
    }
}

/// Pauses what is to be disabled, and says that it is disabled.
#[derive(Clone, Debug, Default)]
struct WaitsOn {
    disabled: BTreeSet<JobId>,
}

impl Twist for WaitsOn {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            let InputKind::Command { command, .. } = &mut input.kind else { continue };
            match *command {
                Command::Disable(job) => {
                    self.disabled.insert(job);
                    *command = Command::Pause(job);
                }
                Command::Resume(job) | Command::Remove(job) | Command::Pause(job) => {
                    self.disabled.remove(&job);
                }
                Command::Add(_)
                | Command::Edit(_)
                | Command::RunNow(_)
                | Command::Spawn { .. }
                | Command::Cancel(_) => {}
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let paused = tick.draft().jobs.iter_mut().filter(|row| row.status == JobStatus::Paused);
        paused.filter(|row| self.disabled.contains(&row.id)).for_each(|row| row.status = JobStatus::Disabled);
    }
}

/// Writes down nothing that is declared in a tick in which something is edited.
#[derive(Clone, Debug, Default)]
struct EditsInMemory {
    edits: bool,
}

impl Twist for EditsInMemory {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        let is_edit = |kind: &InputKind| matches!(kind, InputKind::Command { command: Command::Edit(_), .. });
        self.edits = inputs.iter().any(|input| is_edit(&input.kind));
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        if self.edits {
            tick.draft().declared.clear();
        }
    }
}

/// Takes an add for a removal and an add.
#[derive(Clone, Debug, Default)]
struct AddsAnyway {
    jobs: BTreeSet<JobId>,
    /// The commands that came with removals which nobody asked for.
    tickets: BTreeSet<u64>,
}

impl Twist for AddsAnyway {
    fn rows(&mut self, rows: &mut Rows) {
        self.jobs = rows.jobs.iter().map(|(job, _)| job.id).collect();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in std::mem::take(inputs) {
            if let InputKind::Command { ticket, command: Command::Add(job) } = &input.kind
                && self.jobs.contains(&job.id)
            {
                self.tickets.insert(*ticket);
                let kind = InputKind::Command { ticket: *ticket, command: Command::Remove(job.id) };
                inputs.push(Input { kind, at: input.at });
            }
            inputs.push(input);
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for job in &tick.draft().removed {
            self.jobs.remove(job);
        }
        let declared: Vec<JobId> = tick.draft().declared.iter().map(|job| job.id).collect();
        self.jobs.extend(declared);
        // Of two replies the first is to the removal.
        let tickets = &mut self.tickets;
        tick.effects_mut().retain(|effect| match effect {
            Effect::Reply { ticket, reply: Ok(Accepted::Done) } => !tickets.remove(ticket),
            Effect::Reply { .. }
            | Effect::Start { .. }
            | Effect::Abort { .. }
            | Effect::Publish { .. }
            | Effect::Deliver { .. }
            | Effect::StoreAgain { .. }
            | Effect::Renew { .. }
            | Effect::StepDown => true,
        });
    }
}

/// Tries again what an older life of a job was at.
#[derive(Clone, Debug, Default)]
struct TriesOldLives {
    generations: BTreeMap<JobId, u32>,
}

impl Twist for TriesOldLives {
    fn rows(&mut self, rows: &mut Rows) {
        self.generations = rows.jobs.iter().map(|(_, row)| (row.id, row.generation)).collect();
    }

    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let draft = tick.draft();
        self.generations.extend(draft.jobs.iter().map(|row| (row.id, row.generation)));
        let is_older = |row: &&RunRow| {
            let timed_out = matches!(row.state.outcome(), Some(Outcome::TimedOut(_)));
            timed_out
                && row.is_closed()
                && self.generations.get(&row.id.job).is_some_and(|own| row.id.generation < *own)
        };
        let again = |row: &RunRow| RunRow::queued(row.id.next_attempt(), row.agent, row.target, now.wall);
        let again: Vec<RunRow> = draft.runs.iter().filter(is_older).map(again).collect();
        draft.runs.extend(again);
    }
}

/// Accepts every cancel.
#[derive(Clone, Debug, Default)]
struct CancelsAnything {
    tickets: BTreeSet<u64>,
}

impl Twist for CancelsAnything {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Command { ticket, command: Command::Cancel(_) } = input.kind {
                self.tickets.insert(ticket);
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        // What leaves with nothing to wait for may leave at once.
        if tick.commit().is_some() {
            return;
        }
        for effect in tick.effects_mut() {
            if let Effect::Reply { ticket, reply: reply @ Err(Refusal::NoSuchRun) } = effect
                && self.tickets.contains(ticket)
            {
                *reply = Ok(Accepted::Done);
            }
        }
    }
}
