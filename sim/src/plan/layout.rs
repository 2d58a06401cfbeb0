//! How a plan stands in a file.
//!
//! A table in a line, in a list for each kind, so that what happens in a world is seen in a few lines one below the
//! other. Where one of several tables says more than a line has room for, each of them has a header instead and a line a
//! key: TOML does not let a table in braces go over two lines.

use std::fmt::Write as _;

use super::{Kind, Plan, Table};

/// What a line has room for.
const COLUMNS: usize = 100;

pub(super) fn text(plan: &Plan) -> String {
    let in_lines = plan.tables.iter().filter(|table| is_one_of_several(table)).all(fits);
    let mut text = format!("# {}\n", plan.sentence);
    for key in plan.tables.iter().filter(|table| table.kind == Kind::Top).flat_map(keys) {
        let _ = writeln!(text, "{key}");
    }
    if in_lines {
        let mut kinds: Vec<&Kind> = Vec::new();
        for table in plan.tables.iter().filter(|table| table.kind != Kind::Top) {
            if !kinds.contains(&&table.kind) {
                kinds.push(&table.kind);
            }
        }
        for kind in kinds {
            list(&mut text, plan, kind);
        }
    } else {
        for table in plan.tables.iter().filter(|table| table.kind != Kind::Top) {
            if let Some(header) = table.kind.header() {
                let _ = writeln!(text, "\n{header}");
            }
            for key in keys(table) {
                let _ = writeln!(text, "{key}");
            }
        }
    }
    text
}

/// The tables of a kind: of one a line, of several a line each.
fn list(text: &mut String, plan: &Plan, kind: &Kind) {
    let mut tables = plan.tables.iter().filter(|table| table.kind == *kind);
    match kind {
        Kind::Top => {}
        Kind::One(name) => {
            for table in tables {
                let _ = writeln!(text, "{name} = {}", braces(table));
            }
        }
        Kind::Each(name) => {
            if let (Some(only), None) = (tables.next(), tables.next()) {
                let line = format!("{name} = [{}]", braces(only));
                if line.len() <= COLUMNS {
                    let _ = writeln!(text, "{line}");
                    return;
                }
            }
            let _ = writeln!(text, "{name} = [");
            for table in plan.tables.iter().filter(|table| table.kind == *kind) {
                let _ = writeln!(text, "{}", item(table));
            }
            let _ = writeln!(text, "]");
        }
    }
}

fn is_one_of_several(table: &Table) -> bool {
    matches!(table.kind, Kind::Each(_))
}

fn fits(table: &Table) -> bool {
    item(table).chars().count() <= COLUMNS
}

fn item(table: &Table) -> String {
    format!("    {},", braces(table))
}

fn braces(table: &Table) -> String {
    if table.keys.is_empty() {
        return "{}".to_owned();
    }
    format!("{{ {} }}", keys(table).collect::<Vec<_>>().join(", "))
}

fn keys(table: &Table) -> impl Iterator<Item = String> {
    table.keys.iter().map(|(key, word)| format!("{key} = {word}"))
}
