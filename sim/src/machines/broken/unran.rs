//! Occurrences that did not run, for a reason that was not there.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::commit::{Commit, LedgerRow, Rows, Unran};
use sametick_core::effect::{Command, Input, InputKind, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::job::{CatchUp, Job, Overlap};
use sametick_core::run::{Outcome, RunRow, RunState};
use sametick_core::time::{Now, Wall};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "overlap-told-as-a-pause",
        sentence: "what is skipped because a run is open is written down as due while its job was paused",
        field: &["#13992"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Tells(Unran::Overlap, Unran::Paused)))
        },
    },
    Mutant {
        name: "overlap-told-as-a-full-lane",
        sentence: "what is skipped because a run is open is written down as skipped by a full lane",
        field: &["#13992"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Tells(Unran::Overlap, Unran::LaneFull)))
        },
    },
    Mutant {
        name: "full-lane-told-as-an-overlap",
        sentence: "what finds its lane full is written down as skipped because a run was open",
        field: &["#13992"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Tells(Unran::LaneFull, Unran::Overlap)))
        },
    },
    Mutant {
        name: "missed-told-as-an-edit",
        sentence: "what was missed is written down as superseded by an edit that nobody made",
        field: &["#13992", "#12440"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Tells(Unran::Missed, Unran::Superseded)))
        },
    },
    Mutant {
        name: "pause-told-as-an-edit",
        sentence: "what was paused over is written down as superseded, when its job is edited in that pause",
        field: &["#13992"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, EditsThePast)),
    },
    Mutant {
        name: "coalesced-into-nobody",
        sentence: "what should wait is coalesced into another that waits, and nobody does",
        field: &["#10201"],
        killed_by: &[CheckName::PolicyKept, CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WritesOff::those(is_alone))),
    },
    Mutant {
        name: "late-tick-catches-up-on-nothing",
        sentence: "what was missed is caught up on after a restart, and not where a tick came late",
        field: &["#17852", "#12440"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WritesOff::those(is_missed))),
    },
    Mutant {
        name: "late-tick-catches-up-on-all",
        sentence: "what is too old to be caught up on is, where a tick came late",
        field: &["#91775"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CatchesUp::default())),
    },
    Mutant {
        name: "pause-outlasts-the-resume",
        sentence: "what is due at the very instant at which its job is resumed is written off as paused",
        field: &["#13992"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WritesOff::those(is_resumed))),
    },
    Mutant {
        name: "replacer-finds-a-full-lane",
        sentence: "an occurrence that is to replace a run that waits finds no place in the lane, though it would have that one's",
        field: &["#18917"],
        killed_by: &[CheckName::RecordsAgree, CheckName::PolicyKept, CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NeedsRoom::default())),
    },
];

/// Lets who waits go on, and writes off who comes in its place.
#[derive(Clone, Debug, Default)]
struct NeedsRoom {
    waiting: BTreeMap<RunId, RunRow>,
}

impl Twist for NeedsRoom {
    fn rows(&mut self, rows: &mut Rows) {
        let queued = rows.runs.iter().filter(|row| row.state == RunState::Queued);
        self.waiting = queued.map(|row| (row.id, *row)).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        let cancelled = |row: &RunRow| row.state == RunState::Settled(Outcome::Cancelled);
        let replaced = draft.runs.iter().filter(|row| cancelled(row) && self.waiting.contains_key(&row.id));
        for old in replaced.map(|row| row.id).collect::<Vec<_>>() {
            let comes = |run: &&RunRow| run.id.job == old.job && comes(run, draft);
            if let Some(new) = draft.runs.iter().find(comes).map(|row| row.id) {
                draft.runs.retain(|row| row.id != old);
                for row in draft.jobs.iter_mut().filter(|row| row.last.is_some_and(|last| last.run == old)) {
                    row.last = None;
                }
                write_off(draft, new, Unran::LaneFull);
            }
        }
        for row in &draft.runs {
            if row.state == RunState::Queued {
                self.waiting.insert(row.id, *row);
            } else {
                self.waiting.remove(&row.id);
            }
        }
    }
}

/// Gives another reason.
#[derive(Clone, Debug)]
struct Tells(Unran, Unran);

impl Tells {
    fn tell(&self, tick: &mut Tick) {
        for row in tick.draft().ledger.iter_mut().filter(|row| row.end == self.0) {
            row.end = self.1;
        }
    }
}

impl Twist for Tells {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        self.tell(tick);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        self.tell(tick);
    }
}

/// Gives the edit as the reason of all that an edited job did not run.
#[derive(Clone, Debug)]
struct EditsThePast;

