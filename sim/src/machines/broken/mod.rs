//! The core with one thing broken, and the field in miniature: one file a kind.

mod admission;
mod budgets;
mod bus;
mod clock;
mod commands;
mod drains;
mod family;
mod gates;
mod jobs_end;
mod ledger;
mod miniature;
mod order;
mod outbox;
mod ownership;
mod persister;
mod policies;
mod race;
mod recovery;
mod refusals;
mod reports;
mod retry;
mod rows;
mod scheduler;
mod statuses;
mod subscribers;
mod told;
mod turns;
mod unlawful;
mod unran;
mod wall;

use std::collections::BTreeSet;

use sametick_core::commit::{JobStatus, Rows};
use sametick_core::effect::{Command, Input, InputKind, Tick};
use sametick_core::id::JobId;
use sametick_core::lifecycle::{ErrorKind, LifecycleEvent, TickBus};
use sametick_core::ports::Bus;
use sametick_core::run::{Outcome, Race, RunRow, Shape, TimeoutRace};
use sametick_core::session::{LifecyclePersister, Persister};
use sametick_core::{Config, Gateway};

use super::any::AnyMachine;
use super::mutant::Mutant;

/// Every mutant, the field's own shapes first.
pub(super) const ALL: &[&[Mutant]] = &[
    miniature::MUTANTS,
    bus::MUTANTS,
    race::MUTANTS,
    persister::MUTANTS,
    rows::MUTANTS,
    told::MUTANTS,
    admission::MUTANTS,
    gates::MUTANTS,
    family::MUTANTS,
    order::MUTANTS,
    scheduler::MUTANTS,
    ledger::MUTANTS,
    unran::MUTANTS,
    policies::MUTANTS,
    retry::MUTANTS,
    outbox::MUTANTS,
    recovery::MUTANTS,
    ownership::MUTANTS,
    clock::MUTANTS,
    budgets::MUTANTS,
    reports::MUTANTS,
    subscribers::MUTANTS,
    wall::MUTANTS,
    turns::MUTANTS,
    commands::MUTANTS,
    refusals::MUTANTS,
    statuses::MUTANTS,
    jobs_end::MUTANTS,
    drains::MUTANTS,
    unlawful::MUTANTS,
];

fn with_bus(config: Config, shape: Shape, bus: impl Bus + Send + Sync + 'static) -> AnyMachine {
    AnyMachine::new(Gateway::with_rooms(config, TimeoutRace { shape }, LifecyclePersister, bus))
}

fn with_race(config: Config, race: impl Race + Send + Sync + 'static) -> AnyMachine {
    AnyMachine::new(Gateway::with_rooms(config, race, LifecyclePersister, TickBus::default()))
}

fn with_persister(
    config: Config,
    shape: Shape,
    persister: impl Persister + Send + Sync + 'static,
) -> AnyMachine {
    AnyMachine::new(Gateway::with_rooms(config, TimeoutRace { shape }, persister, TickBus::default()))
}

fn is_timeout(event: &LifecycleEvent) -> bool {
    event.cause.is_some_and(|cause| cause.kind == ErrorKind::Timeout)
}

fn settled(tick: &mut Tick) -> Vec<(RunRow, Outcome)> {
    let rows = tick.draft().runs.iter();
    rows.filter_map(|row| row.state.outcome().map(|outcome| (*row, outcome))).collect()
}

/// The command that an input is, with its ticket.
const fn command_of(input: &Input) -> Option<(u64, &Command)> {
    if let InputKind::Command { ticket, command } = &input.kind { Some((*ticket, command)) } else { None }
}

/// The jobs that are paused where a gateway begins.
fn paused(rows: &Rows) -> BTreeSet<JobId> {
    let paused = rows.jobs.iter().filter(|(_, row)| row.status == JobStatus::Paused);
    paused.map(|(job, _)| job.id).collect()
}
