//! The machine of `sametick-core` on real time, real storage and real work.
//!
//! ```text
//!             commands, reports (stamped when sent)          one reading of both clocks a tick
//!  Handle ───────────────▶ Mailbox ─┐                      ┌──────────────────── HostClock
//!                                   ▼                      ▼
//!                            ┌───────────────  Driver  ───────────────┐
//!                  answers   │  Machine::handle(now, inputs) -> Tick  │   sleeps until the machine's
//!              ┌────────────▶│  1. the commit goes to the store       │   wake-up, 60 s at most
//!              │             │  2. then the effects, in order         │
//!              │             └──┬─────────┬──────────┬──────────┬─────┘
//!              │       commit   │  start, │  publish │  deliver │
//!              │                ▼  abort  ▼          ▼          ▼
//!           StorePort ◀─────────┘      Turns   Subscribers  Deliveries
//!     (Inline, or on a thread)           └──── reports ────▶ Handle
//! ```
//!
//! One task owns the machine, and nothing it does waits: not for the disk, a turn or a subscriber. So
//! a deadline is met whatever else is slow, and the machine itself holds back what must not be seen
//! before it is durable.
//!
//! [`Host`] puts the standard parts together over a directory in the field's layout:
//!
//! ```no_run
//! use sametick_gateway::{Host, Settings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::open(Settings::for_dir("/var/lib/gateway/cron"))?;
//! let handle = host.handle();
//! let running = tokio::spawn(host.run());
//! handle.at_rest().await?; // no run is open, everything is durable
//! handle.stop().await?;
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! Every part can be another one. A test takes a paused runtime, a store in memory and turns of its
//! own:
//!
//! ```
//! use sametick_core::id::{AgentId, JobId, RunId};
//! use sametick_core::job::{Budgets, Job};
//! use sametick_core::ports::Turns;
//! use sametick_core::run::{Outcome, Shape};
//! use sametick_core::schedule::Schedule;
//! use sametick_core::time::{Span, Wall};
//! use sametick_core::{Config, StandardGateway};
//! use sametick_gateway::clock::TokioClock;
//! use sametick_gateway::store_memory::MemoryStore;
//! use sametick_gateway::store_port::Inline;
//! use sametick_gateway::{Driver, mailbox};
//!
//! /// Turns that never answer.
//! struct Silent;
//!
//! impl Turns for Silent {
//!     fn start(&mut self, _run: RunId) {}
//!     fn abort(&mut self, _run: RunId) {}
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let due = Wall::from_millis(1_000);
//! let budgets = Budgets { timeout: Some(Span::from_secs(30)), ..Budgets::default() };
//! let schedule = Schedule::At(due);
//! let job = Job::new(JobId(0), AgentId(0), schedule).with_budgets(budgets);
//! let store = MemoryStore::with_jobs([(job, due)]);
//! let (handle, mailbox) = mailbox(16);
//! let machine = StandardGateway::new(Config::default(), Shape::Emit);
//! let clock = TokioClock::starting_at(Wall::from_millis(0));
//! let driver = Driver::new(mailbox, machine, Inline::new(store.clone()), Silent, clock);
//!
//! let running = tokio::spawn(driver.run(store.rows(), store.take_over()));
//! tokio::time::sleep(std::time::Duration::from_secs(60)).await;
//! handle.stop().await.unwrap();
//! running.await.unwrap().unwrap();
//!
//! let run = *store.books().runs.values().next().unwrap();
//! assert!(matches!(run.state.outcome(), Some(Outcome::TimedOut(_))));
//! assert_eq!(run.settled_at, Some(Wall::from_millis(31_000)));
//! # });
//! ```

pub mod clock;
mod driver;
mod host;
mod mailbox;
mod names;
mod open_commits;
pub mod process;
pub mod store_json;
pub mod store_memory;
pub mod store_port;
pub mod subscribers;

pub use driver::{Driver, DriverError};
pub use host::{Host, HostError, Settings};
pub use mailbox::{CommandError, Gone, Handle, Mailbox, mailbox};
pub use names::SharedNames;
pub use open_commits::Backoff;
