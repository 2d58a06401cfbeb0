//! The driver: one task that owns the machine.
//!
//! What is never true here: that an effect of a tick is carried out before the tick's commit was
//! handed to the store, or that a deadline waits for the store, a turn or a subscriber.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sametick_core::commit::{Answer, Rows};
use sametick_core::effect::{Accepted, Effect, Input, InputKind, Refusal, Report};
use sametick_core::id::RunId;
use sametick_core::ports::Turns;
use sametick_core::time::{Mono, Now};
use sametick_core::{Machine, Tick};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use crate::clock::HostClock;
use crate::mailbox::{Mailbox, Message, Said};
use crate::open_commits::{Backoff, OpenCommits};
use crate::store_port::{FromStore, StorePort, ToStore};
use crate::subscribers::{Deliveries, NoDeliveries, Subscriber, Subscribers};

/// The wall clock is read again at least this often, whatever else happens.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// How many inputs one tick takes at most: a flood is cut into ticks.
const INPUTS_A_TICK: usize = 1_024;

/// How long an owner that was replaced waits for its turns to stop.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// Owns a machine and drives it on the time of a tokio runtime.
#[derive(Debug)]
pub struct Driver<M, P, T, C> {
    machine: M,
    clock: C,
    mailbox: Mailbox,
    /// Where the last handled tick stood.
    handled: Mono,
    inputs: Vec<Input>,
    resting: Vec<oneshot::Sender<()>>,
    stopping: bool,
    /// No handle is left: there is nothing to listen to.
    alone: bool,
    world: World<P, T>,
}

/// What the machine's effects reach.
struct World<P, T> {
    store: P,
    /// Under which the machine owns the store.
    epoch: u64,
    open: OpenCommits,
    turns: T,
    /// Runs whose turn may be at work: it was started or asked to stop, and has not said that it
    /// ended.
    at_work: BTreeSet<RunId>,
    subscribers: Subscribers,
    deliveries: Box<dyn Deliveries>,
    /// Who waits for the reply to which ticket.
    replies: BTreeMap<u64, oneshot::Sender<Result<Accepted, Refusal>>>,
    next_ticket: u64,
    /// Everything below this offset was taken by all subscribers, and the machine is to hear so.
    heard_below: Option<u64>,
    /// A subscriber acknowledges by itself from now on.
    acknowledges_later: bool,
    stepped_down: bool,
}

/// Why a driver ended although nobody asked it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// Another gateway owns the store, or may: a lease that could not be renewed has ended.
    #[error(
        "another gateway has taken the store over, or the lease on it could not be renewed; this one asked \
         its turns to stop and is done"
    )]
    Fenced,
    /// The store can answer no more.
    #[error("the store has gone away with commits open; look at its last warning, then start again")]
    StoreGone,
}

/// Why the driver's wait ended.
enum Woken {
    Answer(Option<FromStore>),
    Message(Option<Message>),
    StoreAgain,
    Timer,
}

impl<M: Machine, P: StorePort, T: Turns, C: HostClock> Driver<M, P, T, C> {
    /// A driver for a machine, with no subscribers, no deliveries and the standard backoff.
    pub fn new(mailbox: Mailbox, machine: M, store: P, turns: T, clock: C) -> Self {
        let world = World {
            store,
            epoch: 0,
            open: OpenCommits::new(Backoff::default()),
            turns,
            at_work: BTreeSet::new(),
            subscribers: Subscribers::default(),
            deliveries: Box::new(NoDeliveries),
            replies: BTreeMap::new(),
            next_ticket: 0,
            heard_below: None,
            acknowledges_later: false,
            stepped_down: false,
        };
        let handled = Mono::default();
        let (inputs, resting) = (Vec::new(), Vec::new());
        Self { machine, clock, mailbox, handled, inputs, resting, stopping: false, alone: false, world }
    }

    /// Adds somebody who hears lifecycle events.
    #[must_use]
    pub fn subscriber(mut self, subscriber: impl Subscriber + 'static) -> Self {
        self.world.subscribers.add(Box::new(subscriber));
        self
    }

    /// Says where results go.
    #[must_use]
    pub fn deliveries(mut self, deliveries: impl Deliveries + 'static) -> Self {
        self.world.deliveries = Box::new(deliveries);
        self
    }

