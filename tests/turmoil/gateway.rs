//! The gateway: its own driver, between the provider and the subscriber.

use sametick_core::Machine;
use sametick_core::effect::Effect;
use sametick_core::id::RunId;
use sametick_core::run::Outcome;
use sametick_gateway::clock::TokioClock;
use sametick_gateway::subscribers::Deliveries;
use sametick_gateway::{Driver, mailbox};

use crate::clock;
use crate::history::Witness;
use crate::link::Link;
use crate::store::Store;
use crate::turns::RemoteTurns;
use crate::watched::Watched;

/// Its name.
pub(crate) const HOST: &str = "gateway";

/// The host's software, from one start to the next crash.
pub(crate) async fn drive<M: Machine>(machine: M, witness: Witness) -> turmoil::Result {
    let (handle, mailbox) = mailbox(64);
    let (rows, epoch) = witness.history().take_over();
    let store = Store::open(witness.clone());
    let turns = RemoteTurns::new(witness.clone(), handle.clone());
    // Each life has a monotonic clock of its own, as each process has.
    let clock = TokioClock::starting_at(clock::wall());
    let machine = Watched::new(machine, witness.clone());
    let driver = Driver::new(mailbox, machine, store, turns, clock)
        .subscriber(Link::open(witness.clone(), handle))
        .deliveries(Delivered(witness));
    Ok(driver.run(rows, epoch).await?)
}

/// Results, delivered into history.
struct Delivered(Witness);

impl Deliveries for Delivered {
    fn deliver(&mut self, run: RunId, outcome: Outcome) {
        self.0.history().effect(&Effect::Deliver { run, outcome });
    }
}
