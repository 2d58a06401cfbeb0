//! Turns that are never called, or whose word is not heard as it was said.

use sametick_core::effect::{Effect, Input, InputKind, Report, Tick};
use sametick_core::id::{JobId, RunId};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;
use crate::laws::Law;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "start-dropped",
        sentence: "a run gets its slot and its job the running marker, and its turn is never called",
        field: &["#79475", "#42997", "#48488", "#67785"],
        killed_by: &[CheckName::SlotsReturn],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NeverCalls)),
    },
    Mutant {
        name: "ready-again-is-progress",
        sentence: "a session that says once more that it is ready counts as a turn that is getting on",
        field: &["#119579"],
        killed_by: &[CheckName::ReasonKept, CheckName::RecordsAgree, CheckName::Law(Law::DuplicateReports)],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ReadyAgain::default())),
    },
    Mutant {
        name: "generations-mixed",
        sentence: "the word of a turn whose job was removed and added again is taken for the new run's",
        field: &["PR #116777", "temporal#10579"],
        killed_by: &[CheckName::SlotsReturn, CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Generations::default())),
    },
];

/// Calls no turn.
#[derive(Clone, Debug)]
struct NeverCalls;

impl Twist for NeverCalls {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.effects_mut().retain(|effect| !matches!(effect, Effect::Start { .. }));
    }
}

/// Takes a session that is ready again for progress.
#[derive(Clone, Debug, Default)]
struct ReadyAgain {
    ready: Vec<RunId>,
}

impl Twist for ReadyAgain {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            let InputKind::Report { run, report: Report::Ready { .. } } = input.kind else { continue };
            if self.ready.contains(&run) {
                input.kind = InputKind::Report { run, report: Report::Progress };
            } else {
                self.ready.push(run);
            }
        }
    }
}

/// Knows a run by its job, whatever the generation.
#[derive(Clone, Debug, Default)]
struct Generations {
    newest: Vec<(JobId, RunId)>,
}

impl Twist for Generations {
    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            let InputKind::Report { run, .. } = &mut input.kind else { continue };
            let newer = self
                .newest
                .iter()
                .find(|(job, newest)| *job == run.job && newest.generation > run.generation);
            if let Some((_, newest)) = newer {
                *run = *newest;
            }
        }
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for row in &tick.draft().runs {
            match self.newest.iter_mut().find(|(job, _)| *job == row.id.job) {
                Some((_, newest)) if newest.generation < row.id.generation => *newest = row.id,
                Some(_) => {}
                None => self.newest.push((row.id.job, row.id)),
            }
        }
    }
}
