//! Both clocks of a host: the one place that reads them.

use std::time::{Duration, SystemTime};

use sametick_core::time::{Mono, Now, Wall};
use tokio::time::Instant;

/// Where a driver reads the time.
///
/// The monotonic side is tokio's, so a paused runtime pauses the machine too; the wall side is the
/// implementor's.
pub trait HostClock {
    /// The instant that is zero on the machine's monotonic clock.
    fn origin(&self) -> Instant;

    /// The wall clock at this moment.
    fn wall(&self) -> Wall;

    /// One reading of both clocks.
    fn read(&self) -> Now {
        Now { mono: self.mono_of(Instant::now()), wall: self.wall() }
    }

    /// The machine's instant for tokio's; the origin for what lies before it.
    fn mono_of(&self, instant: Instant) -> Mono {
        let since = instant.saturating_duration_since(self.origin());
        Mono::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Tokio's instant for the machine's; the far future for what tokio cannot express.
    fn instant_of(&self, mono: Mono) -> Instant {
        let far = Duration::from_secs(86_400 * 365);
        let origin = self.origin();
        origin.checked_add(Duration::from_nanos(mono.as_nanos())).unwrap_or_else(|| Instant::now() + far)
    }
}

/// The clocks of the machine we run on.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic side starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }
}

impl HostClock for SystemClock {
    fn origin(&self) -> Instant {
        self.origin
    }

    #[allow(clippy::disallowed_methods, reason = "this is where the gateway reads the wall clock")]
    fn wall(&self) -> Wall {
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Wall::from_millis(millis(since)),
            Err(before) => Wall::from_millis(-millis(before.duration())),
        }
    }
}

/// A wall clock that starts where it is told and goes on with tokio's: for a paused runtime.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    origin: Instant,
    wall: Wall,
}

impl TokioClock {
    /// A clock that shows `wall` now.
    #[must_use]
    pub fn starting_at(wall: Wall) -> Self {
        Self { origin: Instant::now(), wall }
    }
}

impl HostClock for TokioClock {
    fn origin(&self) -> Instant {
        self.origin
    }

    fn wall(&self) -> Wall {
        let since = Instant::now().saturating_duration_since(self.origin);
        self.wall.plus_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
