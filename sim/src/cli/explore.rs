//! `sametick explore`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sametick_sim::explore::{self, Cuts, Limits, Pick, Progress, Report};
use sametick_sim::{Scenario, Subject, story};
use serde::Serialize;

use super::broke::{Broke, write_down};
use super::interrupt::{self, Interrupt};
use super::look::{self, BAD, GOOD, STRONG, grouped, styled};
use super::run::shell_word;
use super::{Machine, Stop, load, races};

/// More choices than this no world has.
const MOST_CHOICES: usize = 1_000_000;

/// What `sametick explore` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A scenario: a file, or the name of a shipped one
    #[arg(required_unless_present = "races")]
    path: Option<PathBuf>,
    /// Instead of a scenario: any two of timeout, completion, cancel, crash, commit answer, next occurrence and edit, at
    /// -2ms, -1ms, -1ns, 0, +1ns, +1ms and +2ms from one another, as a matrix
    #[arg(long, conflicts_with_all = ["path", "faults", "limit", "take"])]
    races: bool,
    /// How many faults are tried in one world, each at every tick: a crash before its commit, between that and its
    /// effects, after them, and after the store's answer; and each answer the store can give
    #[arg(long, value_name = "N", default_value_t = 1)]
    faults: u32,
    /// Goes through so many states at most, and says what it left out
    #[arg(long, value_name = "STATES", default_value_t = Limits::default().states)]
    limit: u64,
    /// Tells one order as explain does: the nth choice takes this alternative, any other its first. What breaks is shown
    /// with its own
    #[arg(long, value_name = "N:ALTERNATIVE", value_delimiter = ',', value_parser = taken, conflicts_with_all = ["limit", "json"])]
    take: Vec<(usize, u32)>,
    /// Goes through a state again each time it is met, which takes longer and says the same
    #[arg(long, hide = true)]
    forgetful: bool,
    /// Where each failure is written as a scenario that has nothing left to choose; made when there is one
    #[arg(long, value_name = "DIR", default_value = "explore-failures")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) machine: Machine,
    /// One JSON object on stdout instead of the summary
    #[arg(long)]
    pub(super) json: bool,
}

pub(crate) fn main(args: &Args) -> Result<bool, Stop> {
    let Some(path) = args.path.as_ref().filter(|_| !args.races) else { return races::main(args) };
    let scenarios = load::scenarios(std::slice::from_ref(path))?;
    let [scenario] = scenarios.as_slice() else {
        return Err(Stop::BadInput(format!(
            "{} names {} scenarios; explore goes through one",
            path.display(),
            scenarios.len()
        )));
    };
    let subject = args.machine.subject();
    let limits = Limits { faults: args.faults, states: args.limit, remembers: !args.forgetful };
    if !args.take.is_empty() {
        return tell(scenario, subject, args);
    }
    let clock = Clock::start()?;
    let report =
        explore::explore(scenario, subject, limits, &mut |progress: Progress| clock.goes_on(progress));
    look::progress("");
    let mut failures = Vec::new();
    for (place, broken) in report.failures.iter().enumerate() {
        let told = Telling { scenario, subject, limits, out: &args.out, number: place + 1 };
        failures.extend(told.broken(broken)?);
    }
    let summary = Summary {
        command: "explore",
        states: report.states,
        orders: report.orders,
        cut: report.cuts.total(),
        holds: report.holds(),
        failures,
    };
    if args.json {
        let text = serde_json::to_string(&summary).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        show(&summary, &report, clock.elapsed_ms())?;
    }
    Ok(summary.holds)
}

/// `12:3`: the twelfth choice takes its third alternative, both counted from 0.
fn taken(text: &str) -> Result<(usize, u32), String> {
    let parsed = text.split_once(':').and_then(|(place, taken)| place.parse().ok().zip(taken.parse().ok()));
    parsed.ok_or_else(|| "write the number of a choice and of what it takes, as in 12:3".to_owned())
}

fn told_picks(picks: &[Pick]) -> String {
    let others = picks.iter().enumerate().filter(|(_, pick)| pick.taken > 0);
    let told: Vec<String> = others.map(|(place, pick)| format!("{place}:{}", pick.taken)).collect();
    if told.is_empty() { "0:0".to_owned() } else { told.join(",") }
}

fn tell(scenario: &Scenario, subject: Subject, args: &Args) -> Result<bool, Stop> {
    let last = args.take.iter().map(|(place, _)| *place).max().unwrap_or(0);
    if last > MOST_CHOICES {
        return Err(Stop::BadInput(format!("no world has {last} choices; take what explore has shown")));
    }
    let mut picks = vec![Pick { taken: 0, of: 0 }; last + 1];
    for (place, taken) in &args.take {
        picks[*place].taken = *taken;
    }
    let told = story::tell_choices(scenario, subject, &picks, args.faults);
    let mut out = look::out();
    super::explain::show_lines(&mut out, &told.lines)?;
    let holds = told.verdict.failures.is_empty();
    let verdict = if holds { styled(GOOD, "holds") } else { styled(BAD, "broken") };
    writeln!(out, "\n{verdict} after {} ticks", told.verdict.ticks)?;
    Ok(holds)
}

