//! A bounded lane: runs wait in order, at most so many hold a slot, and who leaves is gone.

use std::collections::VecDeque;

use crate::id::RunId;

/// A queue with a concurrency limit.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    limit: u32,
    held: u32,
    next_ticket: u64,
    waiting: VecDeque<Waiter>,
    live: usize,
}

/// A place in the queue. Who leaves early is marked, not searched for.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    run: RunId,
    ticket: u64,
    gone: bool,
}

/// What a waiter leaves with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

impl Lane {
    /// Empties the lane and sets its limit; a limit of zero grants nothing.
    pub fn reset(&mut self, limit: u32) {
        self.limit = limit;
        self.held = 0;
        self.next_ticket = 0;
        self.waiting.clear();
        self.live = 0;
    }

    /// Puts a run at the end of the queue.
    pub fn enter(&mut self, run: RunId) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.push_back(Waiter { run, ticket, gone: false });
        self.live += 1;
        Ticket(ticket)
    }

    /// Takes a waiter out, wherever it stands.
    pub fn leave(&mut self, ticket: Ticket) {
        let found = self.waiting.binary_search_by_key(&ticket.0, |waiter| waiter.ticket);
        if let Ok(place) = found
            && !self.waiting[place].gone
        {
            self.waiting[place].gone = true;
            self.live -= 1;
            if self.waiting.len() > 64 && self.waiting.len() > 2 * self.live {
                self.waiting.retain(|waiter| !waiter.gone);
            }
        }
    }

    /// Grants a free slot to the first waiter, if there are both.
    pub fn grant(&mut self) -> Option<RunId> {
        if self.held >= self.limit {
            return None;
        }
        while let Some(waiter) = self.waiting.pop_front() {
            if !waiter.gone {
                self.live -= 1;
                self.held += 1;
                return Some(waiter.run);
            }
        }
        None
    }

    /// Whether there are both a free slot and a waiter.
    #[must_use]
    pub const fn can_grant(&self) -> bool {
        self.held < self.limit && self.live > 0
    }

    /// Takes a slot for a run that held one before a crash, even over the limit: its turn may live.
    pub const fn inherit(&mut self) {
        self.held += 1;
    }

    /// Gives a slot back.
    ///
    /// # Panics
    /// When no slot is held: a slot came back twice.
    pub const fn release(&mut self) {
        assert!(self.held > 0, "a slot came back twice");
        self.held -= 1;
    }

    /// How many slots are held.
    #[must_use]
    pub const fn held(&self) -> u32 {
        self.held
    }

    /// How many runs wait.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::JobId;

    fn run(job: u32) -> RunId {
        RunId { job: JobId(job), ..RunId::default() }
    }

    #[test]
    fn slots_go_out_in_order_and_up_to_the_limit() {
        let mut lane = Lane::default();
        lane.reset(2);
        for job in 0..3 {
            lane.enter(run(job));
        }
        assert_eq!([lane.grant(), lane.grant(), lane.grant()], [Some(run(0)), Some(run(1)), None]);
        lane.release();
        assert_eq!(lane.grant(), Some(run(2)));
    }

    #[test]
    fn who_leaves_is_never_granted() {
        let mut lane = Lane::default();
        lane.reset(1);
        let first = lane.enter(run(0));
        lane.enter(run(1));
        lane.leave(first);
        lane.leave(first);
        assert_eq!((lane.waiting(), lane.grant()), (1, Some(run(1))));
    }

    #[test]
    fn a_queue_that_empties_from_the_middle_stays_in_order() {
        let mut lane = Lane::default();
        lane.reset(1_000);
        let tickets: Vec<Ticket> = (0..1_000).map(|job| lane.enter(run(job))).collect();
        for ticket in tickets.iter().skip(1).step_by(2) {
            lane.leave(*ticket);
        }
        let granted: Vec<RunId> = std::iter::from_fn(|| lane.grant()).collect();
        assert_eq!(granted, (0..1_000).step_by(2).map(run).collect::<Vec<_>>());
    }
}
