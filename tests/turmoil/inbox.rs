//! The lifecycle events as the subscriber has them: without repeats, in order.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the subscriber has.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Every event once, in the order they came.
    pub(crate) events: Vec<Value>,
    /// Where each event is, by run and sequence number.
    places: BTreeMap<(String, u64), usize>,
    /// The offset after the last event.
    pub(crate) next_offset: u64,
    /// How many events came again.
    pub(crate) repeats: u32,
    /// What should not have come.
    complaints: Vec<String>,
}

impl Inbox {
    /// Takes a line; the offset to acknowledge, unless the line is of no use.
    pub(crate) fn hear(&mut self, line: &str) -> Option<u64> {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            self.complaints.push(format!("not an event: {line}"));
            return None;
        };
        let offset = event["offset"].as_u64()?;
        let name = (event["runId"].as_str()?.to_owned(), event["seq"].as_u64()?);
        match self.places.get(&name) {
            Some(place) if self.events[*place] == event => self.repeats += 1,
            Some(_) => self.complaints.push(format!("came again as something else: {line}")),
            None if offset == self.next_offset => {
                self.places.insert(name, self.events.len());
                self.events.push(event);
                self.next_offset += 1;
            }
            None => {
                self.complaints.push(format!("not what comes after {}: {line}", self.next_offset));
                return None;
            }
        }
        Some(offset)
    }

    /// What was heard of a run: `start`, `end`, `error timeout`.
    pub(crate) fn of(&self, run: &str) -> Vec<String> {
        let events = self.events.iter().filter(|event| event["runId"] == run);
        let words = |event: &Value| {
            let phase = event["phase"].as_str().unwrap_or_default().to_owned();
            event["errorKind"].as_str().map_or(phase.clone(), |kind| format!("{phase} {kind}"))
        };
        events.map(words).collect()
    }

    /// Panics unless each run's events came in order, none missing, none after its end.
    pub(crate) fn assert_in_order(&self) {
        assert_eq!(self.complaints, [] as [String; 0]);
        let mut ended = BTreeMap::new();
        let mut last = BTreeMap::new();
        for event in &self.events {
            let (run, seq) = (event["runId"].as_str().unwrap_or_default(), event["seq"].as_u64());
            assert!(!ended.contains_key(run), "after the end of {run} came {event}");
            assert_eq!(seq, Some(last.get(run).copied().unwrap_or(0) + 1), "before {event} one is missing");
            last.insert(run, seq.unwrap_or_default());
            if event["phase"] != "start" {
                ended.insert(run, ());
            }
        }
    }
}
