//! Machines that no world by itself gives away: what they do is wrong only beside what they do in its twin.

use std::collections::BTreeSet;

use sametick_core::commit::{JobRow, LateNote, LateWord, Rows};
use sametick_core::effect::Tick;
use sametick_core::id::JobId;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::ports::{Bus, Clock};
use sametick_core::run::{Outcome, Race, RunResult, RunRow, Shape, TimeoutRace};
use sametick_core::time::{Mono, Now, Span, Wall};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, settled, with_race};
use crate::check::CheckName;
use crate::laws::Law;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "result-handling-late",
        sentence: "an end that is left to result handling is told a millisecond later than one that is not",
        field: &["#70347", "2026.9.6: five writes, -33 to +104 ms"],
        killed_by: &[CheckName::Law(Law::Shapes)],
        build: |config, shape| with_race(config, TellsLater(shape)),
    },
    Mutant {
        name: "remembers-its-past",
        sentence: "a gateway that is started again in its old process tells of what it ends then that it took longer",
        field: &["#96161"],
        killed_by: &[CheckName::Law(Law::CrashAndReplay)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Remembers::default())),
    },
    Mutant {
        name: "timers-rounded",
        sentence: "timers ring at whole milliseconds of the machine's own clock",
        field: &["tokio: timers are 1 ms"],
        killed_by: &[CheckName::Law(Law::TimeShift)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RoundsTimers)),
    },
    Mutant {
        name: "seconds-in-31-bits",
        sentence: "a due time of more seconds than fit into 31 bits is one of the century before",
        field: &["#10035", "#30351", "#102906"],
        killed_by: &[CheckName::Law(Law::TimeShift)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WrapsSeconds)),
    },
    Mutant {
        name: "first-job-favoured",
        sentence: "the job with the number zero is taken for no job when it is told how long its runs took",
        field: &["JavaScript: 0 is falsy"],
        killed_by: &[CheckName::Law(Law::Relabelling)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ZeroIsNobody)),
    },
    Mutant {
        name: "repeat-counts-as-error",
        sentence: "an answer that is heard twice counts as an error of its job",
        field: &["#120561"],
        killed_by: &[CheckName::RecordsAgree, CheckName::OwnLaneOnly, CheckName::Law(Law::DuplicateReports)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CountsRepeats(one_more_error))),
    },
    Mutant {
        name: "repeat-takes-longer",
        sentence: "a run whose answer is heard twice is told to have taken a millisecond longer",
        field: &["#120561"],
        killed_by: &[CheckName::Law(Law::DuplicateReports)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CountsRepeats(a_little_longer))),
    },
    Mutant {
        name: "timer-overflows",
        sentence: "a timeout of more milliseconds than fit into 31 bits ends at once",
        field: &["JavaScript: setTimeout above 2^31 ms"],
        killed_by: &[CheckName::Law(Law::LaterDeadline)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Overflows)),
    },
    Mutant {
        name: "errors-shared",
        sentence: "an error of one job counts for every job that ends badly after it",
        field: &["#132952", "#67502"],
        killed_by: &[CheckName::RecordsAgree, CheckName::OwnLaneOnly, CheckName::Law(Law::Split)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SharesErrors::default())),
    },
    Mutant {
        name: "errors-slow-others",
        sentence: "once a run of one job ended badly, those of all others are told to take a millisecond longer",
        field: &["#132952", "#67502"],
        killed_by: &[CheckName::OwnLaneOnly],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SlowsOthers::default())),
    },
    Mutant {
        name: "restart-takes-longer",
        sentence: "each start of the gateway adds a millisecond to what the last run of every job took",
        field: &["#60495"],
        killed_by: &[CheckName::Law(Law::RecoveryTwice)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, AddsWhileDown)),
    },
];

/// Tells of a job's last run that it took a millisecond more. No record gives times so fine that it could be held against
/// them.
const fn a_little_longer(row: &mut JobRow) {
    if let Some(last) = &mut row.last {
        last.duration_ms += 1;
    }
}

const fn one_more_error(row: &mut JobRow) {
    row.consecutive_errors += 1;
}

/// Tells of an end later when result handling publishes it.
#[derive(Clone, Debug)]
struct TellsLater(Shape);

impl Race for TellsLater {
    fn opened<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) {
        TimeoutRace { shape: self.0 }.opened(run, clock, bus);
    }

    fn settled<B: Bus>(&mut self, run: &RunRow, clock: &impl Clock, bus: &mut B) -> RunResult {
        let result = TimeoutRace { shape: self.0 }.settled(run, clock, bus);
        let later = |event: LifecycleEvent| LifecycleEvent { ts: event.ts.plus_millis(1), ..event };
        RunResult { to_publish: result.to_publish.map(later), ..result }
    }
}

/// Remembers that it lived before.
#[derive(Clone, Debug, Default)]
struct Remembers {
    lives: u32,
}

impl Twist for Remembers {
    const OUTLIVES_A_RESTART: bool = true;

