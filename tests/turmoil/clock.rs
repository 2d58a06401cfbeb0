//! The time of the simulation, as hosts read it.

use std::time::{Duration, SystemTime};

use sametick_core::time::{Mono, Span, Wall};
use sametick_sim::scenario::WORLD_BEGINS;

/// The instant on the simulation's own clock, which no crash sets back.
pub(crate) fn now() -> Mono {
    instant(turmoil::sim_elapsed().expect("only hosts ask for the time"))
}

/// The wall clock, the same for all hosts.
pub(crate) fn wall() -> Wall {
    let millis = now().as_nanos() / 1_000_000;
    WORLD_BEGINS.plus_millis(i64::try_from(millis).expect("a simulation is shorter than this"))
}

/// The simulation's own clock at a distance from its beginning.
pub(crate) fn instant(elapsed: Duration) -> Mono {
    Mono::from_nanos(u64::try_from(elapsed.as_nanos()).expect("a simulation is shorter than 500 years"))
}

/// Our span, for tokio's timers.
pub(crate) const fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.as_nanos())
}

/// What the system clock shows when a simulation begins.
pub(crate) fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(WORLD_BEGINS.as_millis().unsigned_abs())
}
