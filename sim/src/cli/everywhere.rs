//! `sametick run --crash-everywhere`.

use std::io::Write;

use sametick_sim::sweep::{self, Report, Struck};
use sametick_sim::{Scenario, Subject};
use serde::Serialize;

use super::broke::Broke;
use super::look::{self, BAD, STRONG, grouped, styled};
use super::run::{Args, shell_word};
use super::{Stop, load};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    command: &'static str,
    crash_everywhere: bool,
    holds: bool,
    scenarios: Vec<Row>,
    places: u64,
    worlds: u64,
    events: u64,
    ticks: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    path: String,
    places: u64,
    worlds: u64,
    events: u64,
    failed: u64,
    holds: bool,
    failures: Vec<Broken>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Broken {
    seed: u64,
    faults: Vec<String>,
    #[serde(flatten)]
    what: Broke,
    replay: String,
}

pub(crate) fn main(args: &Args, subject: Subject) -> Result<bool, Stop> {
    let scenarios = load::scenarios(&args.paths)?;
    let mut rows = Vec::new();
    for (place, scenario) in scenarios.iter().enumerate() {
        look::progress(&format!("{}/{} {}", place + 1, scenarios.len(), scenario.name));
        // One world of a family has as many twins as it has ticks, times twelve.
        let seeds = args.seeds.clone().unwrap_or(0..1);
        rows.push(Row::of(scenario, subject, &sweep::run(scenario, subject, seeds)));
    }
    look::progress("");
    let sum = |what: fn(&(Row, u64)) -> u64| rows.iter().map(what).sum();
    let summary = Summary {
        command: "run",
        crash_everywhere: true,
        holds: rows.iter().all(|(row, _)| row.holds),
        places: sum(|(row, _)| row.places),
        worlds: sum(|(row, _)| row.worlds),
        events: sum(|(row, _)| row.events),
        ticks: sum(|(_, ticks)| *ticks),
        scenarios: rows.into_iter().map(|(row, _)| row).collect(),
    };
    if args.json {
        let text = serde_json::to_string(&summary).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        show(&summary)?;
    }
    Ok(summary.holds)
}

impl Row {
    fn of(scenario: &Scenario, subject: Subject, report: &Report) -> (Self, u64) {
        let broken = report.failures.iter().flat_map(|struck| Broken::of(scenario, subject, struck));
        let row = Self {
            name: scenario.name.clone(),
            path: scenario.path.clone(),
            places: report.places,
            worlds: report.worlds,
            events: report.events,
            failed: report.failed,
            holds: report.holds(),
            failures: broken.collect(),
        };
        (row, report.ticks)
    }
}

impl Broken {
    fn of(scenario: &Scenario, subject: Subject, struck: &Struck) -> Vec<Self> {
        let seed = if scenario.is_family { format!(" --seed {}", struck.seed) } else { String::new() };
        let faults: Vec<String> = struck.faults.iter().map(ToString::to_string).collect();
        let flags: String = faults.iter().map(|fault| format!(" --fault {fault}")).collect();
        let path = shell_word(&scenario.path);
        let replay = format!("sametick explain {path}{seed}{flags}{}", subject.flags());
        let broken = struck.failures.iter().map(|failure| Self {
            seed: struck.seed,
            faults: faults.clone(),
            what: Broke::of(failure),
            replay: replay.clone(),
        });
        broken.collect()
    }
}

fn show(summary: &Summary) -> Result<(), Stop> {
    let mut out = look::out();
    let rows = summary.scenarios.iter().map(|row| {
        let verdict = look::worlds_hold(row.holds, row.failed, row.worlds);
        vec![row.name.clone(), grouped(row.places), grouped(row.worlds), grouped(row.events), verdict]
    });
    let heads = ["scenario", "ticks", "worlds", "events", "verdict"];
    writeln!(out, "{}", look::table(&heads, 1..4, rows.collect()))?;
    for row in summary.scenarios.iter().filter(|row| !row.holds) {
        let Some(first) = row.failures.first() else { continue };
        writeln!(out, "\n{}", styled(STRONG, &row.name))?;
        for broken in row.failures.iter().filter(|broken| broken.replay == first.replay) {
            let done =
                if broken.faults.is_empty() { "nothing".to_owned() } else { broken.faults.join(", then ") };
            writeln!(
                out,
                "  {} breaks at {}, seed {}, by {done}",
                styled(BAD, broken.what.check),
                broken.what.at,
                broken.seed
            )?;
            writeln!(out, "{}", look::held_and_found(broken.what.sentence, &broken.what.message))?;
        }
        writeln!(out, "    replay:        {}", styled(STRONG, &first.replay))?;
    }
    let broken = summary.scenarios.iter().filter(|row| !row.holds).count();
    let verdict = look::all_hold(broken, summary.scenarios.len());
    let counts = format!(
        "{} ticks, each with everything that can go wrong there: {} worlds, {} events",
        grouped(summary.places),
        grouped(summary.worlds),
        grouped(summary.events),
    );
    writeln!(out, "\n{}", look::paragraph(&format!("{verdict}: "), &counts))?;
    Ok(())
}
