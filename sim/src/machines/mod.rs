//! Machines under test: the core, the core with one thing broken, and the field in miniature.

mod field;
mod rooms;
mod shim;
mod twists;

pub use field::{FieldGateway, Flaw};
pub use shim::{Shim, Twist};

use sametick_core::lifecycle::TickBus;
use sametick_core::run::{Shape, TimeoutRace};
use sametick_core::session::LifecyclePersister;
use sametick_core::{Config, Gateway, Machine, StandardGateway};

use crate::check::CheckName;

/// A machine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The core, in one of its shapes.
    Core(Shape),
    /// Something broken on purpose.
    Mutant(&'static Mutant),
}

/// Something broken on purpose.
#[derive(Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What is broken, in a sentence.
    pub sentence: &'static str,
    /// The reports from the field it stands for.
    pub field: &'static [&'static str],
    /// The checks that break first, together; no other may.
    pub killed_by: &'static [CheckName],
    build: Build,
}

/// How a mutant is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    Field(Flaw),
    BusDropsEnds,
    BusRepeatsEnds,
    RaceWrongKey,
    RaceGenericReason,
    RaceLoserOverwrites,
    RaceKeepsSlot,
    RaceIgnoresQueueDeadline,
    PersisterInherits,
    PersisterEndsButRuns,
    PersisterLosesStop,
    LateResurrects,
    LateTouches,
    EffectEarly,
    PublishEarly,
    WatchdogRepairs,
    MarkerKept,
    ForgetsRunning,
    ForgetsQueued,
    NeverRepublishes,
    QueueOpensSession,
    GivesUpOnUnknown,
    WritesNothing,
    WritesBaseRows,
    WritesOwnRows,
    HalfTheTime,
    NamesOtherBudget,
    PublishesOther,
    StartsEarly,
    LeavesInterrupted,
    Oversleeps,
    StampsAtNow,
    RestartCountsAsError,
}

