//! A timeout that is told must be told as what it was.

use sametick_core::lifecycle::{EventPhase, cause};
use sametick_core::run::Outcome;
use sametick_core::session::Status;

use super::{CheckName, Failure, Scene, session_rows, settling, told};

pub(super) const SENTENCE: &str = "a timed-out run's session and event say timeout, which budget and phase, \
     and name the run's own session key, session and job";
pub(super) const FIELD: &[&str] = &["#115319", "#70347"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for (run, outcome) in settling(scene.changes) {
        let Outcome::TimedOut(_) = outcome else { continue };
        let mut broken = |what: String| {
            failures.push(Failure {
                check: CheckName::ReasonKept,
                at: scene.at,
                run: Some(run.id),
                message: format!("{} {}, but {what}", scene.labels.run(run.id), told(outcome)),
            });
        };
        let wanted = cause(outcome);
        let ends = scene
            .commit
            .events
            .iter()
            .filter(|event| event.run == run.id && event.phase != EventPhase::Start);
        for event in ends {
            if event.cause != wanted {
                let kind = event.cause.map_or("no error", |cause| cause.kind.name());
                broken(format!("its terminal event gives \"{kind}\" as the reason: the timeout is lost"));
            }
            if (event.key, event.session, event.job) != (run.session_key(), run.session, run.id.job) {
                broken(format!(
                    "its terminal event names {} and not its own session {}",
                    scene.labels.key(event.key),
                    scene.labels.key(run.session_key()),
                ));
            }
        }
        let terminal = |status: Option<Status>| status.is_some_and(Status::is_terminal);
        for row in session_rows(run, scene.books).filter(|row| terminal(row.status)) {
            if row.status != Some(Status::Timeout) || row.cause != wanted {
                let kind = row.cause.map_or("no reason", |cause| cause.kind.name());
                let key = scene.labels.key(row.key);
                broken(format!("its session {key} says \"{}\" with \"{kind}\"", super::shown(row.status)));
            }
        }
    }
}
