//! A store as a driver meets it: commits go out in order, answers come back when they do.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use sametick_core::commit::{Answer, Commit};
use sametick_core::ports::Store;
use tokio::sync::mpsc as tasks;

/// What a driver needs of a store. A deadline never waits for it.
pub trait StorePort {
    /// Hands a commit over. Never blocks, and keeps the order.
    fn send(&mut self, commit: &Arc<Commit>);

    /// The next answer, with the commit's number. `None` when no answer can come any more.
    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, Answer)>>;
}

/// A store that answers on the spot: for stores in memory, and for runtimes whose time is paused.
#[derive(Debug)]
pub struct Inline<S> {
    store: S,
    answers: VecDeque<(u64, Answer)>,
}

impl<S: Store> Inline<S> {
    /// Wraps a store that does not block.
    pub const fn new(store: S) -> Self {
        Self { store, answers: VecDeque::new() }
    }
}

impl<S: Store> StorePort for Inline<S> {
    fn send(&mut self, commit: &Arc<Commit>) {
        self.answers.push_back((commit.number, self.store.commit(commit)));
        // There is no better time: nobody else calls this store.
        while self.store.do_put_off() {}
    }

    fn poll_answer(&mut self, _context: &mut Context<'_>) -> Poll<Option<(u64, Answer)>> {
        // Nobody needs to be woken: what fills the queue is the driver that polls it.
        self.answers.pop_front().map_or(Poll::Pending, |answer| Poll::Ready(Some(answer)))
    }
}

/// A store on a thread of its own, for stores that block on a disk.
#[derive(Debug)]
pub struct Threaded {
    commits: Option<mpsc::Sender<Arc<Commit>>>,
    answers: tasks::UnboundedReceiver<(u64, Answer)>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Threaded {
    /// Moves a store onto its thread. Neither queue needs a bound: the machine bounds how many
    /// commits are open.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn spawn<S: Store + Send + 'static>(mut store: S) -> io::Result<Self> {
        let (commits, to_store) = mpsc::channel::<Arc<Commit>>();
        let (from_store, answers) = tasks::unbounded_channel();
        let thread = thread::Builder::new().name("sametick-store".to_owned()).spawn(move || {
            let mut rest = Rest::default();
            while let Some(commit) = rest.next(&to_store, &mut store) {
                let answer = store.commit(&commit);
                if from_store.send((commit.number, answer)).is_err() {
                    break;
                }
            }
            while store.do_put_off() {}
        })?;
        Ok(Self { commits: Some(commits), answers, thread: Some(thread) })
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
    /// The next commit, and what was put off while there is none. `None` when none can come any more.
    fn next<S: Store>(
        &mut self,
        commits: &mpsc::Receiver<Arc<Commit>>,
        store: &mut S,
    ) -> Option<Arc<Commit>> {
        loop {
            if !store.has_put_off() {
                return commits.recv().ok();
            }
            let left = self.until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now()));
            match commits.recv_timeout(left) {
                Ok(commit) => return Some(commit),
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
    fn send(&mut self, commit: &Arc<Commit>) {
        // A store thread that is gone says so through `poll_answer`.
        let _gone = self.commits.as_ref().map(|commits| commits.send(Arc::clone(commit)));
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, Answer)>> {
        self.answers.poll_recv(context)
    }
}

impl Drop for Threaded {
    /// Waits for the commit at hand, so that the store's lock is free when the driver has returned.
    fn drop(&mut self) {
        self.commits = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
