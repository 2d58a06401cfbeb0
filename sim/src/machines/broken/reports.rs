//! Reports that come in another order than they were sent, or are noted as of another time.

use std::collections::BTreeMap;

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, InputKind, Report, Tick};
use sametick_core::id::RunId;
use sametick_core::lifecycle;
use sametick_core::run::{Outcome, RunRow};
use sametick_core::session::{SessionPatch, change_of};
use sametick_core::time::Now;

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, settled};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "progress-reopens",
        sentence: "progress that is heard after its run ended well puts the session back to running",
        field: &["#88538"],
        killed_by: &[CheckName::NoResurrection, CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ProgressReopens::default())),
    },
    Mutant {
        name: "notes-by-the-commit",
        sentence: "a late answer is noted as of when the store had room for that, and not as of when it came",
        field: &[],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, NotesByTheCommit)),
    },
];

/// Gives every late note the time of its tick.
#[derive(Clone, Debug)]
struct NotesByTheCommit;

impl Twist for NotesByTheCommit {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        for note in &mut tick.draft().late {
            note.at = now.wall;
        }
    }
}

/// Takes progress for a sign of life, whoever shows it.
#[derive(Clone, Debug, Default)]
struct ProgressReopens {
    ended: BTreeMap<RunId, RunRow>,
    heard: Vec<RunId>,
}

impl Twist for ProgressReopens {
    fn rows(&mut self, _: &mut Rows) {
        self.ended.clear();
    }

    fn inputs(&mut self, _: Now, inputs: &mut Vec<Input>) {
        for input in inputs {
            if let InputKind::Report { run, report: Report::Progress } = input.kind {
                self.heard.push(run);
            }
        }
    }

    fn tick(&mut self, now: Now, tick: &mut Tick) {
        for run in std::mem::take(&mut self.heard) {
            if let Some(row) = self.ended.get(&run) {
                let change = change_of(&lifecycle::started(row, now.wall));
                let patch = SessionPatch { key: row.session_key(), updated_at: now.wall, change };
                tick.draft().sessions.push(patch);
            }
        }
        for (row, outcome) in settled(tick) {
            if outcome == Outcome::Ok && row.session.is_some() {
                self.ended.insert(row.id, row);
            }
        }
    }
}
