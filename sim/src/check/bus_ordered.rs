//! Who listens hears a story with a beginning, an end, and nothing left out.

use educe::Educe;
use sametick_core::effect::Effect;
use sametick_core::id::RunId;
use sametick_core::lifecycle::{EventPhase, LifecycleEvent};
use sametick_core::time::Mono;

use super::{CheckName, Departure, Failure};
use crate::label::Labels;
use crate::table::Table;

pub(super) const SENTENCE: &str = "leaving out repeats, subscribers hear each run's events in order, none missing, none \
     after its terminal event, also when they resume where they stood after a crash";
pub(super) const FIELD: &[&str] = &["#91979", "#138499", "#79355", "#120561", "inngest#4652"];

/// Two subscribers: one who was always there and knows runs, and one who resumes by the place in the stream.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Subscribers {
    /// The last event heard of each run, and whether it was its terminal one.
    runs: Table<RunId, (u32, bool)>,
    /// The place in the stream below which everything was heard.
    cursor: u64,
}

impl Subscribers {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.cursor = 0;
    }

    /// An event leaves.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        let Departure { at, effect, labels, .. } = *departure;
        let Effect::Publish { offset, event } = effect else { return };
        let mut broken = |what: String| {
            let message =
                format!("subscribers hear of the {} of {}", event.phase.name(), labels.run(event.run));
            let message = format!("{message}, {what}");
            failures.push(Failure { check: CheckName::BusOrdered, at, run: Some(event.run), message });
        };
        if let Some(gap) = gap(self.cursor, *offset) {
            broken(gap);
        }
        self.cursor = self.cursor.max(*offset + 1);
        let (last, over) = self.runs.entry(event.run).or_default();
        if event.seq <= *last {
            return;
        }
        if *over {
            broken("after an event that was its last: whoever closed its books then is wrong now".to_owned());
        }
        if event.seq != *last + 1 {
            broken(format!(
                "which is number {} of the run, and the last one they heard was {last}",
                event.seq
            ));
        }
        *last = event.seq;
        *over |= event.phase != EventPhase::Start;
    }
}

/// Subscribers that have everything below `cursor` take the event at `offset` in, and acknowledge it.
pub(crate) fn resumed_after(
    failures: &mut Vec<Failure>,
    at: Mono,
    cursor: u64,
    offset: u64,
    event: &LifecycleEvent,
    labels: &Labels<'_>,
) {
    if let Some(gap) = gap(cursor, offset) {
        let (phase, run) = (event.phase.name(), labels.run(event.run));
        let message = format!("subscribers that take their time get to the {phase} of {run}, {gap}");
        failures.push(Failure { check: CheckName::BusOrdered, at, run: Some(event.run), message });
    }
}

fn gap(cursor: u64, offset: u64) -> Option<String> {
    let missing = offset.checked_sub(cursor).filter(|missing| *missing > 0)?;
    Some(format!(
        "event {offset} of the stream, before {missing} of those from event {cursor} on: who resumes after this one \
         never asks for them again"
    ))
}
