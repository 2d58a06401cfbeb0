//! Who could begin does begin.
//!
//! Judged at the end of a tick of who owns the store, where everything that it said is durable: a store that is behind
//! shows too little. The first tick after a restart gives out nothing. A run waits for a slot of its lane and one under
//! the limit over all lanes, for whoever holds its job, if it is alone, or its session, and for room among the open
//! commits; another attempt waits for its backoff before. A child waits for job and session only. Nothing else keeps a
//! run from beginning: who stands before it and has to wait steps aside, and a job that is paused lets what waits go on.

use sametick_core::id::RunId;

use super::over::{Over, limit};
use super::waiters::{Waiter, Waiters};
use super::{CheckName, Failure};

pub(super) const SENTENCE: &str = "no run waits at the end of a tick that could begin: its lane and the limit over all lanes \
     have a slot for it, and nobody holds its job or its session";
pub(super) const FIELD: &[&str] = &[
    "#44805", "#44991", "#52271", "#48488", "#67785", "#132952", "#119083", "#142737", "#42635", "#52682",
    "#54180", "#67502",
];

/// Looks for one who could begin.
pub(super) fn judge(failures: &mut Vec<Failure>, waiters: &Waiters, over: &Over<'_>) {
    let Over { at, books, labels, slots, .. } = *over;
    // Where no lane has a slot to give, nobody is looked at.
    if !waiters.queues().any(|(lane, _)| over.has_slot(lane, None))
        || !over.open_commits.had_room(over.commit, books, labels)
    {
        return;
    }
    let could = |(run, waiter): &(&RunId, &Waiter)| {
        over.has_slot(waiter.lane, None) && over.could_begin(**run, waiter, None)
    };
    let Some((run, waiter)) = waiters.all().find(could) else { return };
    let place = match waiter.lane {
        Some(lane) => format!(
            "lane {} has a slot for it ({} of {} held)",
            labels.lane(u32::try_from(lane).unwrap_or_default()),
            slots.held_in(lane),
            limit(lane, &labels.scenario().config)
        ),
        None => "it shares the slot of the run that asked for it".to_owned(),
    };
    let fences = match (waiter.alone, waiter.session) {
        (true, Some(key)) => format!("nobody holds its job or its session {}", labels.key(key)),
        (true, None) => "nobody holds its job".to_owned(),
        (false, Some(key)) => format!("nobody holds its session {}", labels.key(key)),
        (false, None) => "its job lets it work beside others".to_owned(),
    };
    let message = format!(
        "{} waits although {place} and {fences}: nothing is left that would have to happen first, and it does not begin",
        labels.run(*run)
    );
    failures.push(Failure { check: CheckName::BeginsWhenFree, at, run: Some(*run), message });
}
