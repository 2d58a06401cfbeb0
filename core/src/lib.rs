//! The machine of an agent gateway: it schedules runs, races each against its budgets, and keeps
//! the session table. Every timed-out session is terminal in the same tick, with its reason and key.
//!
//! # The drive contract
//!
//! The machine is a plain value. It asks nothing of the world: time comes in as a stamp, ids are
//! derived, nothing blocks. A host drives it like this:
//!
//! 1. [`Machine::restart`] on what the store holds;
//! 2. carry out the [`Tick`]: send its commit to the store, carry its effects out in order;
//! 3. sleep until [`Machine::next_wakeup`] or until something happens, and never more than a minute: the wall clock
//!    may have stepped, and only a reading tells;
//! 4. [`Machine::handle`] with one reading of both clocks and everything that happened since; go to 2.
//!
//! Where several hosts may want one store, each keeps a lease on it ([`Config::lease`]): the machine asks to
//! renew it, the host passes the question on and the answer back, and a machine whose lease has ended steps
//! down until it is restarted under a new epoch.
//!
//! The store's answer to a commit is itself an input. Effects that must not be seen before they are
//! durable (starts, results, events) are held back by the machine, not by the host; an abort never is.
//!
//! ```
//! use sametick_core::commit::{Answer, JobRow, Rows};
//! use sametick_core::effect::{Effect, Input, InputKind, Report};
//! use sametick_core::id::{AgentId, JobId, SessionId};
//! use sametick_core::job::{Budgets, Job};
//! use sametick_core::run::Shape;
//! use sametick_core::schedule::Schedule;
//! use sametick_core::session::{SessionChange, Status};
//! use sametick_core::time::{Mono, Now, Span, Wall};
//! use sametick_core::{Config, Machine, StandardGateway};
//!
//! let at = |secs: u64| Now { mono: Mono::from_nanos(secs * 1_000_000_000), wall: Wall::from_millis(secs as i64 * 1_000) };
//! let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
//! let schedule = Schedule::At(Wall::from_millis(1_000));
//! let job = Job::new(JobId(0), AgentId(0), schedule).with_budgets(budgets);
//! let rows = Rows { jobs: vec![(job, JobRow::new(job.id, 1, Some(Wall::from_millis(1_000))))], ..Rows::default() };
//!
//! let mut gateway = StandardGateway::new(Config::default(), Shape::Emit);
//! gateway.restart(&rows, 1, at(0));
//! assert_eq!(gateway.next_wakeup(), Some(at(1).mono));
//!
//! // Due, queued and granted in one tick. The start waits until the grant is durable.
//! let tick = gateway.handle(at(1), &[]);
//! let run = tick.commit().expect("a grant").runs[0].id;
//! assert!(tick.effects().is_empty());
//! let applied = |commit| InputKind::Answer { commit, answer: Answer::Applied };
//! let tick = gateway.handle(at(2), &[Input { at: at(2).mono, kind: applied(1) }]);
//! assert_eq!(tick.effects(), [Effect::Start { run }]);
//!
//! // The session goes live, and then the turn never answers.
//! let ready = InputKind::Report { run, report: Report::Ready { session: SessionId(7) } };
//! gateway.handle(at(3), &[Input { at: at(3).mono, kind: ready }]);
//! let deadline = gateway.next_wakeup().expect("a deadline");
//! assert_eq!(deadline, at(31).mono);
//!
//! // One commit says both: the run timed out, the session is terminal.
//! let tick = gateway.handle(at(31), &[]);
//! let commit = tick.commit().expect("a settlement");
//! assert!(matches!(commit.runs[0].state, sametick_core::run::RunState::Settled(_)));
//! assert!(commit.sessions.iter().all(|patch| matches!(patch.change, SessionChange::End { status: Status::Timeout, .. })));
//! assert_eq!(tick.effects(), [Effect::Abort { run }]);
//! ```

mod admission;
mod commands;
pub mod commit;
mod course;
mod deadlines;
mod deadlock;
pub mod effect;
mod family;
mod gate;
pub mod gateway;
pub mod id;
pub mod job;
pub mod lane;
mod ledger;
pub mod lifecycle;
mod live;
pub mod name;
mod order;
mod ordered;
pub mod outbox;
mod ownership;
pub mod ports;
mod queue;
mod recovery;
pub mod retry;
pub mod run;
pub mod schedule;
mod scheduler;
mod scratch;
pub mod session;
mod spare;
mod table;
pub mod time;
mod timers;
mod working;

