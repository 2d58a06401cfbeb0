//! Each shipped scenario is a test with its name.

use std::process::ExitCode;

use sametick_core::run::Shape;
use sametick_sim::Subject;
use sametick_sim::harness::{Harness, Suite};

/// A family draws at most this many worlds here; `sametick run` draws all of them.
const MOST_SEEDS: u64 = 2_000;

fn main() -> ExitCode {
    Suite::new(Harness::of(Subject::Core(Shape::Emit)).at_most(MOST_SEEDS)).shipped().main()
}
