//! What a tick asks of the world, and what the world tells a machine.

use crate::commit::{Answer, Commit};
use crate::id::{JobId, RunId, SessionId, SessionKey};
use crate::job::Job;
use crate::lifecycle::LifecycleEvent;
use crate::run::{Finish, Outcome};
use crate::time::Mono;

/// Something that happened, stamped by the host.
///
/// A stamp at or before the previous tick, or after this one, is brought to the nearest instant
/// inside: a tick closes its instant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// When it happened.
    pub at: Mono,
    /// What happened.
    pub kind: InputKind,
}

/// The kinds of input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// The store answered a commit.
    Answer {
        /// The commit.
        commit: u64,
        /// What the store said.
        answer: Answer,
    },
    /// The store answered a renewal of the lease.
    Renewal {
        /// What [`Effect::Renew`] said.
        sent: Mono,
        /// What the store said.
        answer: Answer,
    },
    /// The subscribers have every lifecycle event below this offset.
    Heard {
        /// The offset.
        below: u64,
    },
    /// A turn reported.
    Report {
        /// Whose turn.
        run: RunId,
        /// What it said.
        report: Report,
    },
    /// Somebody asked for something.
    Command {
        /// The asker's number, which the reply carries.
        ticket: u64,
        /// What.
        command: Command,
    },
    /// A turn that is not this machine's began or ended in a session that runs share.
    ///
    /// A machine that begins knows of none: whoever restarts it where such turns are at work tells it of them once more.
    Foreign {
        /// The session.
        key: SessionKey,
        /// Which of the turns that others run; no two have the same number.
        turn: u64,
        /// Whether it began; else it ended.
        began: bool,
    },
    /// The wall clock stepped; the tick's own reading says where to.
    ClockStepped,
}

/// What a turn says. Of one run's reports with one stamp, the order is this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Report {
    /// Its session is ready.
    Ready {
        /// The session.
        session: SessionId,
    },
    /// It is getting on. Changes no row.
    Progress,
    /// It ended by itself.
    Completed(Finish),
    /// It stopped because it was asked to.
    Stopped,
}

/// What a user can ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Declare a job.
    Add(Box<Job>),
    /// Declare a job that exists in another way. Runs that are open go on by what they began with.
    Edit(Box<Job>),
    /// Take a job away; what waits or is at work for it is cancelled.
    Remove(JobId),
    /// Follow its schedule no longer; what waits or is at work goes on.
    Pause(JobId),
    /// Follow its schedule no longer, and cancel what waits for it.
    Disable(JobId),
    /// Follow its schedule again, from now on.
    Resume(JobId),
    /// Run a job now, whatever its schedule says, and whether or not that is followed.
    RunNow(JobId),
    /// Run a job now, as a child of a run that waits for it: the child shares its parent's slot, and
    /// is cancelled when its parent settles.
    Spawn {
        /// The run that waits.
        parent: RunId,
        /// The job.
        job: JobId,
    },
    /// End a run.
    Cancel(RunId),
}

/// Something the host is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Call the run's turn. Released once the grant is durable.
    Start {
        /// The run.
        run: RunId,
    },
    /// Ask the run's turn to stop, and let no start of it begin. Leaves at once.
    Abort {
        /// The run.
        run: RunId,
    },
    /// Give the event to the subscribers. Released once it is durable.
    Publish {
        /// Its place in the stream.
        offset: u64,
        /// The event.
        event: LifecycleEvent,
    },
    /// Give the run's result to whoever the job delivers to. Released once it is durable.
    Deliver {
        /// The run.
        run: RunId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Answer a command. An acceptance is released once it is durable, a refusal leaves at once.
    Reply {
        /// The asker's number.
        ticket: u64,
        /// What was done, or why nothing was.
        reply: Result<Accepted, Refusal>,
    },
    /// Send the commit with this number to the store again, unchanged, when the host sees fit.
    StoreAgain {
        /// The commit.
        commit: u64,
    },
    /// Ask the store whether this machine still is its owner; the answer comes back as
    /// [`InputKind::Renewal`]. Once is enough: when no answer comes, the machine asks again.
    Renew {
        /// The instant the lease counts from, should the store say so.
        sent: Mono,
    },
    /// This machine no longer owns the store and does nothing any more, until it is restarted with a new
    /// epoch.
    StepDown,
}

/// What a command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// What was asked.
    Done,
    /// It made this run.
    Run(RunId),
}

/// Why a command was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The store is behind by as many commits as may be open: ask again later.
    StoreBehind,
    /// A job with this id is declared already.
    JobExists,
    /// No job with this id is declared.
    NoSuchJob,
    /// The job's schedule has no occurrence from now on.
    NeverDue,
    /// The job names a lane that is not configured.
    NoSuchLane,
    /// The lane has as many waiters as it may.
    LaneFull,
    /// Another run of the job is open, and its overlap policy lets no other wait.
    Overlaps,
    /// The run would wait for something that the one who waits for it holds.
    Deadlock,
    /// No run with this id is queued, starting or running.
    NoSuchRun,
    /// Another gateway has taken the store over: ask that one.
    NotOwner,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::StoreBehind => "the store is behind; ask again later",
            Self::JobExists => "a job with this id exists already; edit it, or choose another id",
            Self::NoSuchJob => "no job with this id is declared; add it first",
            Self::NeverDue => "the schedule has no occurrence from now on; choose a later time",
            Self::NoSuchLane => "no lane with this number is configured; choose one that is",
            Self::LaneFull => "the lane has as many waiters as it may; ask again later",
            Self::Overlaps => "a run of this job is open; wait for it, cancel it, or let runs overlap",
            Self::Deadlock => "it would wait for what its own parent holds, or for somebody who waits for that; give it another job or session",
            Self::NoSuchRun => "no run with this id is queued, starting or running",
            Self::NotOwner => "another gateway has taken the store over; ask that one",
        })
    }
}

impl std::error::Error for Refusal {}

/// What one tick answers with: at most one commit, and effects in the order to carry them out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tick {
    commit: Commit,
    committed: bool,
    effects: Vec<Effect>,
}

impl Clone for Tick {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.clone_from(self);
        copy
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &Self) {
        self.commit.clone_from(&other.commit);
        self.committed = other.committed;
        self.effects.clone_from(&other.effects);
    }
}

impl Tick {
    /// What to store; nothing when nothing changed.
    #[must_use]
    pub const fn commit(&self) -> Option<&Commit> {
        if self.committed { Some(&self.commit) } else { None }
    }

    /// What to do, in order.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Empties the tick, keeping its memory.
    pub fn clear(&mut self) {
        self.commit.clear();
        self.committed = false;
        self.effects.clear();
    }

    /// The commit under construction.
    pub const fn draft(&mut self) -> &mut Commit {
        &mut self.commit
    }

    /// Declares the draft to be the tick's commit, or not.
    pub const fn set_committed(&mut self, committed: bool) {
        self.committed = committed;
    }

    /// Adds an effect.
    pub fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The effects, to change them.
    pub const fn effects_mut(&mut self) -> &mut Vec<Effect> {
        &mut self.effects
    }
}
