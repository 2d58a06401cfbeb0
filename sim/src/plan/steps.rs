//! What makes a plan smaller by one step: something goes, or is made plain.

use sametick_core::time::Span;

use super::together::together;
use super::{Kind, Plan, Table, Word};
use crate::scenario::parse_offset;

/// Every plan that is one step from this one, those first that are smallest. Some of them say too little to be read.
#[must_use]
pub fn steps(plan: &Plan) -> Vec<Plan> {
    let mut smaller: Vec<Plan> =
        plan.tables.iter().filter_map(job_name).map(|job| without_job(plan, job)).collect();
    let places = |table: usize| (0..plan.tables[table].keys.len()).map(move |key| (table, Some(key)));
    let tables = (0..plan.tables.len()).map(|table| (table, None));
    for place in tables.chain((0..plan.tables.len()).flat_map(places)) {
        let mut one_less = plan.clone();
        if without(&mut one_less, place) {
            smaller.push(one_less);
        }
    }
    smaller.extend(together(plan));
    for (table, key) in (0..plan.tables.len()).flat_map(places) {
        let key = key.unwrap_or_default();
        let (name, word) = &plan.tables[table].keys[key];
        for word in plainer(name, word) {
            let mut plain = plan.clone();
            plain.tables[table].keys[key].1 = word;
            smaller.push(plain);
        }
    }
    smaller
}

/// Takes a key out, or a table; false where that is not to go.
pub(super) fn without(plan: &mut Plan, (table, key): (usize, Option<usize>)) -> bool {
    if table >= plan.tables.len() {
        return false;
    }
    let ends = ends_by_itself(plan);
    match key {
        Some(key) => {
            let keys = &mut plan.tables[table].keys;
            let goes = keys.get(key).is_some_and(|(name, _)| name != "name" && (name != "until" || ends));
            if goes {
                keys.remove(key);
            }
            goes
        }
        None => {
            let goes = plan.tables[table].kind != Kind::Top && job_name(&plan.tables[table]).is_none();
            if goes {
                plan.tables.remove(table);
            }
            goes
        }
    }
}

/// Without an end, what is due again and again is due for a day, a lease is renewed for ever, and a turn may get on for ever.
fn ends_by_itself(plan: &Plan) -> bool {
    let goes_on = |key: &str| matches!(key, "every" | "cron" | "lease" | "progress");
    !plan.tables.iter().flat_map(|table| &table.keys).any(|(key, _)| goes_on(key))
}

pub(super) fn job_name(table: &Table) -> Option<&str> {
    let is_job = matches!(&table.kind, Kind::Each(name) if name == "job");
    table.word("name").filter(|_| is_job).and_then(Word::text)
}

/// A plan without a job and without all that speaks of it.
pub(super) fn without_job(plan: &Plan, job: &str) -> Plan {
    let mut smaller = plan.clone();
    let speaks = |table: &Table| {
        table.keys.iter().any(|(key, word)| run_named(key, word).is_some_and(|run| run.0 == job))
    };
    smaller.tables.retain(|table| !speaks(table));
    smaller
}

/// Of a key that names a job or a run: the job, and what follows its name.
pub(super) fn run_named<'w>(key: &str, word: &'w Word) -> Option<(&'w str, &'w str)> {
    const NAMES: [&str; 17] = [
        "name", "of", "grants", "starts", "settles", "cancel", "run", "add", "remove", "pause", "disable",
        "resume", "edit", "like", "spawn", "by", "job",
    ];
    let text = word.text().filter(|_| NAMES.contains(&key))?;
    Some(text.split_at(text.find(['#', '!']).unwrap_or(text.len())))
}

/// Words that say less, the least first; each comes before the one it stands for in an order without circles.
pub(super) fn plainer(key: &str, word: &Word) -> Vec<Word> {
    match word {
        Word::Number(number) => {
            let fewer = [0, 1, number / 2, number.saturating_sub(1)];
            fewer.into_iter().filter(|fewer| fewer < number).map(Word::Number).collect()
        }
        Word::Text(text) if key != "name" => plainer_text(text).into_iter().map(Word::Text).collect(),
        Word::List(texts) if texts.len() > 1 => (0..texts.len())
            .map(|left_out| {
                let kept = texts.iter().enumerate().filter(|(place, _)| *place != left_out);
                Word::List(kept.map(|(_, text)| text.clone()).collect())
            })
            .collect(),
        Word::Text(_) | Word::List(_) | Word::Flag(_) => Vec::new(),
    }
}

/// Rounder, then shorter times; a run that comes earlier.
fn plainer_text(text: &str) -> Vec<String> {
    if let Some(offset) = parse_offset(text) {
        let sign = if offset.0 < 0 { "-" } else { "" };
        return plainer_spans(offset.0.unsigned_abs())
            .into_iter()
            .map(|span| format!("{sign}{span}"))
            .collect();
    }
    if let Some((low, high)) = text.split_once("..")
        && let Some((_, most)) = parse_offset(low).zip(parse_offset(high))
    {
        let ends = [low, high].map(str::to_owned).into_iter();
        let shorter = plainer_spans(most.0.unsigned_abs()).into_iter().filter(|_| low == "0s");
        return ends.chain(shorter.skip(1).map(|high| format!("{low}..{high}"))).collect();
    }
    let Some(place) = text.rfind(['#', '!']) else { return Vec::new() };
    let (job, number) = text.split_at(place);
    let mut fewer = vec![job.to_owned()];
    if number[1..].parse::<u64>().is_ok_and(|number| number > 1) {
        fewer.push(format!("{job}{}1", &number[..1]));
    }
    fewer
}

/// Each has fewer digits than what it stands for, or as many and is shorter.
fn plainer_spans(nanos: u64) -> Vec<Span> {
    const UNITS: [u64; 4] = [1_000_000_000, 1_000_000, 1_000, 1];
    let mut spans = vec![0];
    for unit in UNITS {
        let whole = nanos / unit;
        for fewer in [1, 5, 10, whole / 2, whole.saturating_sub(1), whole, whole + 1] {
            spans.push(fewer * unit);
        }
    }
    let weight = |nanos: u64| {
        let unit = UNITS.iter().position(|unit| nanos.is_multiple_of(*unit)).unwrap_or(0);
        let digits = (nanos / UNITS[unit]).checked_ilog10().map_or(1, |digits| digits + 1);
        (unit, digits, nanos)
    };
    let own = weight(nanos);
    let mut plainer: Vec<u64> = spans.into_iter().filter(|span| weight(*span) < own).collect();
    plainer.sort_unstable_by_key(|span| weight(*span));
    plainer.dedup();
    plainer.into_iter().map(Span::from_nanos).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plainer_times_are_plainer() {
        let told = |nanos| plainer_spans(nanos).iter().map(Span::to_string).collect::<Vec<_>>();
        assert_eq!(told(2_000_000_000), ["0s", "1s"]);
        assert!(told(7_000_000_001).contains(&"7s".to_owned()));
        assert_eq!(told(0), Vec::<String>::new());
        // No circle: what is plainer than something is never plainer the other way round.
        for nanos in [1, 999, 1_000_000, 1_500_000_000, 61_000_000_001] {
            for span in plainer_spans(nanos) {
                assert!(!plainer_spans(span.as_nanos()).contains(&Span::from_nanos(nanos)), "{nanos} {span}");
            }
        }
    }
}
