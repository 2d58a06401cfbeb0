//! Jobs whose occurrences are tried again when, or as often as, they should not be.

use sametick_core::commit::Rows;
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::Mutant;
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "retries-once-more",
        sentence: "an occurrence that may be tried again gets one attempt more than its job allows",
        field: &["#13927"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Retries(|retry| retry.attempts += 1)))
        },
    },
    Mutant {
        name: "retries-what-cannot-help",
        sentence: "a request that is wrong in itself is sent again",
        field: &["#131490"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| {
            AnyMachine::new(Shim::new(
                config,
                shape,
                Retries(|retry| {
                    retry.on = retry.on.and(Endings::failed(FailureKind::Permanent));
                }),
            ))
        },
    },
    Mutant {
        name: "backoff-skipped",
        sentence: "what failed is tried again at once, however long its backoff is",
        field: &["#13927"],
        killed_by: &[CheckName::AtMostOnce],
        build: |config, shape| {
            AnyMachine::new(Shim::new(config, shape, Retries(|retry| retry.backoff = Backoff::of(&[]))))
        },
    },
];

/// Changes how often, when and after what jobs that are tried again are.
#[derive(Clone, Debug)]
struct Retries(fn(&mut Retry));

impl Twist for Retries {
    fn rows(&mut self, rows: &mut Rows) {
        let retries = rows.jobs.iter_mut().map(|(job, _)| &mut job.terms.retry);
        retries.filter(|retry| retry.attempts > 1).for_each(self.0);
    }
}
