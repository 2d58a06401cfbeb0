//! `sametick mutants`.

use std::io::Write;

use sametick_sim::matrix::{Kill, Matrix};
use sametick_sim::{MUTANTS, Mutant};
use serde::Serialize;

use super::look::{self, BAD, GOOD, grouped, styled};
use super::{Stop, drawn, load};

/// What `sametick mutants` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The mutants to try; without any, all of them, and a check that none breaks alone is told too
    #[arg(value_name = "NAME", value_parser = super::mutant_name)]
    names: Vec<&'static Mutant>,
    /// Tries them on drawn plans instead of the shipped scenarios, in five series of seeds
    #[arg(long)]
    drawn: bool,
    /// Shows the smallest plan in which this one breaks, and what happens in it
    #[arg(long, value_name = "NAME", value_parser = super::mutant_name, conflicts_with_all = ["names", "drawn", "json"])]
    show: Option<&'static Mutant>,
    /// One JSON object on stdout instead of the table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    mutants: Vec<Row>,
    survivors: Vec<&'static str>,
    idle_checks: Vec<&'static str>,
    holds: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: &'static str,
    field: Vec<&'static str>,
    killed_by: Vec<&'static str>,
    seeds_to_kill: Option<u64>,
}

pub(crate) fn main(args: &Args) -> Result<bool, Stop> {
    if let Some(mutant) = args.show {
        return drawn::show(mutant);
    }
    let all = MUTANTS.iter().filter(|mutant| args.names.is_empty() || args.names.contains(mutant));
    let mutants: Vec<&'static Mutant> = all.copied().collect();
    if args.drawn {
        return drawn::all(&mutants, args.json);
    }
    let scenarios = load::scenarios(&[])?;
    look::progress("trying mutants on every scenario");
    let matrix = Matrix::of(&mutants, &scenarios);
    look::progress("");
    if args.json {
        let told = Told {
            mutants: matrix.kills.iter().map(Row::of).collect(),
            survivors: matrix.survivors().collect(),
            idle_checks: matrix.idle_checks().map(|check| check.name()).collect(),
            holds: matrix.holds(),
        };
        let text = serde_json::to_string(&told).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        show(&matrix)?;
    }
    Ok(matrix.holds())
}

impl Row {
    fn of(kill: &Kill) -> Self {
        Self {
            name: kill.mutant.name,
            field: kill.mutant.field.to_vec(),
            killed_by: kill.killed_by.iter().map(|check| check.name()).collect(),
            seeds_to_kill: kill.seeds_to_kill,
        }
    }
}

fn show(matrix: &Matrix) -> Result<(), Stop> {
    let mut out = look::out();
    let rows = matrix.kills.iter().map(|kill| {
        let names: Vec<&str> = kill.killed_by.iter().map(|check| check.name()).collect();
        let killed = match (names.is_empty(), kill.as_declared()) {
            (true, _) => styled(BAD, "survives"),
            (false, true) => styled(GOOD, &names.join(", ")),
            (false, false) => styled(BAD, &names.join(", ")),
        };
        let seeds = kill.seeds_to_kill.map_or_else(|| "-".to_owned(), grouped);
        vec![kill.mutant.name.to_owned(), seeds, killed, kill.mutant.sentence.to_owned()]
    });
    writeln!(
        out,
        "{}",
        look::table(&["mutant", "worlds to kill", "first to break", "what is broken"], 1..2, rows.collect())
    )?;
    writeln!(out)?;
    for name in matrix.survivors() {
        writeln!(out, "{}: no check notices {name}", styled(BAD, "survivor"))?;
    }
    for check in matrix.idle_checks() {
        writeln!(out, "{}: no mutant breaks {} and it alone", styled(BAD, "idle"), check.name())?;
    }
    for kill in matrix.surprises() {
        let meant: Vec<&str> = kill.mutant.killed_by.iter().map(|check| check.name()).collect();
        writeln!(
            out,
            "{}: {} should break {} first",
            styled(BAD, "surprise"),
            kill.mutant.name,
            meant.join(", ")
        )?;
    }
    if matrix.holds() {
        let (mutants, checks) = (matrix.kills.len(), sametick_sim::check::CheckName::ALL.len());
        let laws = sametick_sim::laws::Law::ALL.len();
        let told = if matrix.is_whole() {
            format!("{mutants} mutants, none survives; {checks} checks and {laws} laws, none is idle")
        } else {
            format!("{mutants} of {} mutants, none survives", MUTANTS.len())
        };
        writeln!(out, "{}: {told}", styled(GOOD, "holds"))?;
    }
    Ok(())
}
