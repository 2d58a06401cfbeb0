//! Histories nobody wrote down: any job, any host, any turn, any store, any crash, any clock.

mod drawn;
mod host;

use drawn::{acts, jobs};
use host::Host;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use sametick_core::run::Shape;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: RngSeed::Fixed(70_347), ..ProptestConfig::default() })]

    #[test]
    fn no_history_makes_the_records_disagree(jobs in jobs(), limit in 1u32..3, lease in prop::option::of(500u64..9_000), acts in acts()) {
        let mut host = Host::new(&jobs, limit, lease, Shape::Emit);
        for act in &acts {
            host.act(act);
        }
        host.rest();
    }

    #[test]
    fn both_shapes_write_the_same_books(jobs in jobs(), limit in 1u32..3, lease in prop::option::of(500u64..9_000), acts in acts()) {
        let mut emit = Host::new(&jobs, limit, lease, Shape::Emit);
        let mut synthesize = Host::new(&jobs, limit, lease, Shape::Synthesize);
        for act in &acts {
            emit.act(act);
            synthesize.act(act);
        }
        prop_assert_eq!(emit.books, synthesize.books);
    }
}