pub use effect::Tick;
pub use gateway::{Config, Gateway, StandardGateway};
pub use lane::LaneConfig;

use commit::Rows;
use effect::Input;
use id::RunId;
use lifecycle::TickBus;
use ports::Bus;
use run::{Race, Shape, TimeoutRace};
use session::{LifecyclePersister, Persister};
use time::{Mono, Now};

/// What a host, a simulator or a test drives.
pub trait Machine: Clone + std::fmt::Debug {
    /// Forgets everything and starts on what a store holds, as the owner with this epoch.
    ///
    /// The first tick says what became of everything that was under way.
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick;

    /// One tick: takes what happened since the last one, up to and including `now`.
    ///
    /// `now` rises strictly: a reading that does not is taken as the next nanosecond. Inputs,
    /// passed deadlines and due occurrences are merged by (stamp, class, key), classes being
    /// report, command, deadline (the lease's end before all others), occurrence; lane grants come last. So a completion stamped at the
    /// deadline wins, and a waiter whose queue deadline is the instant its slot frees loses.
    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick;

    /// [`Machine::handle`] for hosts that need the tick while the machine changes: `tick` is
    /// overwritten, its memory used again.
    fn handle_into(&mut self, now: Now, inputs: &[Input], tick: &mut Box<Tick>) {
        (**tick).clone_from(self.handle(now, inputs));
    }

    /// When to call [`Machine::handle`] if nothing happens before; always after the last tick.
    fn next_wakeup(&self) -> Option<Mono>;

    /// What each run that is not closed waits for, in the order of their ids.
    fn waiting(&self) -> Vec<Waiting>;
}

/// A run that is not closed, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waiting {
    /// The run.
    pub run: RunId,
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// When the machine stops waiting, if ever.
    pub until: Option<Mono>,
}

/// What a run can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitsFor {
    /// The end of its backoff.
    Backoff,
    /// The run of its job that is at work, or drains.
    Job,
    /// Whoever is at work in the session it shares.
    SharedSession,
    /// A slot in its lane.
    Slot {
        /// How many are held.
        held: u32,
        /// How many there are.
        limit: u32,
    },
    /// The commit of its grant.
    Commit,
    /// Its session.
    Session,
    /// Its turn's result.
    Turn,
    /// Proof that its turn stopped.
    Stop,
}

impl std::fmt::Display for WaitsFor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Backoff => out.write_str("the end of its backoff"),
            Self::Job => out.write_str("the run of its job that is at work"),
            Self::SharedSession => out.write_str("its shared session to be free"),
            Self::Slot { held, limit } => write!(out, "a slot in its lane ({held} of {limit} held)"),
            Self::Commit => out.write_str("the commit of its grant"),
            Self::Session => out.write_str("its session to be ready"),
            Self::Turn => out.write_str("its turn to end"),
            Self::Stop => out.write_str("its turn to confirm that it stopped"),
        }
    }
}

impl StandardGateway {
    /// A machine that owns nothing yet: [`Machine::restart`] it on what a store holds.
    #[must_use]
    pub fn new(config: Config, shape: Shape) -> Self {
        Self::with_rooms(config, TimeoutRace { shape }, LifecyclePersister, TickBus::default())
    }

    /// A machine started on what a store holds, with its first tick.
    #[must_use]
    pub fn recover(config: Config, shape: Shape, rows: &Rows, epoch: u64, now: Now) -> (Self, Tick) {
        let mut gateway = Self::new(config, shape);
        let tick = gateway.restart(rows, epoch, now).clone();
        (gateway, tick)
    }
}

impl<R: Race, P: Persister, B: Bus> Machine for Gateway<R, P, B> {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.recover_tick(rows, epoch, now)
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.handle_tick(now, inputs)
    }

    fn handle_into(&mut self, now: Now, inputs: &[Input], tick: &mut Box<Tick>) {
        self.handle_tick(now, inputs);
        std::mem::swap(&mut *self.tick, tick);
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.waiting_list()
    }
}
