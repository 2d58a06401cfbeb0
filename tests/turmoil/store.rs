//! The gateway's end of its store: commits go to a disk, answers come back. What the disk had not
//! taken when the gateway died is lost.

use std::future::pending;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sametick_core::commit::{Answer, Commit};
use sametick_gateway::store_port::StorePort;
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
    commits: mpsc::UnboundedSender<Arc<Commit>>,
    answers: mpsc::UnboundedReceiver<(u64, Answer)>,
}

impl Store {
    /// Opens the store; its disk is a task of this host.
    pub(crate) fn open(witness: Witness) -> Self {
        let (commits, to_disk) = mpsc::unbounded_channel();
        let (from_disk, answers) = mpsc::unbounded_channel();
        spawn_local(disk(witness, to_disk, from_disk));
        Self { commits, answers }
    }
}

impl StorePort for Store {
    fn send(&mut self, commit: &Arc<Commit>) {
        self.commits.send(Arc::clone(commit)).expect("the disk is there for as long as its host");
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, Answer)>> {
        self.answers.poll_recv(context)
    }
}

async fn disk(
    witness: Witness,
    mut commits: mpsc::UnboundedReceiver<Arc<Commit>>,
    answers: mpsc::UnboundedSender<(u64, Answer)>,
) {
    while let Some(commit) = commits.recv().await {
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
            let _the_driver_has_left = answers.send((commit.number, answer));
        });
    }
}
