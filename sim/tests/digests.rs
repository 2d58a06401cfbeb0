//! What is pinned: the digest of every shipped scenario. A change of it is a change of what a machine says, or of how a
//! digest is made, and the commit that brings it says which.

use std::fmt::Write as _;

use sametick_core::run::Shape;
use sametick_sim::digest::short;
use sametick_sim::{Subject, campaign, shipped};

/// A few worlds of each: what many worlds do is compared between builds and threads elsewhere.
const SEEDS: std::ops::Range<u64> = 0..16;

#[test]
fn every_shipped_scenario_has_the_digest_it_had() {
    let mut table = String::new();
    for scenario in shipped::scenarios().expect("what is shipped reads") {
        let of = |shape| short(campaign::run(&scenario, Subject::Core(shape), SEEDS).digest);
        let digest = of(Shape::Emit);
        assert_eq!(of(Shape::Synthesize), digest, "{} in the other shape", scenario.name);
        writeln!(table, "{digest} {}", scenario.name).expect("a string takes it");
    }
    insta::assert_snapshot!(table);
}
