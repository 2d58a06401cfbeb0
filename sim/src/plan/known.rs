//! As much of a plan as a machine knows what to do with.

use super::steps::{job_name, without_job};
use super::{Kind, Plan, Table};

/// What of a plan is made of these: `job.timeout` is a key of every job, `turn.*` is every key of every turn; what stands
/// before the first table is always known. A job that is due again and again is due once, where that is all that is
/// known; a job whose schedule is not known is not there, and nothing that speaks of it is.
#[must_use]
pub fn known(plan: &Plan, known: &[&str]) -> Plan {
    let mut less = plan.clone();
    for table in &mut less.tables {
        due_once(table, known);
        let name = name_of(&table.kind).to_owned();
        table.keys.retain(|(key, _)| knows(known, &name, key));
    }
    less.tables.retain(|table| {
        let name = name_of(&table.kind);
        name.is_empty() || known.iter().any(|known| known.split('.').next() == Some(name))
    });
    let unplanned: Vec<String> =
        less.tables.iter().filter(|table| !is_due(table)).filter_map(job_name).map(str::to_owned).collect();
    unplanned.iter().fold(less, |plan, job| without_job(&plan, job))
}

fn knows(known: &[&str], table: &str, key: &str) -> bool {
    let is_it = |(its_table, its_key): (&str, &str)| its_table == table && (its_key == key || its_key == "*");
    table.is_empty() || known.iter().filter_map(|known| known.split_once('.')).any(is_it)
}

/// What a table is called, whichever of several it is.
fn name_of(kind: &Kind) -> &str {
    match kind {
        Kind::Top => "",
        Kind::One(name) | Kind::Each(name) => name.split('.').next().unwrap_or_default(),
    }
}

const SCHEDULES: [&str; 3] = ["at", "every", "cron"];

fn is_due(table: &Table) -> bool {
    job_name(table).is_none() || SCHEDULES.iter().any(|key| table.word(key).is_some())
}

fn due_once(table: &mut Table, known: &[&str]) {
    let is_unknown = |key: &str| SCHEDULES.contains(&key) && !knows(known, "job", key);
    let unknown = table.keys.iter_mut().find(|(key, _)| is_unknown(key));
    if let Some((key, word)) = unknown.filter(|_| knows(known, "job", "at")) {
        if key == "cron" {
            *word = "10s".into();
        }
        *key = "at".into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::draw;

    #[test]
    fn what_is_not_known_is_not_there_and_the_rest_reads() {
        let words = ["job.name", "job.at", "job.timeout", "turn.of", "turn.takes"];
        let mut read = 0;
        for plan in (0..500).map(draw) {
            let less = known(&plan, &words);
            let keys = |plan: &Plan| {
                let named = plan.tables.iter().filter(|table| table.kind != Kind::Top);
                let named = named.flat_map(|table| {
                    table.keys.iter().map(|(key, _)| format!("{}.{key}", name_of(&table.kind)))
                });
                named.collect::<Vec<_>>()
            };
            assert!(keys(&less).iter().all(|key| words.contains(&key.as_str())), "{}", less.text());
            assert_eq!(known(&less, &words), less);
            read += u32::from(less.scenario("p.toml").is_ok());
        }
        assert!(read > 250, "{read} of 500 read");
    }

    #[test]
    fn who_knows_everything_plays_the_plan_itself() {
        let all =
            ["job.*", "turn.*", "lane.*", "lanes.*", "at.*", "fault.*", "store.*", "host.*", "owners.*"];
        for plan in (0..100).map(draw) {
            let headers = plan.tables.iter().map(|table| name_of(&table.kind));
            let every: Vec<String> = headers.map(|name| format!("{name}.*")).collect();
            let every: Vec<&str> = every.iter().map(String::as_str).chain(all).collect();
            assert_eq!(known(&plan, &every), plan);
        }
    }
}
