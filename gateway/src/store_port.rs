//! A store as a driver meets it: requests go out in order, answers come back when they do.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use sametick_core::commit::{Answer, Commit};
use sametick_core::ports::Store;
use sametick_core::time::Mono;
use tokio::sync::mpsc as tasks;

/// What a driver needs of a store. A deadline never waits for it.
pub trait StorePort {
    /// Hands a request over. Never blocks, and keeps the order.
    fn send(&mut self, request: ToStore);

    /// The next answer. `None` when no answer can come any more.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<FromStore>>;
}

/// What a driver asks of its store.
#[derive(Clone, Debug)]
pub enum ToStore {
    /// To make a commit durable.
    Commit(Arc<Commit>),
    /// Whether the owner with this epoch still is it.
    Renew {
        /// The owner's epoch.
        epoch: u64,
        /// When the machine asked.
        sent: Mono,
    },
}

/// What a store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromStore {
    /// What became of a commit.
    Commit {
        /// Its number.
        number: u64,
        /// What the store says.
        answer: Answer,
    },
    /// What became of a renewal.
    Renewal {
        /// When the machine asked for it.
        sent: Mono,
        /// What the store says.
        answer: Answer,
    },
}

impl ToStore {
    /// Puts the request to a store.
    pub fn ask(&self, store: &mut impl Store) -> FromStore {
        match self {
            Self::Commit(commit) => FromStore::Commit { number: commit.number, answer: store.commit(commit) },
            Self::Renew { epoch, sent } => FromStore::Renewal { sent: *sent, answer: store.renew(*epoch) },
        }
    }
}

/// A store that answers on the spot: for stores in memory, and for runtimes whose time is paused.
#[derive(Debug)]
pub struct Inline<S> {
    store: S,
    answers: VecDeque<FromStore>,
}

impl<S: Store> Inline<S> {
    /// Wraps a store that does not block.
    pub const fn new(store: S) -> Self {
        Self { store, answers: VecDeque::new() }
    }
}

impl<S: Store> StorePort for Inline<S> {
    fn send(&mut self, request: ToStore) {
        self.answers.push_back(request.ask(&mut self.store));
        // There is no better time: nobody else calls this store.
        while self.store.do_put_off() {}
    }

    fn poll_answer(&mut self, _context: &mut Context<'_>) -> Poll<Option<FromStore>> {
        // Nobody needs to be woken: what fills the queue is the driver that polls it.
        self.answers.pop_front().map_or(Poll::Pending, |answer| Poll::Ready(Some(answer)))
    }
}

/// A store on a thread of its own, for stores that block on a disk.
#[derive(Debug)]
pub struct Threaded {
    requests: Option<mpsc::Sender<ToStore>>,
    answers: tasks::UnboundedReceiver<FromStore>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Threaded {
    /// Moves a store onto its thread. Neither queue needs a bound: the machine bounds how many
    /// commits are open, and renewals are few.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn spawn<S: Store + Send + 'static>(mut store: S) -> io::Result<Self> {
        let (requests, to_store) = mpsc::channel::<ToStore>();
        let (from_store, answers) = tasks::unbounded_channel();
        let thread = thread::Builder::new().name("sametick-store".to_owned()).spawn(move || {
            let mut rest = Rest::default();
            while let Some(request) = rest.next(&to_store, &mut store) {
                if from_store.send(request.ask(&mut store)).is_err() {
                    break;
                }
            }
            while store.do_put_off() {}
        })?;
        Ok(Self { requests: Some(requests), answers, thread: Some(thread) })
    }
}

/// When a store does what it has put off: as soon as no commit waits, and then for no more than a tenth of the
/// time, however large it is.
#[derive(Debug, Default)]
struct Rest {
    until: Option<Instant>,
    /// How long the parts took that belong together, so far.
    worked: Duration,
}

/// How many times as long as the work took nothing more of it is done.
const REST: u32 = 9;

impl Rest {
    /// The next request, and what was put off while there is none. `None` when none can come any more.
    fn next<S: Store>(&mut self, requests: &mpsc::Receiver<ToStore>, store: &mut S) -> Option<ToStore> {
        loop {
            if !store.has_put_off() {
                return requests.recv().ok();
            }
            let left = self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now()));
            match requests.recv_timeout(left) {
                Ok(request) => return Some(request),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) => self.work(store),
            }
        }
    }

    fn work<S: Store>(&mut self, store: &mut S) {
        let began = now();
        let goes_on = store.do_put_off();
        let ended = now();
        self.worked += ended.saturating_duration_since(began);
        self.until = None;
        if !goes_on {
            // What could not be done is tried again, and not as fast as one can.
            let least = if store.has_put_off() { Duration::from_secs(1) } else { Duration::ZERO };
            self.until = Some(ended + (std::mem::take(&mut self.worked) * REST).max(least));
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "it decides when a file is rewritten, and nothing of what is in it"
)]
fn now() -> Instant {
    Instant::now()
}

impl StorePort for Threaded {
    fn send(&mut self, request: ToStore) {
        // A store thread that is gone says so through `poll_answer`.
        let _gone = self.requests.as_ref().map(|requests| requests.send(request));
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<FromStore>> {
        self.answers.poll_recv(context)
    }
}

impl Drop for Threaded {
    /// Waits for the commit at hand, so that the store's lock is free when the driver has returned.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
