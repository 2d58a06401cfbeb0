//! A job's running marker names the run that got a slot last and has not settled, in every commit.

use educe::Educe;
use sametick_core::id::{JobId, RunId};
use sametick_core::run::{RunRow, RunState};

use super::{CheckName, Failure, Scene, told};
use crate::lines::ROUNDING_MS;

/// Of each job the runs that have a slot and have not settled, by the books: mostly one, or none.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Markers {
    at_work: Vec<Vec<RunId>>,
    /// The jobs that the commit at hand is about; its memory is kept.
    jobs: Vec<JobId>,
}

impl Markers {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.at_work.iter_mut().for_each(Vec::clear);
    }

    /// Judges the marker of every job whose row changed, or whose runs got to work or settled.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.clear();
        for change in &scene.changes.runs {
            let (run, is) = (&change.after, is_at_work(&change.after));
            if is == change.before.as_ref().is_some_and(is_at_work) {
                continue;
            }
            let place = run.id.job.index();
            if self.at_work.len() <= place {
                self.at_work.resize(place + 1, Vec::new());
            }
            if is {
                self.at_work[place].push(run.id);
            } else {
                self.at_work[place].retain(|known| *known != run.id);
            }
            jobs.push(run.id.job);
        }
        jobs.extend(scene.changes.jobs.iter().map(|(_, row)| row.id));
        jobs.sort_unstable();
        jobs.dedup();
        for job in &jobs {
            if let Some((run, what)) = self.marker_differs(*job, scene) {
                let message = format!("{}: {what}", scene.labels.run(run));
                failures.push(Failure {
                    check: CheckName::RecordsAgree,
                    at: scene.at,
                    run: Some(run),
                    message,
                });
            }
        }
        self.jobs = jobs;
    }

    /// What is wrong with the marker of a job, and of which run that is said.
    fn marker_differs(&self, job: JobId, scene: &Scene<'_>) -> Option<(RunId, String)> {
        let (_, row) = scene.books.job(job)?;
        let at_work = self.at_work.get(job.index()).map_or(&[][..], Vec::as_slice);
        let mut own = at_work.iter().filter(|run| run.generation == row.generation);
        let Some(marked) = row.running else {
            return own.next().map(|run| (*run, "it is under way and its job has no marker".to_owned()));
        };
        match scene.books.run(marked)?.state {
            RunState::Settled(outcome) => {
                let what = format!(
                    "it is {} and its job is still marked as running: the job is dead until somebody clears the marker",
                    told(outcome)
                );
                Some((marked, what))
            }
            RunState::Queued => {
                Some((marked, "it waits in its lane and its job is marked as running".to_owned()))
            }
            RunState::Starting | RunState::Running => {
                let granted = |run: RunId| scene.books.runs.get(&run).and_then(|book| book.times.granted);
                // Of several that got a slot in one commit, or as good as at once, it may name any.
                let before = granted(marked)?.saturating_add(ROUNDING_MS);
                let later = own.find(|run| granted(**run).is_some_and(|granted| granted > before))?;
                let name = scene.labels.run(marked);
                Some((
                    *later,
                    format!("it got a slot after {name}, has not settled, and its job is marked with {name}"),
                ))
            }
        }
    }
}

const fn is_at_work(run: &RunRow) -> bool {
    matches!(run.state, RunState::Starting | RunState::Running)
}
