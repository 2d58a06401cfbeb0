//! The checks by name: what each holds, and who taught it.

use super::{
    at_most_once, begins_when_free, bus_ordered, comes_to_rest, commands_kept, event_first, in_turn,
    jobs_end, no_overlap, no_resurrection, nothing_lost, open_commits, own_lane_only, policy_kept,
    queued_leaves_no_session, reason_kept, records_agree, same_tick, schedule_right, settles_once,
    slots_return, survives_crash,
};
use crate::laws::Law;

/// The checks, in the order they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckName {
    /// See `same_tick.rs`.
    SameTick,
    /// See `reason_kept.rs`.
    ReasonKept,
    /// See `settles_once.rs`.
    SettlesOnce,
    /// See `event_first.rs`.
    EventFirst,
    /// See `no_resurrection.rs`.
    NoResurrection,
    /// See `records_agree.rs`.
    RecordsAgree,
    /// See `queued_leaves_no_session.rs`.
    QueuedLeavesNoSession,
    /// See `slots_return.rs`.
    SlotsReturn,
    /// See `begins_when_free.rs`.
    BeginsWhenFree,
    /// See `in_turn.rs`.
    InTurn,
    /// See `no_overlap.rs`.
    NoOverlap,
    /// See `nothing_lost.rs`.
    NothingLost,
    /// See `at_most_once.rs`.
    AtMostOnce,
    /// See `policy_kept.rs`.
    PolicyKept,
    /// See `commands_kept.rs`.
    CommandsKept,
    /// See `jobs_end.rs`.
    JobsEnd,
    /// See `schedule_right.rs`.
    ScheduleRight,
    /// See `open_commits.rs`.
    OpenCommits,
    /// See `own_lane_only.rs`.
    OwnLaneOnly,
    /// See `bus_ordered.rs`.
    BusOrdered,
    /// See `survives_crash.rs`.
    SurvivesCrash,
    /// See `comes_to_rest.rs`.
    ComesToRest,
    /// What the scenario itself claims or expects.
    Claim,
    /// A law that needs no oracle.
    Law(Law),
}

impl CheckName {
    /// The checks that judge worlds: all but one each of them, `own_lane_only` a sample.
    pub const ALL: [Self; 22] = [
        Self::SameTick,
        Self::ReasonKept,
        Self::SettlesOnce,
        Self::EventFirst,
        Self::NoResurrection,
        Self::RecordsAgree,
        Self::QueuedLeavesNoSession,
        Self::SlotsReturn,
        Self::BeginsWhenFree,
        Self::InTurn,
        Self::NoOverlap,
        Self::NothingLost,
        Self::AtMostOnce,
        Self::PolicyKept,
        Self::CommandsKept,
        Self::JobsEnd,
        Self::ScheduleRight,
        Self::OpenCommits,
        Self::OwnLaneOnly,
        Self::BusOrdered,
        Self::SurvivesCrash,
        Self::ComesToRest,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameTick => "same_tick",
            Self::ReasonKept => "reason_kept",
            Self::SettlesOnce => "settles_once",
            Self::EventFirst => "event_first",
            Self::NoResurrection => "no_resurrection",
            Self::RecordsAgree => "records_agree",
            Self::QueuedLeavesNoSession => "queued_leaves_no_session",
            Self::SlotsReturn => "slots_return",
            Self::BeginsWhenFree => "begins_when_free",
            Self::InTurn => "in_turn",
            Self::NoOverlap => "no_overlap",
            Self::NothingLost => "nothing_lost",
            Self::AtMostOnce => "at_most_once",
            Self::PolicyKept => "policy_kept",
            Self::CommandsKept => "commands_kept",
            Self::JobsEnd => "jobs_end",
            Self::ScheduleRight => "schedule_right",
            Self::OpenCommits => "open_commits",
            Self::OwnLaneOnly => "own_lane_only",
            Self::BusOrdered => "bus_ordered",
            Self::SurvivesCrash => "survives_crash",
            Self::ComesToRest => "comes_to_rest",
            Self::Claim => "claim",
            Self::Law(law) => law.name(),
        }
    }

    /// What it holds.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SameTick => same_tick::SENTENCE,
            Self::ReasonKept => reason_kept::SENTENCE,
            Self::SettlesOnce => settles_once::SENTENCE,
            Self::EventFirst => event_first::SENTENCE,
            Self::NoResurrection => no_resurrection::SENTENCE,
            Self::RecordsAgree => records_agree::SENTENCE,
            Self::QueuedLeavesNoSession => queued_leaves_no_session::SENTENCE,
            Self::SlotsReturn => slots_return::SENTENCE,
            Self::BeginsWhenFree => begins_when_free::SENTENCE,
            Self::InTurn => in_turn::SENTENCE,
            Self::NoOverlap => no_overlap::SENTENCE,
            Self::NothingLost => nothing_lost::SENTENCE,
            Self::AtMostOnce => at_most_once::SENTENCE,
            Self::PolicyKept => policy_kept::SENTENCE,
            Self::CommandsKept => commands_kept::SENTENCE,
            Self::JobsEnd => jobs_end::SENTENCE,
            Self::ScheduleRight => schedule_right::SENTENCE,
            Self::OpenCommits => open_commits::SENTENCE,
            Self::OwnLaneOnly => own_lane_only::SENTENCE,
            Self::BusOrdered => bus_ordered::SENTENCE,
            Self::SurvivesCrash => survives_crash::SENTENCE,
            Self::ComesToRest => comes_to_rest::SENTENCE,
            Self::Claim => "what the scenario claims of its runs is true of them",
            Self::Law(law) => law.sentence(),
        }
    }

    /// The reports from the field that taught it.
    #[must_use]
    pub const fn field(self) -> &'static [&'static str] {
        match self {
            Self::SameTick => same_tick::FIELD,
            Self::ReasonKept => reason_kept::FIELD,
            Self::SettlesOnce => settles_once::FIELD,
            Self::EventFirst => event_first::FIELD,
            Self::NoResurrection => no_resurrection::FIELD,
            Self::RecordsAgree => records_agree::FIELD,
            Self::QueuedLeavesNoSession => queued_leaves_no_session::FIELD,
            Self::SlotsReturn => slots_return::FIELD,
            Self::BeginsWhenFree => begins_when_free::FIELD,
            Self::InTurn => in_turn::FIELD,
            Self::NoOverlap => no_overlap::FIELD,
            Self::NothingLost => nothing_lost::FIELD,
            Self::AtMostOnce => at_most_once::FIELD,
            Self::PolicyKept => policy_kept::FIELD,
            Self::CommandsKept => commands_kept::FIELD,
            Self::JobsEnd => jobs_end::FIELD,
            Self::ScheduleRight => schedule_right::FIELD,
            Self::OpenCommits => open_commits::FIELD,
            Self::OwnLaneOnly => own_lane_only::FIELD,
            Self::BusOrdered => bus_ordered::FIELD,
            Self::SurvivesCrash => survives_crash::FIELD,
            Self::ComesToRest => comes_to_rest::FIELD,
            Self::Claim | Self::Law(_) => &[],
        }
    }
}
