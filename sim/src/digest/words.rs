//! The words that rows, events and effects are made of, two at a time.
//!
//! Each row is taken apart by name, so that a field which is added has no digest until it is given one here. What may
//! be absent is zero when it is, and no other value of it is; what varies in length says how long it is first.

use sametick_core::commit::{Commit, JobRow, LastRun, LateNote, LateWord, LedgerRow, TermsRow};
use sametick_core::effect::{Accepted, Effect};
use sametick_core::id::{RunId, SessionKey};
use sametick_core::job::{Budgets, Terms};
use sametick_core::lifecycle::{Cause, LifecycleEvent};
use sametick_core::retry::Retry;
use sametick_core::run::{Failure, Finish, Outcome, RunRow, RunState, TimedOut};
use sametick_core::session::{SessionChange, SessionPatch, SessionRow};
use sametick_core::time::{Span, Wall};

use super::WorldDigest;

impl WorldDigest {
    pub(super) fn commit(&mut self, commit: &Commit) {
        let Commit {
            number,
            epoch,
            declared,
            removed,
            generations,
            jobs,
            runs,
            terms,
            sessions,
            ledger,
            late,
            events,
            first_offset,
            acknowledged,
        } = commit;
        self.pair(*number, *epoch);
        self.pair(*first_offset, *acknowledged);
        self.pair(u64::from(*generations), lengths(jobs.len(), runs.len()));
        self.pair(lengths(sessions.len(), events.len()), lengths(declared.len(), removed.len()));
        self.pair(lengths(ledger.len(), late.len()), terms.len() as u64);
        declared.iter().for_each(|job| self.rare(job));
        removed.iter().for_each(|job| self.rare(job));
        jobs.iter().for_each(|row| self.job(row));
        runs.iter().for_each(|row| self.run(row));
        terms.iter().for_each(|row| self.terms(row));
        sessions.iter().for_each(|patch| self.patch(patch));
        ledger.iter().for_each(|row| self.range(row));
        late.iter().for_each(|note| self.late(note));
        events.iter().for_each(|event| self.event(event));
    }

    pub(super) fn effect(&mut self, effect: &Effect) {
        match *effect {
            Effect::Start { run } => self.id(run, 1),
            Effect::Abort { run } => self.id(run, 2),
            Effect::Publish { offset, ref event } => {
                self.pair(3, offset);
                self.event(event);
            }
            Effect::Deliver { run, outcome } => {
                self.id(run, 4);
                self.pair(word_of(outcome), 0);
            }
            Effect::Reply { ticket, reply } => match reply {
                Ok(Accepted::Done) => self.pair(5, ticket),
                Ok(Accepted::Run(run)) => {
                    self.pair(6, ticket);
                    self.id(run, 0);
                }
                Err(refusal) => self.pair(7 | (refusal as u64) << 8, ticket),
            },
            Effect::StoreAgain { commit } => self.pair(8, commit),
            Effect::Renew { sent } => self.pair(9, sent.as_nanos()),
            Effect::StepDown => self.pair(10, 0),
        }
    }

    /// A run's id, and a word beside it.
    fn id(&mut self, id: RunId, beside: u64) {
        let RunId { job, generation, due, asked, attempt } = id;
        self.pair(two(job.0, generation), wall(due));
        self.pair(two(asked, attempt), beside);
    }

    fn maybe_id(&mut self, id: Option<RunId>) {
        if let Some(id) = id {
            self.id(id, 0);
        }
    }

    fn key(&mut self, key: SessionKey) {
        match key {
            SessionKey::Main { agent } => self.pair(two(1, agent.0), 0),
            SessionKey::Base { agent, job } => self.pair(two(2, agent.0), job.0 as u64),
            SessionKey::Run { agent, job, session } => self.pair(two(3, agent.0), two(job.0, session.0)),
        }
    }

    fn job(&mut self, row: &JobRow) {
        let JobRow { id, generation, status, next_due, last_due, asked, running, last, consecutive_errors } =
            *row;
        self.pair(two(id.0, generation), maybe_wall(next_due));
        self.pair(maybe_wall(last_due), two(asked, consecutive_errors));
        self.pair(status as u64, u64::from(running.is_some()) | u64::from(last.is_some()) << 1);
        self.maybe_id(running);
        if let Some(LastRun { run, outcome, at, duration_ms }) = last {
            self.id(run, word_of(outcome));
            self.pair(wall(at), duration_ms);
        }
    }

    fn run(&mut self, row: &RunRow) {
        let RunRow {
            id,
            agent,
            target,
            parent,
            state,
            drain,
            session,
            queued_at,
            not_before,
            granted_at,
            started_at,
            settled_at,
            runtime_ms,
            last_progress,
            seq,
        } = *row;
        let state = match state {
            RunState::Queued => 0x11,
            RunState::Starting => 0x12,
            RunState::Running => 0x13,
            RunState::Settled(outcome) => word_of(outcome),
        };
        let codes = (target as u64) | (drain as u64) << 8 | u64::from(parent.is_some()) << 16;
        self.id(id, codes | u64::from(runtime_ms.is_some()) << 17);
        self.pair(state, runtime_ms.unwrap_or(0));
        self.pair(two(agent.0, seq), maybe(session.map(|session| session.0)));
        self.pair(wall(queued_at), maybe_wall(not_before));
        self.pair(maybe_wall(granted_at), maybe_wall(started_at));
        self.pair(maybe_wall(settled_at), maybe_wall(last_progress));
        self.maybe_id(parent);
    }

