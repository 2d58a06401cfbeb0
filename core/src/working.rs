//! The runs of one job that have a slot and have not settled, in the order they got it.

use educe::Educe;

use crate::id::RunId;

/// When in a machine's life a run got its slot: the number of the grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant(pub(crate) u64);

/// Mostly one, or none: only what a job lets overlap has a list.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Working {
    latest: Option<(Grant, RunId)>,
    /// Those before, by grant; who settled before the latest is marked, not moved out.
    earlier: Vec<(Grant, Option<RunId>)>,
    marked: usize,
}

impl Working {
    pub(crate) fn latest(&self) -> Option<RunId> {
        self.latest.map(|(_, run)| run)
    }

    /// Adds one whose grant is later than all others'.
    pub(crate) fn begin(&mut self, grant: Grant, run: RunId) {
        let before = self.latest.replace((grant, run));
        self.earlier.extend(before.map(|(grant, run)| (grant, Some(run))));
    }

    /// Takes one out, if it is here.
    pub(crate) fn end(&mut self, grant: Grant, run: RunId) {
        if self.latest == Some((grant, run)) {
            self.latest = None;
            while let Some((grant, run)) = self.earlier.pop() {
                if let Some(run) = run {
                    self.latest = Some((grant, run));
                    break;
                }
                self.marked -= 1;
            }
            return;
        }
        let found = self.earlier.binary_search_by_key(&grant, |(grant, _)| *grant);
        if let Some((_, own)) = found.ok().and_then(|place| self.earlier.get_mut(place))
            && own.take_if(|own| *own == run).is_some()
        {
            self.marked += 1;
            if self.earlier.len() > 16 && self.marked > self.earlier.len() / 2 {
                self.earlier.retain(|(_, run)| run.is_some());
                self.marked = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::JobId;

    fn run(job: u64) -> RunId {
        RunId { job: JobId(job as u32), ..RunId::default() }
    }

    #[test]
    fn the_latest_is_the_last_granted_of_those_at_work() {
        // Every order in which four can end, against a list that is searched.
        for order in 0..256_u64 {
            let (mut working, mut list) = (Working::default(), Vec::new());
            for number in 0..4 {
                working.begin(Grant(number), run(number));
                list.push(run(number));
            }
            for step in 0..4 {
                let number = order >> (2 * step) & 3;
                working.end(Grant(number), run(number));
                list.retain(|other| *other != run(number));
                assert_eq!(working.latest(), list.last().copied());
            }
        }
    }

    #[test]
    fn many_that_end_in_the_order_they_began_leave_no_list() {
        let mut working = Working::default();
        (0..10_000).for_each(|number| working.begin(Grant(number), run(number)));
        (0..9_999).for_each(|number| working.end(Grant(number), run(number)));
        assert_eq!(working.latest(), Some(run(9_999)));
        assert!(working.earlier.len() <= 17, "{} marks", working.earlier.len());
    }

    #[test]
    fn who_is_not_here_takes_nobody_out() {
        let mut working = Working::default();
        working.begin(Grant(1), run(1));
        working.end(Grant(0), run(2));
        assert_eq!(working.latest(), Some(run(1)));
    }

    #[test]
    fn marks_are_swept_once_they_are_the_most_of_many() {
        let left = |begun: u64, ended: u64| {
            let mut working = Working::default();
            (0..begun).for_each(|number| working.begin(Grant(number), run(number)));
            (0..ended).for_each(|number| working.end(Grant(number), run(number)));
            (working.earlier.len(), working.marked)
        };
        assert_eq!((left(18, 8), left(18, 9)), ((17, 8), (8, 0)));
        assert_eq!(left(17, 16), (16, 16), "of a few they stay");
    }

    #[test]
    fn a_mark_that_is_met_counts_no_more() {
        let mut working = Working::default();
        (0..9).for_each(|number| working.begin(Grant(number), run(number)));
        [2, 5, 6, 7, 8].into_iter().for_each(|number| working.end(Grant(number), run(number)));
        assert_eq!((working.latest(), working.marked), (Some(run(4)), 1));
    }
}
