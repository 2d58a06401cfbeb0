//! Job rows and events that tell something else of a run than its record does.

use sametick_core::commit::{LastRun, Rows};
use sametick_core::effect::Tick;
use sametick_core::lifecycle::{Cause, ErrorKind};
use sametick_core::run::RunRow;
use sametick_core::session::SessionChange;
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "last-run-since-it-came",
        sentence: "a job tells of its last run that it began when it came to its queue",
        field: &["#70421"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, TellsOfLast(since_it_came))),
    },
    Mutant {
        name: "waiting-told-as-work",
        sentence: "a job tells of its last run that it took as long as it waited and worked",
        field: &["#148874"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, TellsOfLast(waiting_as_work))),
    },
    Mutant {
        name: "restart-unnamed",
        sentence: "the event of a run that a crash interrupted does not say that a restart ended it",
        field: &["#96161"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, RestartUnnamed)),
    },
];

/// Rewrites what a job's row tells of a run that settles.
#[derive(Clone, Debug)]
struct TellsOfLast(fn(&RunRow, &mut LastRun));

fn since_it_came(run: &RunRow, last: &mut LastRun) {
    last.at = run.queued_at;
}

fn waiting_as_work(run: &RunRow, last: &mut LastRun) {
    let waited = run.granted_at.map_or(0, |granted| granted - run.queued_at);
    last.duration_ms = last.duration_ms.saturating_add(u64::try_from(waited).unwrap_or_default());
}

impl Twist for TellsOfLast {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        for last in draft.jobs.iter_mut().filter_map(|row| row.last.as_mut()) {
            if let Some(run) = draft.runs.iter().find(|run| run.id == last.run) {
                (self.0)(run, last);
            }
        }
    }
}

/// Leaves out why an interrupted run was stopped.
#[derive(Clone, Debug)]
struct RestartUnnamed;

impl RestartUnnamed {
    fn rewrite(cause: &mut Option<Cause>) {
        if let Some(cause) = cause.as_mut().filter(|cause| cause.kind == ErrorKind::Interrupted) {
            cause.stop_reason = None;
        }
    }
}

impl Twist for RestartUnnamed {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        self.tick(Now::default(), tick);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let draft = tick.draft();
        draft.events.iter_mut().for_each(|event| Self::rewrite(&mut event.cause));
        for patch in &mut draft.sessions {
            match &mut patch.change {
                SessionChange::End { cause, .. } => Self::rewrite(cause),
                SessionChange::Replace(row) => Self::rewrite(&mut row.cause),
                SessionChange::Start { .. } => {}
            }
        }
    }
}
