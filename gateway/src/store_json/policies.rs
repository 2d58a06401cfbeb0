//! What the field has no words for and a job can say here: overlap, catch-up, attempts, lanes. The words are
//! those of scenarios, the names of the fields too, in the field's manner: `catch_up_window` is `catchUpWindowMs`.

use sametick_core::id::{LaneId, Names};
use sametick_core::job::{Budgets, CatchUp, Job, OnAbandon, Overlap};
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};
use sametick_core::time::Span;
use serde_json::{Map, Value, json};

use super::fields::Fields;

/// How many runs may wait, or be caught up on, unless the job says so.
const USUAL_RUNS: u32 = 100;
/// The most a job can say.
const MOST_RUNS: u32 = 1_000_000;
/// The most attempts an occurrence gets.
const MOST_ATTEMPTS: u32 = 1_000;
/// How many steps of a backoff differ.
const BACKOFF_STEPS: usize = 5;

const ABANDONS: [(&str, OnAbandon); 2] = [("release", OnAbandon::Release), ("hold", OnAbandon::Hold)];

/// Reads every policy into a job that has the defaults.
pub(crate) fn read(declared: &Fields<'_>, names: &Names, job: &mut Job) -> Result<(), String> {
    job.overlap = overlap(declared)?;
    job.catch_up = catch_up(declared)?;
    job.catch_up_window = declared.millis("catchUpWindowMs")?.map(Span::from_millis);
    if let Some(after) = declared.millis("misfireAfterMs")? {
        job.misfire_after = Span::from_millis(after);
    }
    job.terms.alone = !matches!(job.overlap, Overlap::Allow);
    job.terms.lane = lane(declared, names)?;
    job.terms.on_abandon = declared.word("onAbandon", &ABANDONS)?.unwrap_or_default();
    job.terms.retry = retry(declared)?;
    job.terms.budgets = budgets(declared)?;
    Ok(())
}

fn overlap(declared: &Fields<'_>) -> Result<Overlap, String> {
    let most = declared.count("buffer", 0, MOST_RUNS)?;
    let words = [
        ("skip", Overlap::Skip),
        ("buffer one", Overlap::BufferOne),
        ("buffer all", Overlap::BufferAll(most.unwrap_or(USUAL_RUNS))),
        ("cancel other", Overlap::CancelOther),
        ("allow", Overlap::Allow),
    ];
    let overlap = declared.word("overlap", &words)?.unwrap_or_default();
    if most.is_some() && !matches!(overlap, Overlap::BufferAll(_)) {
        return Err("buffer means nothing here; take it out, or write \"overlap\": \"buffer all\"".to_owned());
    }
    Ok(overlap)
}

fn catch_up(declared: &Fields<'_>) -> Result<CatchUp, String> {
    let most = declared.count("catchUpMost", 0, MOST_RUNS)?;
    let words =
        [("skip", CatchUp::Skip), ("one", CatchUp::One), ("all", CatchUp::All(most.unwrap_or(USUAL_RUNS)))];
    // The field catches up after a restart.
    let catch_up = declared.word("catchUp", &words)?.unwrap_or(CatchUp::One);
    if most.is_some() && !matches!(catch_up, CatchUp::All(_)) {
        return Err("catchUpMost means nothing here; take it out, or write \"catchUp\": \"all\"".to_owned());
    }
    Ok(catch_up)
}

fn lane(declared: &Fields<'_>, names: &Names) -> Result<LaneId, String> {
    let Some(name) = declared.text("lane", "write the name of a lane")? else { return Ok(LaneId(0)) };
    // A gateway that names no lane has one.
    if let Some(lane) = names.lanes.get(name).or((name == "main").then_some(LaneId(0))) {
        return Ok(lane);
    }
    let known = (0..u32::try_from(names.lanes.len()).unwrap_or(u32::MAX)).map(|lane| names.lanes.name(lane));
    let known: Vec<String> = known.map(|name| format!("{name:?}")).collect();
    let known = if known.is_empty() { "\"main\"".to_owned() } else { known.join(", ") };
    Err(format!("lane is {name:?}, and this gateway has no such lane; write one of {known}, or configure it"))
}

fn retry(declared: &Fields<'_>) -> Result<Retry, String> {
    let plain = Retry::default();
    let attempts = declared.count("attempts", 1, MOST_ATTEMPTS)?.unwrap_or(1);
    let steps = declared.millis_list("backoffMs", BACKOFF_STEPS)?;
    let on = declared.words("retryOn", &endings())?;
    for (field, is_there) in [("backoffMs", steps.is_some()), ("retryOn", on.is_some())] {
        if attempts == 1 && is_there {
            return Err(format!("{field} means nothing here; take it out, or write \"attempts\": 3"));
        }
    }
    let spans = |steps: Vec<u64>| steps.into_iter().map(Span::from_millis).collect::<Vec<_>>();
    Ok(Retry {
        attempts,
        on: on.map_or(plain.on, |on| on.into_iter().fold(Endings::NONE, Endings::and)),
        backoff: steps.map_or(plain.backoff, |steps| Backoff::of(&spans(steps))),
    })
}

