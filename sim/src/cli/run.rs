//! `sametick run`.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sametick_sim::campaign::{self, Report};
use sametick_sim::check::Failure;
use sametick_sim::digest::{BatchDigest, short};
use sametick_sim::{Scenario, Subject, World, fuzz, story};
use serde::Serialize;

use super::broke::{Broke, write_down};
use super::look::{self, BAD, STRONG, grouped, styled};
use super::{Machine, Stop, everywhere, load};

/// What `sametick run` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scenario files, folders, or names of shipped scenarios; all shipped ones by default
    pub(super) paths: Vec<PathBuf>,
    /// Which seeds a family draws from, as A..B; each scenario says how many by default
    #[arg(long, value_name = "A..B", value_parser = campaign::parse_seeds)]
    pub(super) seeds: Option<Range<u64>>,
    /// How many threads work; as many as there are cores by default. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    #[command(flatten)]
    machine: Machine,
    /// Rewrites the transcripts that scenarios without ranges expect; nothing else does
    #[arg(long, conflicts_with = "mutant")]
    bless: bool,
    /// Runs each world once, then again for each of its ticks with a crash before its commit, between that and
    /// its effects, and after these; with one more crash in the recovery that follows; and with each answer a
    /// store can give. Draws one seed of a family unless told otherwise. All checks judge, no claims do
    #[arg(long, conflicts_with = "bless")]
    crash_everywhere: bool,
    /// Where the first failure of each scenario is written, made small, as a scenario with what happened in it; made
    /// when there is one. Without, it is only shown
    #[arg(long, value_name = "DIR", conflicts_with_all = ["bless", "crash_everywhere"])]
    out: Option<PathBuf>,
    /// One JSON object on stdout instead of the table
    #[arg(long)]
    pub(super) json: bool,
}

/// Of more scenarios than this the failures are not made small: somebody broke a lot, and wants to know what.
const MOST_SMALL: usize = 5;

/// Starts as many threads as were asked for.
pub(super) fn use_threads(jobs: Option<u16>) -> Result<(), Stop> {
    let Some(jobs) = jobs else { return Ok(()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs));
    pool.build_global().map_err(|error| Stop::BadInput(format!("could not start {jobs} threads: {error}")))
}

pub(crate) fn main(args: &Args) -> Result<bool, Stop> {
    use_threads(args.jobs)?;
    let subject = args.machine.subject();
    if args.crash_everywhere {
        return everywhere::main(args, subject);
    }
    let mut scenarios = load::scenarios(&args.paths)?;
    if args.bless {
        bless(&mut scenarios, subject)?;
    }
    #[allow(clippy::disallowed_methods, reason = "how long the command took is told, and decides nothing")]
    let begun = std::time::Instant::now();
    let mut reports = Vec::new();
    for (place, scenario) in scenarios.iter().enumerate() {
        look::progress(&format!("{}/{} {}", place + 1, scenarios.len(), scenario.name));
        let seeds = args.seeds.clone().unwrap_or(0..scenario.seeds);
        reports.push(campaign::run(scenario, subject, seeds));
    }
    look::progress("");
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut summary = Summary::of(&scenarios, &reports, subject, elapsed_ms);
    summary.make_small(&scenarios, &reports, subject, args.out.as_deref())?;
    if args.json {
        let text = serde_json::to_string(&summary).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        show(&summary)?;
    }
    Ok(summary.holds)
}

