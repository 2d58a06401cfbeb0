//! The gateway's link to its subscriber: every event until it is acknowledged, over as many
//! connections as that takes.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use sametick_core::effect::Effect;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_gateway::Handle;
use sametick_gateway::subscribers::{Subscriber, Taken};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::history::{History, Witness};
use crate::line::Line;
use crate::subscriber;

/// How long an event may stay unacknowledged before the link tries a new connection.
const PATIENCE: Duration = Duration::from_millis(300);

/// An event under its offset, as a line.
type Event = (u64, String);

/// The driver's end of the link.
#[derive(Debug)]
pub(crate) struct Link {
    witness: Witness,
    events: mpsc::UnboundedSender<Event>,
}

impl Link {
    /// A link whose acknowledgements go to this handle.
    pub(crate) fn open(witness: Witness, handle: Handle) -> Self {
        let (events, to_carry) = mpsc::unbounded_channel();
        spawn_local(carry(to_carry, handle));
        Self { witness, events }
    }
}

impl Subscriber for Link {
    fn hear(&mut self, offset: u64, event: &LifecycleEvent) -> Taken {
        let mut history = self.witness.history();
        history.effect(&Effect::Publish { offset, event: *event });
        let line = as_json(offset, event, &history).to_string();
        self.events.send((offset, line)).expect("the link is there for as long as its host");
        Taken::Later
    }
}

/// The field's own shape of a lifecycle event, with its place in the stream.
fn as_json(offset: u64, event: &LifecycleEvent, history: &History) -> serde_json::Value {
    json!({
        "offset": offset,
        "runId": history.name(event.run),
        "seq": event.seq,
        "stream": "lifecycle",
        "phase": event.phase.name(),
        "sessionKey": history.key(event.run),
        "sessionId": event.session.map(|session| session.0),
        "jobId": event.job.0,
        "ts": event.ts.as_millis(),
        "startedAt": event.started_at.map(|at| at.as_millis()),
        "endedAt": event.ended_at.map(|at| at.as_millis()),
        "error": event.cause.map(|cause| cause.kind.sentence()),
        "errorKind": event.cause.map(|cause| cause.kind.name()),
        "stopReason": event.cause.and_then(|cause| cause.stop_reason).map(|reason| reason.name()),
    })
}

/// Carries events for ever.
async fn carry(mut events: mpsc::UnboundedReceiver<Event>, handle: Handle) {
    let mut pending = VecDeque::new();
    loop {
        let mut line = Line::to(subscriber::HOST, subscriber::PORT).await;
        let _broken_so_try_another = over(&mut line, &mut events, &mut pending, &handle).await;
    }
}

/// Carries events over one connection, until that does not answer any more.
async fn over(
    line: &mut Line,
    events: &mut mpsc::UnboundedReceiver<Event>,
    pending: &mut VecDeque<Event>,
    handle: &Handle,
) -> io::Result<()> {
    for (_, event) in pending.iter() {
        line.say(event).await?;
    }
    loop {
        tokio::select! {
            biased;
            heard = line.hear() => {
                let offset = heard.and_then(|heard| heard.parse::<u64>().ok());
                let Some(offset) = offset else { return Ok(()) };
                while pending.pop_front_if(|(first, _)| *first <= offset).is_some() {}
                let _the_driver_has_left = handle.heard(offset + 1).await;
            }
            Some(event) = events.recv() => {
                line.say(&event.1).await?;
                pending.push_back(event);
            }
            () = sleep(PATIENCE), if !pending.is_empty() => return Ok(()),
        }
    }
}
