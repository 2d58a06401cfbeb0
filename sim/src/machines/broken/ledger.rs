//! Occurrences of which the books say nothing, too much, or what is not so.

use sametick_core::commit::{JobStatus, LedgerRow, Rows, Unran};
use sametick_core::effect::Tick;
use sametick_core::id::RunId;
use sametick_core::job::Job;
use sametick_core::run::{Outcome, RunState};
use sametick_core::schedule::Schedule;
use sametick_core::time::{Now, Span, Timeline};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "skip-unwritten",
        sentence: "an occurrence that is skipped because a run is at work is written nowhere",
        field: &["#13992", "#10201", "#12313"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SkipsUnwritten)),
    },
    Mutant {
        name: "range-miscounted",
        sentence: "a range of missed occurrences counts one too many",
        field: &["#11246"],
        killed_by: &[CheckName::NothingLost, CheckName::ScheduleRight],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CountsOneMore)),
    },
    Mutant {
        name: "late-is-missed",
        sentence: "an occurrence that a busy host meets a little late is taken for missed",
        field: &["#10086", "#17852", "#12440"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, LateIsMissed)),
    },
    Mutant {
        name: "edit-takes-away",
        sentence: "a job with an interval that is edited goes, as if its new schedule had nothing left",
        field: &["#12440"],
        killed_by: &[CheckName::NothingLost, CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, EditTakesAway::default())),
    },
    Mutant {
        name: "record-missing",
        sentence: "the job says that its run timed out in the queue, and the run keeps no record of it",
        field: &["#59056", "#59301", "#91979"],
        killed_by: &[
            CheckName::RecordsAgree,
            CheckName::NothingLost,
            CheckName::AtMostOnce,
            CheckName::CommandsKept,
            CheckName::JobsEnd,
        ],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RecordMissing)),
    },
    Mutant {
        name: "advanced-not-run",
        sentence: "each start of the gateway moves what is due next one occurrence on, and runs nothing for it",
        field: &["#12263", "#22703", "#14658", "#4018", "#33092", "#10596"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AdvancesAtStart)),
    },
    Mutant {
        name: "step-unwritten",
        sentence: "occurrences that a step of the wall clock jumps over are written nowhere",
        field: &["croner#388"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, StepsUnwritten::default())),
    },
    Mutant {
        name: "burst-dropped",
        sentence: "of the runs that are queued in one instant, those beyond the fourth are forgotten",
        field: &["a broadcast buffer of 256 in a popular Rust scheduler"],
        killed_by: &[CheckName::SlotsReturn, CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, DropsBursts)),
    },
    Mutant {
        name: "one-shot-off-early",
        sentence: "a job that is due once is disabled before it ran",
        field: &["#18917", "#91775"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, OneShotsOff)),
    },
    Mutant {
        name: "off-after-an-error",
        sentence: "a job that is due again is through after one error",
        field: &["#18917", "#91775"],
        killed_by: &[CheckName::NothingLost, CheckName::PolicyKept, CheckName::JobsEnd],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, OffAfterAnError)),
    },
    Mutant {
        name: "pause-forgotten",
        sentence: "what a paused job was due for is written nowhere when the job is removed",
        field: &["#13992", "#12313"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, PauseForgotten)),
    },
    Mutant {
        name: "superseded-and-run",
        sentence: "what is due as its job is edited is written off, and runs",
        field: &["#12440"],
        killed_by: &[CheckName::NothingLost, CheckName::PolicyKept],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WritesOffAndRuns)),
    },
];

/// Writes no pause down of a job that goes.
#[derive(Clone, Debug)]
struct PauseForgotten;

impl Twist for PauseForgotten {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        let removed = &draft.removed;
        draft.ledger.retain(|row| row.end != Unran::Paused || !removed.contains(&row.job));
    }
}

/// Writes off what begins in the commit that edits its job.
#[derive(Clone, Debug)]
struct WritesOffAndRuns;

