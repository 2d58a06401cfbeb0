//! Jobs whose occurrences are tried again when, or as often as, they should not be, or not; and jobs that stay.

use std::collections::BTreeSet;

use sametick_core::commit::{JobStatus, Rows};
use sametick_core::effect::Tick;
use sametick_core::id::{JobId, RunId};
use sametick_core::job::Job;
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};
use sametick_core::run::RunRow;
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "retries-once-more",
        sentence: "an occurrence that may be tried again gets one attempt more than its job allows",
        field: &["#13927"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Retries(|retry| retry.attempts += 1)))
        },
    },
    Mutant {
        name: "retries-what-cannot-help",
        sentence: "a request that is wrong in itself is sent again",
        field: &["#131490"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| {
            AnyMachine::new(Shim::new(
                config,
                shape,
                Retries(|retry| {
                    retry.on = retry.on.and(Endings::failed(FailureKind::Permanent));
                }),
            ))
        },
    },
    Mutant {
        name: "backoff-skipped",
        sentence: "what failed is tried again at once, however long its backoff is",
        field: &["#13927"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Retries(|retry| retry.backoff = Backoff::of(&[]))))
        },
    },
    Mutant {
        name: "backoff-of-the-next",
        sentence: "an attempt waits as long as the one after it should",
        field: &["#13927"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| {
            AnyMachine::new(Shim::new(
                config,
                shape,
                Retries(|retry| {
                    let steps = retry.backoff.0;
                    retry.backoff = Backoff::of(&steps[1..]);
                }),
            ))
        },
    },
    Mutant {
        name: "retries-never",
        sentence: "what its job would try again is given up after one attempt",
        field: &["#131490"],
        killed_by: &[CheckName::PolicyKept, CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Retries(|retry| retry.attempts = 1))),
    },
    Mutant {
        name: "retries-no-timeouts",
        sentence: "what timed out is taken for something that cannot be tried again",
        field: &["#131490"],
        killed_by: &[CheckName::PolicyKept],
        build: |config, shape| {
            AnyMachine::new(Shim::new(
                config,
                shape,
                Retries(|retry| {
                    let failed = FailureKind::ALL.map(Endings::failed).into_iter();
                    let kept =
                        failed.chain([Endings::INTERRUPTED]).filter(|one| retry.on.and(*one) == retry.on);
                    retry.on = kept.fold(Endings::NONE, Endings::and);
                }),
            ))
        },
    },
    Mutant {
        name: "one-shot-stays",
        sentence: "a job that is to go when it is done stays for ever",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NobodyGoes)),
    },
    Mutant {
        name: "one-shot-stays-on",
        sentence: "a job that was due once, and did not end well, says that it is active",
        field: &["#88197"],
        killed_by: &[CheckName::CommandsKept, CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NeverExhausted)),
    },
    Mutant {
        name: "through-too-early",
        sentence: "a job that is due no more is through as soon as a run of it begins, or one that is not for its last time fails",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ThroughTooEarly)),
    },
    Mutant {
        name: "missed-one-shot-stays-on",
        sentence: "a job that was due once, and did not run then, says that it is active",
        field: &["#88197"],
        killed_by: &[CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, MissedStaysOn)),
    },
    Mutant {
        name: "exhausted-for-good",
        sentence: "a job that was through and is given another time stays through",
        field: &["#18917", "#91775"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ExhaustedForGood::default())),
    },
    Mutant {
        name: "removed-comes-back",
        sentence: "a job that is removed is declared in the same commit, and is there after the next start",
        field: &["#11612"],
        killed_by: &[CheckName::ScheduleRight, CheckName::AtMostOnce],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ComesBack::default())),
    },
];

/// Changes how often, when and after what jobs that are tried again are.
#[derive(Clone, Debug)]
struct Retries(fn(&mut Retry));

impl Twist for Retries {
    fn rows(&mut self, rows: &mut Rows) {
        let retries = rows.jobs.iter_mut().map(|(job, _)| &mut job.terms.retry);
        retries.filter(|retry| retry.attempts > 1).for_each(self.0);
    }
}

/// Keeps every job.
#[derive(Clone, Debug)]
struct NobodyGoes;

impl Twist for NobodyGoes {
    fn rows(&mut self, rows: &mut Rows) {
        rows.jobs.iter_mut().for_each(|(job, _)| job.delete_after_run = false);
    }
}

/// Writes that a job is active whose only time passed without a run.
#[derive(Clone, Debug)]
struct MissedStaysOn;

impl Twist for MissedStaysOn {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        stay_on(tick);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        stay_on(tick);
    }
}

fn stay_on(tick: &mut Tick) {
    for row in tick.draft().jobs.iter_mut().filter(|row| row.status == JobStatus::Exhausted) {
        if row.last.map(|last| last.run.due) != row.last_due {
            row.status = JobStatus::Active;
        }
    }
}

/// Writes that a job is through that ever was.
#[derive(Clone, Debug, Default)]
struct ExhaustedForGood {
    through: BTreeSet<JobId>,
}

impl Twist for ExhaustedForGood {
    fn rows(&mut self, rows: &mut Rows) {
        let through = rows.jobs.iter().filter(|(_, row)| row.status == JobStatus::Exhausted);
        self.through = through.map(|(job, _)| job.id).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        self.through.retain(|job| !draft.removed.contains(job));
        for row in &mut draft.jobs {
            if self.through.contains(&row.id) {
                row.status = JobStatus::Exhausted;
            } else if row.status == JobStatus::Exhausted {
                self.through.insert(row.id);
            }
        }
    }
}

/// Declares what is removed.
#[derive(Clone, Debug, Default)]
struct ComesBack {
    jobs: Vec<Job>,
}

impl Twist for ComesBack {
    fn rows(&mut self, rows: &mut Rows) {
        self.jobs = rows.jobs.iter().map(|(job, _)| *job).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for job in &draft.declared {
            self.jobs.retain(|known| known.id != job.id);
            self.jobs.push(*job);
        }
        // Beside the end of a run, its job's old row would be wrong too.
        let ends = |job: &Job| draft.runs.iter().any(|run| run.id.job == job.id);
        let back = self.jobs.iter().filter(|job| draft.removed.contains(&job.id) && !ends(job));
        draft.declared.extend(back);
    }
}

/// Writes that a job is through that is due no more, whatever becomes of its last run.
#[derive(Clone, Debug)]
struct ThroughTooEarly;

impl Twist for ThroughTooEarly {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for row in draft.jobs.iter_mut().filter(|row| row.next_due.is_none()) {
            let is_for_last = |run: &RunRow| {
                let RunId { job, generation, due, asked, .. } = run.id;
                (job, generation, Some(due), asked) == (row.id, row.generation, row.last_due, 0)
            };
            let ends = |run: &RunRow| is_for_last(run) && run.state.outcome().is_some();
            let speaks = draft.runs.iter().any(|run| run.id.job == row.id);
            if row.status == JobStatus::Active && speaks && !draft.runs.iter().any(ends) {
                row.status = JobStatus::Exhausted;
            }
        }
    }
}

/// Writes that a job is active that is through.
#[derive(Clone, Debug)]
struct NeverExhausted;

impl Twist for NeverExhausted {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in tick.draft().jobs.iter_mut().filter(|row| row.status == JobStatus::Exhausted) {
            row.status = JobStatus::Active;
        }
    }
}
