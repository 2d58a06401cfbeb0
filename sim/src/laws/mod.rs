//! Laws that need no oracle: what two ways of doing the same thing must agree on. One file a law.
//!
//! Some cut or repeat a tick in the middle of a world. The others run a world's twin: the same plan with one thing done in
//! another way that should not matter, by a machine that stands between the world and the one under test.

mod agree;
mod duplicate_reports;
mod later_deadline;
mod recovery_twice;
mod relabelling;
pub(crate) mod renaming;
mod replay;
mod split;
mod time_shift;
mod twins;

pub(crate) use recovery_twice::recover_twice;
pub(crate) use split::split;
pub(crate) use twins::Twins;

/// The laws, in the order they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// See `split.rs`.
    Split,
    /// See `twins.rs`.
    Shapes,
    /// See `recovery_twice.rs`.
    RecoveryTwice,
    /// See `replay.rs`.
    CrashAndReplay,
    /// See `time_shift.rs`.
    TimeShift,
    /// See `relabelling.rs`.
    Relabelling,
    /// See `duplicate_reports.rs`.
    DuplicateReports,
    /// See `later_deadline.rs`.
    LaterDeadline,
}

impl Law {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Split,
        Self::Shapes,
        Self::RecoveryTwice,
        Self::CrashAndReplay,
        Self::TimeShift,
        Self::Relabelling,
        Self::DuplicateReports,
        Self::LaterDeadline,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Split => "law of the split",
            Self::Shapes => "law of the shapes",
            Self::RecoveryTwice => "law of recovering twice",
            Self::CrashAndReplay => "law of crash and replay",
            Self::TimeShift => "law of the time shift",
            Self::Relabelling => "law of relabelling",
            Self::DuplicateReports => "law of duplicate reports",
            Self::LaterDeadline => "law of the later deadline",
        }
    }

    /// What it holds.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Split => {
                "one tick over two instants does what two ticks do, unless a slot is granted in between"
            }
            Self::Shapes => {
                "a deadline that publishes the end itself and one that leaves it to result handling make \
                             the same ticks"
            }
            Self::RecoveryTwice => "recovering twice equals recovering once",
            Self::CrashAndReplay => {
                "a gateway that was alive before does after a restart what a new one does"
            }
            Self::TimeShift => "a world that happens at another time happens in the same way",
            Self::Relabelling => {
                "other numbers for jobs, agents and sessions, in the same order, change nothing else"
            }
            Self::DuplicateReports => {
                "hearing every report and every good answer of the store twice changes nothing, but \
                                       that it is noted"
            }
            Self::LaterDeadline => {
                "a later deadline changes nothing for a job whose runs all end well before it"
            }
        }
    }
}

/// How often each law was put to the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LawCounts([u64; Law::ALL.len()]);

impl LawCounts {
    /// None yet.
    pub const NONE: Self = Self([0; Law::ALL.len()]);

    /// How often a law was tried.
    #[must_use]
    pub const fn of(&self, law: Law) -> u64 {
        self.0[law as usize]
    }

    /// A law was tried once more.
    pub const fn tried(&mut self, law: Law) {
        self.0[law as usize] += 1;
    }

    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}
