//! How a plan stands in a file.
//!
//! A table in a line, in a list for each kind, so that what happens in a world is seen in a few lines one below the
//! other. Where one of several tables says more than a line has room for, each of them has a header instead and a line a
//! key: not everybody who reads TOML lets a table in braces go over two lines.

use std::fmt::Write as _;

use super::{Kind, Plan, Table};

/// What a line has room for.
const COLUMNS: usize = 100;

pub(super) fn text(plan: &Plan) -> String {
    let each = plan.tables.iter().filter(|table| matches!(table.kind, Kind::Each(_)));
    if each.into_iter().all(|table| has_room(&item(table))) { in_lines(plan) } else { with_headers(plan) }
}

fn with_headers(plan: &Plan) -> String {
    let mut text = format!("# {}\n", plan.sentence);
    for table in &plan.tables {
        if let Some(header) = table.kind.header() {
            let _ = writeln!(text, "\n{header}");
        }
        keys(table).for_each(|key| _ = writeln!(text, "{key}"));
    }
    text
}

fn in_lines(plan: &Plan) -> String {
    let mut text = format!("# {}\n\n", plan.sentence);
    for kind in kinds(plan) {
        let tables: Vec<&Table> = plan.tables.iter().filter(|table| table.kind == *kind).collect();
        match kind {
            Kind::Top => tables.into_iter().flat_map(keys).for_each(|key| _ = writeln!(text, "{key}")),
            Kind::One(name) => {
                tables.iter().for_each(|table| _ = writeln!(text, "{name} = {}", braces(table)));
            }
            Kind::Each(name) => list(&mut text, name, &tables),
        }
    }
    text
}

/// Each kind of tables, where the first of them is.
fn kinds(plan: &Plan) -> Vec<&Kind> {
    let mut kinds = Vec::new();
    for table in &plan.tables {
        if !kinds.contains(&&table.kind) {
            kinds.push(&table.kind);
        }
    }
    kinds
}

/// One in a line, several in a line each.
fn list(text: &mut String, name: &str, tables: &[&Table]) {
    if let [only] = tables {
        let line = format!("{name} = [{}]", braces(only));
        if has_room(&line) {
            let _ = writeln!(text, "{line}");
            return;
        }
    }
    let _ = writeln!(text, "{name} = [");
    tables.iter().for_each(|table| _ = writeln!(text, "{}", item(table)));
    let _ = writeln!(text, "]");
}

fn has_room(line: &str) -> bool {
    line.chars().count() <= COLUMNS
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn plan(budget: &'static str) -> Plan {
        let mut job = Table::each("job");
        job.say("name", "a");
        job.say("at", "1s");
        job.say(budget, "1134ms");
        let mut slow = Table::one("lanes.slow");
        slow.say("limit", 2);
        let event = |at, what: &'static str| {
            let mut event = Table::each("do");
            event.say("at", at);
            event.say(what, "a");
            event
        };
        let mut top = Table::new(Kind::Top);
        top.say("until", "9s");
        let tables = vec![top, slow, job, event("2s", "run"), event("3s", "cancel")];
        Plan { sentence: "A plan.".into(), tables }
    }

    #[test]
    fn a_table_is_a_line_where_all_of_them_have_room() {
        insta::assert_snapshot!(plan("timeout").text(), @r###"
        # A plan.

        until = "9s"
        lanes.slow = { limit = 2 }
        job = [{ name = "a", at = "1s", timeout = "1134ms" }]
        do = [
            { at = "2s", run = "a" },
            { at = "3s", cancel = "a" },
        ]
        "###);
    }

    #[test]
    fn a_table_that_has_no_room_in_a_line_has_a_header_and_so_have_all() {
        let text = plan("a_budget_with_a_name_that_takes_most_of_the_room_there_is_in_a_line").text();
        assert!(
            text.starts_with(
                "# A plan.\nuntil = \"9s\"\n\n[lanes.slow]\nlimit = 2\n\n[[job]]\nname = \"a\"\n"
            ),
            "{text}"
        );
        assert!(text.ends_with("\n\n[[do]]\nat = \"3s\"\ncancel = \"a\"\n"), "{text}");
    }

    #[test]
    fn either_way_it_is_the_same_scenario() {
        for plan in (0..200).map(super::super::draw) {
            let read = |text: String| {
                let read = Scenario::parse("p.toml", &text).expect("every plan that is drawn reads");
                format!("{:?}", Scenario { text: String::new(), ..read })
            };
            assert_eq!(read(in_lines(&plan)), read(with_headers(&plan)), "{}", plan.text());
        }
    }
}