/// Writes the transcripts of scenarios without ranges into their files.
fn bless(scenarios: &mut [Scenario], subject: Subject) -> Result<(), Stop> {
    for scenario in scenarios.iter_mut().filter(|scenario| !scenario.is_family) {
        let told = story::transcript(scenario, subject, 0);
        if scenario.expect.as_deref().map(str::trim) == Some(told.trim()) {
            continue;
        }
        let text = scenario.text_expecting(&told);
        std::fs::write(&scenario.path, &text)
            .map_err(|error| Stop::BadInput(format!("could not write {}: {error}", scenario.path)))?;
        look::complain(&format!("blessed {}", scenario.path));
        *scenario =
            Scenario::parse(&scenario.path, &text).map_err(|error| Stop::BadInput(error.to_string()))?;
    }
    Ok(())
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    command: &'static str,
    holds: bool,
    scenarios: Vec<Row>,
    worlds: u64,
    events: u64,
    ticks: u64,
    digest: String,
    elapsed_ms: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    path: String,
    worlds: u64,
    events: u64,
    digest: String,
    holds: bool,
    #[serde(skip)]
    sentence: String,
    #[serde(skip)]
    failed: u64,
    failures: Vec<Broken>,
    /// The first of them, as a scenario that says no more than it needs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    small: Option<Small>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Small {
    scenario: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Broken {
    seed: u64,
    #[serde(flatten)]
    what: Broke,
    run: Option<String>,
    replay: String,
}

impl Summary {
    fn of(scenarios: &[Scenario], reports: &[Report], subject: Subject, elapsed_ms: u64) -> Self {
        let mut digest = BatchDigest::default();
        for report in reports {
            digest.batch(report.digest);
        }
        let rows = scenarios.iter().zip(reports).map(|(scenario, report)| Row::of(scenario, report, subject));
        Self {
            command: "run",
            holds: reports.iter().all(Report::holds),
            scenarios: rows.collect(),
            worlds: reports.iter().map(|report| report.worlds).sum(),
            events: reports.iter().map(|report| report.events).sum(),
            ticks: reports.iter().map(|report| report.ticks).sum(),
            digest: digest.short(),
            elapsed_ms,
        }
    }
}

impl Summary {
    /// The first failure of each scenario, as far as the language has words for its world.
    fn make_small(
        &mut self,
        scenarios: &[Scenario],
        reports: &[Report],
        subject: Subject,
        out: Option<&Path>,
    ) -> Result<(), Stop> {
        let broken =
            self.scenarios.iter_mut().zip(scenarios).zip(reports).filter(|(_, report)| !report.holds());
        for ((row, scenario), report) in broken.take(MOST_SMALL) {
            let Some((seed, failures)) = report.failures.first() else { continue };
            let Some(first) = failures.first() else { continue };
            look::progress(&format!("making what breaks in {} small", scenario.name));
            let Some((plan, _)) = fuzz::make_world_small(scenario, *seed, first, subject) else { continue };
            let text = plan.text();
            let name = format!("{}-{}-{seed}", first.check.name(), scenario.name.replace('/', "-"));
            let file = out.map(|out| write_down(out, &name, &text, subject)).transpose()?;
            row.small = Some(Small { scenario: text, file });
        }
        look::progress("");
        Ok(())
    }
}

impl Row {
    fn of(scenario: &Scenario, report: &Report, subject: Subject) -> Self {
        let broken = |seed: u64, failure: &Failure| Broken::of(scenario, subject, seed, failure);
        let failures = report
            .failures
            .iter()
            .flat_map(|(seed, failures)| failures.iter().map(move |one| broken(*seed, one)));
        Self {
            name: scenario.name.clone(),
            path: scenario.path.clone(),
            worlds: report.worlds,
            events: report.events,
            digest: short(report.digest),
            holds: report.holds(),
            sentence: scenario.sentence.clone(),
            failed: report.failed,
            failures: failures.collect(),
            small: None,
        }
    }
}

impl Broken {
    fn of(scenario: &Scenario, subject: Subject, seed: u64, failure: &Failure) -> Self {
        let seed_flag = if scenario.is_family { format!(" --seed {seed}") } else { String::new() };
        let replay = format!("sametick explain {}{seed_flag}{}", shell_word(&scenario.path), subject.flags());
        // The names of a world's runs are those of its seed.
        let run = failure.run.map(|run| {
            let mut world = World::new(
                scenario,
                sametick_core::StandardGateway::new(scenario.config.clone(), Default::default()),
            );
            world.run(seed);
            world.labels().run(run)
        });
        Self { seed, what: Broke::of(failure), run, replay }
    }
}

pub(super) fn shell_word(path: &str) -> String {
    let plain = path.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn show(summary: &Summary) -> Result<(), Stop> {
    let mut out = look::out();
    let rows = summary.scenarios.iter().map(|row| {
        let verdict = look::worlds_hold(row.holds, row.failed, row.worlds);
        vec![row.name.clone(), grouped(row.worlds), grouped(row.events), verdict]
    });
    writeln!(out, "{}", look::table(&["scenario", "worlds", "events", "verdict"], 1..3, rows.collect()))?;
    for row in summary.scenarios.iter().filter(|row| !row.holds) {
        show_broken(&mut out, row)?;
    }
    let broken = summary.scenarios.iter().filter(|row| !row.holds).count();
    let verdict = look::all_hold(broken, summary.scenarios.len());
    let counts = format!(
        "{} worlds, {} events in {}.{:03} s, digest {}",
        grouped(summary.worlds),
        grouped(summary.events),
        summary.elapsed_ms / 1_000,
        summary.elapsed_ms % 1_000,
        summary.digest
    );
    writeln!(out, "\n{}", look::paragraph(&format!("{verdict}: "), &counts))?;
    Ok(())
}

/// The first failing world of a scenario, told for somebody who never heard of it.
fn show_broken(out: &mut impl Write, row: &Row) -> Result<(), Stop> {
    let Some(first) = row.failures.first() else { return Ok(()) };
    writeln!(out, "\n{}", look::paragraph(&format!("{}  ", styled(STRONG, &row.name)), &row.sentence))?;
    for broken in row.failures.iter().filter(|broken| broken.seed == first.seed) {
        writeln!(
            out,
            "  {} breaks at {}, seed {}",
            styled(BAD, broken.what.check),
            broken.what.at,
            broken.seed
        )?;
        writeln!(out, "{}", look::held_and_found(broken.what.sentence, &broken.what.message))?;
    }
    if let Some(small) = &row.small {
        writeln!(out, "    made small:")?;
        for line in small.scenario.lines() {
            writeln!(out, "      {line}")?;
        }
        if let Some(file) = &small.file {
            writeln!(out, "    kept:          {file}")?;
        }
    }
    writeln!(out, "    replay:        {}", styled(STRONG, &first.replay))?;
    Ok(())
}
