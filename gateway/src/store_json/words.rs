//! The machine's values as words of a document, and back.

use sametick_core::commit::JobStatus;
use sametick_core::id::{JobId, Names, RunId};
use sametick_core::job::{Budget, Target};
use sametick_core::lifecycle::{Cause, ErrorKind, EventPhase, StopReason, cause};
use sametick_core::retry::FailureKind;
use sametick_core::run::{Drain, Failure, Outcome, Phase, TimedOut};
use sametick_core::session::Status;
use sametick_core::time::Wall;
use serde::{Deserialize, Serialize};

const PHASES: [Phase; 3] = [Phase::Queued, Phase::Starting, Phase::Running];
const KINDS: [ErrorKind; 4] =
    [ErrorKind::Timeout, ErrorKind::Cancelled, ErrorKind::Interrupted, ErrorKind::Failed];
const STOPS: [StopReason; 3] = [StopReason::Timeout, StopReason::Aborted, StopReason::Restart];
const STATUSES: [Status; 5] =
    [Status::Running, Status::Done, Status::Timeout, Status::Killed, Status::Failed];
const EVENT_PHASES: [EventPhase; 3] = [EventPhase::Start, EventPhase::End, EventPhase::Error];
const DRAINS: [Drain; 5] = [Drain::None, Drain::Open, Drain::Confirmed, Drain::Abandoned, Drain::Held];
const TARGETS: [Target; 2] = [Target::Isolated, Target::Main];
const JOB_STATUSES: [JobStatus; 4] =
    [JobStatus::Active, JobStatus::Paused, JobStatus::Disabled, JobStatus::Exhausted];

fn find<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, word: &str) -> Option<T> {
    all.iter().copied().find(|value| name(*value) == word)
}

pub(crate) fn status(word: &str) -> Option<Status> {
    find(&STATUSES, Status::name, word)
}

pub(crate) fn event_phase(word: &str) -> Option<EventPhase> {
    find(&EVENT_PHASES, EventPhase::name, word)
}

pub(crate) const fn drain_name(drain: Drain) -> &'static str {
    match drain {
        Drain::None => "none",
        Drain::Open => "open",
        Drain::Confirmed => "confirmed",
        Drain::Abandoned => "abandoned",
        Drain::Held => "held",
    }
}

pub(crate) fn drain(word: &str) -> Option<Drain> {
    find(&DRAINS, drain_name, word)
}

pub(crate) const fn target_name(target: Target) -> &'static str {
    match target {
        Target::Isolated => "isolated",
        Target::Main => "main",
    }
}

pub(crate) fn target(word: &str) -> Option<Target> {
    find(&TARGETS, target_name, word)
}

pub(crate) fn job_status(word: &str) -> Option<JobStatus> {
    find(&JOB_STATUSES, JobStatus::name, word)
}

pub(crate) fn phase(word: &str) -> Option<Phase> {
    find(&PHASES, Phase::name, word)
}

/// A run's id as text: `<job>:<generation>:<due in ms>:<attempt>`, with `!<request>` after the due time
/// of one that was asked for.
pub fn run_text(run: RunId, names: &Names) -> String {
    let job = names.jobs.name(run.job.0);
    let asked = if run.asked > 0 { format!("!{}", run.asked) } else { String::new() };
    format!("{job}:{}:{}{asked}:{}", run.generation, run.due.as_millis(), run.attempt)
}

/// Reads a run's id; `None` when the text has another form. A job's own id may hold colons.
pub fn run_id(text: &str, names: &mut Names) -> Option<RunId> {
    let mut parts = text.rsplitn(4, ':');
    let attempt = parts.next()?.parse().ok()?;
    let due = parts.next()?;
    let (due, asked) = match due.split_once('!') {
        Some((due, asked)) => (due, asked.parse().ok().filter(|asked| *asked > 0)?),
        None => (due, 0),
    };
    let due = Wall::from_millis(due.parse().ok()?);
    let generation = parts.next()?.parse().ok()?;
    let job: JobId = names.jobs.intern(parts.next().filter(|job| !job.is_empty())?);
    Some(RunId { job, generation, due, asked, attempt })
}

/// How a run ended, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct OutcomeDoc {
    pub(crate) outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) budget: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

