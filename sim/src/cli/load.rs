//! Which scenarios are meant: shipped ones by default or by name, files and folders by path.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sametick_sim::scenario::files_below;
use sametick_sim::{Scenario, shipped};

use super::Stop;
use super::look;
use super::near;

/// The largest scenario file that is read: 1 MiB.
const MOST_BYTES: u64 = 1 << 20;

/// The scenarios that `paths` mean; all shipped ones when there are none.
pub(crate) fn scenarios(paths: &[PathBuf]) -> Result<Vec<Scenario>, Stop> {
    let mut scenarios = Vec::new();
    if paths.is_empty() {
        for (path, text) in shipped::FILES {
            scenarios.push(parse(path, text)?);
        }
    }
    for path in paths {
        load(path, &mut scenarios)?;
    }
    if scenarios.is_empty() {
        return Err(Stop::BadInput(
            "there is no scenario (*.toml) there; name a file or a folder that has one".into(),
        ));
    }
    Ok(scenarios)
}

fn load(path: &Path, scenarios: &mut Vec<Scenario>) -> Result<(), Stop> {
    if path.is_dir() {
        for file in files_below(path).map_err(|error| unreadable(path, &error))? {
            scenarios.push(read(&file)?);
        }
        return Ok(());
    }
    let known = if path.exists() { Vec::new() } else { shipped::find(&path.to_string_lossy()) };
    if known.is_empty() {
        scenarios.push(read(path)?);
    }
    for (path, text) in known {
        scenarios.push(parse(path, text)?);
    }
    Ok(())
}

/// Reads no more than a scenario may have, whatever the size is said to be: a pipe has none, a device no end.
fn read(path: &Path) -> Result<Scenario, Stop> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > MOST_BYTES {
        let message = format!(
            "could not read {}: a scenario has at most {MOST_BYTES} bytes, it has more",
            path.display()
        );
        return Err(Stop::BadInput(message));
    }
    parse(&path.to_string_lossy(), &text)
}

fn parse(path: &str, text: &str) -> Result<Scenario, Stop> {
    Scenario::parse(path, text).map_err(|error| Stop::BadInput(error.render(look::errors_in_colour())))
}

fn unreadable(path: &Path, error: &io::Error) -> Stop {
    let first = shipped::FILES.first().map_or("", |(path, _)| *path);
    let written = path.to_string_lossy();
    let written = written.trim_start_matches("scenarios/").trim_end_matches(".toml");
    let known = shipped::FILES
        .iter()
        .map(|(path, _)| path.trim_start_matches("scenarios/").trim_end_matches(".toml"));
    let near = near::told(written, known).map_or(String::new(), |near| format!("; {near}"));
    Stop::BadInput(format!(
        "could not read {}: {error}{near}; name a scenario file, a folder, a shipped chapter such as queues, or a shipped \
         scenario such as {first}",
        path.display(),
    ))
}
