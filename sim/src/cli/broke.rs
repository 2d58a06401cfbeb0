//! What broke, as every command says it.

use sametick_sim::check::Failure;
use serde::Serialize;

/// A check that failed, for programs and for people.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Broke {
    pub(super) check: &'static str,
    #[serde(skip)]
    pub(super) sentence: &'static str,
    at_ms: f64,
    #[serde(skip)]
    pub(super) at: String,
    pub(super) message: String,
}

impl Broke {
    pub(super) fn of(failure: &Failure) -> Self {
        Self {
            check: failure.check.name(),
            sentence: failure.check.sentence(),
            at_ms: failure.at.as_nanos() as f64 / 1e6,
            at: sametick_sim::label::instant(failure.at),
            message: failure.message.clone(),
        }
    }
}
