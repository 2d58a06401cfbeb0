//! Nobody hears of an end that is not durable.

use sametick_core::effect::Effect;
use sametick_core::lifecycle::EventPhase;

use super::{CheckName, Departure, Failure};

pub(super) const SENTENCE: &str = "no reply, result or notification of a run leaves before its terminal event is durable, no acceptance \
     before what was said by then is, no turn is called before its grant is, and subscribers hear what is \
     durable and nothing else";
pub(super) const FIELD: &[&str] = &["#61913", "#24041", "inngest#4652"];

pub(super) fn judge(failures: &mut Vec<Failure>, departure: &Departure<'_>) {
    let Departure { at, effect, books, labels } = *departure;
    match effect {
        Effect::Deliver { run, .. } => {
            let told = books.runs.get(run).is_some_and(|book| {
                books.is_settled(*run) && (book.ends > 0 || book.row.granted_at.is_none())
            });
            if !told {
                let message = format!(
                    "the result of {} left before the end of the run was durable: \
                     a crash now takes back what its reader already believes",
                    labels.run(*run)
                );
                failures.push(Failure { check: CheckName::EventFirst, at, run: Some(*run), message });
            }
        }
        Effect::Publish { offset, event } if *offset >= books.events.len() as u64 => {
            let word = if event.phase == EventPhase::Start { "start" } else { "end" };
            let message =
                format!("subscribers hear of the {word} of {} before it is durable", labels.run(event.run));
            failures.push(Failure { check: CheckName::EventFirst, at, run: Some(event.run), message });
        }
        Effect::Publish { offset, event } => {
            let durable = usize::try_from(*offset).ok().and_then(|offset| books.events.get(offset));
            if durable != Some(event) {
                let name = labels.run(event.run);
                let message =
                    format!("subscribers hear another event of {name} than the one that is durable");
                failures.push(Failure { check: CheckName::EventFirst, at, run: Some(event.run), message });
            }
        }
        Effect::Start { run } if books.run(*run).is_none_or(|row| row.granted_at.is_none()) => {
            let message = format!("the turn of {} is called before its grant is durable", labels.run(*run));
            failures.push(Failure { check: CheckName::EventFirst, at, run: Some(*run), message });
        }
        Effect::Start { .. }
        | Effect::Abort { .. }
        | Effect::Reply { .. }
        | Effect::StoreAgain { .. }
        | Effect::Renew { .. }
        | Effect::StepDown => {}
    }
}
