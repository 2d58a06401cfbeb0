//! A lane: runs wait in the order they came, and at most so many hold a slot.

use educe::Educe;

use crate::id::RunId;
use crate::queue::Queue;
use crate::spare::trim_queue;

/// A lane's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LaneConfig {
    /// How many runs may hold a slot at once; zero grants nothing.
    pub limit: u32,
    /// How many may wait for a slot that is not free. At the bound an occurrence is skipped and a request refused; runs
    /// that are tried again, or that a crash left waiting, are always let in.
    pub queue: u32,
}

impl Default for LaneConfig {
    /// One slot, as the field's cron lane has, and room for 10,000.
    fn default() -> Self {
        Self { limit: 1, queue: 10_000 }
    }
}

/// A place in a queue. Tickets rise, so who came first has the lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

/// A queue with a concurrency limit. Who leaves early is marked, not searched for.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Lane {
    limit: u32,
    held: u32,
    waiting: Queue<Waiter>,
    live: usize,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    run: RunId,
    ticket: Ticket,
    gone: bool,
}

impl Lane {
    /// Empties the lane and sets its limit.
    pub(crate) fn reset(&mut self, limit: u32) {
        self.limit = limit;
        self.held = 0;
        self.waiting.clear();
        self.live = 0;
    }

    /// Puts a run where its ticket belongs: at the end, unless it comes back.
    pub(crate) fn enter(&mut self, run: RunId, ticket: Ticket) {
        let waiter = Waiter { run, ticket, gone: false };
        if self.waiting.back().is_none_or(|last| last.ticket < ticket) {
            self.waiting.push_back(waiter);
        } else {
            let place = self.waiting.partition_point(|other| other.ticket < ticket);
            match self.waiting.get_mut(place).filter(|other| other.ticket == ticket) {
                Some(own) => *own = waiter,
                None => self.waiting.insert(place, waiter),
            }
        }
        self.live += 1;
    }

    /// Takes a waiter out, wherever it stands; false when it does not stand here.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> bool {
        let found = self.waiting.binary_search_by_key(&ticket, |waiter| waiter.ticket);
        let Ok(place) = found else { return false };
        if std::mem::replace(&mut self.waiting[place].gone, true) {
            return false;
        }
        self.live -= 1;
        if self.waiting.len() > 64 && self.waiting.len() > 2 * self.live {
            self.waiting.retain(|waiter| !waiter.gone);
        }
        true
    }

    /// The first waiter, if there is a slot for it.
    pub(crate) fn first(&mut self) -> Option<(Ticket, RunId)> {
        while self.waiting.front().is_some_and(|waiter| waiter.gone) {
            self.waiting.pop_front();
        }
        self.waiting.front().filter(|_| self.has_slot()).map(|waiter| (waiter.ticket, waiter.run))
    }

    /// Takes the first waiter off the queue.
    pub(crate) fn pop(&mut self) {
        if self.waiting.pop_front().is_some_and(|waiter| !waiter.gone) {
            self.live -= 1;
        }
    }

    /// Gives memory back that a crowd of waiters needed.
    pub(crate) fn give_back(&mut self) {
        trim_queue(&mut self.waiting);
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.waiting.capacity()
    }

    /// Whether there are both a free slot and a waiter.
    pub(crate) const fn can_grant(&self) -> bool {
        self.has_slot() && self.live > 0
    }

    /// Takes a slot, over the limit if need be.
    pub(crate) const fn take(&mut self) {
        self.held += 1;
    }

    /// Gives a slot back.
    ///
    /// # Panics
    /// When no slot is held: a slot came back twice.
    pub(crate) const fn release(&mut self) {
        assert!(self.held > 0, "a slot came back twice");
        self.held -= 1;
    }

    pub(crate) const fn held(&self) -> u32 {
        self.held
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    const fn has_slot(&self) -> bool {
        self.held < self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::JobId;

    fn run(job: u32) -> RunId {
        RunId { job: JobId(job), ..RunId::default() }
    }

    fn lane(limit: u32, waiters: u32) -> Lane {
        let mut lane = Lane::default();
        lane.reset(limit);
        for job in 0..waiters {
            lane.enter(run(job), Ticket(u64::from(job)));
        }
        lane
    }

    fn grant(lane: &mut Lane) -> Option<RunId> {
        let (_, run) = lane.first()?;
        lane.pop();
        lane.take();
        Some(run)
    }

    #[test]
    fn slots_go_out_in_order_and_up_to_the_limit() {
        let mut lane = lane(2, 3);
        let granted = [grant(&mut lane), grant(&mut lane), grant(&mut lane)];
        assert_eq!(granted, [Some(run(0)), Some(run(1)), None]);
        lane.release();
        assert_eq!(grant(&mut lane), Some(run(2)));
    }

    #[test]
    fn who_leaves_is_never_granted() {
        let mut lane = lane(1, 2);
        assert!(lane.leave(Ticket(0)));
        assert!(!lane.leave(Ticket(0)));
        assert_eq!(grant(&mut lane), Some(run(1)));
    }

    #[test]
    fn who_comes_back_has_its_old_place() {
        let mut lane = lane(3, 3);
        assert!(lane.leave(Ticket(1)));
        lane.enter(run(1), Ticket(1));
        let granted: Vec<RunId> = std::iter::from_fn(|| grant(&mut lane)).collect();
        assert_eq!(granted, [run(0), run(1), run(2)]);
    }

    #[test]
    fn a_queue_that_empties_from_the_middle_stays_in_order() {
        let mut lane = lane(1_000, 1_000);
        for ticket in (0..1_000).filter(|ticket| ticket % 4 != 0) {
            assert!(lane.leave(Ticket(ticket)));
        }
        assert!(
            lane.waiting.len() <= 2 * 250 + 1,
            "those who left take up {} places",
            lane.waiting.len() - 250
        );
        let granted: Vec<RunId> = std::iter::from_fn(|| grant(&mut lane)).collect();
        assert_eq!(granted, (0..1_000).step_by(4).map(run).collect::<Vec<_>>());
    }

    #[test]
    fn who_left_is_swept_out_once_they_are_the_most_of_many() {
        let left = |waiters: u32, gone: u64| {
            let mut lane = lane(1, waiters);
            (1..=gone).for_each(|ticket| assert!(lane.leave(Ticket(ticket))));
            lane.waiting.len()
        };
        assert_eq!((left(66, 33), left(66, 34)), (66, 32));
        assert_eq!(left(64, 63), 64, "of a few they stay");
    }

    #[test]
    fn who_comes_back_takes_one_place_its_own() {
        let tickets = |lane: &Lane| lane.waiting.iter().map(|waiter| waiter.ticket.0).collect::<Vec<_>>();
        for back in 0..5 {
            let mut lane = lane(5, 5);
            assert!(lane.leave(Ticket(back)));
            lane.enter(run(9), Ticket(back));
            assert_eq!((tickets(&lane), lane.live), (vec![0, 1, 2, 3, 4], 5));
        }
        for back in 0..5 {
            let mut lane = lane(5, 5);
            lane.waiting.retain(|waiter| waiter.ticket != Ticket(back));
            lane.enter(run(9), Ticket(back));
            assert_eq!(tickets(&lane), [0, 1, 2, 3, 4], "it had been popped");
        }
    }
}
