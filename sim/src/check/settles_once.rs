//! One run, one end.

use sametick_core::lifecycle::EventPhase;
use sametick_core::run::RunState;

use super::{CheckName, Failure, Rest, Scene, told};
use crate::changes::RunChange;

pub(super) const SENTENCE: &str = "a run settles once, and a started session gets exactly one terminal event";
pub(super) const FIELD: &[&str] =
    &["#120561", "#137215", "#68091", "#85526", "#141032", "PR #70832", "restate#1029"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for RunChange { before, after, .. } in &scene.changes.runs {
        let Some(RunState::Settled(first)) = before.as_ref().map(|row| row.state) else { continue };
        if after.state != RunState::Settled(first) {
            let now = after.state.outcome().map_or_else(|| "under way again".to_owned(), told);
            let name = scene.labels.run(after.id);
            let message = format!("{name} was {} and is now {now}: it settled twice", told(first));
            failures.push(Failure {
                check: CheckName::SettlesOnce,
                at: scene.at,
                run: Some(after.id),
                message,
            });
        }
    }
    for event in scene.commit.events.iter().filter(|event| event.phase != EventPhase::Start) {
        let ends = scene.books.runs.get(&event.run).map_or(0, |book| book.ends);
        if ends > 1 {
            let name = scene.labels.run(event.run);
            let message = format!("{name} got {ends} terminal events; whoever listens ends it {ends} times");
            failures.push(Failure {
                check: CheckName::SettlesOnce,
                at: scene.at,
                run: Some(event.run),
                message,
            });
            return;
        }
    }
}

pub(super) fn judge_rest(failures: &mut Vec<Failure>, rest: &Rest<'_>) {
    for book in rest.books.runs.values() {
        let row = &book.row;
        let started = row.granted_at.is_some() && matches!(row.state, RunState::Settled(_));
        if started && book.ends == 0 {
            let message =
                format!("{} settled and no terminal event was ever published", rest.labels.run(row.id));
            failures.push(Failure { check: CheckName::SettlesOnce, at: rest.at, run: Some(row.id), message });
        }
    }
}
