//! `sametick explain`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anstyle::Style;
use sametick_core::schedule::tzdb_version;
use sametick_sim::label::instant;
use sametick_sim::page::{Page, by_calendar, is_exact};
use sametick_sim::parting::{self, Parting};
use sametick_sim::scenario::Fault;
use sametick_sim::story::{self, Line, LineKind, Story};
use sametick_sim::{Scenario, Subject};
use serde::Serialize;

use super::look::{self, BAD, GOOD, QUIET, STRONG, styled};
use super::{Machine, Stop, field, load, page};

/// What `sametick explain` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A scenario file or the name of a shipped one; timeouts/after_session_start by default
    #[arg(conflicts_with = "from")]
    path: Option<PathBuf>,
    /// A gateway's state directory (sessions.json, jobs.json, jobs-state.json, runs/): shows every
    /// session row beside the one this core writes when it starts there, and why. Reads only, and makes
    /// no file. Exits with 0 when all rows agree, 1 when some do not, 2 when a file does not read
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seed", "shape", "mutant", "fault"])]
    from: Option<PathBuf>,
    /// With --from: every row, also those that agree, of a directory of any size. Otherwise a directory with
    /// more than 24 rows is told by its totals and a few rows of each kind
    #[arg(long, requires = "from")]
    all: bool,
    /// Which world of a family
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Something more that goes wrong, as `run --crash-everywhere` prints it: at the nth tick before, at,
    /// after-effects or after, and for how long the process is down; or not-applied, unknown-but-applied,
    /// unknown-and-not-applied. May be given again
    #[arg(long, value_name = "TICK:WHAT[:DOWN]")]
    fault: Vec<Fault>,
    #[command(flatten)]
    machine: Machine,
    /// Draws the world as one page for a browser, with nothing to fetch, and says where it is instead of telling
    /// the story; - is stdout. Arrow keys step through its ticks; with --mutant it shows where the core does something
    /// else
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    html: Option<PathBuf>,
    /// One JSON object on stdout instead of the story or the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    command: &'static str,
    holds: bool,
    scenario: &'a str,
    seed: u64,
    /// What due times of a calendar depend on.
    time_zones: &'static str,
    lines: Vec<ToldLine<'a>>,
    /// Laws that the world and a twin of it do not keep.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partings: Vec<ToldParting<'a>>,
    /// The page that was drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldParting<'a> {
    check: &'static str,
    message: &'a str,
    world: Option<ToldLine<'a>>,
    twin: Option<ToldLine<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldLine<'a> {
    at_ms: f64,
    kind: &'static str,
    text: &'a str,
}

pub(crate) fn main(args: &Args) -> Result<bool, Stop> {
    if let Some(directory) = &args.from {
        return field::main(directory, args.json, args.all);
    }
    if args.json && args.html.as_deref().is_some_and(|file| file.as_os_str() == page::STDOUT) {
        let message =
            "--html - writes the page to stdout, and so does --json its object: name a file for the page";
        return Err(Stop::BadInput(message.to_owned()));
    }
    let path = args.path.clone().unwrap_or_else(|| PathBuf::from("timeouts/after_session_start"));
    let mut scenarios = load::scenarios(std::slice::from_ref(&path))?;
    let count = scenarios.len();
    let [scenario] = scenarios.as_mut_slice() else {
        return Err(Stop::BadInput(format!(
            "{} names {} scenarios; explain tells one",
            path.display(),
            count
        )));
    };
    scenario.faults.extend_from_slice(&args.fault);
    if !args.fault.is_empty() {
        // They are of the world that nobody interferes with.
        scenario.claims.clear();
    }
    let scenario = &*scenario;
    let subject = args.machine.subject();
    let story = story::tell(scenario, subject, args.seed);
    // What is added goes wrong in one world, and not in the same way in its twins.
    let twins = args.fault.is_empty() && story.verdict.failures.is_empty();
    let partings = if twins { parting::partings(scenario, subject, args.seed) } else { Vec::new() };
    let holds = story.verdict.failures.is_empty() && partings.is_empty();
    if let Some(file) = &args.html {
        draw(file, scenario, subject, args.seed, &partings)?;
    }
    match &args.html {
        html if args.json => json(scenario, args.seed, &story, &partings, html.as_deref())?,
        Some(file) => show_page(file, &story, &partings)?,
        None => show(scenario, subject, args.seed, &story, &partings)?,
    }
    Ok(holds)
}

fn draw(
    file: &Path,
    scenario: &Scenario,
    subject: Subject,
    seed: u64,
    partings: &[Parting],
) -> Result<(), Stop> {
    let page = Page::draw(scenario, subject, seed, partings);
    page::write(file, &page.html().map_err(std::io::Error::other)?)
}

/// Where the page is, and what is in it.
fn show_page(file: &Path, story: &Story, partings: &[Parting]) -> Result<(), Stop> {
    if file.as_os_str() == page::STDOUT {
        return Ok(());
    }
    let broken = story.verdict.failures.first().map(|failure| (failure.check, Some(failure.at)));
    let parted = || partings.first().map(|parting| (parting.check, None));
    let what = match broken.or_else(parted) {
        None => styled(GOOD, "holds"),
        Some((check, None)) => format!("{}: {}", styled(BAD, "broken"), check.name()),
        Some((check, Some(at))) => format!("{}: {} at {}", styled(BAD, "broken"), check.name(), instant(at)),
    };
    let ticks = look::grouped(story.verdict.ticks);
    writeln!(look::out(), "{}: {ticks} ticks, {what}", file.display())?;
    Ok(())
}

