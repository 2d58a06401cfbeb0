//! What broke, as every command says it.

use std::path::Path;

use sametick_sim::check::Failure;
use sametick_sim::{Scenario, Subject, story};
use serde::Serialize;

use super::Stop;

/// A check that failed, for programs and for people.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Broke {
    pub(super) check: &'static str,
    #[serde(skip)]
    pub(super) sentence: &'static str,
    at_ms: f64,
    #[serde(skip)]
    pub(super) at: String,
    pub(super) message: String,
}

impl Broke {
    pub(super) fn of(failure: &Failure) -> Self {
        Self {
            check: failure.check.name(),
            sentence: failure.check.sentence(),
            at_ms: failure.at.as_nanos() as f64 / 1e6,
            at: sametick_sim::label::instant(failure.at),
            message: failure.message.clone(),
        }
    }
}

/// Writes a scenario that breaks into a folder, with what happened in it, and says where it is.
pub(super) fn write_down(out: &Path, name: &str, text: &str, subject: Subject) -> Result<String, Stop> {
    let path = out.join(format!("{}.toml", name.replace(' ', "_")));
    let file = path.display().to_string();
    let read = Scenario::parse(&file, text).map_err(|error| Stop::BadInput(error.to_string()))?;
    let whole = story::written_below(text, &story::transcript(&read, subject, 0));
    let written = std::fs::create_dir_all(out).and_then(|()| std::fs::write(&path, whole));
    written.map_err(|error| Stop::BadInput(format!("could not write {file}: {error}; say --out DIR")))?;
    Ok(file)
}
