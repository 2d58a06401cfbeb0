//! Turns as the gateway calls them: each talks to the model provider over a line of its own.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::effect::{Effect, Report};
use sametick_core::id::{RunId, SessionId};
use sametick_core::ports::Turns;
use sametick_core::run::{Failure, Finish};
use sametick_gateway::Handle;
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::history::Witness;
use crate::line::Line;
use crate::provider;

/// The turns of one gateway.
#[derive(Debug)]
pub(crate) struct RemoteTurns {
    witness: Witness,
    handle: Handle,
    /// How to ask each turn to stop.
    stops: BTreeMap<RunId, oneshot::Sender<()>>,
    /// Runs that were asked to stop: no start of theirs begins any more.
    tombstones: BTreeSet<RunId>,
}

impl RemoteTurns {
    /// Turns that report to this handle.
    pub(crate) const fn new(witness: Witness, handle: Handle) -> Self {
        Self { witness, handle, stops: BTreeMap::new(), tombstones: BTreeSet::new() }
    }

    fn call(&mut self, run: RunId) {
        if !self.tombstones.contains(&run) {
            let (stop, stopped) = oneshot::channel();
            self.stops.insert(run, stop);
            spawn_local(live(run, self.handle.clone(), stopped));
        }
    }

    fn ask_to_stop(&mut self, run: RunId) {
        self.tombstones.insert(run);
        match self.stops.remove(&run) {
            Some(stop) => {
                let _the_turn_has_ended = stop.send(());
            }
            // A turn of the gateway that was here before: perhaps the provider still works on it.
            None => {
                spawn_local(stop_inherited(run, self.handle.clone()));
            }
        }
    }
}

impl Turns for RemoteTurns {
    fn start(&mut self, run: RunId) {
        self.witness.history().effect(&Effect::Start { run });
        self.call(run);
    }

    fn abort(&mut self, run: RunId) {
        self.witness.history().effect(&Effect::Abort { run });
        self.ask_to_stop(run);
    }
}

/// One turn, until it has said its last word. Asked to stop, it passes that on and keeps listening:
/// an answer that is late is still an answer.
async fn live(run: RunId, handle: Handle, mut stop: oneshot::Receiver<()>) {
    let mut line = tokio::select! {
        biased;
        _ = &mut stop => return say(&handle, run, Report::Stopped).await,
        line = Line::to(provider::HOST, provider::PORT) => line,
    };
    let mut asked_to_stop = false;
    let mut wrote = line.say(&provider::request("run", run)).await;
    while wrote.is_ok() {
        tokio::select! {
            biased;
            _ = &mut stop, if !asked_to_stop => {
                asked_to_stop = true;
                wrote = line.say("stop").await;
            }
            heard = line.hear() => match heard.as_deref().and_then(report) {
                Some(report) => {
                    say(&handle, run, report).await;
                    if !matches!(report, Report::Ready { .. }) {
                        return;
                    }
                }
                None => break,
            },
        }
    }
    // The provider has hung up.
    let last =
        if asked_to_stop { Report::Stopped } else { Report::Completed(Finish::Failed(Failure::default())) };
    say(&handle, run, last).await;
}

async fn stop_inherited(run: RunId, handle: Handle) {
    let mut line = Line::to(provider::HOST, provider::PORT).await;
    if line.say(&provider::request("stop", run)).await.is_ok()
        && let Some(report) = line.hear().await.as_deref().and_then(report)
    {
        say(&handle, run, report).await;
    }
}

/// What a line of the provider means.
fn report(line: &str) -> Option<Report> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("session", number) => Some(Report::Ready { session: SessionId(number.parse().ok()?) }),
        ("done", "ok") => Some(Report::Completed(Finish::Ok)),
        ("done", "failed") => Some(Report::Completed(Finish::Failed(Failure::default()))),
        ("stopped", "") => Some(Report::Stopped),
        _ => None,
    }
}

async fn say(handle: &Handle, run: RunId, report: Report) {
    let _the_driver_has_left = handle.report(run, report).await;
}
