//! Machines that no world by itself gives away: what they do is wrong only beside what they do in its twin.

use sametick_core::commit::{LateNote, LateWord, Rows};
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
        sentence: "a gateway that is started again in its old process counts one error too many",
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
        sentence: "the job with the number zero is taken for no job when errors are counted",
        field: &["JavaScript: 0 is falsy"],
        killed_by: &[CheckName::Law(Law::Relabelling)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ZeroIsNobody)),
    },
    Mutant {
        name: "repeat-counts-as-error",
        sentence: "an answer that is heard twice counts as an error of its job",
        field: &["#120561"],
        killed_by: &[CheckName::Law(Law::DuplicateReports)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CountsRepeats)),
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
        killed_by: &[CheckName::OwnLaneOnly],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SharesErrors::default())),
    },
];

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
        let more = self.lives - 1;
        tick.draft().jobs.iter_mut().for_each(|row| row.consecutive_errors += more);
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

/// Counts no errors of the job with the number zero.
#[derive(Clone, Debug)]
struct ZeroIsNobody;

impl Twist for ZeroIsNobody {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let zero = tick.draft().jobs.iter_mut().filter(|row| row.id == JobId(0));
        zero.for_each(|row| row.consecutive_errors = 0);
    }
}

/// Counts an answer as an error that repeats, in the same tick, one that ended its run well.
#[derive(Clone, Debug)]
struct CountsRepeats;

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
            job.for_each(|row| row.consecutive_errors += 1);
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