    /// Says how long to wait before a commit is sent to the store again.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.world.open = OpenCommits::new(backoff);
        self
    }

    /// Starts the machine on what the store holds, as the owner with this epoch, and drives it until
    /// [`Handle::stop`](crate::Handle::stop), or until every handle is gone.
    ///
    /// # Errors
    /// When the machine lost its store: to another owner, or because the store went away.
    pub async fn run(mut self, rows: Rows, epoch: u64) -> Result<(), DriverError> {
        let now = self.clock.read();
        self.world.epoch = epoch;
        let tick = self.machine.restart(&rows, epoch, now);
        self.world.carry_out(tick, self.stopping);
        self.handled = now.mono;
        loop {
            if self.world.stepped_down {
                let _some_never_stop = timeout(LAST_WAIT, self.hear_turns_stop()).await;
                return Err(DriverError::Fenced);
            }
            if self.stopping && self.world.open.is_empty() {
                return Ok(());
            }
            self.tell_who_waits_for_rest();
            let woken = self.wait().await;
            self.take(woken)?;
            self.take_what_else_there_is()?;
            self.tick();
        }
    }

    /// The turns were asked to stop. To be gone before they are would leave them to nobody.
    async fn hear_turns_stop(&mut self) {
        while !self.world.at_work.is_empty()
            && let Some(message) = self.mailbox.messages.recv().await
        {
            self.take_message(message);
        }
    }

    /// Waits until something happens or the machine wants to be called.
    async fn wait(&mut self) -> Woken {
        if self.world.heard_below.is_some() {
            return Woken::Timer;
        }
        let wake = self.wake_at();
        let (world, mailbox, alone) = (&mut self.world, &mut self.mailbox, self.alone);
        let again_at = world.open.again_at();
        tokio::select! {
            biased;
            answer = poll_fn(|context| world.store.poll_answer(context)) => Woken::Answer(answer),
            message = mailbox.messages.recv(), if !alone => Woken::Message(message),
            () = sleep_until_some(again_at) => Woken::StoreAgain,
            () = sleep_until(wake) => Woken::Timer,
        }
    }

    /// When to wake up if nothing happens: for the machine, or to read the wall clock again.
    fn wake_at(&self) -> Instant {
        let longest = self.clock.instant_of(self.handled) + LONGEST_SLEEP;
        // Tokio rounds up to its next millisecond, so a timer comes late and never early; one that
        // did come early would find nothing due and sleep again.
        self.machine.next_wakeup().map_or(longest, |at| self.clock.instant_of(at).min(longest))
    }

    fn take(&mut self, woken: Woken) -> Result<(), DriverError> {
        match woken {
            Woken::Answer(Some(said)) => self.take_answer(said),
            Woken::Answer(None) => return Err(DriverError::StoreGone),
            Woken::Message(Some(message)) => self.take_message(message),
            // Nobody can say anything any more: the same as being asked to stop.
            Woken::Message(None) => (self.stopping, self.alone) = (true, true),
            Woken::StoreAgain => self.world.store_again(),
            Woken::Timer => {}
        }
        Ok(())
    }

    /// Takes what is there without waiting, so that one tick and one commit serve it all.
    fn take_what_else_there_is(&mut self) -> Result<(), DriverError> {
        let mut context = Context::from_waker(Waker::noop());
        while self.inputs.len() < INPUTS_A_TICK {
            match self.world.store.poll_answer(&mut context) {
                Poll::Ready(answer) => self.take(Woken::Answer(answer))?,
                Poll::Pending => break,
            }
        }
        while self.inputs.len() < INPUTS_A_TICK {
            let Ok(message) = self.mailbox.messages.try_recv() else { break };
            self.take_message(message);
        }
        if let Some(below) = self.world.heard_below.take() {
            self.input(Instant::now(), InputKind::Heard { below });
        }
        Ok(())
    }

    fn take_answer(&mut self, said: FromStore) {
        let kind = match said {
            FromStore::Commit { number, answer } => {
                match answer {
                    Answer::Applied => self.world.open.applied(number),
                    // The machine says what to do about these.
                    Answer::NotApplied | Answer::Unknown | Answer::Fenced => {}
                }
                InputKind::Answer { commit: number, answer }
            }
            FromStore::Renewal { sent, answer } => InputKind::Renewal { sent, answer },
        };
        self.input(Instant::now(), kind);
    }

    fn take_message(&mut self, message: Message) {
        match message.said {
            Said::Report { run, report } => {
                self.world.hear(run, report);
                self.input(message.at, InputKind::Report { run, report });
            }
            // Dropping the reply says that the gateway is gone.
            Said::Command { .. } if self.stopping => {}
            Said::Command { command, reply } => {
                let ticket = self.world.next_ticket;
                self.world.next_ticket += 1;
                self.world.replies.insert(ticket, reply);
                self.input(message.at, InputKind::Command { ticket, command });
            }
            Said::Heard { below } => self.input(message.at, InputKind::Heard { below }),
            Said::ClockStepped => self.input(message.at, InputKind::ClockStepped),
            Said::Waiting { reply } => {
                let _nobody_asks_any_more = reply.send(self.machine.waiting());
            }
            Said::AtRest { reply } => self.resting.push(reply),
            Said::Stop => self.stopping = true,
        }
    }

    fn input(&mut self, at: Instant, kind: InputKind) {
        self.inputs.push(Input { at: self.clock.mono_of(at), kind });
    }

    /// One tick, unless there is no reason for one.
    fn tick(&mut self) {
        let now = self.clock.read();
        if self.inputs.is_empty() && !self.is_due(now) {
            return;
        }
        let span = tracing::debug_span!("tick", mono = now.mono.as_nanos(), inputs = self.inputs.len());
        let _entered = span.enter();
        let tick = self.machine.handle(now, &self.inputs);
        self.world.carry_out(tick, self.stopping);
        self.inputs.clear();
        self.handled = now.mono;
    }

    fn is_due(&self, now: Now) -> bool {
        let wanted = self.machine.next_wakeup().is_some_and(|at| at <= now.mono);
        wanted || u128::from(now.mono.since(self.handled).as_nanos()) >= LONGEST_SLEEP.as_nanos()
    }

    fn tell_who_waits_for_rest(&mut self) {
        let rests = || self.world.open.is_empty() && self.machine.waiting().is_empty();
        if !self.resting.is_empty() && rests() {
            for reply in self.resting.drain(..) {
                let _nobody_asks_any_more = reply.send(());
            }
        }
    }
}