impl OutcomeDoc {
    pub(crate) fn of(outcome: Outcome, names: &Names) -> Self {
        let named = Self { outcome: outcome.name().to_owned(), ..Self::default() };
        let word = |word: &str| Some(word.to_owned());
        match outcome {
            Outcome::Ok | Outcome::Cancelled => named,
            Outcome::Failed(Failure { kind, text }) => Self {
                text: text.map(|text| names.texts.name(text.0).to_owned()),
                failure: word(kind.name()).filter(|_| kind != FailureKind::Unknown),
                ..named
            },
            Outcome::TimedOut(TimedOut { budget, phase }) => {
                Self { budget: word(budget.name()), phase: word(phase.name()), ..named }
            }
            Outcome::Interrupted(phase) => Self { phase: word(phase.name()), ..named },
        }
    }

    pub(crate) fn read(&self, names: &mut Names) -> Option<Outcome> {
        let in_phase = self.phase.as_deref().and_then(phase);
        match self.outcome.as_str() {
            "ok" => Some(Outcome::Ok),
            "failed" => Some(Outcome::Failed(Failure {
                kind: match self.failure.as_deref() {
                    Some(word) => find(&FailureKind::ALL, FailureKind::name, word)?,
                    None => FailureKind::Unknown,
                },
                text: self.text.as_deref().map(|text| names.texts.intern(text)),
            })),
            "timed out" => Some(Outcome::TimedOut(timed_out(self.budget.as_deref()?, in_phase?)?)),
            "cancelled" => Some(Outcome::Cancelled),
            "interrupted" => in_phase.map(Outcome::Interrupted),
            _ => None,
        }
    }
}

fn timed_out(budget: &str, phase: Phase) -> Option<TimedOut> {
    Some(TimedOut { budget: find(&Budget::ALL, Budget::name, budget)?, phase })
}

/// Why a run ended in error, in the words of a session row and of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CauseDoc {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_budget: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_phase: Option<String>,
}

impl CauseDoc {
    pub(crate) fn of(cause: Option<Cause>, names: &Names) -> Self {
        let Some(cause) = cause else { return Self::default() };
        let word = |word: &str| Some(word.to_owned());
        Self {
            error: Some(sentence(&cause, names)),
            error_kind: word(cause.kind.name()),
            stop_reason: cause.stop_reason.map(|reason| reason.name().to_owned()),
            timeout_budget: cause.timed_out.map(|timeout| timeout.budget.name().to_owned()),
            timeout_phase: cause.timed_out.map(|timeout| timeout.phase.name().to_owned()),
        }
    }

    pub(crate) fn read(&self, names: &mut Names) -> Option<Cause> {
        let kind = find(&KINDS, ErrorKind::name, self.error_kind.as_deref()?)?;
        let in_phase = self.timeout_phase.as_deref().and_then(phase);
        let said = self.error.as_deref().filter(|said| *said != kind.sentence());
        Some(Cause {
            kind,
            stop_reason: self.stop_reason.as_deref().and_then(|word| find(&STOPS, StopReason::name, word)),
            timed_out: self.timeout_budget.as_deref().zip(in_phase).and_then(|(b, p)| timed_out(b, p)),
            text: said.map(|text| names.texts.intern(text)),
        })
    }
}

/// The sentence of a cause: the turn's own words, or the field's.
fn sentence(cause: &Cause, names: &Names) -> String {
    cause.text.map_or(cause.kind.sentence(), |text| names.texts.name(text.0)).to_owned()
}

/// What a run log and a job's state say of an outcome.
pub(crate) fn outcome_cause(outcome: Outcome, names: &Names) -> CauseDoc {
    CauseDoc::of(cause(outcome), names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_reads_back_as_it_was_written() {
        let mut names = Names::default();
        for text in ["j:1:1000:1", "a:b:c:2:-5:3", "j:1:1000!4:2"] {
            let run = run_id(text, &mut names).expect("a run id");
            assert_eq!(run_text(run, &names), text);
        }
        for text in ["", "j", "j:1:2", ":1:2:3", "j:x:2:3", "j:1:2!0:3", "j:1:2!:3"] {
            assert_eq!(run_id(text, &mut names), None, "{text}");
        }
    }

    #[test]
    fn every_outcome_and_its_cause_read_back() {
        let mut names = Names::default();
        let text = names.texts.intern("exited with status 3");
        let mut all = vec![Outcome::Ok, Outcome::Cancelled];
        for kind in FailureKind::ALL {
            all.extend([None, Some(text)].map(|text| Outcome::Failed(Failure { kind, text })));
        }
        for phase in PHASES {
            all.push(Outcome::Interrupted(phase));
            all.extend(Budget::ALL.map(|budget| Outcome::TimedOut(TimedOut { budget, phase })));
        }
        for outcome in all {
            assert_eq!(OutcomeDoc::of(outcome, &names).read(&mut names), Some(outcome));
            assert_eq!(outcome_cause(outcome, &names).read(&mut names), cause(outcome));
        }
    }
}
