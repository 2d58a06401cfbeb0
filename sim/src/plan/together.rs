//! What makes a plan smaller in several places at once: where one thing speaks of another, neither can go alone.

use sametick_core::time::Span;

use super::steps::{job_name, run_named};
use super::{Kind, Plan, Table, Word};
use crate::scenario::parse_span;

/// Every plan in which one thing is where two were, or what several tables say is said in none, those first that are
/// smallest. Each has fewer tables than this one, or as many and fewer keys.
pub(super) fn together(plan: &Plan) -> Vec<Plan> {
    let mut smaller: Vec<Plan> =
        plan.tables.iter().rev().filter_map(lane_name).flat_map(|lane| without_lane(plan, lane)).collect();
    let jobs: Vec<&str> = plan.tables.iter().filter_map(job_name).collect();
    for gone in jobs.iter().rev() {
        for kept in jobs.iter().filter(|kept| *kept != gone) {
            smaller.extend(one_job_for_two(plan, kept, gone));
        }
    }
    smaller.extend(one_rule_for_two(plan));
    smaller.extend(said_often(plan).into_iter().map(|key| {
        let mut plan = plan.clone();
        plan.tables.iter_mut().for_each(|table| table.leave_out(&[&key]));
        plan
    }));
    smaller
}

fn lane_name(table: &Table) -> Option<&str> {
    let Kind::One(name) = &table.kind else { return None };
    name.strip_prefix("lanes.").map(|name| name.trim_matches('"'))
}

/// Who waited in a lane waits in `main`, which is as it was, or as that lane was.
fn without_lane(plan: &Plan, lane: &str) -> [Plan; 2] {
    let is_it = |table: &Table| lane_name(table) == Some(lane);
    let mut as_it_was = plan.clone();
    as_it_was.tables.retain(|table| !is_it(table));
    let mut as_that = plan.clone();
    as_that.tables.retain(|table| table.kind != Kind::One("lane".into()));
    for table in as_that.tables.iter_mut().filter(|table| is_it(table)) {
        table.kind = Kind::One("lane".into());
    }
    let mut plans = [as_it_was, as_that];
    for table in plans.iter_mut().flat_map(|plan| &mut plan.tables) {
        table.keys.retain(|(key, word)| key != "lane" || word.text() != Some(lane));
    }
    plans
}

/// One job does what two did: all that spoke of the other speaks of it, and its runs may be open beside each other. What
/// was asked for of the other is asked for after what was asked for of the one, or as if that were the same.
fn one_job_for_two(plan: &Plan, kept: &str, gone: &str) -> Vec<Plan> {
    let asked = plan.tables.iter().flat_map(|table| &table.keys).filter_map(|(key, word)| {
        let (job, rest) = run_named(key, word)?;
        number_asked(rest).filter(|_| job == kept)
    });
    let most = asked.max().unwrap_or_default().max(1);
    let with_later = |later: u64| {
        let mut smaller = plan.clone();
        smaller.tables.retain(|table| job_name(table) != Some(gone));
        for (key, word) in smaller.tables.iter_mut().flat_map(|table| &mut table.keys) {
            let Some((_, rest)) = run_named(key, word).filter(|(job, _)| *job == gone) else { continue };
            let attempt = rest.split_once('.').map_or(String::new(), |(_, attempt)| format!(".{attempt}"));
            let number =
                number_asked(rest).map(|number| format!("!{}{attempt}", number.saturating_add(later)));
            *word = format!("{kept}{}", number.as_deref().unwrap_or(rest)).into();
        }
        smaller
    };
    let smaller = [most, 0].map(with_later);
    smaller.into_iter().flat_map(|plan| [beside_itself(&plan, kept), plan]).collect()
}

/// Of `!2`, and of its third attempt `!2.3`: the second that was asked for.
fn number_asked(rest: &str) -> Option<u64> {
    let asked = rest.strip_prefix('!')?;
    asked.split_once('.').map_or(asked, |(number, _)| number).parse().ok()
}

fn beside_itself(plan: &Plan, job: &str) -> Plan {
    let mut plan = plan.clone();
    for table in plan.tables.iter_mut().filter(|table| job_name(table) == Some(job)) {
        table.set("overlap", "allow");
    }
    plan
}

/// One rule of turns says what two said, of those whom the one spoke of or the other.
fn one_rule_for_two(plan: &Plan) -> Vec<Plan> {
    let is_rule = |place: &usize| plan.tables[*place].kind == Kind::Each("turn".into());
    let rules: Vec<usize> = (0..plan.tables.len()).filter(is_rule).collect();
    let mut plans = Vec::new();
    for (nth, second) in rules.iter().enumerate() {
        for first in &rules[..nth] {
            for of in [*first, *second] {
                let mut smaller = plan.clone();
                let gone = smaller.tables.remove(*second);
                let rule = &mut smaller.tables[*first];
                for (key, word) in gone.keys {
                    if rule.word(&key).is_none() {
                        rule.keys.push((key, word));
                    }
                }
                if let Some(runs) = plan.tables[of].word("of") {
                    rule.set("of", runs.clone());
                }
                plans.push(smaller);
            }
        }
    }
    plans
}

/// The keys that are said in several tables, and could be said in none.
fn said_often(plan: &Plan) -> Vec<String> {
    const NEEDED: [&str; 3] = ["name", "of", "at"];
    let keys = |table: &Table| table.keys.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>();
    let mut keys: Vec<String> = plan.tables.iter().flat_map(keys).collect();
    keys.sort_unstable();
    let mut often: Vec<String> =
        keys.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0].clone()).collect();
    often.dedup();
    often.retain(|key| !NEEDED.contains(&key.as_str()));
    often
}

