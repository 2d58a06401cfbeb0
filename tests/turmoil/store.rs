//! The gateway's end of its store: commits go to a disk, answers come back. What the disk had not
//! taken when the gateway died is lost.

use std::future::pending;
use std::task::{Context, Poll};
use std::time::Duration;

use sametick_core::commit::Answer;
use sametick_gateway::store_port::{FromStore, StorePort, ToStore};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::clock;
use crate::history::Witness;

/// How long a commit takes to become durable.
const TO_DISK: Duration = Duration::from_millis(1);

/// A store whose rows are in the history.
#[derive(Debug)]
pub(crate) struct Store {
    requests: mpsc::UnboundedSender<ToStore>,
    answers: mpsc::UnboundedReceiver<FromStore>,
}

impl Store {
    /// Opens the store; its disk is a task of this host.
    pub(crate) fn open(witness: Witness) -> Self {
        let (requests, to_disk) = mpsc::unbounded_channel();
        let (from_disk, answers) = mpsc::unbounded_channel();
        spawn_local(disk(witness, to_disk, from_disk));
        Self { requests, answers }
    }
}

impl StorePort for Store {
    fn send(&mut self, request: ToStore) {
        self.requests.send(request).expect("the disk is there for as long as its host");
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<FromStore>> {
        self.answers.poll_recv(context)
    }
}

async fn disk(
    witness: Witness,
    mut requests: mpsc::UnboundedReceiver<ToStore>,
    answers: mpsc::UnboundedSender<FromStore>,
) {
    while let Some(request) = requests.recv().await {
        let commit = match request {
            ToStore::Commit(commit) => commit,
            // This world has one owner at a time, and an older one is dead.
            ToStore::Renew { sent, .. } => {
                let _gone = answers.send(FromStore::Renewal { sent, answer: Answer::Applied });
                continue;
            }
        };
        sleep(TO_DISK).await;
        let (answer, after) = {
            let mut history = witness.history();
            (history.commit(&commit), history.answers_after(commit.number))
        };
        // The gateway dies over this commit: the disk takes no other.
        let Some(answer) = answer else { return pending().await };
        let answers = answers.clone();
        spawn_local(async move {
            sleep(clock::duration(after)).await;
            let _the_driver_has_left = answers.send(FromStore::Commit { number: commit.number, answer });
        });
    }
}
