//! Session rows written by somebody who is not the persister.

use std::collections::BTreeMap;

use sametick_core::commit::{LateWord, Rows};
use sametick_core::effect::Tick;
use sametick_core::id::{AgentId, JobId, SessionId, SessionKey};
use sametick_core::lifecycle;
use sametick_core::run::{Finish, RunRow};
use sametick_core::session::{SessionChange, SessionPatch, SessionRow, Status, change_of};
use sametick_core::time::{Mono, Now, Span};

use super::super::any::AnyMachine;
use super::super::shim::{Shim, Twist};
use super::{Mutant, settled};
use crate::check::CheckName;

/// Those in this file.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "late-resurrects",
        sentence: "a late answer writes done into the session it comes too late for",
        field: &["#88538", "#88583", "PR #116777"],
        killed_by: &[CheckName::ReasonKept, CheckName::NoResurrection, CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WritesLate(LateEnd::Done))),
    },
    Mutant {
        name: "late-touches",
        sentence: "a late answer writes the end of its session once more, with a newer time",
        field: &["#88538", "oban#1496"],
        killed_by: &[CheckName::NoResurrection],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WritesLate(LateEnd::Same))),
    },
    Mutant {
        name: "watchdog-repairs",
        sentence: "the session row of a timed-out run is repaired ten seconds later by a watchdog",
        field: &["#70347", "river#1302", "quartz 15 s"],
        killed_by: &[CheckName::SameTick],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, WatchdogRepairs::default())),
    },
    Mutant {
        name: "queue-opens-session",
        sentence: "a run that times out in its queue writes a session row all the same",
        field: &["#91990", "#41783"],
        killed_by: &[CheckName::NoResurrection, CheckName::QueuedLeavesNoSession],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, OpensSession(never_granted))),
    },
    Mutant {
        name: "ends-before-it-starts",
        sentence: "where the wall clock stepped back while it was at work, a run is over before it started",
        field: &["croner#388"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, EndsBeforeItStarts)),
    },
    Mutant {
        name: "session-of-the-run-before",
        sentence: "the row of a job that runs again names the session that its run before had",
        field: &["#86202", "#61426"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, KeepsSession::default())),
    },
    Mutant {
        name: "row-of-the-next-job",
        sentence: "a session row says that its run is one of the job declared after the run's own",
        field: &["#86202"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Patches(of_the_next_job))),
    },
    Mutant {
        name: "row-of-another-agent",
        sentence: "a run of a job that works for another agent by now is shown in the row of the first agent, too",
        field: &["#61426"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, ShowsEverywhere)),
    },
    Mutant {
        name: "end-not-counted",
        sentence: "an end is written into its session row under the number of the event before it",
        field: &["#88538"],
        killed_by: &[CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, Patches(under_the_number_before))),
    },
    Mutant {
        name: "starting-opens-session",
        sentence: "a run that ends while it is starting writes a session row all the same",
        field: &["#91990"],
        killed_by: &[CheckName::NoResurrection, CheckName::RecordsAgree],
        build: |config, shape| AnyMachine::new(Shim::new(config, shape, OpensSession(never_ready))),
    },
];

/// Writes something else into rows.
#[derive(Clone, Debug)]
struct Patches(fn(&mut SessionPatch));

impl Twist for Patches {
    fn first_tick(&mut self, _: &Rows, tick: &mut Tick) {
        tick.draft().sessions.iter_mut().for_each(self.0);
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        tick.draft().sessions.iter_mut().for_each(self.0);
    }
}

fn of_the_next_job(patch: &mut SessionPatch) {
    if let SessionChange::Start { run, .. } = patch.change {
        let mut row = SessionRow::blank(patch.key);
        patch.apply(&mut row);
        row.job = Some(JobId(run.job.0 + 1));
        patch.change = SessionChange::Replace(row);
    }
}

fn under_the_number_before(patch: &mut SessionPatch) {
    if let SessionChange::End { seq, .. } = &mut patch.change {
        *seq = seq.saturating_sub(1);
    }
}

/// Leaves the session of the run before in a row.
#[derive(Clone, Debug, Default)]
struct KeepsSession {
    known: BTreeMap<SessionKey, SessionId>,
}

impl Twist for KeepsSession {
    fn rows(&mut self, rows: &mut Rows) {
        self.known = rows.sessions.iter().filter_map(|row| Some((row.key, row.session?))).collect();
    }

