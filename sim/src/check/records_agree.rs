//! Job, run, session and event tell one story.

use sametick_core::commit::LastRun;
use sametick_core::id::RunId;
use sametick_core::job::Target;
use sametick_core::lifecycle::EventPhase;
use sametick_core::run::{Outcome, RunRow, RunState};
use sametick_core::session::{SessionRow, Status};

use super::{CheckName, Failure, Scene, cause_of, shown, status_of, told};
use crate::books::ends_as_it_starts;
use crate::changes::RunChange;
use crate::lines::ROUNDING_MS;

pub(super) const SENTENCE: &str = "job state, run record, session row and event tell one story in every commit, and what a turn says \
     when its run is over is noted as it was heard";
pub(super) const FIELD: &[&str] =
    &["#70421", "#18120", "#142638", "#17554", "#41979", "#133223", "#91979", "wholeRow"];

pub(super) fn judge(failures: &mut Vec<Failure>, scene: &Scene<'_>) {
    for change in &scene.changes.runs {
        let run = &change.after;
        if change.before.is_none() {
            report(failures, scene, run, target_differs(change, scene));
        }
        for row in change.session_rows(scene.books) {
            report(failures, scene, run, session_differs(run, row, scene));
        }
        report(failures, scene, run, session_missing(change, scene));
    }
    for (_, row) in &scene.changes.sessions {
        let run = row.run.and_then(|run| scene.books.run(run));
        match run {
            // Rows of runs that this commit changed were judged with them.
            Some(run) if is_of(run, row) && scene.look_up().run(run.id).is_some() => {}
            // A row is judged as it stands at the end of the commit, beside its run's record.
            Some(run) => {
                if let Some(kept) = scene.books.sessions.get(&row.key).filter(|kept| kept.run == Some(run.id))
                {
                    report(failures, scene, run, session_differs(run, kept, scene));
                }
            }
            None => {
                let key = scene.labels.key(row.key);
                let message = format!("session {key} was written and names no run there is a record of");
                failures.push(Failure {
                    check: CheckName::RecordsAgree,
                    at: scene.at,
                    run: row.run,
                    message,
                });
            }
        }
    }
    for (change, outcome) in scene.changes.settling() {
        let run = &change.after;
        report(failures, scene, run, ends_before_its_start(run));
        report(failures, scene, run, job_differs(run, outcome, scene));
        report(failures, scene, run, event_differs(run, scene));
    }
}

/// A run works in the kind of session that its job asked for when it came.
fn target_differs(change: &RunChange, scene: &Scene<'_>) -> Option<String> {
    let told = |target| match target {
        Target::Isolated => "a session of its own",
        Target::Main => "the main session",
    };
    let (run, asked) = (&change.after, change.book(scene.books).terms.target);
    let (asked_for, given) = (told(asked), told(run.target));
    (asked != run.target).then(|| format!("its job asked for {asked_for}, its record says {given}"))
}

/// Adds what differs, if anything does.
fn report(failures: &mut Vec<Failure>, scene: &Scene<'_>, run: &RunRow, differs: Option<String>) {
    if let Some(what) = differs {
        add(failures, scene, run, &what);
    }
}

/// Adds what differs, unless the same was said already.
#[cold]
fn add(failures: &mut Vec<Failure>, scene: &Scene<'_>, run: &RunRow, what: &str) {
    let message = format!("{}: {what}", scene.labels.run(run.id));
    if !failures.iter().any(|failure| failure.message == message) {
        failures.push(Failure { check: CheckName::RecordsAgree, at: scene.at, run: Some(run.id), message });
    }
}

