//! A campaign waits for its worlds, and a machine that does not come back from a tick keeps it waiting for ever: which seeds
//! take long, and when there is nothing else to wait for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sametick_sim::fuzz::UnderWay;

/// How often somebody looks.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// A world that is under way for so long is told of. Most take less than a millisecond, the largest some seconds.
const LONG: Duration = Duration::from_secs(30);

/// The same once the campaign is to end: so long it goes on waiting, and so long nothing else may have happened.
const TO_THE_END: Duration = Duration::from_secs(10);

/// What was seen of a campaign, from one look to the next. All times are since it began.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// The seeds under way, each with when that was seen first.
    since: BTreeMap<u64, Duration>,
    told: BTreeSet<u64>,
    /// When something began or came to its end last.
    moved: Duration,
    latest: UnderWay,
}

/// What there is to say after a look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Seeds that take long, each told once, with for how long they have been under way at least.
    pub(super) long: Vec<(u64, Duration)>,
    /// Whether the campaign is to end and waits for nothing but such seeds.
    pub(super) is_stuck: bool,
}

impl Waiting {
    /// A look at what is under way `now`; the campaign is to end since `end`, if it is.
    pub(super) fn look(&mut self, now: Duration, end: Option<Duration>, under_way: UnderWay) -> Seen {
        if under_way != self.latest {
            self.moved = now;
        }
        self.since.retain(|seed, _| under_way.seeds.contains(seed));
        for seed in &under_way.seeds {
            self.since.entry(*seed).or_insert(now);
        }
        self.latest = under_way;
        let is_over = end.is_some_and(|end| now.saturating_sub(end) >= TO_THE_END);
        let most = if is_over { TO_THE_END } else { LONG };
        let spans = self.since.iter().map(|(seed, since)| (*seed, now.saturating_sub(*since)));
        let long = spans.filter(|(seed, span)| *span >= most && self.told.insert(*seed)).collect();
        let all_told = !self.since.is_empty() && self.since.keys().all(|seed| self.told.contains(seed));
        let is_stuck = end.is_some() && all_told && now.saturating_sub(self.moved) >= TO_THE_END;
        Seen { long, is_stuck }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks once a second until `to`, and says what was seen when there was something to say.
    fn looks(
        waiting: &mut Waiting,
        seconds: std::ops::RangeInclusive<u64>,
        end: Option<u64>,
        at: impl Fn(u64) -> UnderWay,
    ) -> Vec<(u64, Vec<u64>, bool)> {
        let mut seen = Vec::new();
        for second in seconds {
            let end = end.filter(|end| *end <= second).map(Duration::from_secs);
            let now = waiting.look(Duration::from_secs(second), end, at(second));
            if now != Seen::default() {
                seen.push((second, now.long.into_iter().map(|(seed, _)| seed).collect(), now.is_stuck));
            }
        }
        seen
    }

    fn at(seeds: &[u64], through: u64) -> UnderWay {
        UnderWay { seeds: seeds.to_vec(), through }
    }

    #[test]
    fn a_world_that_takes_long_is_told_of_once() {
        let stuck = |second| at(&[17, 100 + second], second);
        assert_eq!(looks(&mut Waiting::default(), 1..=200, None, stuck), [(31, vec![17], false)]);
    }

    #[test]
    fn worlds_that_come_to_their_end_are_not_told_of() {
        let slow = |second| at(&[second / 29], second / 29);
        assert_eq!(looks(&mut Waiting::default(), 1..=200, None, slow), []);
    }

    #[test]
    fn it_ends_when_its_time_is_over_and_nothing_else_is_left() {
        let mut waiting = Waiting::default();
        // Others go on beside it until well after the end.
        let busy = |second| at(&[17, 100 + second], second);
        assert_eq!(looks(&mut waiting, 1..=90, Some(60), busy), [(31, vec![17], false)]);
        let alone = |_| at(&[17], 91);
        assert_eq!(looks(&mut waiting, 91..=101, Some(60), alone), [(101, vec![], true)]);
    }

    #[test]
    fn who_gets_stuck_shortly_before_the_end_is_waited_for_ten_seconds_more() {
        let stuck = |second| if second < 4 { at(&[second], second) } else { at(&[17, 80], 4) };
        let seen = looks(&mut Waiting::default(), 1..=15, Some(5), stuck);
        assert_eq!(seen, [(15, vec![17, 80], true)]);
    }

    #[test]
    fn without_an_end_it_waits_for_ever() {
        let seen = looks(&mut Waiting::default(), 0..=10_000, None, |_| at(&[17], 3));
        assert_eq!(seen, [(30, vec![17], false)]);
    }

    #[test]
    fn nothing_under_way_is_nothing_to_wait_for() {
        assert_eq!(looks(&mut Waiting::default(), 0..=100, Some(1), |_| at(&[], 64)), []);
    }
}
