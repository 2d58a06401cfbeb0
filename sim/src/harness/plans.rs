//! Plans as proptest draws and shrinks them.

use proptest::prelude::any;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::plan::{Plan, draw, steps};

/// Any plan. It shrinks as a failure of a campaign does, step by step.
///
/// ```
/// use proptest::test_runner::{Config, TestRunner};
/// use sametick_core::run::Shape;
/// use sametick_sim::Subject;
/// use sametick_sim::harness::{Harness, plans};
///
/// let harness = Harness::of(Subject::Core(Shape::Emit));
/// let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(16) });
/// runner.run(&plans(), |plan| Ok(harness.plan(&plan).map(drop)?)).expect("the core holds");
/// ```
#[must_use]
pub const fn plans() -> AnyPlan {
    AnyPlan
}

/// The strategy of [`plans`].
#[derive(Clone, Copy, Debug)]
pub struct AnyPlan;

/// A plan on its way to a smaller one.
#[derive(Clone, Debug)]
pub struct PlanTree {
    /// The smallest so far that fails.
    failing: Plan,
    /// The one at hand: one step from that, or itself.
    current: Plan,
    /// What is one step from the smallest and was not tried, the last first.
    steps: Vec<Plan>,
    /// Nothing that is one step from the smallest fails.
    is_smallest: bool,
}

impl Strategy for AnyPlan {
    type Tree = PlanTree;
    type Value = Plan;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let plan = draw(any::<u64>().new_tree(runner)?.current());
        Ok(PlanTree { current: plan.clone(), steps: Vec::new(), failing: plan, is_smallest: false })
    }
}

impl PlanTree {
    /// Tries the next step; where there is none, what failed is at hand again.
    fn step(&mut self) {
        let next = self.steps.pop();
        self.is_smallest = next.is_none();
        self.current = next.unwrap_or_else(|| self.failing.clone());
    }
}

impl ValueTree for PlanTree {
    type Value = Plan;

    fn current(&self) -> Plan {
        self.current.clone()
    }

    /// The one at hand fails: it goes on from there.
    fn simplify(&mut self) -> bool {
        if self.is_smallest {
            return false;
        }
        self.failing = self.current.clone();
        self.steps = steps(&self.failing);
        self.steps.reverse();
        self.step();
        !self.is_smallest
    }

    /// The one at hand holds: another step is tried.
    fn complicate(&mut self) -> bool {
        let holds = self.current != self.failing;
        self.step();
        holds
    }
}

#[cfg(test)]
mod tests {
    use proptest::test_runner::{Config, TestCaseError, TestError};

    use super::*;

    #[test]
    fn what_decides_stays_and_the_rest_goes() {
        let config = Config { failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(
            config,
            proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
        );
        let cancels = |plan: &Plan| plan.scenario("p.toml").is_ok() && plan.text().contains("cancel = ");
        let broken = runner.run(&plans(), |plan| {
            if cancels(&plan) { Err(TestCaseError::fail("it cancels")) } else { Ok(()) }
        });
        let Err(TestError::Fail(_, small)) = broken else { panic!("one of them cancels: {broken:?}") };
        assert!(cancels(&small), "{}", small.text());
        assert!(small.tables.len() <= 3, "{}", small.text());
        assert!(steps(&small).iter().all(|smaller| !cancels(smaller)), "{}", small.text());
    }
}
