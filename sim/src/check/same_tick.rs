//! The check the project is named after.

use sametick_core::run::Outcome;
use sametick_core::session::Status;

use super::{CheckName, Failure, Scene, session_rows, settling, shown, told};

pub(super) const SENTENCE: &str =
    "the commit that settles a started run as timed out makes its session terminal";
pub(super) const FIELD: &[&str] = &["#70347", "#56121", "#74607", "#91730", "#79355", "#120683"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for (run, outcome) in settling(scene.changes) {
        let Outcome::TimedOut(_) = outcome else { continue };
        if run.session.is_none() {
            continue;
        }
        let open = |status: Option<Status>| status == Some(Status::Running);
        if let Some(row) = session_rows(run, scene.books).find(|row| open(row.status)) {
            failures.push(Failure {
                check: CheckName::SameTick,
                at: scene.at,
                run: Some(run.id),
                message: format!(
                    "the run record of {} says it {}, but its session {} still says \"{}\": \
                     whoever reads the session store believes the run is at work, until somebody repairs the row",
                    scene.labels.run(run.id),
                    told(outcome),
                    scene.labels.key(row.key),
                    shown(row.status),
                ),
            });
        }
    }
}
