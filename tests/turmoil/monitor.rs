//! The health monitor: reads the sessions every millisecond and remembers those that lie.

use std::time::Duration;

use tokio::time::sleep;

use crate::history::Witness;

/// Its name.
pub(crate) const HOST: &str = "monitor";

/// The host's software.
pub(crate) async fn watch(witness: Witness) -> turmoil::Result {
    loop {
        witness.history().look_at_sessions();
        sleep(Duration::from_millis(1)).await;
    }
}