    fn terms(&mut self, row: &TermsRow) {
        let TermsRow { run, terms } = *row;
        let Terms { target, lane, alone, budgets, on_abandon, retry, deliver } = terms;
        let Budgets { queue_timeout, start_timeout, stall_timeout, timeout, total_timeout, abort_grace } =
            budgets;
        let Retry { attempts, on, backoff } = retry;
        let codes = (target as u64) | (on_abandon as u64) << 8;
        self.id(run, codes | u64::from(alone) << 16 | u64::from(deliver) << 17);
        self.pair(two(lane.0, attempts), span(abort_grace));
        self.pair(maybe_span(queue_timeout), maybe_span(start_timeout));
        self.pair(maybe_span(stall_timeout), maybe_span(timeout));
        let [first, second, third, fourth, fifth] = backoff.0.map(span);
        self.pair(maybe_span(total_timeout), first);
        self.pair(second, third);
        self.pair(fourth, fifth);
        // A set of endings keeps its words to itself.
        self.rare(&on);
    }

    fn patch(&mut self, patch: &SessionPatch) {
        let SessionPatch { key, updated_at, change } = *patch;
        self.key(key);
        match change {
            SessionChange::Start { run, session, started_at, seq } => {
                self.pair(wall(updated_at), two(1, seq));
                self.pair(maybe(session.map(|session| session.0)), maybe_wall(started_at));
                self.id(run, 0);
            }
            SessionChange::End { status, ended_at, runtime_ms, cause, seq } => {
                self.pair(wall(updated_at), two(2, seq));
                self.pair((status as u64) | u64::from(runtime_ms.is_some()) << 8, runtime_ms.unwrap_or(0));
                self.pair(maybe_wall(ended_at), maybe_word(cause));
            }
            SessionChange::Replace(row) => {
                self.pair(wall(updated_at), two(3, 0));
                self.row(&row);
            }
        }
    }

    fn row(&mut self, row: &SessionRow) {
        let SessionRow {
            key,
            session,
            status,
            started_at,
            ended_at,
            runtime_ms,
            updated_at,
            run,
            job,
            seq,
            cause,
        } = *row;
        self.key(key);
        self.pair(maybe(session.map(|session| session.0)), maybe(status.map(|status| status as u32)));
        self.pair(maybe_wall(started_at), maybe_wall(ended_at));
        self.pair(u64::from(runtime_ms.is_some()) | u64::from(run.is_some()) << 1, runtime_ms.unwrap_or(0));
        self.pair(wall(updated_at), maybe(job.map(|job| job.0)));
        self.pair(u64::from(seq), maybe_word(cause));
        self.maybe_id(run);
    }

    fn range(&mut self, row: &LedgerRow) {
        let LedgerRow { job, generation, first, last, count, end } = *row;
        self.pair(two(job.0, generation), wall(first));
        self.pair(wall(last), count);
        self.pair(end as u64, 0);
    }

    fn late(&mut self, note: &LateNote) {
        let LateNote { run, at, said } = *note;
        let said = match said {
            LateWord::Ready => 1,
            LateWord::Stopped => 2,
            LateWord::Completed(Finish::Ok) => 3,
            LateWord::Completed(Finish::Failed(failure)) => 4 | word_of_failure(failure) << 8,
        };
        self.id(run, said);
        self.pair(wall(at), 0);
    }

    fn event(&mut self, event: &LifecycleEvent) {
        let LifecycleEvent {
            run,
            seq,
            phase,
            key,
            session,
            job,
            ts,
            started_at,
            ended_at,
            runtime_ms,
            cause,
        } = *event;
        self.id(run, (phase as u64) | u64::from(runtime_ms.is_some()) << 8);
        self.key(key);
        self.pair(two(job.0, seq), maybe(session.map(|session| session.0)));
        self.pair(wall(ts), runtime_ms.unwrap_or(0));
        self.pair(maybe_wall(started_at), maybe_wall(ended_at));
        self.pair(maybe_word(cause), 0);
    }
}

const fn two(high: u32, low: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

fn lengths(high: usize, low: usize) -> u64 {
    let short = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    two(short(high), short(low))
}

/// Never zero: the first millisecond there is has one beside it.
const fn wall(at: Wall) -> u64 {
    at.as_millis().cast_unsigned() ^ 1 << 63
}

fn maybe_wall(at: Option<Wall>) -> u64 {
    at.map_or(0, wall)
}

/// Never zero: the longest span there is has room for one more.
const fn span(span: Span) -> u64 {
    span.as_nanos() + 1
}

fn maybe_span(limit: Option<Span>) -> u64 {
    limit.map_or(0, span)
}

fn maybe(number: Option<u32>) -> u64 {
    number.map_or(0, |number| u64::from(number) + 1)
}

fn word_of(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Ok => 1,
        Outcome::Failed(failure) => 2 | word_of_failure(failure) << 8,
        Outcome::TimedOut(which) => 3 | word_of_timeout(which) << 8,
        Outcome::Cancelled => 4,
        Outcome::Interrupted(phase) => 5 | (phase as u64) << 8,
    }
}

/// At most 41 bits.
fn word_of_failure(failure: Failure) -> u64 {
    let Failure { kind, text } = failure;
    (kind as u64) | maybe(text.map(|text| text.0)) << 8
}

/// At most 12 bits, and never zero.
const fn word_of_timeout(which: TimedOut) -> u64 {
    let TimedOut { budget, phase } = which;
    1 | (budget as u64) << 4 | (phase as u64) << 8
}

fn maybe_word(cause: Option<Cause>) -> u64 {
    let Some(Cause { kind, stop_reason, timed_out, text }) = cause else { return 0 };
    let stop = maybe(stop_reason.map(|reason| reason as u32));
    let which = timed_out.map_or(0, word_of_timeout);
    1 | (kind as u64) << 1 | stop << 4 | which << 8 | maybe(text.map(|text| text.0)) << 20
}
