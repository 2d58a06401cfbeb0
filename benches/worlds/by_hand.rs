//! The first scenario as little as can be written for it: the limit to approach. It knows this one scenario,
//! keeps three numbers a world and checks nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use sametick_core::time::Span;
use sametick_sim::draw::{Choice, Draw};
use sametick_sim::scenario::SpanRange;

/// The same draws as the scenario's.
pub(crate) fn draws(seed: u64) -> (u64, u64) {
    let draw = Draw::new(seed);
    let span = |low, high, choice| {
        let range = SpanRange { low: Span::from_millis(low), high: Span::from_millis(high) };
        draw.span(range, choice, 1_767_225_601_000).as_nanos()
    };
    (span(1, 2_000, Choice::Ready), span(31_000, 90_000, Choice::Takes))
}

/// Start, time out, finalise, late answer: as little as can be written for it.
pub(crate) fn world(seed: u64) -> (u8, u64) {
    let (ready, takes) = draws(seed);
    let mut heap: BinaryHeap<Reverse<(u64, u8)>> = BinaryHeap::with_capacity(8);
    let (mut state, mut ended) = (0u8, 0u64);
    heap.push(Reverse((1_000_000_000, 0)));
    while let Some(Reverse((at, what))) = heap.pop() {
        match what {
            0 => {
                state = 1;
                heap.push(Reverse((at + 200_000, 1)));
                heap.push(Reverse((at + 30_000_000_000, 3)));
            }
            1 => heap.push(Reverse((at + ready, 2))),
            2 => {
                state = 2;
                heap.push(Reverse((at + 200_000, 5)));
                heap.push(Reverse((at + takes, 4)));
            }
            3 if state < 3 => {
                state = 3;
                ended = at;
                heap.push(Reverse((at + 200_000, 5)));
            }
            4 if state < 3 => state = 4,
            _ => {}
        }
    }
    (state, ended)
}

/// Many sessions in one world: what [`world`] does for each, on one heap. Returns how many events there were.
pub(crate) fn sessions(dues: &[u64], draws: &[(u64, u64)]) -> u64 {
    let mut heap: BinaryHeap<Reverse<(u64, u32, u8)>> = BinaryHeap::new();
    let mut states = vec![(0_u8, 0_u64); dues.len()];
    heap.extend(dues.iter().zip(0..).map(|(due, session)| Reverse((*due, session, 0))));
    let mut events = 0;
    while let Some(Reverse((at, session, what))) = heap.pop() {
        events += 1;
        let (state, ended) = &mut states[session as usize];
        let (ready, takes) = draws[session as usize];
        let mut plan = |after: u64, what: u8| heap.push(Reverse((at + after, session, what)));
        match what {
            0 => {
                *state = 1;
                plan(200_000, 1);
                plan(30_000_000_000, 3);
            }
            1 => plan(ready, 2),
            2 => {
                *state = 2;
                plan(200_000, 5);
                plan(takes, 4);
            }
            3 if *state < 3 => {
                (*state, *ended) = (3, at);
                plan(200_000, 5);
            }
            // What the machine's commit of a late answer costs its host: one more answer of the store.
            4 => plan(200_000, 5),
            _ => {}
        }
    }
    assert!(states.iter().all(|(state, _)| *state == 3), "a session did not time out");
    events
}
