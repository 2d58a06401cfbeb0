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

/// The shipped scenario with this name or path, or those of the chapter with this name.
#[must_use]
pub fn find(name: &str) -> Vec<(&'static str, &'static str)> {
    let wanted = name.trim_start_matches("./").trim_start_matches("scenarios/").trim_end_matches('/');
    let fits = |path: &str| {
        let known = path.trim_start_matches("scenarios/");
        known == wanted
            || known.trim_end_matches(".toml") == wanted
            || known.split('/').next() == Some(wanted)
    };
    FILES.iter().copied().filter(|(path, _)| fits(path)).collect()
}
