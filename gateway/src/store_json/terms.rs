//! What a run goes by, beside its record: its job may be declared otherwise by the time it is needed again.

use sametick_core::id::{LaneId, Names};
use sametick_core::job::{Budgets, OnAbandon, Target, Terms};
use sametick_core::retry::{Backoff, Endings, Retry};
use sametick_core::time::Span;
use serde::{Deserialize, Serialize};

use super::policies;

/// Terms with their names spelled out; what has its default is left out. Times are in nanoseconds, so that they read
/// back as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TermsDoc {
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    alone: bool,
    deliver: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_abandon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_timeout_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_timeout_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stall_timeout_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_timeout_ns: Option<u64>,
    abort_grace_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<RetryDoc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RetryDoc {
    attempts: u32,
    on: Vec<String>,
    backoff_ns: [u64; 5],
}

impl TermsDoc {
    /// The terms without the session, which is in the record itself.
    pub(crate) fn of(terms: &Terms, names: &Names) -> Self {
        let nanos = |span: Option<Span>| span.map(Span::as_nanos);
        let Terms { target: _, lane, alone, budgets, on_abandon, retry, deliver } = *terms;
        let on = policies::words_of(retry.on).into_iter().map(str::to_owned);
        let retry = (retry != Retry::default()).then(|| RetryDoc {
            attempts: retry.attempts,
            on: on.collect(),
            backoff_ns: retry.backoff.0.map(Span::as_nanos),
        });
        Self {
            // A gateway may have another order of lanes when it comes back.
            lane: (lane.index() < names.lanes.len()).then(|| names.lanes.name(lane.0).to_owned()),
            alone,
            deliver,
            on_abandon: policies::abandon_word(on_abandon).map(str::to_owned),
            queue_timeout_ns: nanos(budgets.queue_timeout),
            start_timeout_ns: nanos(budgets.start_timeout),
            stall_timeout_ns: nanos(budgets.stall_timeout),
            timeout_ns: nanos(budgets.timeout),
            total_timeout_ns: nanos(budgets.total_timeout),
            abort_grace_ns: budgets.abort_grace.as_nanos(),
            retry,
        }
    }

    /// The terms of a run with this session; nothing when a word in them is none. A lane that this gateway does not
    /// have is its first.
    pub(crate) fn read(&self, target: Target, names: &Names) -> Option<Terms> {
        let span = |nanos: Option<u64>| nanos.map(Span::from_nanos);
        let retry = match &self.retry {
            Some(retry) => {
                let on = retry.on.iter().map(|word| policies::ending(word));
                let on = on.collect::<Option<Vec<Endings>>>()?;
                Retry {
                    attempts: retry.attempts,
                    on: on.into_iter().fold(Endings::NONE, Endings::and),
                    backoff: Backoff(retry.backoff_ns.map(Span::from_nanos)),
                }
            }
            None => Retry::default(),
        };
        Some(Terms {
            target,
            lane: self.lane.as_deref().and_then(|lane| names.lanes.get(lane)).unwrap_or(LaneId(0)),
            alone: self.alone,
            budgets: Budgets {
                queue_timeout: span(self.queue_timeout_ns),
                start_timeout: span(self.start_timeout_ns),
                stall_timeout: span(self.stall_timeout_ns),
                timeout: span(self.timeout_ns),
                total_timeout: span(self.total_timeout_ns),
                abort_grace: Span::from_nanos(self.abort_grace_ns),
            },
            on_abandon: match self.on_abandon.as_deref() {
                Some(word) => policies::abandon(word)?,
                None => OnAbandon::default(),
            },
            retry,
            deliver: self.deliver,
        })
    }
}
