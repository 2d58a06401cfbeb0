//! Runs that wait for runs: a child shares its parent's slot, which goes back when both have let go.

use std::collections::BTreeMap;

use crate::admission::Wants;
use crate::id::RunId;

/// The parents that have children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Families {
    by_parent: BTreeMap<RunId, Family>,
}

#[derive(Clone, Debug, Default)]
struct Family {
    /// Children that have not let go.
    children: Vec<RunId>,
    /// What the parent has let go of, and its own parent, once it has.
    let_go: Option<(Wants, Option<RunId>)>,
}

impl Families {
    pub(crate) fn clear(&mut self) {
        self.by_parent.clear();
    }

    pub(crate) fn join(&mut self, parent: RunId, child: RunId) {
        self.by_parent.entry(parent).or_default().children.push(child);
    }

    /// The children of a run that have not let go.
    pub(crate) fn children(&self, parent: RunId) -> Vec<RunId> {
        self.by_parent.get(&parent).map_or_else(Vec::new, |family| family.children.clone())
    }

    /// A run lets go of what it held; it comes back only when no child of it needs it any more.
    pub(crate) fn let_go(&mut self, run: RunId, parent: Option<RunId>, held: Option<Wants>) -> Vec<Wants> {
        let mut back = Vec::new();
        let (mut next, mut held) = (Some((run, parent)), held);
        while let Some((run, parent)) = next.take() {
            if let Some(family) = self.by_parent.get_mut(&run) {
                family.let_go = held.map(|held| (held, parent));
                break;
            }
            back.extend(held.take());
            let Some(parent) = parent else { break };
            let Some(family) = self.by_parent.get_mut(&parent) else { break };
            family.children.retain(|child| *child != run);
            if family.children.is_empty() {
                let over = self.by_parent.remove(&parent).and_then(|family| family.let_go);
                if let Some((wants, grandparent)) = over {
                    held = Some(wants);
                    next = Some((parent, grandparent));
                }
            }
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{JobId, LaneId};

    fn run(job: u32) -> RunId {
        RunId { job: JobId(job), ..RunId::default() }
    }

    fn wants(job: u32) -> Wants {
        Wants { lane: Some(LaneId(0)), job: JobId(job), alone: true, session: None }
    }

    fn given_back(families: &mut Families, one: RunId, parent: Option<RunId>) -> Vec<u32> {
        families.let_go(one, parent, Some(wants(one.job.0))).iter().map(|wants| wants.job.0).collect()
    }

    #[test]
    fn a_slot_goes_back_when_the_youngest_has_let_go() {
        let mut families = Families::default();
        families.join(run(0), run(1));
        families.join(run(1), run(2));
        assert_eq!(given_back(&mut families, run(0), None), []);
        assert_eq!(given_back(&mut families, run(1), Some(run(0))), []);
        assert_eq!(given_back(&mut families, run(2), Some(run(1))), [2, 1, 0]);
    }

    #[test]
    fn a_parent_keeps_its_slot_when_its_child_is_over() {
        let mut families = Families::default();
        families.join(run(0), run(1));
        assert_eq!(given_back(&mut families, run(1), Some(run(0))), [1]);
        assert_eq!(given_back(&mut families, run(0), None), [0]);
    }
}
