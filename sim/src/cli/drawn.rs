//! `sametick mutants --drawn` and `--show`: mutants against drawn plans, without a scenario that anybody wrote.

use std::io::Write;
use std::ops::Range;

use rayon::prelude::*;
use sametick_sim::check::Failure;
use sametick_sim::{Mutant, Scenario, Subject, fuzz, story};
use serde::Serialize;

use super::Stop;
use super::look::{self, BAD, GOOD, grouped, styled};

/// Where each series of seeds begins. A mutant is killed in each.
const SERIES: [u64; 5] = [0, 1_000_000, 2_000_000, 3_000_000, 4_000_000];

/// How many seeds of a series a mutant may survive.
const MOST: u64 = 10_000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    command: &'static str,
    drawn: bool,
    holds: bool,
    series: usize,
    most_seeds: u64,
    median_seeds_to_kill: Option<u64>,
    mutants: Vec<Row>,
    survivors: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: &'static str,
    #[serde(skip)]
    sentence: &'static str,
    /// In each series: how many seeds it took; nothing where it survived.
    seeds_to_kill: Vec<Option<u64>>,
    median: Option<u64>,
    first_to_break: Vec<&'static str>,
}

impl Row {
    fn of(mutant: &'static Mutant) -> Self {
        let kills: Vec<Option<(u64, Failure)>> = SERIES
            .iter()
            .map(|from| {
                let killed = fuzz::first_failure(Subject::Mutant(mutant), *from..from + MOST);
                killed.map(|(seed, failure)| (seed - from + 1, failure))
            })
            .collect();
        let mut first_to_break: Vec<&'static str> =
            kills.iter().flatten().map(|(_, failure)| failure.check.name()).collect();
        first_to_break.sort_unstable();
        first_to_break.dedup();
        let seeds_to_kill: Vec<Option<u64>> =
            kills.iter().map(|kill| kill.as_ref().map(|(seeds, _)| *seeds)).collect();
        let median = median(seeds_to_kill.iter().map(|seeds| seeds.unwrap_or(u64::MAX)).collect());
        let (name, sentence) = (mutant.name, mutant.sentence);
        Self { name, sentence, seeds_to_kill, median, first_to_break }
    }

    fn survives(&self) -> bool {
        self.seeds_to_kill.iter().any(Option::is_none)
    }
}

/// The one in the middle; nothing if that is a survivor.
fn median(mut seeds: Vec<u64>) -> Option<u64> {
    seeds.sort_unstable();
    seeds.get(seeds.len() / 2).copied().filter(|seeds| *seeds < u64::MAX)
}

/// These mutants against drawn plans.
pub(super) fn all(mutants: &[&'static Mutant], json: bool) -> Result<bool, Stop> {
    look::progress("trying mutants on drawn plans");
    let rows: Vec<Row> = mutants.par_iter().map(|mutant| Row::of(mutant)).collect();
    look::progress("");
    let survivors: Vec<&'static str> = rows.iter().filter(|row| row.survives()).map(|row| row.name).collect();
    let holds = survivors.is_empty();
    let over_all = median(
        rows.iter().flat_map(|row| &row.seeds_to_kill).map(|seeds| seeds.unwrap_or(u64::MAX)).collect(),
    );
    if json {
        let told = Told {
            command: "mutants",
            drawn: true,
            holds,
            series: SERIES.len(),
            most_seeds: MOST,
            median_seeds_to_kill: over_all,
            mutants: rows,
            survivors,
        };
        let text = serde_json::to_string(&told).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
        return Ok(holds);
    }
    let mut out = look::out();
    let number = |seeds: Option<u64>| seeds.map_or_else(|| styled(BAD, "survives"), grouped);
    let table = rows.iter().map(|row| {
        let most = row.seeds_to_kill.iter().copied().try_fold(0, |most, seeds| Some(most.max(seeds?)));
        let broken = row.first_to_break.join(", ");
        vec![row.name.to_owned(), number(row.median), number(most), broken, row.sentence.to_owned()]
    });
    let headings = ["mutant", "seeds to kill", "at most", "first to break", "what is broken"];
    writeln!(out, "{}\n", look::table(&headings, 1..3, table.collect()))?;
    for name in &survivors {
        writeln!(out, "{}: {name} outlives {} seeds of a series", styled(BAD, "survivor"), grouped(MOST))?;
    }
    if holds {
        let counts = format!(
            "{} mutants, each killed in {} series of seeds within {}, half of them within {}",
            rows.len(),
            SERIES.len(),
            grouped(MOST),
            number(over_all)
        );
        writeln!(out, "{}", look::paragraph(&format!("{}: ", styled(GOOD, "holds")), &counts))?;
    }
    Ok(holds)
}

/// The smallest plan that shows a mutant, and what happens in it.
pub(super) fn show(mutant: &'static Mutant) -> Result<bool, Stop> {
    let subject = Subject::Mutant(mutant);
    look::progress("drawing plans until it breaks, and making that small");
    let seeds: Range<u64> = 0..MOST;
    let Some((seed, failure)) = fuzz::first_failure(subject, seeds) else {
        look::progress("");
        return Err(Stop::BadInput(format!("{} outlives {} seeds", mutant.name, grouped(MOST))));
    };
    let (plan, failure) = fuzz::make_small(seed, &failure, subject);
    look::progress("");
    let mut out = look::out();
    let text = plan.text();
    writeln!(out, "{}\n", look::paragraph(&format!("{}: ", mutant.name), mutant.sentence))?;
    writeln!(out, "{text}")?;
    let scenario = Scenario::parse("plan.toml", &text).map_err(|error| Stop::BadInput(error.to_string()))?;
    for line in story::transcript(&scenario, subject, 0).lines() {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\n{}", look::held_and_found(failure.check.sentence(), &failure.message))?;
    Ok(true)
}
