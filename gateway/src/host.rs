//! A whole gateway over one directory: the standard machine, the JSON store, turns as processes.

use std::io;
use std::path::PathBuf;

use sametick_core::commit::Rows;
use sametick_core::ports::Store;
use sametick_core::run::Shape;
use sametick_core::{Config, LaneConfig, StandardGateway};

use crate::clock::SystemClock;
use crate::driver::{Driver, DriverError};
use crate::mailbox::{Handle, mailbox};
use crate::names::SharedNames;
use crate::process::{ProcessSettings, ProcessTurns};
use crate::store_json::{Declarations, JsonStore, Skipped, StoreError};
use crate::store_port::Threaded;
use crate::subscribers::{Deliveries, Subscriber};

/// How many reports and commands may wait for the driver.
const MAILBOX: usize = 1_024;

/// What a host can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The directory of the field's files.
    pub root: PathBuf,
    /// The machine's limits.
    pub machine: Config,
    /// The names of its lanes, by their place in `machine.lanes`; jobs choose theirs by name.
    pub lanes: Vec<String>,
    /// How terminal events are published.
    pub shape: Shape,
    /// How turns are run.
    pub turns: ProcessSettings,
}

impl Settings {
    /// The standard ones for a directory; its turns leave their marks in `turns` inside it.
    #[must_use]
    pub fn for_dir(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let turns = ProcessSettings::in_dir(root.join("turns"));
        let lanes = vec!["main".to_owned()];
        Self { root, machine: Config::default(), lanes, shape: Shape::default(), turns }
    }

    /// The same with one more lane.
    ///
    /// ```
    /// use sametick_core::LaneConfig;
    /// use sametick_gateway::Settings;
    /// let settings = Settings::for_dir("/var/lib/gateway/cron")
    ///     .with_lane("slow", LaneConfig { limit: 4, ..LaneConfig::default() });
    /// assert_eq!(settings.lanes, ["main", "slow"]);
    /// ```
    #[must_use]
    pub fn with_lane(mut self, name: impl Into<String>, limits: LaneConfig) -> Self {
        self.machine.lanes.resize(self.lanes.len().max(1), LaneConfig::default());
        self.machine.lanes.push(limits);
        self.lanes.push(name.into());
        self
    }
}

/// Why a host could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The directory cannot be used as it is.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no thread for the store.
    #[error("could not start the store's thread: {0}; free some memory or raise the limit of threads")]
    Thread(#[source] io::Error),
}

/// A gateway that is ready to run.
#[derive(Debug)]
pub struct Host {
    driver: Driver<StandardGateway, Threaded, ProcessTurns, SystemClock>,
    handle: Handle,
    names: SharedNames,
    skipped: Vec<Skipped>,
    stale: Vec<String>,
    declarations: Declarations,
    rows: Rows,
    epoch: u64,
}

impl Host {
    /// Opens the directory and puts the parts together. Nothing runs before [`Host::run`].
    ///
    /// # Errors
    /// When the directory is another gateway's, or a file in it does not read.
    pub fn open(settings: Settings) -> Result<Self, HostError> {
        let names = SharedNames::new();
        // Lanes first: their numbers are their places.
        let places = settings.machine.lanes.len().max(1);
        names.with(|names| {
            settings.lanes.iter().take(places).for_each(|lane| {
                names.lanes.intern(lane);
            })
        });
        let mut store = JsonStore::open(settings.root, names.clone())?;
        let rows = store.load()?;
        let (epoch, skipped, stale) = (store.epoch(), store.skipped().to_vec(), store.stale().to_vec());
        let (handle, mailbox) = mailbox(MAILBOX);
        let (programs, declarations) = (store.programs(), store.declarations());
        let turns = ProcessTurns::new(handle.clone(), names.clone(), programs, epoch, settings.turns);
        let machine = StandardGateway::new(settings.machine, settings.shape);
        let store = Threaded::spawn(store).map_err(HostError::Thread)?;
        let driver = Driver::new(mailbox, machine, store, turns, SystemClock::start());
        Ok(Self { driver, handle, names, skipped, stale, declarations, rows, epoch })
    }

    /// A way to talk to the gateway.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// A way to declare jobs while the gateway runs.
    #[must_use]
    pub fn declarations(&self) -> Declarations {
        self.declarations.clone()
    }

    /// The names behind the numbers of events and runs.
    #[must_use]
    pub fn names(&self) -> SharedNames {
        self.names.clone()
    }

    /// Jobs in the directory that do not run, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Session rows another gateway left behind, most of which the first tick ends: see
    /// [`JsonStore::stale`].
    #[must_use]
    pub fn stale(&self) -> &[String] {
        &self.stale
    }

    /// Adds somebody who hears lifecycle events.
    #[must_use]
    pub fn subscriber(mut self, subscriber: impl Subscriber + 'static) -> Self {
        self.driver = self.driver.subscriber(subscriber);
        self
    }

    /// Says where results go.
    #[must_use]
    pub fn deliveries(mut self, deliveries: impl Deliveries + 'static) -> Self {
        self.driver = self.driver.deliveries(deliveries);
        self
    }

    /// Runs until somebody says [`Handle::stop`]. The directory's lock is free afterwards.
    ///
    /// # Errors
    /// As [`Driver::run`].
    pub async fn run(self) -> Result<(), DriverError> {
        let Self { driver, handle, rows, epoch, .. } = self;
        drop(handle);
        driver.run(rows, epoch).await
    }
}
