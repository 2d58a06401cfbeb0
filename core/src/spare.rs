//! Memory that a crowd needed goes back some time after it has left.
//!
//! Buffers are used again from tick to tick, so a steady load allocates nothing. One large burst must not keep
//! its memory for ever, nor must every burst ask for it anew: so it is looked at now and then.

use std::collections::VecDeque;

use crate::commit::Commit;
use crate::effect::Tick;
use crate::gateway::Gateway;

/// How many ticks go by from one look to the next. It is odd, so that both ticks of a host that swaps two have
/// their turn.
const EVERY: u32 = 4_095;
/// As many entries as a buffer keeps whatever happens.
const FEW: usize = 1_024;

impl<R, P, B> Gateway<R, P, B> {
    /// Counts a tick, and gives back what is spare when it is time.
    pub(crate) fn give_back_now_and_then(&mut self) {
        self.ticks += 1;
        if self.ticks.is_multiple_of(EVERY) {
            self.ticks = 0;
            self.tick.give_back();
            self.admission.give_back();
            self.outbox.give_back();
            trim(&mut self.changed);
            trim(&mut self.order);
        }
    }
}

impl Tick {
    fn give_back(&mut self) {
        trim(self.effects_mut());
        let Commit { declared, removed, jobs, runs, terms, sessions, ledger, late, events, .. } =
            self.draft();
        trim(declared);
        trim(removed);
        trim(jobs);
        trim(runs);
        trim(terms);
        trim(sessions);
        trim(ledger);
        trim(late);
        trim(events);
    }
}

fn trim<T>(buffer: &mut Vec<T>) {
    if buffer.capacity() > FEW.max(4 * buffer.len()) {
        buffer.shrink_to(FEW.max(2 * buffer.len()));
    }
}

/// As [`trim`], for a queue.
pub(crate) fn trim_queue<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > FEW.max(4 * queue.len()) {
        queue.shrink_to(FEW.max(2 * queue.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of so much memory when so many entries use it, in a buffer and in a queue.
    fn kept(memory: usize, entries: usize) -> [usize; 2] {
        let (mut buffer, mut queue) = (Vec::with_capacity(memory), VecDeque::with_capacity(memory));
        buffer.resize(entries, 0_u64);
        queue.resize(entries, 0_u64);
        trim(&mut buffer);
        trim_queue(&mut queue);
        [buffer.capacity(), queue.capacity()]
    }

    #[test]
    fn memory_goes_back_when_less_than_a_quarter_of_it_is_used() {
        assert_eq!(kept(4 * 3_000, 3_000), [4 * 3_000; 2]);
        assert_eq!(kept(4 * 3_000 + 1, 3_000), [2 * 3_000; 2]);
    }

    #[test]
    fn a_few_entries_always_have_their_room() {
        assert_eq!(kept(FEW, 0), [FEW; 2]);
        assert_eq!(kept(FEW + 1, 0), [FEW; 2]);
        assert_eq!(kept(100, 0), [100; 2]);
    }
}
