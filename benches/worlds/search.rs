//! Drawn worlds a second, as `sametick fuzz` runs them: with every check, laws in one of eight, twins in one of 32.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};
use sametick_core::run::Shape;
use sametick_sim::Subject;
use sametick_sim::fuzz::{self, Campaign, Tally, Watch};

use crate::measure::least;
use crate::others;

/// Nobody stops it.
struct Unwatched;

impl Watch for Unwatched {
    fn goes_on(&mut self, _: &Tally) -> bool {
        true
    }
}

/// A campaign on one core and on all of them, beside others that play the first scenario and check nothing.
pub(crate) fn compare(whole: bool) {
    let (rounds, worlds) = if whole { (5, 4_096) } else { (1, 64) };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (one, all) = (pool(1), pool(cores));
    println!("search: a campaign of {worlds} seeds, best of {rounds} rounds that take turns");
    let tallies = RefCell::new(Vec::new());
    let run = |pool: &ThreadPool| {
        let campaign = Campaign { subject: Subject::Core(Shape::Emit), forks: false, until_failure: false };
        tallies.borrow_mut().push(pool.install(|| fuzz::run(campaign, 0..worlds, &mut Unwatched)));
    };
    let few = worlds / 4;
    let [on_one, on_all, paused] =
        least(rounds, [&mut || run(&one), &mut || run(&all), &mut || others::on_paused_tokio(few)]);
    let [turmoil] = least(1, [&mut || others::on_turmoil(1)]);
    let tallies = tallies.into_inner();
    assert!(tallies.iter().all(Tally::holds), "the core holds");
    let digests: BTreeSet<String> = tallies.iter().map(Tally::digest).collect();
    assert_eq!(digests.len(), 1, "any number of threads says the same");
    let events = tallies[0].events;
    let by_turmoil = turmoil.as_secs_f64();
    let row = |name: &str, played: u64, events: u64, time: Duration| {
        let (worlds, events) = (played as f64 / time.as_secs_f64(), events as f64 / time.as_secs_f64());
        let told = if events > 0.0 { format!("{events:>10.0} events/s") } else { " ".repeat(19) };
        println!(
            "{name:<44} {worlds:>9.0} worlds/s {told} {:>9.0}x the worlds of turmoil",
            worlds * by_turmoil
        );
    };
    row("drawn worlds on one core, every check on", worlds, events, on_one);
    row(&format!("drawn worlds on {cores} cores"), worlds, events, on_all);
    row("the first scenario on paused tokio, unchecked", few, 0, paused);
    row("the first scenario on turmoil, unchecked", 1, 0, turmoil);
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}