impl Twist for EditsThePast {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for row in draft.ledger.iter_mut().filter(|row| row.end == Unran::Paused) {
            if draft.declared.iter().any(|job| job.id == row.job) {
                row.end = Unran::Superseded;
            }
        }
    }
}

/// Writes some runs off as they come.
#[derive(Clone, Debug)]
struct WritesOff {
    jobs: Vec<Job>,
    /// Those that somebody resumes in the tick at hand.
    resumed: BTreeSet<JobId>,
    /// Which, and for what reason.
    picks: fn(&RunRow, &Job, Wall, &BTreeSet<JobId>) -> Option<Unran>,
}

impl WritesOff {
    const fn those(picks: fn(&RunRow, &Job, Wall, &BTreeSet<JobId>) -> Option<Unran>) -> Self {
        Self { jobs: Vec::new(), resumed: BTreeSet::new(), picks }
    }
}

impl Twist for WritesOff {
    fn rows(&mut self, rows: &mut Rows) {
        self.jobs = rows.jobs.iter().map(|(job, _)| *job).collect();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        self.resumed.clear();
        for input in inputs {
            if let InputKind::Command { command: Command::Resume(job), .. } = input.kind {
                self.resumed.insert(job);
            }
        }
    }

    fn tick(&mut self, now: Now, tick: &mut Tick) {
        if tick.commit().is_none() {
            return;
        }
        let draft = tick.draft();
        let came: Vec<RunRow> = draft.runs.iter().filter(|run| comes(run, draft)).copied().collect();
        for run in came {
            let job = self.jobs.iter().find(|job| job.id == run.id.job);
            if let Some(end) = job.and_then(|job| (self.picks)(&run, job, now.wall, &self.resumed)) {
                write_off(draft, run.id, end);
            }
        }
    }
}

/// Whether a run for an occurrence comes with this commit, of a job that stays as it is.
fn comes(run: &RunRow, draft: &Commit) -> bool {
    let is_new = draft.terms.iter().any(|terms| terms.run == run.id);
    let edited = draft.declared.iter().any(|job| job.id == run.id.job);
    is_new && !edited && (run.id.asked, run.id.attempt) == (0, 1)
}

fn write_off(draft: &mut Commit, run: RunId, end: Unran) {
    draft.runs.retain(|row| row.id != run);
    draft.terms.retain(|row| row.run != run);
    for row in draft.jobs.iter_mut().filter(|row| row.running == Some(run)) {
        row.running = None;
    }
    let RunId { job, generation, due, .. } = run;
    draft.ledger.push(LedgerRow { job, generation, first: due, last: due, count: 1, end });
}

/// The one that waits, of a job that lets one wait.
fn is_alone(run: &RunRow, job: &Job, _: Wall, _: &BTreeSet<JobId>) -> Option<Unran> {
    let waits = job.overlap == Overlap::BufferOne && run.state == RunState::Queued;
    waits.then_some(Unran::Coalesced)
}

fn is_missed(run: &RunRow, job: &Job, now: Wall, _: &BTreeSet<JobId>) -> Option<Unran> {
    (run.state == RunState::Queued && run.id.due < on_time(job, now)).then_some(Unran::Missed)
}

fn is_resumed(run: &RunRow, job: &Job, now: Wall, resumed: &BTreeSet<JobId>) -> Option<Unran> {
    (run.id.due == now && resumed.contains(&job.id)).then_some(Unran::Paused)
}

/// What was due before this is missed.
fn on_time(job: &Job, now: Wall) -> Wall {
    now.plus_millis(i64::try_from(job.misfire_after.as_millis()).unwrap_or(i64::MAX).saturating_neg())
}

/// Queues what a late tick gives up as too old.
#[derive(Clone, Debug, Default)]
struct CatchesUp {
    jobs: Vec<Job>,
}

impl Twist for CatchesUp {
    fn rows(&mut self, rows: &mut Rows) {
        self.jobs = rows.jobs.iter().map(|(job, _)| *job).collect();
    }

    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let jobs = &self.jobs;
        let draft = tick.draft();
        let old = |row: &mut LedgerRow| {
            let job = jobs.iter().find(|job| job.id == row.job);
            let catches_up =
                job.is_some_and(|job| job.catch_up_window.is_some() && job.catch_up != CatchUp::Skip);
            row.end == Unran::Missed && row.count == 1 && catches_up
        };
        let old: Vec<LedgerRow> = draft.ledger.extract_if(.., old).collect();
        for row in old {
            let Some(job) = jobs.iter().find(|job| job.id == row.job) else { continue };
            let run = RunId::scheduled(row.job, row.generation, row.last);
            draft.runs.push(RunRow::queued(run, job.agent, job.terms.target, now.wall));
            draft.terms.push(sametick_core::commit::TermsRow { run, terms: job.terms });
        }
    }
}
