//! Jobs whose overlap and catch-up policies are not followed.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::Rows;
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Tick};
use sametick_core::id::JobId;
use sametick_core::job::{CatchUp, Job, Overlap};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, command_of};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "skip-buffers",
        sentence: "what is due while a run is open waits, where the job says that it is skipped",
        field: &["#12440", "nomad#11052"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Declares(skip_buffers))),
    },
    Mutant {
        name: "buffers-without-end",
        sentence: "every occurrence waits, where the job says that one does",
        field: &["#10201"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Declares(buffers_without_end))),
    },
    Mutant {
        name: "coalesces-all",
        sentence: "occurrences that should wait behind each other are coalesced into one",
        field: &["#13992"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Declares(coalesces_all))),
    },
    Mutant {
        name: "cancels-nobody",
        sentence: "an occurrence that should take the place of what is open waits behind it",
        field: &["#18917"],
        killed_by: &[CheckName::PolicyKept, CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Declares(cancels_nobody))),
    },
    Mutant {
        name: "catches-up-on-nothing",
        sentence: "what was missed is written down and never caught up on, whatever the job says",
        field: &["#17852", "#12440"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Declares(catches_up_on_nothing))),
    },
    Mutant {
        name: "catches-up-on-all",
        sentence: "everything that was missed runs after a restart, whatever the job says",
        field: &["#91775"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Declares(catches_up_on_all))),
    },
    Mutant {
        name: "child-on-its-own",
        sentence: "a run that another waits for is taken for one that somebody asked for",
        field: &["#138499"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ChildOnItsOwn)),
    },
    Mutant {
        name: "asked-for-beside",
        sentence: "a run that somebody asks for begins beside what is open of its job, whose place it should take",
        field: &["#10201"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RunsBeside::default())),
    },
];

/// Goes by another declaration than the job's.
#[derive(Clone, Debug)]
struct Declares(fn(&mut Job));

impl Twist for Declares {
    fn rows(&mut self, rows: &mut Rows) {
        rows.jobs.iter_mut().for_each(|(job, _)| (self.0)(job));
    }
}

const MANY: u32 = 100;

fn skip_buffers(job: &mut Job) {
    if job.overlap == Overlap::Skip {
        job.overlap = Overlap::BufferAll(MANY);
    }
}

fn buffers_without_end(job: &mut Job) {
    if job.overlap == Overlap::BufferOne {
        job.overlap = Overlap::BufferAll(MANY);
    }
}

fn coalesces_all(job: &mut Job) {
    if matches!(job.overlap, Overlap::BufferAll(_)) {
        job.overlap = Overlap::BufferOne;
    }
}

fn cancels_nobody(job: &mut Job) {
    if job.overlap == Overlap::CancelOther {
        job.overlap = Overlap::BufferAll(MANY);
    }
}

fn catches_up_on_nothing(job: &mut Job) {
    job.catch_up = CatchUp::Skip;
}

fn catches_up_on_all(job: &mut Job) {
    (job.catch_up, job.catch_up_window) = (CatchUp::All(MANY), None);
}

/// Takes a request for a child for a request to run.
#[derive(Clone, Debug)]
struct ChildOnItsOwn;

impl Twist for ChildOnItsOwn {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Command { command, .. } = &mut input.kind
                && let Command::Spawn { job, .. } = *command
            {
                *command = Command::RunNow(job);
            }
        }
    }
}

/// Takes a job for one that may overlap while somebody asks for a run of it.
#[derive(Clone, Debug, Default)]
struct RunsBeside {
    jobs: BTreeMap<JobId, Job>,
    /// The commands that came with edits which nobody asked for.
    tickets: BTreeSet<u64>,
    /// What those edited in the tick at hand.
    edited: Vec<JobId>,
}

impl Twist for RunsBeside {
    fn rows(&mut self, rows: &mut Rows) {
        let other = rows.jobs.iter().filter(|(job, _)| job.overlap == Overlap::CancelOther);
        self.jobs = other.map(|(job, _)| (job.id, *job)).collect();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in std::mem::take(inputs) {
            let asked = match command_of(&input) {
                Some((ticket, Command::RunNow(job))) => self.jobs.get(job).map(|job| (ticket, *job)),
                Some(_) | None => None,
            };
            self.tickets.extend(asked.map(|(ticket, _)| ticket));
            self.edited.extend(asked.map(|(_, job)| job.id));
            let at = input.at;
            let edit = |ticket, overlap, job: Job| {
                let command = Command::Edit(Box::new(Job { overlap, ..job }));
                Input { kind: InputKind::Command { ticket, command }, at }
            };
            let edits = asked.map(|(ticket, job)| {
                [edit(ticket, Overlap::Allow, job), edit(ticket, Overlap::CancelOther, job)]
            });
            let [before, after] = edits.map_or([None, None], |edits| edits.map(Some));
            inputs.extend(before.into_iter().chain([input]).chain(after));
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let edited = std::mem::take(&mut self.edited);
        tick.draft().declared.retain(|job| !edited.contains(&job.id));
        let is_of_an_edit = |effect: &Effect| matches!(effect, Effect::Reply { ticket, reply: Ok(Accepted::Done) } if self.tickets.contains(ticket));
        tick.effects_mut().retain(|effect| !is_of_an_edit(effect));
    }
}
