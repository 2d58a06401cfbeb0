//! Drawn plans have plots: without them these mutants outlive ten thousand plans.

use sametick_sim::{MUTANTS, Subject, fuzz};

#[test]
fn what_takes_several_things_in_a_row_is_found() {
    let names = [
        "one-base-row-a-job",
        "family-forgotten",
        "recovery-forgets-elders",
        "backoff-as-shown",
        "renewal-counts-from-its-answer",
    ];
    for name in names {
        let mutant = MUTANTS.iter().find(|mutant| mutant.name == name).expect("there is such a mutant");
        let found = fuzz::first_failure(Subject::Mutant(mutant), 0..400);
        assert!(found.is_some(), "{name} outlives 400 plans");
    }
}