    fn tick(&mut self, _: Now, tick: &mut Tick) {
        for patch in &mut tick.draft().sessions {
            if let SessionChange::Start { session: Some(session), .. } = &mut patch.change {
                *session = *self.known.entry(patch.key).or_insert(*session);
            }
        }
    }
}

/// Writes what a base row gets into that of the first agent as well.
#[derive(Clone, Debug)]
struct ShowsEverywhere;

impl Twist for ShowsEverywhere {
    fn tick(&mut self, _: Now, tick: &mut Tick) {
        let sessions = &mut tick.draft().sessions;
        for place in 0..sessions.len() {
            let patch = sessions[place];
            if let SessionKey::Base { agent, job } = patch.key
                && agent != AgentId(0)
            {
                sessions.push(SessionPatch { key: SessionKey::Base { agent: AgentId(0), job }, ..patch });
            }
        }
    }
}

/// Writes down as the end what the wall clock shows then, in the run's record, its session and its event.
#[derive(Clone, Debug)]
struct EndsBeforeItStarts;

impl Twist for EndsBeforeItStarts {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let draft = tick.draft();
        let ends = draft.runs.iter_mut().map(|run| (run.started_at, &mut run.settled_at));
        let told = draft.events.iter_mut().map(|event| (event.started_at, &mut event.ended_at));
        for (started, end) in ends.chain(told) {
            if *end == started && started > Some(now.wall) {
                *end = Some(now.wall);
            }
        }
    }
}

/// Writes into a session whose answer came too late.
#[derive(Clone, Copy, Debug)]
struct WritesLate(LateEnd);

/// What is written.
#[derive(Clone, Copy, Debug)]
enum LateEnd {
    /// That the run is done.
    Done,
    /// The end it has already.
    Same,
}

impl Twist for WritesLate {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let late = |row: &RunRow, tick: &mut Tick| {
            let draft = tick.draft();
            draft.late.iter().any(|note| note.run == row.id && note.said == LateWord::Completed(Finish::Ok))
        };
        for (row, _) in settled(tick) {
            if row.session.is_some() && late(&row, tick) {
                let change = match self.0 {
                    LateEnd::Same => change_of(&lifecycle::ended(&row, now.wall)),
                    LateEnd::Done => SessionChange::End {
                        status: Status::Done,
                        ended_at: Some(now.wall),
                        runtime_ms: row.runtime_ms,
                        cause: None,
                        seq: row.seq + 1,
                    },
                };
                let patch = SessionPatch { key: row.session_key(), updated_at: now.wall, change };
                tick.draft().sessions.push(patch);
            }
        }
    }
}

/// Takes a timeout's session patches out, and puts them back ten seconds later.
#[derive(Clone, Debug, Default)]
struct WatchdogRepairs {
    repairs: Vec<(Mono, SessionPatch)>,
}

impl Twist for WatchdogRepairs {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        let held =
            |patch: &SessionPatch| matches!(patch.change, SessionChange::End { status: Status::Timeout, .. });
        let started = tick.draft().sessions.iter().map(|patch| patch.key).collect::<Vec<_>>();
        self.repairs.retain(|(_, patch)| !started.contains(&patch.key));
        let due = now.mono + Span::from_secs(10);
        self.repairs
            .extend(tick.draft().sessions.iter().filter(|patch| held(patch)).map(|patch| (due, *patch)));
        tick.draft().sessions.retain(|patch| !held(patch));
        for (_, patch) in self.repairs.extract_if(.., |(at, _)| *at <= now.mono) {
            tick.draft().sessions.push(patch);
        }
    }

    fn wakeup(&self) -> Option<Mono> {
        self.repairs.iter().map(|(at, _)| *at).min()
    }
}

/// Writes a session for a run that ended before it had one.
#[derive(Clone, Debug)]
struct OpensSession(fn(&RunRow) -> bool);

impl Twist for OpensSession {
    fn tick(&mut self, now: Now, tick: &mut Tick) {
        for (row, _) in settled(tick) {
            if (self.0)(&row) {
                let change = change_of(&lifecycle::ended(&row, now.wall));
                let start = change_of(&lifecycle::started(&row, now.wall));
                for change in [start, change] {
                    let patch = SessionPatch { key: row.session_key(), updated_at: now.wall, change };
                    tick.draft().sessions.push(patch);
                }
            }
        }
    }
}

const fn never_granted(row: &RunRow) -> bool {
    row.granted_at.is_none()
}

const fn never_ready(row: &RunRow) -> bool {
    row.granted_at.is_some() && row.started_at.is_none()
}
