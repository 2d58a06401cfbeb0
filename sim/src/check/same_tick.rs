//! The check the project is named after.

use sametick_core::run::Outcome;
use sametick_core::session::{SessionRow, Status};

use super::{CheckName, Failure, Scene, shown, told};

pub(super) const SENTENCE: &str =
    "the commit that settles a started run as timed out makes its session terminal";
pub(super) const FIELD: &[&str] = &["#70347", "#56121", "#74607", "#91730", "#79355", "#120683"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for (change, outcome) in scene.changes.settling() {
        let Outcome::TimedOut(_) = outcome else { continue };
        let run = &change.after;
        if run.session.is_none() {
            continue;
        }
        let terminal = |row: &SessionRow| row.status.is_some_and(Status::is_terminal);
        let own = change.own_row(scene.books);
        let open = change.session_rows(scene.books).find(|row| row.status == Some(Status::Running));
        let what = match (own, open) {
            (Some(own), None) if terminal(own) => continue,
            (_, Some(row)) => {
                let (key, status) = (scene.labels.key(row.key), shown(row.status));
                format!("its session {key} still says \"{status}\"")
            }
            (own, None) => {
                let key = scene.labels.key(run.session_key());
                let status = own.map_or("is not there", |_| "has no end");
                format!("its session {key} {status}")
            }
        };
        failures.push(Failure {
            check: CheckName::SameTick,
            at: scene.at,
            run: Some(run.id),
            message: format!(
                "the run record of {} says it {}, but {what}: whoever reads the session store believes the run is \
                 at work, until somebody repairs the row",
                scene.labels.run(run.id),
                told(outcome),
            ),
        });
    }
}