impl<P: StorePort, T: Turns> World<P, T> {
    /// Carries a tick out: its commit goes to the store before any of its effects goes anywhere.
    fn carry_out(&mut self, tick: &Tick, stopping: bool) {
        if let Some(commit) = tick.commit() {
            tracing::trace!(commit = commit.number, "to the store");
            if let Some(commit) = self.open.add(commit) {
                self.store.send(ToStore::Commit(commit));
            }
        }
        for effect in tick.effects() {
            self.carry_out_one(effect, stopping);
        }
    }

    fn carry_out_one(&mut self, effect: &Effect, stopping: bool) {
        tracing::trace!(?effect);
        match *effect {
            // A gateway that is about to leave calls no turn: the next one settles the run.
            Effect::Start { .. } if stopping => {}
            Effect::Start { run } => {
                self.at_work.insert(run);
                self.turns.start(run);
            }
            Effect::Abort { run } => {
                self.at_work.insert(run);
                self.turns.abort(run);
            }
            Effect::Publish { offset, event } => {
                self.acknowledges_later |= !self.subscribers.publish(offset, &event);
                if !self.acknowledges_later {
                    self.heard_below = Some(offset + 1);
                }
            }
            Effect::Deliver { run, outcome } => self.deliveries.deliver(run, outcome),
            Effect::Reply { ticket, reply } => {
                let asker = self.replies.remove(&ticket);
                let _nobody_asks_any_more = asker.map(|asker| asker.send(reply));
            }
            Effect::StoreAgain { commit } => self.open.send_again(commit, Instant::now()),
            Effect::Renew { sent } => self.store.send(ToStore::Renew { epoch: self.epoch, sent }),
            Effect::StepDown => self.stepped_down = true,
        }
    }

    fn hear(&mut self, run: RunId, report: Report) {
        match report {
            Report::Completed(_) | Report::Stopped => {
                self.at_work.remove(&run);
            }
            Report::Ready { .. } | Report::Progress => {}
        }
    }

    fn store_again(&mut self) {
        for commit in self.open.due(Instant::now()) {
            self.store.send(ToStore::Commit(commit));
        }
    }
}

impl<P: std::fmt::Debug, T: std::fmt::Debug> std::fmt::Debug for World<P, T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("World")
            .field("store", &self.store)
            .field("open", &self.open)
            .field("turns", &self.turns)
            .finish_non_exhaustive()
    }
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
