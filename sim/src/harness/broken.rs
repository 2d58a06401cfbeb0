//! What did not hold, told for somebody who never heard of it.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::check::Failure;
use crate::label::instant;
use crate::machines::Subject;
use crate::plan::Plan;
use crate::scenario::Scenario;
use crate::story::{self, LineKind};

/// So many lines of a story at most: what led to a failure stands right before it.
const MOST_LINES: usize = 60;

/// What did not hold. Shown either way it reads as people write, so that a test may return it.
#[derive(Clone)]
pub enum Broken {
    /// A world.
    World(Box<BrokenWorld>),
    /// Something that was to be read or written.
    Unreadable(String),
    /// Nothing was tried.
    Idle(String),
}

/// A world that breaks.
#[derive(Clone, Debug)]
pub struct BrokenWorld {
    /// Whose world it is.
    pub machine: &'static str,
    /// The check that broke first.
    pub check: &'static str,
    /// What that holds.
    pub sentence: &'static str,
    /// When, on the world's clock.
    pub at: String,
    /// What it found.
    pub message: String,
    /// The seed, where worlds differ.
    pub seed: Option<u64>,
    /// What was played: a scenario's text, or its path.
    pub played: String,
    /// What happened, up to the failure.
    pub story: String,
    /// What brings it back.
    pub replay: Option<String>,
    /// Where it is kept.
    pub file: Option<PathBuf>,
}

impl BrokenWorld {
    pub(super) fn of_plan(subject: Subject, plan: &Plan, failure: &Failure) -> Self {
        let text = plan.text();
        let story = plan.scenario("plan.toml").map(|scenario| story_of(subject, &scenario, 0));
        Self { played: text, story: story.unwrap_or_default(), ..Self::of(subject, failure) }
    }

    pub(super) fn of_seed(subject: Subject, scenario: &Scenario, seed: u64, failure: &Failure) -> Self {
        let story = story_of(subject, scenario, seed);
        Self { played: scenario.path.clone(), story, ..Self::of(subject, failure) }
    }

    fn of(subject: Subject, failure: &Failure) -> Self {
        Self {
            machine: name_of(subject),
            check: failure.check.name(),
            sentence: failure.check.sentence(),
            at: instant(failure.at),
            message: failure.message.clone(),
            seed: None,
            played: String::new(),
            story: String::new(),
            replay: None,
            file: None,
        }
    }

    /// Writes it down as a scenario, with what happened.
    pub(super) fn keep(&mut self, folder: Option<&Path>) -> Result<(), Broken> {
        let Some(folder) = folder else { return Ok(()) };
        let seed = self.seed.unwrap_or_default();
        let path = folder.join(format!("{}-{seed}.toml", self.check.replace(' ', "_")));
        let text = story::written_below(&self.played, &self.story);
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text));
        written
            .map_err(|error| Broken::Unreadable(format!("could not write {}: {error}", path.display())))?;
        self.file = Some(path);
        Ok(())
    }
}

/// What a machine is called.
pub(super) fn name_of(subject: Subject) -> &'static str {
    match subject {
        Subject::Core(_) => "the core",
        Subject::Mutant(mutant) => mutant.name,
        Subject::Own(own) => own.name,
    }
}

/// The last lines of a story.
fn story_of(subject: Subject, scenario: &Scenario, seed: u64) -> String {
    let lines = story::tell(scenario, subject, seed).lines;
    let left_out = lines.len().saturating_sub(MOST_LINES);
    let wide = lines.iter().map(|line| instant(line.at).len()).max().unwrap_or(0);
    let mut text = String::new();
    if left_out > 0 {
        let _ = writeln!(text, "{:>wide$}  {left_out} lines before these", "…");
    }
    for line in &lines[left_out..] {
        let mark = if line.kind == LineKind::Broken { "✗ " } else { "" };
        let _ = writeln!(text, "{:>wide$}  {mark}{}", instant(line.at), line.text);
    }
    text
}

impl fmt::Display for BrokenWorld {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} breaks `{}` at {}", self.machine, self.check, self.at)?;
        if let Some(seed) = self.seed {
            write!(out, ", seed {seed}")?;
        }
        writeln!(out, "\n  what holds:  {}\n  found:       {}\n", self.sentence, self.message)?;
        for line in self.played.lines() {
            writeln!(out, "  {line}")?;
        }
        writeln!(out)?;
        for line in self.story.lines() {
            writeln!(out, "  {line}")?;
        }
        if let Some(file) = &self.file {
            write!(out, "\n  kept:        {}", file.display())?;
        }
        if let Some(replay) = &self.replay {
            write!(out, "\n  replay:      {replay}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World(world) => world.fmt(out),
            Self::Unreadable(what) => out.write_str(what),
            Self::Idle(what) => write!(out, "nothing was tried: {what}"),
        }
    }
}

/// As it is shown: a test that fails with it prints this.
impl fmt::Debug for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl Error for Broken {}

impl From<BrokenWorld> for Broken {
    fn from(world: BrokenWorld) -> Self {
        Self::World(Box::new(world))
    }
}