/// Every mutant, the field's own shapes first: those know one lane and two budgets, so worlds that ask for
/// more break them in more ways.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "field-race",
        sentence: "the timeout rejects the race and aborts the turn; nobody publishes the end (the field in 2026.4.20)",
        field: &["#70347", "#56121", "#74607", "#91730"],
        killed_by: &[
            CheckName::SameTick,
            CheckName::ReasonKept,
            CheckName::SettlesOnce,
            CheckName::RecordsAgree,
            CheckName::ComesToRest,
        ],
        build: Build::Field(Flaw::Race),
    },
    Mutant {
        name: "field-grace-window",
        sentence: "every lifecycle error is held for 15 s in case a fallback uses the run again",
        field: &["2026.4.20 patched: T+15,024 ms"],
        killed_by: &[
            CheckName::SameTick,
            CheckName::ReasonKept,
            CheckName::RecordsAgree,
            CheckName::ComesToRest,
        ],
        build: Build::Field(Flaw::Grace),
    },
    Mutant {
        name: "field-whole-row",
        sentence: "when a run ends, the session row is written back whole from the copy taken before it started",
        field: &["2026.4.20: an ok run ends with no status"],
        killed_by: &[
            CheckName::SameTick,
            CheckName::ReasonKept,
            CheckName::RecordsAgree,
            CheckName::ComesToRest,
        ],
        build: Build::Field(Flaw::WholeRow),
    },
    Mutant {
        name: "field-batch",
        sentence: "the outcomes of runs that became due together are written when the last of them has ended",
        field: &["2026.4.20: 8 s timeout recorded at 20,057 ms", "#119083"],
        killed_by: &[CheckName::ReasonKept, CheckName::RecordsAgree, CheckName::ComesToRest],
        build: Build::Field(Flaw::Batch),
    },
    Mutant {
        name: "event-dropped",
        sentence: "the bus loses the terminal event of a timeout",
        field: &["#70347", "#79355"],
        killed_by: &[CheckName::SameTick, CheckName::SettlesOnce],
        build: Build::BusDropsEnds,
    },
    Mutant {
        name: "event-twice",
        sentence: "the bus delivers terminal events twice",
        field: &["#120561", "restate#1029"],
        killed_by: &[CheckName::SettlesOnce],
        build: Build::BusRepeatsEnds,
    },
    Mutant {
        name: "wrong-key",
        sentence: "a timeout's event carries the job's base key instead of the run's own",
        field: &["#70347", "#23470"],
        killed_by: &[CheckName::SameTick, CheckName::ReasonKept],
        build: Build::RaceWrongKey,
    },
    Mutant {
        name: "generic-reason",
        sentence: "a timeout's event says failed and no more",
        field: &["#115319"],
        killed_by: &[CheckName::ReasonKept],
        build: Build::RaceGenericReason,
    },
    Mutant {
        name: "loser-overwrites",
        sentence: "a turn that answers after its timeout settles the run again",
        field: &["PR #70832", "#137215", "hatchet PR #1377"],
        killed_by: &[CheckName::SettlesOnce, CheckName::RecordsAgree],
        build: Build::RaceLoserOverwrites,
    },
    Mutant {
        name: "slot-kept",
        sentence: "a timed-out run keeps its slot after its turn has stopped",
        field: &["#50280", "#18120"],
        killed_by: &[CheckName::ComesToRest],
        build: Build::RaceKeepsSlot,
    },
    Mutant {
        name: "queue-deadline-ignored",
        sentence: "a run that waits past its queue timeout stays in the lane",
        field: &["#43141"],
        killed_by: &[CheckName::QueuedLeavesNoSession],
        build: Build::RaceIgnoresQueueDeadline,
    },
    Mutant {
        name: "start-inherits",
        sentence: "a run that starts inherits status and start from the row before it",
        field: &["2026.4.20: inherited startedAt"],
        killed_by: &[CheckName::RecordsAgree],
        build: Build::PersisterInherits,
    },
    Mutant {
        name: "ended-but-running",
        sentence: "an end writes endedAt and leaves the status at running",
        field: &["#70421"],
        killed_by: &[CheckName::SameTick, CheckName::RecordsAgree, CheckName::SurvivesCrash],
        build: Build::PersisterEndsButRuns,
    },
    Mutant {
        name: "stop-reason-lost",
        sentence: "a cancelled session is written as failed",
        field: &["#141032"],
        killed_by: &[CheckName::RecordsAgree],
        build: Build::PersisterLosesStop,
    },
    Mutant {
        name: "late-resurrects",
        sentence: "a late answer writes done into the session it comes too late for",
        field: &["#88538", "#88583", "PR #116777"],
        killed_by: &[CheckName::ReasonKept, CheckName::NoResurrection, CheckName::RecordsAgree],
        build: Build::LateResurrects,
    },
    Mutant {
        name: "late-touches",
        sentence: "a late answer writes the end of its session once more, with a newer time",
        field: &["#88538", "oban#1496"],
        killed_by: &[CheckName::NoResurrection],
        build: Build::LateTouches,
    },
    Mutant {
        name: "result-early",
        sentence: "a result is delivered in the tick that settles its run, before the commit is durable",
        field: &["#61913", "#24041"],
        killed_by: &[CheckName::EventFirst],
        build: Build::EffectEarly,
    },
    Mutant {
        name: "publish-early",
        sentence: "subscribers hear of an event in the tick that makes it, before it is durable",
        field: &["inngest#4652"],
        killed_by: &[CheckName::EventFirst],
        build: Build::PublishEarly,
    },
    Mutant {
        name: "watchdog-repairs",
        sentence: "the session row of a timed-out run is repaired ten seconds later by a watchdog",
        field: &["#70347", "river#1302", "quartz 15 s"],
        killed_by: &[CheckName::SameTick],
        build: Build::WatchdogRepairs,
    },
    Mutant {
        name: "marker-kept",
        sentence: "the job stays marked as running after a timeout",
        field: &["#18120", "#142638", "#41979"],
        killed_by: &[CheckName::RecordsAgree],
        build: Build::MarkerKept,
    },
    Mutant {
        name: "recovery-forgets-running",
        sentence: "runs that were under way at a crash are not looked at after it",
        field: &["#59056", "#65136", "kill -9 in 2026.9.6"],
        killed_by: &[CheckName::SurvivesCrash],
        build: Build::ForgetsRunning,
    },
    Mutant {
        name: "recovery-forgets-queued",
        sentence: "runs that were queued at a crash are not queued again",
        field: &["#4018", "#33092", "#10596"],
        killed_by: &[CheckName::SurvivesCrash],
        build: Build::ForgetsQueued,
    },
    Mutant {
        name: "recovery-never-republishes",
        sentence: "events that no subscriber had acknowledged at a crash are not published again",
        field: &["#91979"],
        killed_by: &[CheckName::SurvivesCrash],
        build: Build::NeverRepublishes,
    },
    Mutant {
        name: "queue-opens-session",
        sentence: "a run that times out in its queue writes a session row all the same",
        field: &["#91990", "#41783"],
        killed_by: &[CheckName::QueuedLeavesNoSession],
        build: Build::QueueOpensSession,
    },
    Mutant {
        name: "unknown-is-lost",
        sentence: "a commit nobody answered is never sent again",
        field: &["dbos-py#767"],
        killed_by: &[CheckName::SurvivesCrash, CheckName::ComesToRest],
        build: Build::GivesUpOnUnknown,
    },
    Mutant {
        name: "persister-asleep",
        sentence: "no lifecycle event reaches the session store",
        field: &["#138499", "#91979"],
        killed_by: &[CheckName::SameTick, CheckName::RecordsAgree],
        build: Build::WritesNothing,
    },
    Mutant {
        name: "own-row-missing",
        sentence: "only the job's base row is written, never the run's own",
        field: &["#23470"],
        killed_by: &[CheckName::SameTick, CheckName::RecordsAgree],
        build: Build::WritesBaseRows,
    },
    Mutant {
        name: "base-row-missing",
        sentence: "only the run's own row is written, never the job's base row",
        field: &["#89666"],
        killed_by: &[CheckName::RecordsAgree],
        build: Build::WritesOwnRows,
    },
    Mutant {
        name: "half-the-time",
        sentence: "every run gets half the time it was promised",
        field: &["#41783", "#43721", "#27427"],
        killed_by: &[CheckName::ReasonKept],
        build: Build::HalfTheTime,
    },
    Mutant {
        name: "other-budget-named",
        sentence: "a run whose timeout ends is recorded as out of total time",
        field: &["#115319"],
        killed_by: &[CheckName::ReasonKept],
        build: Build::NamesOtherBudget,
    },
    Mutant {
        name: "publishes-other",
        sentence: "subscribers are told that every run ended well",
        field: &["#141032"],
        killed_by: &[CheckName::EventFirst],
        build: Build::PublishesOther,
    },
    Mutant {
        name: "start-early",
        sentence: "a turn is called in the tick that grants its slot, before that is durable",
        field: &["#79475"],
        killed_by: &[CheckName::EventFirst],
        build: Build::StartsEarly,
    },
    Mutant {
        name: "recovery-looks-away",
        sentence: "a run found unfinished after a crash is left as it is",
        field: &["#60495", "#65136"],
        killed_by: &[CheckName::SurvivesCrash],
        build: Build::LeavesInterrupted,
    },
    Mutant {
        name: "oversleeps",
        sentence: "deadlines are met five seconds late, and recorded as if they had not been",
        field: &["k8s#62134"],
        killed_by: &[CheckName::ComesToRest],
        build: Build::Oversleeps,
    },
    Mutant {
        name: "stamps-at-now",
        sentence: "everything is taken to happen when the host gets round to it, not when it did",
        field: &["#68091"],
        killed_by: &[CheckName::Law],
        build: Build::StampsAtNow,
    },
    Mutant {
        name: "restart-counts-as-error",
        sentence: "each restart adds an error to every job",
        field: &["#60495", "#96161"],
        killed_by: &[CheckName::Law],
        build: Build::RestartCountsAsError,
    },
];

