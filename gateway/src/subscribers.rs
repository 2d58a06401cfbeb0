//! Who hears lifecycle events and results, once they are durable.

use sametick_core::id::RunId;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::run::Outcome;
use tokio::sync::mpsc;

/// Somebody who hears lifecycle events. Called on the driver's task: it must not block.
pub trait Subscriber: Send {
    /// Takes an event. Offsets rise by one; after a crash the events that nobody acknowledged come
    /// again, and the subscriber tells them apart by run and sequence number.
    fn hear(&mut self, offset: u64, event: &LifecycleEvent) -> Taken;
}

/// What a subscriber answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It has the event: a recovery need not publish it again.
    Now,
    /// It will say so through [`Handle::heard`](crate::Handle::heard).
    Later,
}

/// Where the results of runs go whose job asks for delivery. Called on the driver's task.
pub trait Deliveries: Send {
    /// Takes a result. It is durable, and so is the run's terminal event.
    fn deliver(&mut self, run: RunId, outcome: Outcome);
}

/// Results go nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDeliveries;

impl Deliveries for NoDeliveries {
    fn deliver(&mut self, _run: RunId, _outcome: Outcome) {}
}

/// A subscriber behind a bounded channel.
///
/// Nothing is dropped silently: one that falls behind by the whole channel is cut off, so its
/// receiver gets what was sent, in order and without a gap, and then ends.
#[derive(Debug)]
pub struct Channel {
    events: Option<mpsc::Sender<(u64, LifecycleEvent)>>,
}

impl Channel {
    /// A subscriber that may be `capacity` events behind, and the receiver of its events.
    ///
    /// # Panics
    /// When `capacity` is zero.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<(u64, LifecycleEvent)>) {
        let (sender, receiver) = mpsc::channel(capacity);
        (Self { events: Some(sender) }, receiver)
    }
}

impl Subscriber for Channel {
    fn hear(&mut self, offset: u64, event: &LifecycleEvent) -> Taken {
        if let Some(events) = &self.events
            && events.try_send((offset, *event)).is_err()
        {
            tracing::warn!(offset, "a subscriber is gone or too far behind; it is cut off");
            self.events = None;
        }
        Taken::Now
    }
}

/// All subscribers of a driver.
#[derive(Default)]
pub(crate) struct Subscribers {
    all: Vec<Box<dyn Subscriber>>,
}

impl std::fmt::Debug for Subscribers {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Subscribers").field("count", &self.all.len()).finish()
    }
}

impl Subscribers {
    pub(crate) fn add(&mut self, subscriber: Box<dyn Subscriber>) {
        self.all.push(subscriber);
    }

    /// Gives an event to everybody; whether all of them have it.
    pub(crate) fn publish(&mut self, offset: u64, event: &LifecycleEvent) -> bool {
        let mut all_have_it = true;
        for one in &mut self.all {
            all_have_it &= matches!(one.hear(offset, event), Taken::Now);
        }
        all_have_it
    }
}
