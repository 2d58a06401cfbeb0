//! Runs that wait for runs: a child shares its parent's slot, which goes back when both have let go.

use educe::Educe;

use crate::admission::Wants;
use crate::id::RunId;
use crate::table::Table;

/// The parents that have children.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Families {
    by_parent: Table<RunId, Family>,
    /// Children that have not let go, by parent and in the order they came.
    children: Table<(RunId, Seat), RunId>,
    /// Where each of them stands, so that a large family is not searched for it.
    seats: Table<RunId, Seat>,
}

/// A child's place among its parent's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seat(u64);

#[derive(Educe, Debug, Default)]
#[educe(Clone)]
struct Family {
    next: Seat,
    present: usize,
    /// What the parent has let go of, and its own parent, once it has.
    let_go: Option<(Wants, Option<RunId>)>,
}

impl Families {
    pub(crate) fn clear(&mut self) {
        self.by_parent.clear();
        self.children.clear();
        self.seats.clear();
    }

    pub(crate) fn join(&mut self, parent: RunId, child: RunId) {
        let family = self.by_parent.get_or_insert(parent, |_| Family::default());
        let seat = family.next;
        family.next = seat.after();
        family.present += 1;
        self.children.insert((parent, seat), child);
        self.seats.insert(child, seat);
    }

    /// The first child from a seat on that has not let go, and its seat.
    pub(crate) fn child_from(&self, parent: RunId, seat: Seat) -> Option<(Seat, RunId)> {
        // Most runs have no children.
        self.by_parent.get(parent)?;
        let ((own, seat), child) = self.children.from((parent, seat)).next()?;
        (own == parent).then_some((seat, *child))
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

    /// A parent had let go before this machine knew of it: what it held goes back with its last child. False when that
    /// is known already.
    pub(crate) fn left_behind(&mut self, parent: RunId, held: Wants, grandparent: Option<RunId>) -> bool {
        match self.by_parent.get_mut(parent) {
            Some(family) if family.let_go.is_none() => {
                family.let_go = Some((held, grandparent));
                true
            }
            Some(_) | None => false,
        }
    }

    /// A child leaves its parent; the last one says what the parent had let go of before.
    fn leave(&mut self, parent: RunId, child: RunId) -> Option<(Wants, Option<RunId>)> {
        let seat = self.seats.remove(child)?;
        self.children.remove((parent, seat));
        let family = self.by_parent.get_mut(parent)?;
        family.present -= 1;
        if family.present == 0 { self.by_parent.remove(parent)?.let_go } else { None }
    }
}

impl Seat {
    pub(crate) const fn after(self) -> Self {
        Self(self.0 + 1)
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
        families.join(run(2_000), run(2_001));
        for child in (1..=1_000).filter(|child| child % 100 != 0) {
            families.let_go(run(child), Some(run(0)), None, |_| ());
        }
        families.join(run(0), run(1));
        let mut seat = Seat::default();
        let next = || {
            let (found, child) = families.child_from(run(0), seat)?;
            seat = found.after();
            Some(child)
        };
        let children: Vec<RunId> = std::iter::from_fn(next).collect();
        assert_eq!(children, (1..=10).rev().map(|child| child * 100).chain([1]).map(run).collect::<Vec<_>>());
    }

    #[test]
    fn what_lost_ancestors_had_held_goes_back_from_the_youngest_on() {
        let mut families = Families::default();
        families.join(run(1), run(2));
        assert!(families.left_behind(run(1), wants(1), Some(run(0))));
        families.join(run(0), run(1));
        assert!(families.left_behind(run(0), wants(0), None));
        assert_eq!(given_back(&mut families, run(2), Some(run(1))), [2, 1, 0]);
    }

    #[test]
    fn what_a_lost_parent_had_held_is_known_once_and_goes_back_with_its_last_child() {
        let mut families = Families::default();
        families.join(run(0), run(1));
        families.join(run(0), run(2));
        assert!(families.left_behind(run(0), wants(0), None));
        assert!(!families.left_behind(run(0), wants(0), None), "its other child says the same");
        assert!(!families.left_behind(run(9), wants(9), None), "it has no children");
        assert_eq!(given_back(&mut families, run(2), Some(run(0))), [2]);
        assert_eq!(given_back(&mut families, run(1), Some(run(0))), [1, 0]);
    }
}
