//! Runs that wait for runs: a child shares its parent's slot, which goes back when both have let go.

use crate::admission::Wants;
use crate::id::RunId;
use crate::table::Table;

/// The parents that have children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Families {
    by_parent: Table<RunId, Family>,
    /// Where each child stands among its parent's, so that a large family is not searched for it.
    seats: Table<RunId, u32>,
}

#[derive(Clone, Debug, Default)]
struct Family {
    /// Children in the order they came; a seat is empty when its child has let go.
    children: Vec<Option<RunId>>,
    /// How many seats are taken.
    present: usize,
    /// What the parent has let go of, and its own parent, once it has.
    let_go: Option<(Wants, Option<RunId>)>,
}

impl Families {
    pub(crate) fn clear(&mut self) {
        self.by_parent.clear();
        self.seats.clear();
    }

    pub(crate) fn join(&mut self, parent: RunId, child: RunId) {
        let family = self.by_parent.get_or_insert(parent, |_| Family::default());
        self.seats.insert(child, family.next_seat());
        family.children.push(Some(child));
        family.present += 1;
    }

    /// The children of a run that have not let go.
    pub(crate) fn children(&self, parent: RunId) -> Vec<RunId> {
        self.by_parent.get(parent).map_or_else(Vec::new, |family| family.present().collect())
    }

    /// A run lets go of what it held; it is given back only when no child of it needs it any more.
    pub(crate) fn let_go(
        &mut self,
        run: RunId,
        parent: Option<RunId>,
        held: Option<Wants>,
        mut give_back: impl FnMut(Wants),
    ) {
        let (mut next, mut held) = (Some((run, parent)), held);
        while let Some((run, parent)) = next.take() {
            if let Some(family) = self.by_parent.get_mut(run) {
                family.let_go = held.map(|held| (held, parent));
                break;
            }
            if let Some(held) = held.take() {
                give_back(held);
            }
            let Some(parent) = parent else { break };
            if let Some((wants, grandparent)) = self.leave(parent, run) {
                held = Some(wants);
                next = Some((parent, grandparent));
            }
        }
    }

    /// A child leaves its parent; the last one says what the parent had let go of before.
    fn leave(&mut self, parent: RunId, child: RunId) -> Option<(Wants, Option<RunId>)> {
        let family = self.by_parent.get_mut(parent)?;
        let seat = self.seats.remove(child)?;
        family.children[seat as usize] = None;
        family.present -= 1;
        if family.present == 0 {
            return self.by_parent.remove(parent)?.let_go;
        }
        if family.children.len() > 2 * family.present + 16 {
            family.children.retain(Option::is_some);
            for (child, seat) in family.present().zip(0..) {
                self.seats.insert(child, seat);
            }
        }
        None
    }
}

impl Family {
    fn next_seat(&self) -> u32 {
        u32::try_from(self.children.len()).expect("fewer than 2^32 children")
    }

    fn present(&self) -> impl Iterator<Item = RunId> {
        self.children.iter().flatten().copied()
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
        let mut back = Vec::new();
        families.let_go(one, parent, Some(wants(one.job.0)), |wants| back.push(wants.job.0));
        back
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

    #[test]
    fn who_is_left_of_many_children_is_in_the_order_they_came() {
        let mut families = Families::default();
        (1..=1_000).rev().for_each(|child| families.join(run(0), run(child)));
        for child in (1..=1_000).filter(|child| child % 100 != 0) {
            families.let_go(run(child), Some(run(0)), None, |_| ());
        }
        assert_eq!(
            families.children(run(0)),
            (1..=10).rev().map(|child| run(child * 100)).collect::<Vec<_>>()
        );
        let seats = families.by_parent.get(run(0)).map_or(0, |family| family.children.len());
        assert!(seats <= 36, "{seats} seats for ten children");
    }
}