/// The mutant with this name.
#[must_use]
pub fn mutant(name: &str) -> Option<&'static Mutant> {
    MUTANTS.iter().find(|mutant| mutant.name == name)
}

/// What is done with a machine, whatever its type.
pub trait Visit {
    /// What comes of it.
    type Out;
    /// Does it.
    fn visit<M: Machine + Send + Sync>(self, machine: M) -> Self::Out;
}

impl Subject {
    /// Builds the machine and hands it over.
    pub fn visit<V: Visit>(self, config: Config, visit: V) -> V::Out {
        match self {
            Self::Core(shape) => visit.visit(StandardGateway::new(config, shape)),
            Self::Mutant(mutant) => mutant.visit(config, visit),
        }
    }

    /// The flags that ask for it on a command line.
    #[must_use]
    pub fn flags(self) -> String {
        match self {
            Self::Core(Shape::Emit) => String::new(),
            Self::Core(Shape::Synthesize) => " --shape synthesize".to_owned(),
            Self::Mutant(mutant) => format!(" --mutant {}", mutant.name),
        }
    }
}

impl Mutant {
    fn visit<V: Visit>(&self, config: Config, visit: V) -> V::Out {
        let race = TimeoutRace::default;
        let bus = TickBus::default;
        match self.build {
            Build::Field(flaw) => visit.visit(FieldGateway::new(config, flaw)),
            Build::BusDropsEnds => visit.visit(Gateway::with_rooms(
                config,
                race(),
                LifecyclePersister,
                rooms::DropsTimeouts(bus()),
            )),
            Build::BusRepeatsEnds => visit.visit(Gateway::with_rooms(
                config,
                race(),
                LifecyclePersister,
                rooms::RepeatsEnds(bus()),
            )),
            Build::RaceWrongKey => {
                visit.visit(Gateway::with_rooms(config, rooms::WrongKey, LifecyclePersister, bus()))
            }
            Build::RaceGenericReason => {
                visit.visit(Gateway::with_rooms(config, rooms::GenericReason, LifecyclePersister, bus()))
            }
            Build::RaceLoserOverwrites => {
                visit.visit(Gateway::with_rooms(config, rooms::LoserOverwrites, LifecyclePersister, bus()))
            }
            Build::RaceKeepsSlot => {
                visit.visit(Gateway::with_rooms(config, rooms::KeepsSlot, LifecyclePersister, bus()))
            }
            Build::RaceIgnoresQueueDeadline => visit.visit(Gateway::with_rooms(
                config,
                rooms::IgnoresQueueDeadline,
                LifecyclePersister,
                bus(),
            )),
            Build::PersisterInherits => {
                visit.visit(Gateway::with_rooms(config, race(), rooms::Inherits, bus()))
            }
            Build::PersisterEndsButRuns => {
                visit.visit(Gateway::with_rooms(config, race(), rooms::EndsButRuns, bus()))
            }
            Build::PersisterLosesStop => {
                visit.visit(Gateway::with_rooms(config, race(), rooms::LosesStop, bus()))
            }
            Build::LateResurrects => {
                visit.visit(Shim::new(config, twists::WritesLate(twists::LateEnd::Done)))
            }
            Build::LateTouches => visit.visit(Shim::new(config, twists::WritesLate(twists::LateEnd::Same))),
            Build::EffectEarly => visit.visit(Shim::new(config, twists::ResultEarly::default())),
            Build::PublishEarly => visit.visit(Shim::new(config, twists::PublishEarly)),
            Build::WatchdogRepairs => visit.visit(Shim::new(config, twists::WatchdogRepairs::default())),
            Build::MarkerKept => visit.visit(Shim::new(config, twists::MarkerKept)),
            Build::ForgetsRunning => visit.visit(Shim::new(config, twists::ForgetsRunning)),
            Build::ForgetsQueued => visit.visit(Shim::new(config, twists::ForgetsQueued)),
            Build::NeverRepublishes => visit.visit(Shim::new(config, twists::NeverRepublishes)),
            Build::QueueOpensSession => visit.visit(Shim::new(config, twists::QueueOpensSession)),
            Build::WritesNothing => {
                visit.visit(Gateway::with_rooms(config, race(), rooms::WritesOnly::Nothing, bus()))
            }
            Build::WritesBaseRows => {
                visit.visit(Gateway::with_rooms(config, race(), rooms::WritesOnly::BaseRows, bus()))
            }
            Build::WritesOwnRows => {
                visit.visit(Gateway::with_rooms(config, race(), rooms::WritesOnly::OwnRows, bus()))
            }
            Build::HalfTheTime => visit.visit(Shim::new(config, twists::HalfTheTime)),
            Build::NamesOtherBudget => {
                visit.visit(Gateway::with_rooms(config, rooms::NamesOtherBudget, LifecyclePersister, bus()))
            }
            Build::PublishesOther => visit.visit(Shim::new(config, twists::PublishesOther)),
            Build::StartsEarly => visit.visit(Shim::new(config, twists::StartsEarly)),
            Build::LeavesInterrupted => {
                visit.visit(Gateway::with_rooms(config, rooms::LeavesInterrupted, LifecyclePersister, bus()))
            }
            Build::Oversleeps => visit.visit(Shim::new(config, twists::Oversleeps)),
            Build::StampsAtNow => visit.visit(Shim::new(config, twists::StampsAtNow)),
            Build::RestartCountsAsError => visit.visit(Shim::new(config, twists::RestartCountsAsError)),
            Build::GivesUpOnUnknown => visit.visit(Shim::new(config, twists::GivesUpOnUnknown)),
        }
    }
}
