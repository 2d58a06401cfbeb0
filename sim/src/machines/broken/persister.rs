//! Persisters that write too little, too much or the wrong thing.

use std::collections::BTreeMap;

use sametick_core::id::{JobId, SessionKey};
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::session::{
    LifecyclePersister, Persister, SessionChange, SessionPatch, SessionTable, Status,
};

use super::{Mutant, with_persister};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "start-inherits",
        sentence: "a run that starts inherits status and start from the row before it",
        field: &["2026.4.20: inherited startedAt"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| with_persister(config, shape, Inherits),
    },
    Mutant {
        name: "ended-but-running",
        sentence: "an end writes endedAt and leaves the status at running",
        field: &["#70421"],
        killed_by: &[CheckName::SameTick, CheckName::RecordsAgree, CheckName::SurvivesCrash],
        build: |config, shape| with_persister(config, shape, EndsButRuns),
    },
    Mutant {
        name: "stop-reason-lost",
        sentence: "a cancelled session is written as failed",
        field: &["#141032"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| with_persister(config, shape, LosesStop),
    },
    Mutant {
        name: "persister-asleep",
        sentence: "no lifecycle event reaches the session store",
        field: &["#138499", "#91979"],
        killed_by: &[CheckName::SameTick, CheckName::RecordsAgree],
        build: |config, shape| with_persister(config, shape, WritesOnly::Nothing),
    },
    Mutant {
        name: "own-row-missing",
        sentence: "only the job's base row is written, never the run's own",
        field: &["#23470"],
        killed_by: &[CheckName::SameTick, CheckName::RecordsAgree],
        build: |config, shape| with_persister(config, shape, WritesOnly::BaseRows),
    },
    Mutant {
        name: "base-row-missing",
        sentence: "only the run's own row is written, never the job's base row",
        field: &["#89666"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| with_persister(config, shape, WritesOnly::OwnRows),
    },
    Mutant {
        name: "one-base-row-a-job",
        sentence: "an end does not reach the job's base row once the job has worked for another agent",
        field: &["#70347"],
        killed_by: &[CheckName::RecordsAgree, CheckName::SurvivesCrash],
        build: |config, shape| with_persister(config, shape, OneBaseRow::default()),
    },
];

/// A persister that changes the patches of the right one.
macro_rules! persister_that {
    ($(#[$doc:meta])* $name:ident, $change:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        struct $name;

        impl Persister for $name {
            fn on_event(&mut self, event: &LifecycleEvent, table: &SessionTable, patches: &mut Vec<SessionPatch>) {
                let first = patches.len();
                LifecyclePersister.on_event(event, table, patches);
                let change: fn(&mut SessionPatch, &SessionTable) = $change;
                for patch in &mut patches[first..] {
                    change(patch, table);
                }
            }
        }
    };
}

persister_that!(
    /// Keeps the start of the row before, when a run starts.
    Inherits,
    |patch, table| {
        let before = table.get(patch.key).and_then(|row| row.started_at);
        if let (SessionChange::Start { started_at, .. }, Some(before)) = (&mut patch.change, before) {
            *started_at = Some(before);
        }
    }
);
persister_that!(
    /// Writes an end and leaves the status.
    EndsButRuns,
    |patch, _| {
        if let SessionChange::End { status, .. } = &mut patch.change {
            *status = Status::Running;
        }
    }
);
persister_that!(
    /// Writes every bad end but a timeout as failed.
    LosesStop,
    |patch, _| {
        if let SessionChange::End { status, .. } = &mut patch.change
            && *status == Status::Killed
        {
            *status = Status::Failed;
        }
    }
);

/// Writes only some of the rows that an event asks for.
#[derive(Clone, Debug)]
enum WritesOnly {
    Nothing,
    BaseRows,
    OwnRows,
}

impl Persister for WritesOnly {
    fn on_event(&mut self, event: &LifecycleEvent, table: &SessionTable, patches: &mut Vec<SessionPatch>) {
        let first = patches.len();
        LifecyclePersister.on_event(event, table, patches);
        let mut kept = patches.split_off(first);
        kept.retain(|patch| match self {
            Self::Nothing => false,
            Self::BaseRows => matches!(patch.key, SessionKey::Base { .. }),
            Self::OwnRows => matches!(patch.key, SessionKey::Run { .. }),
        });
        patches.append(&mut kept);
    }
}

/// Knows one base row a job: the one that was written last.
#[derive(Clone, Debug, Default)]
struct OneBaseRow {
    latest: BTreeMap<JobId, SessionKey>,
}

impl Persister for OneBaseRow {
    fn on_event(&mut self, event: &LifecycleEvent, table: &SessionTable, patches: &mut Vec<SessionPatch>) {
        let first = patches.len();
        LifecyclePersister.on_event(event, table, patches);
        let mut kept = patches.split_off(first);
        kept.retain(|patch| match (patch.key, patch.change) {
            (SessionKey::Base { job, .. }, SessionChange::End { .. }) => {
                self.latest.get(&job).is_none_or(|latest| *latest == patch.key)
            }
            (SessionKey::Base { job, .. }, SessionChange::Start { .. } | SessionChange::Replace(_)) => {
                self.latest.insert(job, patch.key);
                true
            }
            (SessionKey::Main { .. } | SessionKey::Run { .. }, _) => true,
        });
        patches.append(&mut kept);
    }
}