impl Twist for WritesOffAndRuns {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for run in &draft.runs {
            let RunId { job, generation, due, asked, attempt } = run.id;
            let edited = draft.declared.iter().any(|declared| declared.id == job);
            if edited && (asked, attempt) == (0, 1) && run.state.phase().is_some() {
                let end = Unran::Superseded;
                draft.ledger.push(LedgerRow { job, generation, first: due, last: due, count: 1, end });
            }
        }
    }
}

/// Writes that a job is through when a run of it did not end well.
#[derive(Clone, Debug)]
struct OffAfterAnError;

impl Twist for OffAfterAnError {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &mut tick.draft().jobs {
            if row.consecutive_errors > 0 && row.next_due.is_some() {
                row.status = JobStatus::Exhausted;
            }
        }
    }
}

/// Writes no overlap down.
#[derive(Clone, Debug)]
struct SkipsUnwritten;

impl Twist for SkipsUnwritten {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().ledger.retain(|row| row.end != Unran::Overlap);
    }
}

/// Counts one too many.
#[derive(Clone, Debug)]
struct CountsOneMore;

impl Twist for CountsOneMore {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().ledger.iter_mut().for_each(|row| row.count += 1);
    }

    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        tick.draft().ledger.iter_mut().for_each(|row| row.count += 1);
    }
}

/// Has no patience with late ticks.
#[derive(Clone, Debug)]
struct LateIsMissed;

impl Twist for LateIsMissed {
    fn rows(&mut self, rows: &mut Rows) {
        rows.jobs.iter_mut().for_each(|(job, _)| job.misfire_after = Span::ZERO);
    }
}

/// Removes what an edit declares. In a commit that gives no new generation nothing is added.
#[derive(Clone, Debug, Default)]
struct EditTakesAway {
    generations: Option<u32>,
}

impl Twist for EditTakesAway {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        if tick.commit().is_none() {
            return;
        }
        let draft = tick.draft();
        if self.generations.replace(draft.generations).is_some_and(|before| before == draft.generations) {
            let edited = |job: &mut Job| matches!(job.schedule, Schedule::Every { .. });
            draft.removed.extend(draft.declared.extract_if(.., edited).map(|job| job.id));
        }
    }
}

/// Leaves the record of a run that ended in its queue as it was.
#[derive(Clone, Debug)]
struct RecordMissing;

impl Twist for RecordMissing {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().runs.retain(|row| {
            !(row.granted_at.is_none() && matches!(row.state.outcome(), Some(Outcome::TimedOut(_))))
        });
    }
}

/// Takes the next occurrence for met at each start but the first.
#[derive(Clone, Debug)]
struct AdvancesAtStart;

impl Twist for AdvancesAtStart {
    fn rows(&mut self, rows: &mut Rows) {
        if rows.last_commit > 0 {
            for (job, row) in &mut rows.jobs {
                row.next_due = row.next_due.and_then(|due| job.schedule.next_after(due));
            }
        }
    }
}

/// Writes nothing down in a tick before which the wall clock stepped.
#[derive(Clone, Debug, Default)]
struct StepsUnwritten {
    line: Option<Timeline>,
}

impl Twist for StepsUnwritten {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        if self.line.get_or_insert(Timeline::through(now)).read(now) {
            tick.draft().ledger.clear();
        }
    }
}

/// Forgets what is queued beyond the fourth in one instant.
#[derive(Clone, Debug)]
struct DropsBursts;

impl Twist for DropsBursts {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let mut room = 4_u32;
        tick.draft().runs.retain(|row| {
            let queued = matches!(row.state, RunState::Queued | RunState::Starting);
            let kept = !queued || room > 0;
            room = if queued { room.saturating_sub(1) } else { room };
            kept
        });
    }
}

/// Disables jobs that are due once.
#[derive(Clone, Debug)]
struct OneShotsOff;

impl Twist for OneShotsOff {
    fn rows(&mut self, rows: &mut Rows) {
        for (job, row) in &mut rows.jobs {
            if matches!(job.schedule, Schedule::At(_)) {
                row.status = JobStatus::Disabled;
            }
        }
    }
}