impl<'a> ToldLine<'a> {
    fn of(line: &'a Line) -> Self {
        Self { at_ms: line.at.as_nanos() as f64 / 1e6, kind: line.kind.name(), text: &line.text }
    }
}

fn json(
    scenario: &Scenario,
    seed: u64,
    story: &Story,
    partings: &[Parting],
    html: Option<&Path>,
) -> Result<(), Stop> {
    let side =
        |parting: &'_ Parting, place: usize| parting.sides.as_ref().and_then(|sides| sides[place].clone());
    let sides: Vec<[Option<Line>; 2]> =
        partings.iter().map(|parting| [side(parting, 0), side(parting, 1)]).collect();
    let told = partings.iter().zip(&sides).map(|(parting, [world, twin])| ToldParting {
        check: parting.check.name(),
        message: &parting.message,
        world: world.as_ref().map(ToldLine::of),
        twin: twin.as_ref().map(ToldLine::of),
    });
    let holds = story.verdict.failures.is_empty() && partings.is_empty();
    let told = Told {
        command: "explain",
        holds,
        scenario: &scenario.name,
        seed,
        time_zones: tzdb_version(),
        lines: story.lines.iter().map(ToldLine::of).collect(),
        partings: told.collect(),
        html: html.map(|file| file.display().to_string()),
    };
    let text = serde_json::to_string(&told).map_err(std::io::Error::other)?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn show(
    scenario: &Scenario,
    subject: Subject,
    seed: u64,
    story: &Story,
    partings: &[Parting],
) -> Result<(), Stop> {
    let mut out = look::out();
    writeln!(
        out,
        "{}",
        look::paragraph(&format!("{}  ", styled(STRONG, &scenario.name)), &scenario.sentence)
    )?;
    if scenario.is_family {
        writeln!(out, "{}", styled(QUIET, &format!("seed {seed}")))?;
    }
    for fault in scenario.faults.iter().filter(|fault| is_exact(fault.at)) {
        writeln!(out, "{}", styled(QUIET, &format!("fault {fault}")))?;
    }
    if by_calendar(scenario) {
        let told = format!("time zones {}, the release in this binary", tzdb_version());
        writeln!(out, "{}", styled(QUIET, &told))?;
    }
    if let Subject::Mutant(mutant) = subject {
        let label = format!("{} {}: ", styled(BAD, "broken on purpose:"), mutant.name);
        writeln!(out, "{}", look::paragraph(&label, mutant.sentence))?;
    }
    writeln!(out)?;
    let wide = show_lines(&mut out, &story.lines)?;
    if let (Subject::Mutant(_), Some(failure)) = (subject, story.verdict.failures.first()) {
        let healthy = story::tell(scenario, Subject::Core(Default::default()), seed);
        let here: Vec<&Line> = healthy.lines.iter().filter(|line| line.at == failure.at).collect();
        if !here.is_empty() {
            writeln!(out, "\n{}", styled(GOOD, "the core at that instant:"))?;
            for line in here {
                show_line(&mut out, line, wide)?;
            }
        }
    }
    for parting in partings {
        show_parting(&mut out, parting)?;
    }
    let holds = story.verdict.failures.is_empty() && partings.is_empty();
    let verdict = if holds { styled(GOOD, "holds") } else { styled(BAD, "broken") };
    writeln!(out, "\n{verdict} after {} ticks", story.verdict.ticks)?;
    Ok(())
}

/// A law that breaks, and the first thing that the world and its twin do not both do.
fn show_parting(out: &mut impl Write, parting: &Parting) -> Result<(), Stop> {
    let label = format!("\n{}{}: ", styled(BAD, "✗ "), parting.check.name());
    writeln!(out, "{}", look::paragraph(&label, &parting.message))?;
    let Some(sides) = &parting.sides else { return Ok(()) };
    for (label, side) in ["  this world", "  its twin  "].into_iter().zip(sides) {
        let told = match side {
            Some(line) => look::paragraph(&format!("{label}  {}  ", instant(line.at)), &line.text),
            None => format!("{label}  nothing more"),
        };
        writeln!(out, "{told}")?;
    }
    Ok(())
}

/// Shows the lines of a story, and says how wide their times are.
pub(super) fn show_lines(out: &mut impl Write, lines: &[Line]) -> Result<usize, Stop> {
    let wide = lines.iter().map(|line| instant(line.at).len()).max().unwrap_or(0);
    for line in lines {
        show_line(out, line, wide)?;
    }
    Ok(wide)
}

fn show_line(out: &mut impl Write, line: &Line, wide: usize) -> Result<(), Stop> {
    let at = format!("{:>wide$}", instant(line.at));
    let (mark, style) = match line.kind {
        LineKind::Heard | LineKind::Effect => (String::new(), QUIET),
        LineKind::Commit => (String::new(), Style::new()),
        LineKind::Crash => (String::new(), STRONG),
        LineKind::Broken => (styled(BAD, "✗ "), Style::new()),
    };
    let told = look::paragraph(&format!("{at}  {mark}"), &line.text);
    writeln!(out, "{}", styled(style, &told))?;
    Ok(())
}
