//! Commands that are refused without cause.

use std::collections::BTreeMap;

use sametick_core::commit::{JobStatus, Rows};
use sametick_core::effect::{Command, Effect, Input, InputKind, Refusal, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "backoff-cannot-be-cancelled",
        sentence: "an attempt that waits for its backoff is no run yet, for whoever would cancel it",
        field: &["#131490"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Refuses::those(in_backoff))),
    },
    Mutant {
        name: "paused-runs-nothing",
        sentence: "whoever asks for a run of a paused job is told that there is no such job",
        field: &["#13992"],
        killed_by: &[CheckName::CommandsKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Refuses::those(of_paused))),
    },
];

/// Refuses some of what is asked for.
#[derive(Clone, Debug)]
struct Refuses {
    waiting: BTreeMap<RunId, RunRow>,
    statuses: BTreeMap<JobId, JobStatus>,
    refused: Vec<(u64, Refusal)>,
    picks: fn(&Self, &Command) -> Option<Refusal>,
}

impl Refuses {
    const fn those(picks: fn(&Self, &Command) -> Option<Refusal>) -> Self {
        Self { waiting: BTreeMap::new(), statuses: BTreeMap::new(), refused: Vec::new(), picks }
    }

    fn learn<'r>(&mut self, runs: impl Iterator<Item = &'r RunRow>) {
        for row in runs {
            if row.state == RunState::Queued {
                self.waiting.insert(row.id, *row);
            } else {
                self.waiting.remove(&row.id);
            }
        }
    }
}

fn in_backoff(seen: &Refuses, command: &Command) -> Option<Refusal> {
    let Command::Cancel(run) = command else { return None };
    let backs_off = seen.waiting.get(run).is_some_and(|row| row.not_before.is_some());
    backs_off.then_some(Refusal::NoSuchRun)
}

fn of_paused(seen: &Refuses, command: &Command) -> Option<Refusal> {
    let Command::RunNow(job) = command else { return None };
    (seen.statuses.get(job) == Some(&JobStatus::Paused)).then_some(Refusal::NoSuchJob)
}

impl Twist for Refuses {
    fn rows(&mut self, rows: &mut Rows) {
        self.learn(rows.runs.iter());
        self.statuses.extend(rows.jobs.iter().map(|(_, row)| (row.id, row.status)));
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        let refusal = |input: &Input| match &input.kind {
            InputKind::Command { ticket, command } => Some(*ticket).zip((self.picks)(self, command)),
            InputKind::Answer { .. }
            | InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => None,
        };
        let refused: Vec<(u64, Refusal)> = inputs.iter().filter_map(refusal).collect();
        inputs.retain(|input| match input.kind {
            InputKind::Command { ticket, .. } => refused.iter().all(|(other, _)| *other != ticket),
            InputKind::Answer { .. }
            | InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => true,
        });
        self.refused = refused;
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for (ticket, refusal) in std::mem::take(&mut self.refused) {
            tick.push(Effect::Reply { ticket, reply: Err(refusal) });
        }
        let draft = tick.draft();
        self.statuses.extend(draft.jobs.iter().map(|row| (row.id, row.status)));
        self.learn(draft.runs.iter());
    }
}
