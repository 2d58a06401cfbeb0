//! Where a commit speaks of which run and job, for commits that speak of many: looked through for each of them, a burst
//! would be quadratic.

use sametick_core::commit::{Commit, JobRow};
use sametick_core::id::{JobId, RunId};
use sametick_core::lifecycle::LifecycleEvent;

use crate::changes::{Changes, RunChange};
use crate::table::Table;

/// A commit with no more runs than this is looked through: that takes less time than an index.
const FEW: usize = 24;

/// Of each run and job, the places in a commit.
#[derive(Debug, Default)]
pub(crate) struct Index {
    runs: Table<RunId, usize>,
    /// The first run of each job, and after each run the next of its job.
    first_of_job: Table<JobId, usize>,
    next_of_job: Vec<usize>,
    jobs: Table<JobId, usize>,
    /// The first event of each run, and after each event the next of its run.
    first_event: Table<RunId, usize>,
    next_event: Vec<usize>,
}

impl Clone for Index {
    fn clone(&self) -> Self {
        Self::default()
    }

    /// It is filled before it is read.
    fn clone_from(&mut self, _: &Self) {}
}

/// No further place.
const NONE: usize = usize::MAX;

impl Index {
    /// Takes in what a commit changed.
    pub(super) fn fill(&mut self, changes: &Changes, commit: &Commit) {
        self.runs.clear();
        self.jobs.clear();
        let runs = changes.runs.iter().map(|change| change.after.id);
        for (place, run) in runs.clone().enumerate() {
            // Of two that a broken machine gave one id, whoever looks finds the first.
            self.runs.entry(run).or_insert(place);
        }
        for (place, (_, row)) in changes.jobs.iter().enumerate() {
            self.jobs.entry(row.id).or_insert(place);
        }
        chain(&mut self.first_of_job, &mut self.next_of_job, runs.map(|run| run.job));
        chain(&mut self.first_event, &mut self.next_event, commit.events.iter().map(|event| event.run));
    }
}

/// Whether a commit says so much that an index is worth it.
pub(super) fn is_worth_it(changes: &Changes, commit: &Commit) -> bool {
    changes.runs.len() > FEW || changes.jobs.len() > FEW || commit.events.len() > FEW
}

/// Puts places with the same key one after the other.
fn chain<K: std::hash::Hash + Eq>(
    first: &mut Table<K, usize>,
    next: &mut Vec<usize>,
    keys: impl DoubleEndedIterator<Item = K> + ExactSizeIterator,
) {
    first.clear();
    next.clear();
    next.resize(keys.len(), NONE);
    for (place, key) in keys.enumerate().rev() {
        if let Some(after) = first.insert(key, place) {
            next[place] = after;
        }
    }
}

/// The places from one on.
fn from(first: Option<&usize>, next: &[usize]) -> impl Iterator<Item = usize> {
    std::iter::successors(first.copied(), |place| next.get(*place).copied().filter(|place| *place != NONE))
}

/// What a commit changed, to be looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookUp<'a> {
    pub(super) changes: &'a Changes,
    pub(super) commit: &'a Commit,
    pub(super) index: Option<&'a Index>,
}

impl<'a> LookUp<'a> {
    /// What became of a run.
    pub(super) fn run(self, run: RunId) -> Option<&'a RunChange> {
        match self.index {
            Some(index) => index.runs.get(&run).map(|place| &self.changes.runs[*place]),
            None => self.changes.runs.iter().find(|change| change.after.id == run),
        }
    }

    /// What became of a job's row.
    pub(super) fn job(self, job: JobId) -> Option<&'a (Option<JobRow>, JobRow)> {
        match self.index {
            Some(index) => index.jobs.get(&job).map(|place| &self.changes.jobs[*place]),
            None => self.changes.jobs.iter().find(|(_, row)| row.id == job),
        }
    }

    /// What became of the runs of a job.
    pub(super) fn runs_of(self, job: JobId) -> impl Iterator<Item = &'a RunChange> {
        let found = self.index.map(|index| from(index.first_of_job.get(&job), &index.next_of_job));
        let all = if found.is_none() { self.changes.runs.as_slice() } else { &[] };
        let indexed = found.into_iter().flatten().map(move |place| &self.changes.runs[place]);
        indexed.chain(all.iter().filter(move |change| change.after.id.job == job))
    }

    /// The events of a run.
    pub(super) fn events(self, run: RunId) -> impl Iterator<Item = &'a LifecycleEvent> {
        let found = self.index.map(|index| from(index.first_event.get(&run), &index.next_event));
        let all = if found.is_none() { self.commit.events.as_slice() } else { &[] };
        let indexed = found.into_iter().flatten().map(move |place| &self.commit.events[place]);
        indexed.chain(all.iter().filter(move |event| event.run == run))
    }
}

#[cfg(test)]
mod tests {
    use sametick_core::id::AgentId;
    use sametick_core::job::Target;
    use sametick_core::run::RunRow;
    use sametick_core::time::Wall;

    use super::*;

    fn changes(count: u32) -> (Changes, Commit) {
        let (mut changes, mut commit) = (Changes::default(), Commit::default());
        for number in 0..count {
            let run = RunId { asked: number, ..RunId::scheduled(JobId(number % 7), 1, Wall::from_millis(5)) };
            let row = RunRow::queued(run, AgentId(0), Target::Isolated, Wall::from_millis(5));
            changes.runs.push(RunChange::new(None, row, 0));
            for event in 0..number % 3 {
                let mut said = sametick_core::lifecycle::started(&row, Wall::from_millis(i64::from(event)));
                said.seq = event;
                commit.events.push(said);
            }
            changes.jobs.push((None, JobRow::new(JobId(number), 1, None)));
        }
        (changes, commit)
    }

    #[test]
    fn an_index_finds_what_looking_through_finds() {
        let (changes, commit) = changes(100);
        let mut index = Index::default();
        assert!(is_worth_it(&changes, &commit));
        index.fill(&changes, &commit);
        let plain = LookUp { changes: &changes, commit: &commit, index: None };
        let quick = LookUp { index: Some(&index), ..plain };
        for change in &changes.runs {
            let run = change.after.id;
            assert_eq!(quick.run(run).map(|found| found.after), plain.run(run).map(|found| found.after));
            assert!(quick.events(run).eq(plain.events(run)));
        }
        for job in (0..101).map(JobId) {
            assert_eq!(quick.job(job), plain.job(job));
            let ids = |look: LookUp<'_>| look.runs_of(job).map(|change| change.after.id).collect::<Vec<_>>();
            assert_eq!(ids(quick), ids(plain));
        }
        assert!(quick.run(RunId::default()).is_none());
    }

    #[test]
    fn few_are_looked_through() {
        let (changes, commit) = changes(8);
        assert!(!is_worth_it(&changes, &commit));
    }
}
