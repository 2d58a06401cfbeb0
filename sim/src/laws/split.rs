//! One tick over two instants equals two ticks, unless a slot is granted in between.

use sametick_core::Machine;
use sametick_core::effect::{Effect, Input, Tick};
use sametick_core::run::RunState;
use sametick_core::time::Now;

use super::agree::{apply, same_with_terms};
use crate::books::Books;

/// Cuts the tick at `now` at its earliest instant. Says what differs; nothing when it does not, and
/// no verdict when a slot was granted in between.
pub(crate) fn split<M: Machine>(
    before: &M,
    at: Now,
    now: Now,
    inputs: &[Input],
    whole: &Tick,
    books: &Books,
) -> Option<Result<(), String>> {
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
    if effects != whole.effects() {
        return Some(Err("a tick that is cut in two has other effects".to_owned()));
    }
    Some(same_with_terms(&one, &two).map_err(|what| format!("a tick that is cut in two leaves other {what}")))
}