/// How much earlier everything could be, most first.
pub(super) fn first_times(plan: &Plan) -> Vec<Span> {
    let first = plan.tables.iter().flat_map(times).min().unwrap_or_default();
    let second = Span::from_secs(1);
    let mut times = vec![first, Span::from_secs(first.as_nanos() / 2_000_000_000), second.min(first)];
    times.retain(|span| *span > Span::ZERO);
    times.dedup();
    times
}

/// Everything so much earlier.
pub(super) fn earlier(plan: &Plan, by: Span) -> Plan {
    let mut plan = plan.clone();
    for table in &mut plan.tables {
        let is_top = table.kind == Kind::Top;
        for (key, word) in &mut table.keys {
            if let Some(span) = time(is_top, key, word).filter(|span| *span >= by) {
                *word = Span::from_nanos(span.as_nanos() - by.as_nanos()).to_string().into();
            }
        }
    }
    plan
}

/// When things happen that this table says.
fn times(table: &Table) -> impl Iterator<Item = Span> {
    table.keys.iter().filter_map(|(key, word)| time(false, key, word))
}

/// Of a key that says when, counted from the beginning: when.
fn time(is_top: bool, key: &str, word: &Word) -> Option<Span> {
    let is_time = matches!(key, "at" | "from") || (is_top && key == "until");
    word.text().filter(|_| is_time).and_then(parse_span)
}

#[cfg(test)]
mod tests {
    use super::super::Table;
    use super::*;

    fn table(mut table: Table, keys: &[(&'static str, &str)]) -> Table {
        keys.iter().for_each(|(key, word)| table.say(key, *word));
        table
    }

    fn plan(tables: impl IntoIterator<Item = Table>) -> Plan {
        Plan { sentence: "A plan.".into(), tables: tables.into_iter().collect() }
    }

    fn texts(plan: &Plan) -> Vec<String> {
        together(plan).iter().map(Plan::text).collect()
    }

    #[test]
    fn a_lane_goes_with_all_who_wait_in_it() {
        let mut slow = Table::one("lanes.slow");
        slow.say("limit", 2);
        let jobs = ["a", "b"].map(|name| table(Table::each("job"), &[("name", name), ("lane", "slow")]));
        let texts = texts(&plan([slow].into_iter().chain(jobs)));
        let jobs = "job = [\n    { name = \"a\" },\n    { name = \"b\" },\n]\n";
        assert_eq!(texts[0], format!("# A plan.\n\n{jobs}"));
        assert_eq!(texts[1], format!("# A plan.\n\nlane = {{ limit = 2 }}\n{jobs}"));
    }

    #[test]
    fn one_job_stands_for_two_and_what_it_is_asked_for_comes_later() {
        let jobs = ["a", "b"].map(|name| table(Table::each("job"), &[("name", name)]));
        let spawn = |job, by| table(Table::each("do"), &[("spawn", job), ("by", by)]);
        let texts =
            texts(&plan(jobs.into_iter().chain([spawn("a", "a#1"), spawn("b", "a!1"), spawn("a", "b!1")])));
        let wanted = "job = [{ name = \"a\", overlap = \"allow\" }]\ndo = [\n    { spawn = \"a\", by = \"a#1\" },\n    \
                      { spawn = \"a\", by = \"a!1\" },\n    { spawn = \"a\", by = \"a!2\" },\n]\n";
        assert_eq!(texts[0], format!("# A plan.\n\n{wanted}"));
    }

    #[test]
    fn one_rule_says_what_two_said() {
        let job = table(Table::each("job"), &[("name", "a")]);
        let one = table(Table::each("turn"), &[("of", "a#1"), ("takes", "3s")]);
        let other = table(Table::each("turn"), &[("of", "a"), ("takes", "9s"), ("on_abort", "ignores")]);
        let texts = texts(&plan([job, one, other]));
        for of in ["a#1", "a"] {
            let wanted = format!("turn = [{{ of = \"{of}\", takes = \"3s\", on_abort = \"ignores\" }}]");
            assert!(texts.iter().any(|text| text.contains(&wanted)), "{wanted}: {texts:#?}");
        }
    }

    #[test]
    fn what_is_put_together_is_smaller() {
        let size = |plan: &Plan| {
            (plan.tables.len(), plan.tables.iter().map(|table| table.keys.len()).sum::<usize>())
        };
        for plan in (0..200).map(super::super::draw) {
            assert!(together(&plan).iter().all(|smaller| size(smaller) < size(&plan)), "{}", plan.text());
        }
    }

    #[test]
    fn all_that_happens_happens_earlier_and_spans_stay() {
        let mut top = Table::new(Kind::Top);
        top.say("until", "9s");
        let job = table(Table::each("job"), &[("name", "a"), ("at", "2s"), ("timeout", "5s")]);
        let event = table(Table::each("do"), &[("at", "3s"), ("cancel", "a")]);
        let plan = plan([top, job, event]);
        assert_eq!(first_times(&plan), [Span::from_secs(2), Span::from_secs(1)]);
        let wanted = "# A plan.\n\nuntil = \"7s\"\njob = [{ name = \"a\", at = \"0s\", timeout = \"5s\" }]\n\
                      do = [{ at = \"1s\", cancel = \"a\" }]\n";
        assert_eq!(earlier(&plan, Span::from_secs(2)).text(), wanted);
    }
}
