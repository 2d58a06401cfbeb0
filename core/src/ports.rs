//! The traits through which the rooms and the hosts meet.

use crate::commit::{Answer, Commit, Rows};
use crate::id::RunId;
use crate::lifecycle::LifecycleEvent;
use crate::time::{Now, Wall};

/// The time of the item at hand, the same for everything that happens because of it.
pub trait Clock {
    /// Its wall time.
    fn wall(&self) -> Wall;
}

impl Clock for Now {
    fn wall(&self) -> Wall {
        self.wall
    }
}

/// What carries lifecycle events from the race to the persister, inside one tick.
pub trait Bus: Clone + std::fmt::Debug {
    /// Takes an event.
    fn publish(&mut self, event: LifecycleEvent);
    /// Gives the next event, in the order published.
    fn next(&mut self) -> Option<LifecycleEvent>;
}

/// Where a host keeps what the machine commits.
pub trait Store {
    /// What went wrong below, in the store's own terms.
    type Error: std::error::Error;

    /// Everything a machine needs to go on after a crash.
    ///
    /// # Errors
    /// When the stored state cannot be read; nothing may be overwritten then.
    fn load(&mut self) -> Result<Rows, Self::Error>;

    /// Stores a commit atomically and durably. A gap in the numbers is refused, a repeat ignored.
    fn commit(&mut self, commit: &Commit) -> Answer;

    /// Whether the owner with this epoch still owns the store: *applied* when it does, *fenced* when
    /// another has taken it over. Must be true of some instant between the call and its return.
    fn renew(&mut self, epoch: u64) -> Answer;

    /// Whether something of durable commits is left to do, such as showing them in documents that others read.
    fn has_put_off(&self) -> bool {
        false
    }

    /// Does a part of it, and says whether the next part should follow as soon as no commit waits. Hosts call this
    /// when none does, and not all the time: it may take long.
    fn do_put_off(&mut self) -> bool {
        false
    }
}

/// What runs a host's turns. Reports come back as inputs, on the host's own path.
pub trait Turns {
    /// Calls the turn of a run, unless the run was aborted before.
    fn start(&mut self, run: RunId);

    /// Asks the turn of a run to stop, and leaves a tombstone: a start that arrives after it starts
    /// nothing.
    fn abort(&mut self, run: RunId);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store of nothing but what every store has to say.
    struct Bare;

    impl Store for Bare {
        type Error = std::convert::Infallible;

        fn load(&mut self) -> Result<Rows, Self::Error> {
            Ok(Rows::default())
        }

        fn commit(&mut self, _: &Commit) -> Answer {
            Answer::Applied
        }

        fn renew(&mut self, _: u64) -> Answer {
            Answer::Applied
        }
    }

    #[test]
    fn a_store_puts_nothing_off_unless_it_says_so() {
        assert_eq!((Bare.has_put_off(), Bare.do_put_off()), (false, false));
    }
}