/// The ways to end that can be tried again, by the words of a run record.
fn endings() -> Vec<(&'static str, Endings)> {
    let failures = FailureKind::ALL.iter().map(|kind| (kind.name(), Endings::failed(*kind)));
    failures.chain([("timed out", Endings::TIMED_OUT), ("interrupted", Endings::INTERRUPTED)]).collect()
}

/// All budgets but `timeout`, which is the payload's.
fn budgets(declared: &Fields<'_>) -> Result<Budgets, String> {
    let span = |field| Ok::<_, String>(declared.millis(field)?.map(Span::from_millis));
    Ok(Budgets {
        queue_timeout: span("queueTimeoutMs")?,
        start_timeout: span("startTimeoutMs")?,
        stall_timeout: span("stallTimeoutMs")?,
        timeout: None,
        total_timeout: span("totalTimeoutMs")?,
        abort_grace: span("abortGraceMs")?.unwrap_or(Budgets::default().abort_grace),
    })
}

/// The policies of a job as fields that read back as they are; `null` for one that has a default for nothing.
pub(crate) fn write(job: &Job, names: &Names) -> Map<String, Value> {
    let (overlap, buffer) = match job.overlap {
        Overlap::Skip => (None, None),
        Overlap::BufferOne => (Some("buffer one"), None),
        Overlap::BufferAll(most) => (Some("buffer all"), Some(most)),
        Overlap::CancelOther => (Some("cancel other"), None),
        Overlap::Allow => (Some("allow"), None),
    };
    let (catch_up, catch_up_most) = match job.catch_up {
        CatchUp::Skip => ("skip", None),
        CatchUp::One => ("one", None),
        CatchUp::All(most) => ("all", Some(most)),
    };
    let (terms, millis) = (&job.terms, |span: Option<Span>| span.map(rounded_up));
    let retry = (terms.retry.attempts > 1).then_some(terms.retry);
    let abandon = abandon_word(terms.on_abandon);
    let fields = json!({
        "overlap": overlap,
        "buffer": buffer,
        "catchUp": catch_up,
        "catchUpMost": catch_up_most,
        "catchUpWindowMs": millis(job.catch_up_window),
        "misfireAfterMs": (job.misfire_after != Job::MISFIRE_AFTER).then(|| rounded_up(job.misfire_after)),
        "lane": (terms.lane != LaneId(0)).then(|| names.lanes.name(terms.lane.0)),
        "onAbandon": abandon,
        "attempts": retry.map(|retry| retry.attempts),
        "backoffMs": retry.map(|retry| retry.backoff.0.map(rounded_up)),
        "retryOn": retry.map(|retry| words_of(retry.on)),
        "queueTimeoutMs": millis(terms.budgets.queue_timeout),
        "startTimeoutMs": millis(terms.budgets.start_timeout),
        "stallTimeoutMs": millis(terms.budgets.stall_timeout),
        "totalTimeoutMs": millis(terms.budgets.total_timeout),
        "abortGraceMs": rounded_up(terms.budgets.abort_grace),
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// The word for what becomes of a turn that is given up, unless it is what does without saying so.
pub(crate) fn abandon_word(on_abandon: OnAbandon) -> Option<&'static str> {
    let word = ABANDONS.iter().find(|(_, known)| *known == on_abandon).map(|known| known.0);
    word.filter(|_| on_abandon != OnAbandon::default())
}

/// What a word says about a turn that is given up.
pub(crate) fn abandon(word: &str) -> Option<OnAbandon> {
    ABANDONS.iter().find(|(known, _)| *known == word).map(|known| known.1)
}

/// The ending that a word names.
pub(crate) fn ending(word: &str) -> Option<Endings> {
    endings().into_iter().find(|(known, _)| *known == word).map(|(_, ending)| ending)
}

/// The words for some endings.
pub(crate) fn words_of(on: Endings) -> Vec<&'static str> {
    endings().into_iter().filter(|(_, one)| on.and(*one) == on).map(|(word, _)| word).collect()
}

/// In whole milliseconds. Upwards, so that a span that is never over stays one.
const fn rounded_up(span: Span) -> u64 {
    span.as_nanos().div_ceil(1_000_000)
}