    fn rows(&mut self, _: &mut Rows) {
        self.lives = (self.lives + 1).min(2);
    }

    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        if self.lives > 1 {
            tick.draft().jobs.iter_mut().for_each(a_little_longer);
        }
    }
}

/// Rings at whole milliseconds.
#[derive(Clone, Debug)]
struct RoundsTimers;

impl Twist for RoundsTimers {
    fn wakes(&self, at: Mono) -> Mono {
        Mono::from_nanos(at.as_nanos().next_multiple_of(1_000_000))
    }
}

/// Writes due times as seconds in 31 bits and a sign.
#[derive(Clone, Debug)]
struct WrapsSeconds;

impl Twist for WrapsSeconds {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &mut tick.draft().jobs {
            let wraps = |due: &Wall| due.as_millis() / 1_000 > i64::from(i32::MAX);
            if let Some(due) = row.last_due.filter(wraps) {
                row.last_due = Some(due.plus_millis(-(1 << 32) * 1_000));
            }
        }
    }
}

/// Rounds up what runs of the job with the number zero took.
#[derive(Clone, Debug)]
struct ZeroIsNobody;

impl Twist for ZeroIsNobody {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().jobs.iter_mut().filter(|row| row.id == JobId(0)).for_each(a_little_longer);
    }
}

/// Changes the row of a job with an answer that repeats, in the same tick, one that ended its run well.
#[derive(Clone, Debug)]
struct CountsRepeats(fn(&mut JobRow));

impl Twist for CountsRepeats {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let ended = settled(tick);
        let draft = tick.draft();
        let repeats = |note: &&LateNote| {
            let well = |(row, outcome): &(RunRow, Outcome)| row.id == note.run && *outcome == Outcome::Ok;
            matches!(note.said, LateWord::Completed(_)) && ended.iter().any(well)
        };
        for note in draft.late.iter().filter(repeats) {
            let job = draft.jobs.iter_mut().filter(|row| row.id == note.run.job);
            job.for_each(self.0);
        }
    }
}

/// Takes a long timeout for none.
#[derive(Clone, Debug)]
struct Overflows;

impl Twist for Overflows {
    fn rows(&mut self, rows: &mut Rows) {
        for (job, _) in &mut rows.jobs {
            let too_long = |span: &Span| span.as_millis() >= 1 << 31;
            if job.terms.budgets.timeout.as_ref().is_some_and(too_long) {
                job.terms.budgets.timeout = Some(Span::from_millis(1));
            }
        }
    }
}

/// Has one count of errors for all jobs.
#[derive(Clone, Debug, Default)]
struct SharesErrors {
    errors: u32,
}

impl Twist for SharesErrors {
    fn rows(&mut self, rows: &mut Rows) {
        self.errors = rows.jobs.iter().map(|(_, row)| row.consecutive_errors).max().unwrap_or(0);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let mut ended = settled(tick);
        ended.retain(|(row, outcome)| *outcome != Outcome::Ok && !row.is_alive());
        ended.sort_by_key(|(row, _)| (row.settled_at, row.id));
        for (run, _) in ended {
            self.errors += 1;
            let errors = self.errors;
            let job = tick.draft().jobs.iter_mut().filter(|row| row.id == run.id.job);
            job.for_each(|row| row.consecutive_errors = errors);
        }
    }
}

/// Knows which jobs ended badly, and holds that against the others.
#[derive(Clone, Debug, Default)]
struct SlowsOthers {
    bad: BTreeSet<JobId>,
}

impl Twist for SlowsOthers {
    fn rows(&mut self, rows: &mut Rows) {
        let bad =
            rows.jobs.iter().filter(|(_, row)| row.last.is_some_and(|last| last.outcome != Outcome::Ok));
        self.bad = bad.map(|(job, _)| job.id).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let mut ended = settled(tick);
        ended.retain(|(row, _)| !row.is_alive());
        ended.sort_by_key(|(row, _)| (row.settled_at, row.id));
        for (run, outcome) in ended {
            if self.bad.iter().any(|bad| *bad != run.id.job) {
                let is_last = |row: &&mut JobRow| row.last.is_some_and(|last| last.run == run.id);
                tick.draft().jobs.iter_mut().filter(is_last).for_each(a_little_longer);
            }
            if outcome != Outcome::Ok {
                self.bad.insert(run.id.job);
            }
        }
    }
}

/// Adds to what last runs took.
#[derive(Clone, Debug)]
struct AddsWhileDown;

impl Twist for AddsWhileDown {
    fn first_tick(&mut self, rows: &Rows, tick: &mut Tick) {
        let jobs = &mut tick.draft().jobs;
        let unwritten: Vec<JobRow> =
            rows.jobs.iter().map(|(_, row)| *row).filter(|row| row.last.is_some()).collect();
        for row in unwritten {
            if !jobs.iter().any(|written| written.id == row.id) {
                jobs.push(row);
            }
        }
        jobs.iter_mut().for_each(a_little_longer);
    }
}
