//! When the budgets of one run end.

use crate::job::Budget;
use crate::run::Phase;
use crate::time::{Mono, Span};

/// An instant for each budget that has begun to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deadlines([Option<Mono>; Budget::ALL.len()]);

impl Deadlines {
    /// A budget counts from `from`; one that is not limited never ends.
    pub(crate) fn count(&mut self, budget: Budget, from: Mono, span: Option<Span>) {
        self.0[budget as usize] = span.map(|span| from + span);
    }

    pub(crate) const fn get(&self, budget: Budget) -> Option<Mono> {
        self.0[budget as usize]
    }

    /// A budget goes on counting as it did for another run.
    pub(crate) const fn inherit(&mut self, budget: Budget, at: Option<Mono>) {
        self.0[budget as usize] = at;
    }

    /// The first to end of those that bind a run in this phase; of two in one instant, the narrower.
    pub(crate) fn first(&self, phase: Phase) -> Option<(Mono, Budget)> {
        let bound = Budget::ALL.into_iter().filter(|budget| binds(*budget, phase));
        bound.filter_map(|budget| self.get(budget).map(|at| (at, budget))).min()
    }
}

const fn binds(budget: Budget, phase: Phase) -> bool {
    match (budget, phase) {
        (Budget::Queue, Phase::Queued)
        | (Budget::Start, Phase::Starting)
        | (Budget::Stall | Budget::Run, Phase::Starting | Phase::Running)
        | (Budget::Total, _) => true,
        (Budget::Queue, Phase::Starting | Phase::Running)
        | (Budget::Start, Phase::Queued | Phase::Running)
        | (Budget::Stall | Budget::Run, Phase::Queued) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_that_end_together_the_narrower_is_first() {
        let mut deadlines = Deadlines::default();
        for budget in [Budget::Total, Budget::Run, Budget::Stall, Budget::Start, Budget::Queue] {
            deadlines.count(budget, Mono::default(), Some(Span::from_secs(1)));
        }
        let at = Mono::default() + Span::from_secs(1);
        let firsts = [Phase::Queued, Phase::Starting, Phase::Running].map(|phase| deadlines.first(phase));
        assert_eq!(firsts, [Budget::Queue, Budget::Start, Budget::Stall].map(|budget| Some((at, budget))));
    }

    #[test]
    fn what_is_not_limited_never_ends() {
        let mut deadlines = Deadlines::default();
        deadlines.count(Budget::Run, Mono::default(), None);
        assert_eq!(deadlines.first(Phase::Running), None);
    }
}
