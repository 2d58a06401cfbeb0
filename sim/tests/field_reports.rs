//! The table of reports in docs/field-reports.md is true: what it names exists, each mutant breaks its check in its
//! scenario, and no report that the code claims is missing in it.

use std::collections::{BTreeMap, BTreeSet};

use sametick_sim::check::CheckName;
use sametick_sim::laws::Law;
use sametick_sim::{MUTANTS, Scenario, machines, matrix, shipped};

const PAGE: &str = include_str!("../../docs/field-reports.md");

/// Above what is not represented.
const NOT: &str = "## Not represented";

/// A line of the table: what was reported, and where it is met.
struct Row<'a> {
    reports: &'a str,
    scenario: &'a str,
    check: &'a str,
    mutant: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let cells = |line: &'static str| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
    let bare = |cell: &'static str| cell.trim_matches('`');
    let (table, _) = PAGE.split_once(NOT).expect("a list of what is not represented ends the table");
    let rows: Vec<Row<'_>> = table
        .lines()
        .filter(|line| line.starts_with('|') && line.contains('`'))
        .map(|line| match cells(line).as_slice() {
            [reports, _, scenario, check, mutant] => {
                Row { reports, scenario: bare(scenario), check: bare(check), mutant: bare(mutant) }
            }
            cells => panic!("a line of the table has five cells, this one {}: {line}", cells.len()),
        })
        .collect();
    assert!(rows.len() > 40, "{} lines were read", rows.len());
    rows
}

fn check_named(name: &str) -> Option<CheckName> {
    let laws = Law::ALL.into_iter().map(CheckName::Law);
    CheckName::ALL.into_iter().chain(laws).find(|check| check.name() == name)
}

#[test]
fn each_mutant_breaks_its_check_in_its_scenario() {
    let mut broken: BTreeMap<(&str, &str), BTreeSet<CheckName>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Row { reports, scenario, check, mutant } in rows() {
        let found = shipped::find(scenario);
        let (Some((path, text)), Some(known), Some(mutant)) =
            (found.first(), check_named(check), machines::mutant(mutant))
        else {
            wrong
                .push(format!("{reports}: no such scenario, check or mutant: {scenario}, {check}, {mutant}"));
            continue;
        };
        let checks = broken.entry((path, mutant.name)).or_insert_with(|| {
            let mut world = Scenario::parse(path, text).expect("what is shipped reads");
            world.seeds = world.seeds.min(100);
            matrix::broken_by(mutant, &world)
        });
        if !checks.contains(&known) {
            let names: Vec<&str> = checks.iter().map(|check| check.name()).collect();
            wrong.push(format!("{reports}: {} in {scenario} breaks {names:?}, not {check}", mutant.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The numbers in a text: of an issue, with the tracker before it unless it is the field's own.
fn numbers(text: &str) -> BTreeSet<String> {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    text.match_indices('#')
        .map(|(at, _)| digits(&text[at + 1..]))
        .filter(|number| !number.is_empty())
        .collect()
}

#[test]
fn no_report_that_the_code_claims_is_missing() {
    let told: BTreeSet<String> = rows().iter().flat_map(|row| numbers(row.reports)).collect();
    let checks =
        CheckName::ALL.iter().flat_map(|check| check.field().iter().map(|field| (check.name(), *field)));
    let mutants = MUTANTS.iter().flat_map(|mutant| mutant.field.iter().map(|field| (mutant.name, *field)));
    let missing: Vec<String> = checks
        .chain(mutants)
        .flat_map(|(who, field)| numbers(field).into_iter().map(move |number| (who, number)))
        .filter(|(_, number)| !told.contains(number))
        .map(|(who, number)| format!("{who} claims #{number}"))
        .collect();
    assert!(missing.is_empty(), "not in the table of docs/field-reports.md: {}", missing.join(", "));
}

#[test]
fn what_is_not_represented_is_not_in_the_table() {
    let (_, rest) = PAGE.split_once(NOT).expect("there is a list of what is not");
    let told: BTreeSet<String> = rows().iter().flat_map(|row| numbers(row.reports)).collect();
    let both: Vec<String> = numbers(rest).into_iter().filter(|number| told.contains(number)).collect();
    assert!(both.is_empty(), "in the table and in the list of what is not: {both:?}");
}
