//! Reports that come in another order than they were sent, or are noted as of another time.

use std::collections::BTreeMap;

use sametick_core::commit::{LateNote, LateWord};
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
    Mutant {
        name: "late-answer-not-noted",
        sentence: "an answer that comes when its run is over ends the drain, and is noted nowhere",
        field: &[],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Notes(forget_answers))),
    },
    Mutant {
        name: "late-word-noted-twice",
        sentence: "what a turn says when its run is over is noted twice",
        field: &[],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Notes(note_twice))),
    },
    Mutant {
        name: "late-answer-noted-as-stopped",
        sentence: "an answer that comes when its run is over is noted as the turn's word that it has stopped",
        field: &[],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Notes(note_as_stopped))),
    },
];

/// Makes something else of the notes of a tick.
#[derive(Clone, Debug)]
struct Notes(fn(&LateNote) -> Vec<LateNote>);

fn forget_answers(note: &LateNote) -> Vec<LateNote> {
    if matches!(note.said, LateWord::Completed(_)) { Vec::new() } else { vec![*note] }
}

fn note_twice(note: &LateNote) -> Vec<LateNote> {
    vec![*note; 2]
}

fn note_as_stopped(note: &LateNote) -> Vec<LateNote> {
    let stopped = matches!(note.said, LateWord::Completed(_));
    vec![if stopped { LateNote { said: LateWord::Stopped, ..*note } } else { *note }]
}

impl Twist for Notes {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let late = &mut tick.draft().late;
        *late = late.iter().flat_map(self.0).collect();
    }
}

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
