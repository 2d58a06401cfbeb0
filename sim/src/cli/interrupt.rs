//! Somebody wants a command to end: it says what came of it so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Stop;

/// Whether somebody has asked for the end.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(super) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Listens for Ctrl-C from now on.
pub(super) fn listen() -> Result<Interrupt, Stop> {
    let wanted = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&wanted);
    let mut first: Option<Instant> = None;
    // Who asks again a while later does not want to hear the summary either. Some send it twice at once.
    let handler = move || {
        noted.store(true, Ordering::Relaxed);
        #[allow(clippy::disallowed_methods, reason = "tells a second wish from an echo of the first")]
        let now = Instant::now();
        if now.duration_since(*first.get_or_insert(now)) > Duration::from_millis(500) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Stop::BadInput(format!("could not listen for Ctrl-C: {error}")))?;
    Ok(Interrupt(wanted))
}
