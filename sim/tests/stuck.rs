//! A machine that does not come back from a tick: the campaign cannot end, but whoever looks on sees which seed it is at.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::run::Shape;
use sametick_core::time::{Mono, Now};
use sametick_core::{Machine, StandardGateway, Waiting};
use sametick_sim::Subject;
use sametick_sim::fuzz::{self, Campaign, Progress, Tally, UnderWay, Watch};
use sametick_sim::machines::{AnyMachine, Own};

/// The core, but one tick takes until somebody lets it go on.
#[derive(Clone, Debug)]
struct Stuck(StandardGateway);

/// Which of all its ticks that is, in the middle of some world.
const THAT_TICK: u64 = 2_000;
static TICKS: AtomicU64 = AtomicU64::new(0);
static IS_IN_IT: Barrier = Barrier::new(2);
static GOES_ON: Barrier = Barrier::new(2);

impl Machine for Stuck {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.0.restart(rows, epoch, now)
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        if TICKS.fetch_add(1, Ordering::Relaxed) == THAT_TICK {
            IS_IN_IT.wait();
            GOES_ON.wait();
        }
        self.0.handle(now, inputs)
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.0.next_wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.0.waiting()
    }
}

const STUCK: Own =
    Own::new("stuck", |config, shape| AnyMachine::new(Stuck(StandardGateway::new(config, shape))));

struct Never;

impl Watch for Never {
    fn goes_on(&mut self, _: &Tally) -> bool {
        true
    }
}

fn campaign(subject: Subject) -> Campaign {
    Campaign { subject, forks: false, until_failure: false }
}

#[test]
fn who_looks_on_sees_the_seed_and_what_came_of_those_before_and_the_results_are_the_same() {
    let progress = Progress::default();
    let core = campaign(Subject::Core(Shape::Emit));
    let tally = std::thread::scope(|threads| {
        let run = || fuzz::run_in_sight(campaign(Subject::Own(STUCK)), 0..128, &mut Never, &progress);
        let run = threads.spawn(run);
        IS_IN_IT.wait();
        let (under_way, so_far) = (progress.under_way(), progress.so_far());
        GOES_ON.wait();
        let tally = run.join().expect("it comes to its end");
        let [seed] = under_way.seeds[..] else { panic!("one world is under way: {under_way:?}") };
        assert!((1..64).contains(&seed), "it is in the first batch: {seed}");
        assert_eq!((under_way.through, so_far.worlds), (seed, seed), "those before it are through");
        let before = fuzz::run(core, 0..seed, &mut Never);
        assert_eq!((so_far.digest(), so_far.events), (before.digest(), before.events));
        tally
    });
    assert_eq!(progress.under_way(), UnderWay { seeds: Vec::new(), through: 128 });
    let plain = fuzz::run(core, 0..128, &mut Never);
    assert_eq!((tally.digest(), tally.events, tally.to), (plain.digest(), plain.events, plain.to));
}
