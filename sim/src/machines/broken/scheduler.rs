//! Jobs whose state or schedule is not kept.

use sametick_core::commit::{Rows, Unran};
use sametick_core::effect::Tick;
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{Outcome, RunState};
use sametick_core::schedule::{Gap, Repeated, Schedule};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "marker-kept",
        sentence: "the job stays marked as running after a timeout",
        field: &["#18120", "#142638", "#41979"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, MarkerKept)),
    },
    Mutant {
        name: "interval-drifts",
        sentence: "what is due every so often is due a millisecond later each time",
        field: &["#10269", "#22703"],
        killed_by: &[CheckName::ScheduleRight],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Reschedules(drifted))),
    },
    Mutant {
        name: "other-pass",
        sentence: "a time of day that the clocks show twice means the second time, whatever the job says",
        field: &["PR #118297", "PR #118712"],
        killed_by: &[CheckName::NothingLost, CheckName::ScheduleRight],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Reschedules(second_pass))),
    },
    Mutant {
        name: "gap-is-lost",
        sentence: "a time of day that the clocks jump over is not met, whatever the job says",
        field: &[],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Reschedules(jumped_over))),
    },
    Mutant {
        name: "stagger-ignored",
        sentence: "jobs that are to be moved apart are all due at the top of the hour",
        field: &["top-of-hour stagger"],
        killed_by: &[CheckName::ScheduleRight],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Reschedules(unstaggered))),
    },
    Mutant {
        name: "marker-kept-when-ok",
        sentence: "the job stays marked as running after a run that ended well",
        field: &["#17554", "#133223", "#42997"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, MarkerKeptWhenOk)),
    },
    Mutant {
        name: "zone-off-by-an-hour",
        sentence: "a job of a calendar is first due an hour late, as in a zone beside its own",
        field: &["#10035", "#30351", "#102906"],
        killed_by: &[CheckName::NothingLost, CheckName::ScheduleRight],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, HourLate)),
    },
    Mutant {
        name: "skips-ahead",
        sentence: "what is skipped takes what is due next with it, ahead of its time",
        field: &["#10201", "#17852"],
        killed_by: &[CheckName::ScheduleRight],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, SkipsAhead::default())),
    },
    Mutant {
        name: "marker-of-the-eldest",
        sentence: "where the run that a job is marked with ends beside others, the marker goes to the eldest of them",
        field: &["#142638", "#41979"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, MarksEldest::default())),
    },
    Mutant {
        name: "calendar-asleep",
        sentence: "nobody wakes up for the first time that a job alone on its calendar is due, and nobody says so",
        field: &["#12440", "#13992"],
        killed_by: &[CheckName::NothingLost],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, CalendarAsleep)),
    },
];

/// Marks a job with the eldest of those that are left.
#[derive(Clone, Debug, Default)]
struct MarksEldest {
    at_work: Vec<RunId>,
}

impl Twist for MarksEldest {
    fn rows(&mut self, _: &mut Rows) {
        self.at_work.clear();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        let mut ended = Vec::new();
        for row in &draft.runs {
            let is_at_work = matches!(row.state, RunState::Starting | RunState::Running);
            let known = self.at_work.iter().position(|run| *run == row.id);
            match known {
                None if is_at_work => self.at_work.push(row.id),
                Some(place) if !is_at_work => ended.push(self.at_work.remove(place).job),
                Some(_) | None => {}
            }
        }
        for row in draft.jobs.iter_mut().filter(|row| ended.contains(&row.id)) {
            let eldest = self.at_work.iter().find(|run| run.job == row.id);
            row.running = row.running.and(eldest.copied());
        }
    }
}

/// Sets no timer for a job of a calendar, where there is no other.
#[derive(Clone, Debug)]
struct CalendarAsleep;

impl Twist for CalendarAsleep {
    fn rows(&mut self, rows: &mut Rows) {
        if let [(job, row)] = &mut rows.jobs[..]
            && matches!(job.schedule, Schedule::Cron(_))
        {
            row.next_due = None;
        }
    }
}

/// Goes by another schedule than the job's.
#[derive(Clone, Debug)]
struct Reschedules(fn(Schedule) -> Schedule);

impl Twist for Reschedules {
    fn rows(&mut self, rows: &mut Rows) {
        for (job, row) in &mut rows.jobs {
            job.schedule = (self.0)(job.schedule);
            row.next_due = row.next_due.and_then(|due| job.schedule.next_after(due.plus_millis(-1)));
        }
    }
}

fn jumped_over(schedule: Schedule) -> Schedule {
    match schedule {
        Schedule::Cron(cron) => Schedule::Cron(cron.with_gap(Gap::Skipped)),
        Schedule::At(_) | Schedule::Every { .. } => schedule,
    }
}

fn drifted(schedule: Schedule) -> Schedule {
    match schedule {
        Schedule::Every { every_ms, anchor } => Schedule::Every { every_ms: every_ms + 1, anchor },
        Schedule::At(_) | Schedule::Cron(_) => schedule,
    }
}

fn second_pass(schedule: Schedule) -> Schedule {
    match schedule {
        Schedule::Cron(cron) => Schedule::Cron(cron.with_repeated(Repeated::Last)),
        Schedule::At(_) | Schedule::Every { .. } => schedule,
    }
}

fn unstaggered(schedule: Schedule) -> Schedule {
    match schedule {
        Schedule::Cron(cron) => Schedule::Cron(cron.with_stagger_ms(0)),
        Schedule::At(_) | Schedule::Every { .. } => schedule,
    }
}

/// Leaves the running marker on the job of a timeout.
#[derive(Clone, Debug)]
struct MarkerKept;

impl Twist for MarkerKept {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &mut tick.draft().jobs {
            let timed_out = row.last.filter(|last| matches!(last.outcome, Outcome::TimedOut(_)));
            row.running = row.running.or(timed_out.map(|last| last.run));
        }
    }
}

/// Leaves the running marker on the job of a run that ended well.
#[derive(Clone, Debug)]
struct MarkerKeptWhenOk;

impl Twist for MarkerKeptWhenOk {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &mut tick.draft().jobs {
            let ok = row.last.filter(|last| last.outcome == Outcome::Ok);
            row.running = row.running.or(ok.map(|last| last.run));
        }
    }
}

/// Skips one occurrence more than there was reason to.
#[derive(Clone, Debug, Default)]
struct SkipsAhead {
    schedules: Vec<(JobId, Schedule)>,
}

impl Twist for SkipsAhead {
    fn rows(&mut self, rows: &mut Rows) {
        self.schedules = rows.jobs.iter().map(|(job, _)| (job.id, job.schedule)).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for skipped in draft.ledger.iter_mut().filter(|row| row.end == Unran::Overlap) {
            let own = self.schedules.iter().find(|(job, _)| *job == skipped.job);
            let Some((_, schedule)) = own else { continue };
            let Some(next) = schedule.next_after(skipped.last) else { continue };
            (skipped.last, skipped.count) = (next, skipped.count + 1);
            for row in draft.jobs.iter_mut().filter(|row| row.id == skipped.job) {
                (row.last_due, row.next_due) = (Some(next), schedule.next_after(next));
            }
        }
    }
}

/// Reads a calendar an hour late.
#[derive(Clone, Debug)]
struct HourLate;

impl Twist for HourLate {
    fn rows(&mut self, rows: &mut Rows) {
        for (_, row) in rows.jobs.iter_mut().filter(|(job, _)| matches!(job.schedule, Schedule::Cron(_))) {
            row.next_due = row.next_due.map(|due| due.plus_millis(3_600_000));
        }
    }
}