/// A run at work is shown by two rows: its own, and its job's base row.
fn session_missing(change: &RunChange, scene: &Scene<'_>) -> Option<String> {
    if change.after.state != RunState::Running {
        return None;
    }
    let own = change.after.session_key();
    // Of several that start in one commit the base row shows the last, also when that is over with it.
    let starts = |change: &RunChange| {
        change.after.started_at.is_some() && change.before.is_none_or(|before| before.started_at.is_none())
    };
    let begins = |run: RunId| scene.look_up().run(run).is_some_and(starts);
    let shown = |base| scene.books.sessions.get(&base).and_then(|row| row.run).is_some_and(begins);
    let missing = match own.base() {
        _ if change.own_row(scene.books).is_none() => own,
        Some(base) if change.base_row(scene.books).is_none() && !shown(base) => base,
        Some(_) | None => return None,
    };
    Some(format!("it is at work and session {} does not show it", scene.labels.key(missing)))
}

/// However the wall clock stepped while it was at work.
fn ends_before_its_start(run: &RunRow) -> Option<String> {
    let before = run.started_at.zip(run.settled_at).is_some_and(|(started, settled)| settled < started);
    before.then(|| "its record says that it was over before it started".to_owned())
}

fn session_differs(run: &RunRow, row: &SessionRow, scene: &Scene<'_>) -> Option<String> {
    let key = || scene.labels.key(row.key);
    if let Some(differs) = names_differ(run, row, scene) {
        return Some(differs);
    }
    if row.started_at != run.started_at {
        return Some(format!("session {} does not have the run's own start", key()));
    }
    let ended = row.ended_at.is_some();
    match run.state {
        RunState::Running if row.status == Some(Status::Running) && !ended => counts_differ(run, row, scene),
        RunState::Running if ended => Some(format!("session {} has an end while the run is at work", key())),
        RunState::Running => {
            Some(format!("the run is at work and session {} says \"{}\"", key(), shown(row.status)))
        }
        // A timed-out run whose session says running is what same_tick is for.
        RunState::Settled(Outcome::TimedOut(_)) if row.status == Some(Status::Running) && !ended => None,
        RunState::Settled(outcome) => {
            // Which terminal status a timeout has is what reason_kept is for.
            let reason_kept =
                matches!(outcome, Outcome::TimedOut(_)) && row.status.is_some_and(Status::is_terminal);
            if row.status != Some(status_of(outcome)) && !reason_kept {
                let told = told(outcome);
                return Some(format!(
                    "the run is {told} and session {} says \"{}\"",
                    key(),
                    shown(row.status)
                ));
            }
            if (row.ended_at, row.runtime_ms) != (run.settled_at, run.runtime_ms) {
                return Some(format!(
                    "session {} ends at another time than the run, or ran another time",
                    key()
                ));
            }
            counts_differ(run, row, scene)
        }
        RunState::Queued | RunState::Starting => {
            Some(format!("session {} speaks of the run before it started", key()))
        }
    }
}

/// Whether a row is one that speaks of this run: its own, or its job's base row.
fn is_of(run: &RunRow, row: &SessionRow) -> bool {
    let own = run.session_key();
    row.key == own || Some(row.key) == own.base()
}

/// A row gives the names that its run goes by: its key, the session it opened, and its job. It speaks of no run that opened none;
/// what a run leaves behind that never had a slot is for `queued_leaves_no_session`.
fn names_differ(run: &RunRow, row: &SessionRow, scene: &Scene<'_>) -> Option<String> {
    let key = || scene.labels.key(row.key);
    if !is_of(run, row) {
        let own = scene.labels.key(run.session_key());
        return Some(format!("session {} speaks of the run, which works in {own}", key()));
    }
    if row.job != Some(run.id.job) {
        return Some(match row.job {
            Some(job) => format!("session {} says that it is a run of {}", key(), scene.labels.job(job)),
            None => format!("session {} does not say of which job it is", key()),
        });
    }
    if row.session != run.session {
        return Some(format!("session {} names another session than the one the run opened", key()));
    }
    let opened_none = run.granted_at.is_some() && run.session.is_none();
    opened_none.then(|| format!("session {} speaks of the run, which never opened one", key()))
}

