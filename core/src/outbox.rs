//! Open commits, and the effects that wait for them.

use educe::Educe;

use crate::commit::Answer;
use crate::effect::Effect;
use crate::queue::Queue;
use crate::spare::trim_queue;

/// Numbers commits, holds effects back until their commit and every one before it is durable.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub struct Outbox {
    last: u64,
    durable: u64,
    /// Which of the open commits are durable already, the oldest first.
    early: Queue<bool>,
    held: Queue<(u64, Effect)>,
    bound: u64,
}

impl Outbox {
    /// Starts after the commit `last`, which is durable, with at most `bound` commits open.
    pub fn reset(&mut self, last: u64, bound: u64) {
        self.last = last;
        self.durable = last;
        self.early.clear();
        self.held.clear();
        self.bound = bound.max(1);
    }

    /// Whether another commit may be opened by a command or a grant.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.last - self.durable < self.bound
    }

    /// Holds an effect for the commit of the tick at hand, should there be one.
    pub fn hold(&mut self, effect: Effect) {
        self.held.push_back((self.last + 1, effect));
    }

    /// Opens the next commit and returns its number.
    pub const fn open_next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The tick at hand has no commit: what it held waits for the last one instead.
    pub fn no_commit(&mut self, ready: &mut impl FnMut(Effect)) {
        for (number, _) in self.held.iter_mut().rev().take_while(|(number, _)| *number > self.last) {
            *number = self.last;
        }
        self.release(ready);
    }

    /// The tick at hand has no commit and never will: takes back what it held, and says whose commands were answered
    /// among that.
    pub fn withdraw(&mut self) -> Vec<u64> {
        let kept = self.held.iter().take_while(|(number, _)| *number <= self.last).count();
        let taken_back = self.held.drain(kept..);
        let ticket =
            |(_, effect)| if let Effect::Reply { ticket, .. } = effect { Some(ticket) } else { None };
        taken_back.filter_map(ticket).collect()
    }

    /// Hears an answer. Effects that waited for it alone become ready; an answer that settles
    /// nothing returns what to do about the commit.
    pub fn hear(&mut self, commit: u64, answer: Answer, ready: &mut impl FnMut(Effect)) -> Heard {
        if commit <= self.durable || commit > self.last {
            return Heard::Repeat;
        }
        let place = usize::try_from(commit - self.durable - 1).unwrap_or(usize::MAX);
        if self.early.get(place) == Some(&true) {
            return Heard::Repeat;
        }
        match answer {
            Answer::Applied => {
                if place > 0 {
                    if self.early.len() <= place {
                        self.early.resize(place + 1, false);
                    }
                    self.early[place] = true;
                    return Heard::Durable;
                }
                // The oldest, which is what a store mostly answers; with it those that were early.
                self.early.pop_front();
                self.durable += 1;
                while self.early.front() == Some(&true) {
                    self.early.pop_front();
                    self.durable += 1;
                }
                self.release(ready);
                Heard::Durable
            }
            Answer::NotApplied | Answer::Unknown => {
                ready(Effect::StoreAgain { commit });
                Heard::Again
            }
            Answer::Fenced => Heard::Fenced,
        }
    }

    /// Gives memory back that a crowd of effects needed.
    pub(crate) fn give_back(&mut self) {
        trim_queue(&mut self.held);
    }

    fn release(&mut self, ready: &mut impl FnMut(Effect)) {
        while self.held.front().is_some_and(|(number, _)| *number <= self.durable) {
            if let Some((_, effect)) = self.held.pop_front() {
                ready(effect);
            }
        }
    }
}

/// What an answer meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// The commit is durable.
    Durable,
    /// The commit goes to the store again.
    Again,
    /// The answer was known already, or is about no open commit.
    Repeat,
    /// Another owner holds the store.
    Fenced,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Accepted;

    const SLEEP: Effect = Effect::StepDown;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::default();
        outbox.reset(0, 8);
        outbox
    }

    #[test]
    fn an_effect_waits_for_every_commit_before_its_own() {
        let (mut outbox, mut out) = (outbox(), Vec::new());
        outbox.open_next();
        outbox.hold(SLEEP);
        outbox.open_next();
        outbox.hear(2, Answer::Applied, &mut |effect| out.push(effect));
        assert_eq!(out, []);
        outbox.hear(1, Answer::Applied, &mut |effect| out.push(effect));
        assert_eq!(out, [SLEEP]);
    }

    #[test]
    fn what_the_tick_at_hand_held_is_taken_back_and_nothing_before_it() {
        let mut outbox = outbox();
        let reply = |ticket| Effect::Reply { ticket, reply: Ok(Accepted::Done) };
        outbox.hold(reply(1));
        outbox.open_next();
        [reply(2), SLEEP, reply(3)].into_iter().for_each(|effect| outbox.hold(effect));
        assert_eq!(outbox.withdraw(), [2, 3]);
        let mut out = Vec::new();
        outbox.hear(1, Answer::Applied, &mut |effect| out.push(effect));
        assert_eq!(out, [reply(1)]);
    }

    #[test]
    fn an_unknown_answer_sends_the_same_number_again() {
        let (mut outbox, mut out) = (outbox(), Vec::new());
        outbox.open_next();
        assert_eq!(outbox.hear(1, Answer::Unknown, &mut |effect| out.push(effect)), Heard::Again);
        assert_eq!(out, [Effect::StoreAgain { commit: 1 }]);
        assert_eq!(outbox.hear(1, Answer::Applied, &mut |_| ()), Heard::Durable);
        assert_eq!(outbox.hear(1, Answer::Applied, &mut |_| ()), Heard::Repeat);
    }
}
