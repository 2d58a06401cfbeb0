//! Lanes and gates that let too many in, or too few.

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, InputKind};
use sametick_core::id::LaneId;
use sametick_core::job::Target;
use sametick_core::time::Now;
use sametick_core::{Config, StandardGateway};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "job-fence-missing",
        sentence: "a run begins beside another of its job, whatever the job says",
        field: &["nomad#11052", "#69738"],
        killed_by: &[CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NobodyAlone)),
    },
    Mutant {
        name: "slot-too-many",
        sentence: "a lane gives out one slot more than it has",
        field: &["nomad#11052"],
        killed_by: &[CheckName::SlotsReturn],
        build: |config, shape| AnyMachine::new(StandardGateway::new(resized(config, 1), shape)),
    },
    Mutant {
        name: "queue-without-end",
        sentence: "a lane lets everybody in, however many wait",
        field: &["BullMQ#4220"],
        killed_by: &[CheckName::SlotsReturn],
        build: |config, shape| AnyMachine::new(StandardGateway::new(without_bounds(config), shape)),
    },
    Mutant {
        name: "room-beyond-the-common-limit",
        sentence: "a lane lets as many wait as it has slots of its own, also those that the limit over all lanes never leaves it",
        field: &["BullMQ#4220"],
        killed_by: &[CheckName::SlotsReturn],
        build: |config, shape| AnyMachine::new(StandardGateway::new(with_room_for_all(config), shape)),
    },
    Mutant {
        name: "slot-lost",
        sentence: "one slot of a wide lane is never given out",
        field: &["#142737", "#132952"],
        killed_by: &[CheckName::SlotsReturn, CheckName::BeginsWhenFree],
        build: |config, shape| AnyMachine::new(StandardGateway::new(resized(config, -1), shape)),
    },
    Mutant {
        name: "session-fence-missing",
        sentence: "a run begins in a session while another part of the gateway is at work there",
        field: &["#86202", "#61426"],
        killed_by: &[CheckName::NoOverlap],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, DeafToOthers)),
    },
    Mutant {
        name: "one-lane-for-all",
        sentence: "everything waits in one lane, whatever lane its job names",
        field: &["#42635", "#52682", "#54180"],
        killed_by: &[CheckName::BeginsWhenFree, CheckName::PolicyKept, CheckName::OwnLaneOnly],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, OneLane)),
    },
    Mutant {
        name: "one-run-at-a-time",
        sentence: "one flag says that something runs, and nothing else begins until it is off",
        field: &["#132952", "#119083"],
        killed_by: &[CheckName::SlotsReturn, CheckName::BeginsWhenFree, CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(StandardGateway::new(Config { running: 1, ..config }, shape)),
    },
    Mutant {
        name: "isolation-overridden",
        sentence: "a job that asked for a session of its own runs in the main one",
        field: &["#86202", "#61426", "#23470"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AllInMain)),
    },
];

/// Other limits than asked for; a lane with one slot keeps it.
fn without_bounds(mut config: Config) -> Config {
    config.lanes.iter_mut().for_each(|lane| lane.queue = u32::MAX);
    config
}

/// As if each lane could have all of its slots at once.
fn with_room_for_all(mut config: Config) -> Config {
    for lane in &mut config.lanes {
        lane.queue = lane.queue.saturating_add(lane.limit.saturating_sub(config.running));
    }
    config
}

fn resized(mut config: Config, by: i32) -> Config {
    for lane in config.lanes.iter_mut().filter(|lane| by > 0 || lane.limit > 1) {
        lane.limit = lane.limit.saturating_add_signed(by);
    }
    config
}

/// Lets every run work beside others of its job.
#[derive(Clone, Debug)]
struct NobodyAlone;

impl Twist for NobodyAlone {
    fn rows(&mut self, rows: &mut Rows) {
        rows.jobs.iter_mut().for_each(|(job, _)| job.terms.alone = false);
    }
}

/// Does not hear of turns that others run.
#[derive(Clone, Debug)]
struct DeafToOthers;

impl Twist for DeafToOthers {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Foreign { .. } = input.kind {
                input.kind = InputKind::ClockStepped;
            }
        }
    }
}

/// Puts every job into the first lane.
#[derive(Clone, Debug)]
struct OneLane;

impl Twist for OneLane {
    fn rows(&mut self, rows: &mut Rows) {
        rows.jobs.iter_mut().for_each(|(job, _)| job.terms.lane = LaneId(0));
    }
}

/// Runs every job in the main session.
#[derive(Clone, Debug)]
struct AllInMain;

impl Twist for AllInMain {
    fn rows(&mut self, rows: &mut Rows) {
        rows.jobs.iter_mut().for_each(|(job, _)| job.terms.target = Target::Main);
    }
}
