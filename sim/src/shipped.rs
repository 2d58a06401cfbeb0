//! The shipped scenarios, embedded in the library.

use crate::scenario::{Scenario, ScenarioError};

/// Path and text of each, in the order to read them.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Reads every shipped scenario.
///
/// # Errors
/// The first mistake; there is none in what is shipped.
pub fn scenarios() -> Result<Vec<Scenario>, ScenarioError> {
    FILES.iter().map(|(path, text)| Scenario::parse(path, text)).collect()
}

/// The shipped scenario with this name or path.
#[must_use]
pub fn find(name: &str) -> Option<(&'static str, &'static str)> {
    let wanted = name.trim_start_matches("./");
    let fits = |path: &str| {
        path == wanted || path.trim_start_matches("scenarios/").trim_end_matches(".toml") == wanted
    };
    FILES.iter().copied().find(|(path, _)| fits(path))
}
