//! One tick over two instants equals two ticks, unless a slot is granted in between.
//!
//! Equal is what happens, not which commit tells it: of the progress of a run that goes on its record tells with the next
//! commit, and a command that changes nothing is answered with the commit of its tick, or at its end if that has none.

use sametick_core::Machine;
use sametick_core::effect::{Effect, Input, InputKind, Report, Tick};
use sametick_core::id::RunId;
use sametick_core::run::{Drain, RunRow, RunState};
use sametick_core::time::Now;

use super::agree::{apply, same_with_terms};
use crate::books::Books;
use crate::difference::{Difference, of_effects};
use crate::label::Labels;

/// Cuts the tick at `now` at its earliest instant. Says what differs; nothing when it does not, and
/// no verdict when a slot was granted in between, or when a turn that was asked to stop was given up.
pub(crate) fn split<M: Machine>(
    before: &M,
    at: Now,
    now: Now,
    inputs: &[Input],
    whole: &Tick,
    books: &Books,
    labels: &Labels<'_>,
) -> Option<Result<(), Difference>> {
    let mut machine = before.clone();
    let (early, late): (Vec<Input>, Vec<Input>) =
        inputs.iter().cloned().partition(|input| input.at <= at.mono);
    let first = machine.handle(at, &early).clone();
    let granted =
        first.commit().is_some_and(|commit| commit.runs.iter().any(|row| row.state == RunState::Starting));
    if granted {
        return None;
    }
    let second = machine.handle(now, &late).clone();
    let (mut one, mut two) = (books.clone(), books.clone());
    let parts = [&first, &second];
    let effects: Vec<Effect> = parts.iter().flat_map(|tick| tick.effects()).copied().collect();
    apply(&mut one, now, whole);
    apply(&mut two, at, &first);
    apply(&mut two, now, &second);
    // A grace counts from when the turn is asked to stop: a host that was late for both gives it in full, and where there
    // is none it gives the turn up at its end.
    let asked = |run| first.effects().contains(&Effect::Abort { run });
    let given_up = |row: &RunRow| matches!(row.drain, Drain::Abandoned | Drain::Held) && asked(row.id);
    let gives_up = |tick: &Tick| tick.commit().is_some_and(|commit| commit.runs.iter().any(given_up));
    if gives_up(&first) || gives_up(&second) {
        return None;
    }
    let at_once = |effect: &&Effect| is_acceptance_of(effect, inputs);
    let others = |effect: &&Effect| !is_acceptance_of(effect, inputs);
    let accepts_alike = || effects.iter().filter(at_once).eq(whole.effects().iter().filter(at_once));
    let differs = |picked: &dyn Fn(&&Effect) -> bool| {
        let difference =
            of_effects(whole.effects().iter().filter(picked), effects.iter().filter(picked), labels);
        Some(Err(difference.after("a tick that is cut in two has other ")))
    };
    if !effects.iter().filter(others).eq(whole.effects().iter().filter(others)) {
        return differs(&others);
    }
    if whole.commit().is_none() && !accepts_alike() {
        return differs(&at_once);
    }
    for input in &late {
        if let InputKind::Report { run, report: Report::Progress } = input.kind {
            [&mut one, &mut two].into_iter().for_each(|books| forget_progress(books, run));
        }
    }
    let same = same_with_terms(&one, &two, labels);
    Some(same.map_err(|what| what.after("a tick that is cut in two leaves other ")))
}

/// Whether a command of this very tick is accepted: with the commit of its tick where there is one, else at its end, once
/// there is nothing to wait for. So neither its place among the effects nor, if the tick has a commit, its tick is part of
/// the law.
fn is_acceptance_of(effect: &Effect, inputs: &[Input]) -> bool {
    let Effect::Reply { ticket, reply: Ok(_) } = effect else { return false };
    inputs
        .iter()
        .any(|input| matches!(input.kind, InputKind::Command { ticket: asked, .. } if asked == *ticket))
}

/// Progress alone makes no commit: the record of a run that goes on tells of it with the next one, whichever that is.
fn forget_progress(books: &mut Books, run: RunId) {
    if let Some(book) = books.runs.get_mut(&run).filter(|book| book.row.state.phase().is_some()) {
        book.row.last_progress = None;
    }
}