/// Events are counted by run, and a row says which of them wrote it last: whoever reads both can tell that nothing is
/// missing.
fn counts_differ(run: &RunRow, row: &SessionRow, scene: &Scene<'_>) -> Option<String> {
    (row.seq != run.seq).then(|| {
        let (key, said, was) = (scene.labels.key(row.key), row.seq, run.seq);
        format!("session {key} was written last by event {said} of the run, whose latest is {was}")
    })
}

fn job_differs(run: &RunRow, outcome: Outcome, scene: &Scene<'_>) -> Option<String> {
    // Of a job that was removed and added again, another generation's state says nothing.
    let (_, job) = scene.books.job(run.id.job).filter(|(_, job)| job.generation == run.id.generation)?;
    let last = job.last.filter(|last| last.run == run.id);
    // Another run of the job may have settled in the same commit, and not before this one.
    let settled = |run: RunId| scene.books.runs.get(&run).and_then(|book| book.times.settled);
    let settled_after = |other: RunId| {
        let change = scene.look_up().run(other).filter(|change| change.settles().is_some());
        change.is_some_and(|change| {
            // Where that is reckoned from how long one of them ran, it is not to the millisecond.
            let reckoned = ends_as_it_starts(run) || ends_as_it_starts(&change.after);
            let room = if reckoned { ROUNDING_MS } else { 0 };
            settled(change.after.id).map(|other| other + room) >= settled(run.id)
        })
    };
    match last {
        Some(last) if last.outcome == outcome => last_differs(run, last, scene),
        Some(last) => Some(format!("it is {} and its job says {}", told(outcome), told(last.outcome))),
        None if job.last.is_some_and(|last| settled_after(last.run)) => None,
        None => Some(format!("it is {} and its job's state does not say so", told(outcome))),
    }
}

/// What a job says of its last run: since when, and how long it took from its slot to its end, or, without a slot, from its
/// place in the queue. A gateway that comes back knows the wall times of that only.
fn last_differs(run: &RunRow, last: LastRun, scene: &Scene<'_>) -> Option<String> {
    let since = run.granted_at.unwrap_or(run.queued_at);
    if last.at != since {
        let (said, was) = (scene.labels.wall(last.at), scene.labels.wall(since));
        return Some(format!("its job says that it began at {said}, and that was at {was}"));
    }
    let times = scene.books.runs.get(&run.id)?.times;
    // No record is over before it started: what was interrupted, and took less than no time, is over when it is found.
    let interrupted = matches!(last.outcome, Outcome::Interrupted(_));
    let settled = if interrupted { Some(scene.said.wall) } else { run.settled_at };
    let shown = settled.map(|settled| (settled - since).max(0));
    let passed = times.granted.zip(times.settled).map(|(granted, settled)| settled - granted);
    let said = i64::try_from(last.duration_ms).unwrap_or(i64::MAX);
    let is_it = |took: i64| (took - said).abs() <= ROUNDING_MS;
    let took = [passed, shown].into_iter().flatten();
    (!took.clone().any(is_it)).then(|| {
        let took = took.clone().next().unwrap_or_default();
        format!("its job says that it took {said} ms, and it took {took} ms")
    })
}

fn event_differs(run: &RunRow, scene: &Scene<'_>) -> Option<String> {
    let event = scene.look_up().events(run.id).find(|event| event.phase != EventPhase::Start)?;
    let same = (event.started_at, event.ended_at, event.runtime_ms)
        == (run.started_at, run.settled_at, run.runtime_ms);
    let ok = matches!(run.state, RunState::Settled(Outcome::Ok));
    if !same {
        return Some("its terminal event gives other times than its record".to_owned());
    }
    if ok != (event.phase == EventPhase::End) {
        return Some("its terminal event has the wrong phase".to_owned());
    }
    let outcome = run.state.outcome()?;
    // What a timeout's event gives as the reason is judged by `reason_kept`.
    let timed_out = matches!(outcome, Outcome::TimedOut(_));
    (!timed_out && event.cause != cause_of(outcome))
        .then(|| "its terminal event gives another reason".to_owned())
}
