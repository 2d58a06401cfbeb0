//! Gates that open and wake too few of those who wait behind them.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{Commit, JobRow, Rows};
use sametick_core::effect::{Input, InputKind, Tick};
use sametick_core::id::{JobId, LaneId, RunId, SessionKey};
use sametick_core::job::{Target, Terms};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Mono, Now};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "session-wakes-one-lane",
        sentence: "a session that comes free wakes who waits for it in one lane; in others they wait on though they could begin",
        field: &["#67502", "#48488"],
        killed_by: &[CheckName::BeginsWhenFree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WakesOneLane::of(Gate::of_session))),
    },
    Mutant {
        name: "job-wakes-one-lane",
        sentence: "a job that comes free wakes who waits for it in one lane; in others they wait on though they could begin",
        field: &["#67785"],
        killed_by: &[CheckName::BeginsWhenFree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WakesOneLane::of(Gate::of_job))),
    },
];

/// What one run has at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gate {
    Job(JobId),
    Session(SessionKey),
}

impl Gate {
    /// The session that a run shares.
    fn of_session(row: &RunRow, _: &Terms) -> Option<Self> {
        let key = SessionKey::Main { agent: row.agent };
        (row.target == Target::Main).then_some(Self::Session(key))
    }

    /// The job of a run that is alone.
    fn of_job(row: &RunRow, terms: &Terms) -> Option<Self> {
        terms.alone.then_some(Self::Job(row.id.job))
    }
}

/// Says nothing of a grant before the next tick where another lane's waiter stood before it at a gate that came free.
#[derive(Clone, Debug)]
struct WakesOneLane {
    gate: fn(&RunRow, &Terms) -> Option<Gate>,
    terms: BTreeMap<RunId, Terms>,
    /// Runs that are not closed.
    open: BTreeMap<RunId, RunRow>,
    foreign: BTreeSet<(SessionKey, u64)>,
    /// Gates that were held before the tick at hand.
    shut: BTreeSet<Gate>,
    /// What is not said yet.
    unsaid: Vec<RunRow>,
    unsaid_jobs: Vec<JobRow>,
}

impl WakesOneLane {
    fn of(gate: fn(&RunRow, &Terms) -> Option<Gate>) -> Self {
        Self {
            gate,
            terms: BTreeMap::new(),
            open: BTreeMap::new(),
            foreign: BTreeSet::new(),
            shut: BTreeSet::new(),
            unsaid: Vec::new(),
            unsaid_jobs: Vec::new(),
        }
    }

    fn gate_of(&self, row: &RunRow) -> Option<Gate> {
        self.terms.get(&row.id).and_then(|terms| (self.gate)(row, terms))
    }

    /// The place of a lane among those that a gate wakes: children first.
    fn lane_of(&self, row: &RunRow) -> Option<LaneId> {
        self.terms.get(&row.id).filter(|_| row.parent.is_none()).map(|terms| terms.lane)
    }

    /// Whether a run that gets its slot with a commit stood behind somebody of another lane who waits on.
    fn sleeps(&self, row: &RunRow, commit: &Commit) -> bool {
        let waited = |run: RunId| self.open.get(&run).is_some_and(|row| row.state == RunState::Queued);
        let gate = self.gate_of(row).filter(|gate| self.shut.contains(gate));
        let waits_on =
            |other: &RunRow| waited(other.id) && commit.runs.iter().all(|told| told.id != other.id);
        let stands_before = |other: &&RunRow| {
            self.gate_of(other) == gate && self.lane_of(other) < self.lane_of(row) && waits_on(other)
        };
        gate.is_some() && waited(row.id) && self.open.values().any(|other| stands_before(&other))
    }

    /// Which gates are held as of now.
    fn look(&mut self) {
        let held = self.open.values().filter(|row| row.state != RunState::Queued);
        // Who is alone by its own terms holds its job, and who is not does, too.
        let jobs = held.clone().map(|row| Gate::Job(row.id.job));
        let sessions = held.filter_map(|row| Gate::of_session(row, &Terms::default()));
        let foreign = self.foreign.iter().map(|(key, _)| Gate::Session(*key));
        self.shut = jobs.chain(sessions).chain(foreign).collect();
    }
}

impl Twist for WakesOneLane {
    fn rows(&mut self, rows: &mut Rows) {
        self.terms.extend(rows.terms.iter().map(|row| (row.run, row.terms)));
        let open = rows.runs.iter().filter(|row| !row.is_closed());
        self.open.extend(open.map(|row| (row.id, *row)));
        self.look();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            match input.kind {
                InputKind::Foreign { key, turn, began: true } => _ = self.foreign.insert((key, turn)),
                InputKind::Foreign { key, turn, began: false } => _ = self.foreign.remove(&(key, turn)),
                InputKind::Answer { .. }
                | InputKind::Renewal { .. }
                | InputKind::Heard { .. }
                | InputKind::Report { .. }
                | InputKind::Command { .. }
                | InputKind::ClockStepped => {}
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        self.terms.extend(draft.terms.iter().map(|row| (row.run, row.terms)));
        let (sleep, told) = draft
            .runs
            .iter()
            .partition::<Vec<RunRow>, _>(|row| row.state == RunState::Starting && self.sleeps(row, draft));
        let told_before = std::mem::replace(&mut self.unsaid, sleep);
        let jobs_before = std::mem::take(&mut self.unsaid_jobs);
        draft.runs = told;
        for row in &self.unsaid {
            if let Some(job) = draft.jobs.iter_mut().find(|job| job.running == Some(row.id)) {
                self.unsaid_jobs.push(*job);
                job.running = None;
            }
        }
        for row in told_before {
            if draft.runs.iter().all(|told| told.id != row.id) {
                draft.runs.push(row);
            }
        }
        for row in jobs_before {
            if draft.jobs.iter().all(|told| told.id != row.id) {
                draft.jobs.push(row);
            }
        }
        for row in &draft.runs {
            if row.is_closed() {
                self.open.remove(&row.id);
            } else {
                self.open.insert(row.id, *row);
            }
        }
        self.look();
    }

    fn wakeup(&self) -> Option<Mono> {
        (!self.unsaid.is_empty()).then(Mono::default)
    }
}