/// Looks at whether somebody wants it to end, and shows how far it is.
pub(super) struct Clock {
    begun: Instant,
    interrupted: Interrupt,
}

impl Clock {
    pub(super) fn start() -> Result<Self, Stop> {
        let interrupted = interrupt::listen()?;
        #[allow(
            clippy::disallowed_methods,
            reason = "how long the command took is told, and decides nothing"
        )]
        let begun = Instant::now();
        Ok(Self { begun, interrupted })
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn goes_on(&self, progress: Progress) -> bool {
        let rate = progress.states as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
        look::progress(&format!(
            "{} states · {} a second · {} orders · {} broken",
            grouped(progress.states),
            grouped(rate as u64),
            grouped(progress.orders),
            grouped(progress.broken)
        ));
        !self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        self.interrupted.is_wanted()
    }
}

#[derive(Debug, Serialize)]
struct Summary {
    command: &'static str,
    states: u64,
    orders: u64,
    cut: u64,
    holds: bool,
    failures: Vec<Broken>,
}

/// A way that breaks something; one entry for each check that does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Broken {
    #[serde(flatten)]
    what: Broke,
    /// What was taken that is not the first there is.
    choices: String,
    replay: String,
    /// Where it is written down as a scenario of its own, if the language has words for it.
    file: Option<String>,
    #[serde(skip)]
    text: Option<String>,
    /// Whether it is the first of its way.
    #[serde(skip)]
    is_first: bool,
}

/// What it takes to tell of what broke.
pub(super) struct Telling<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) subject: Subject,
    pub(super) limits: Limits,
    pub(super) out: &'a Path,
    pub(super) number: usize,
}

impl Telling<'_> {
    pub(super) fn broken(&self, broken: &explore::Broken) -> Result<Vec<Broken>, Stop> {
        let Some(first) = broken.failures.first() else { return Ok(Vec::new()) };
        let choices = told_picks(&broken.picks);
        let plan = explore::freeze(self.scenario, self.subject, &broken.picks, self.limits.faults, first);
        let text = plan.map(|plan| plan.text());
        let scenario = self.scenario.name.replace('/', "-");
        let name = format!("{}-{scenario}-{}", first.check.name(), self.number);
        let file = text.as_ref().map(|text| write_down(self.out, &name, text, self.subject)).transpose()?;
        let flags = self.subject.flags();
        let faults = self.limits.faults;
        let faults = if faults == 1 { String::new() } else { format!(" --faults {faults}") };
        let replay = match &file {
            Some(file) => format!("sametick explain {}{flags}", shell_word(file)),
            None => {
                let path = shell_word(&self.scenario.path);
                format!("sametick explore {path}{faults} --take {choices}{flags}")
            }
        };
        let told = |(place, failure)| Broken {
            what: Broke::of(failure),
            choices: choices.clone(),
            replay: replay.clone(),
            file: file.clone(),
            text: text.clone(),
            is_first: place == 0,
        };
        Ok(broken.failures.iter().enumerate().map(told).collect())
    }
}

fn show(summary: &Summary, report: &Report, elapsed_ms: u64) -> Result<(), Stop> {
    let mut out = look::out();
    show_broken(&mut out, &summary.failures)?;
    let verdict = look::worlds_hold(report.holds(), report.broken, report.orders);
    let counts = format!(
        "{} states, {} orders in {}.{:03} s; {}",
        grouped(summary.states),
        grouped(summary.orders),
        elapsed_ms / 1_000,
        elapsed_ms % 1_000,
        cut_words(report.cuts)
    );
    writeln!(out, "{}", look::paragraph(&format!("{verdict}: "), &counts))?;
    Ok(())
}

/// Each way that breaks something: what, and the world in which it does.
pub(super) fn show_broken(out: &mut impl Write, failures: &[Broken]) -> Result<(), Stop> {
    for (place, broken) in failures.iter().enumerate() {
        writeln!(out, "{} breaks at {}", styled(BAD, broken.what.check), broken.what.at)?;
        writeln!(out, "{}", look::held_and_found(broken.what.sentence, &broken.what.message))?;
        if failures.get(place + 1).is_some_and(|next| !next.is_first) {
            continue;
        }
        if let Some(text) = &broken.text {
            writeln!(out, "    in this world:")?;
            for line in text.lines() {
                writeln!(out, "      {line}")?;
            }
        }
        writeln!(out, "    replay:        {}\n", styled(STRONG, &broken.replay))?;
    }
    Ok(())
}

/// What was left out, and why; or that nothing was.
pub(super) fn cut_words(cuts: Cuts) -> String {
    if cuts.total() == 0 {
        return "nothing was cut".to_owned();
    }
    let why: Vec<String> =
        cuts.iter().map(|(why, count)| format!("{} because {}", grouped(count), why.reason())).collect();
    format!("{} alternatives were cut: {}", grouped(cuts.total()), why.join("; "))
}
