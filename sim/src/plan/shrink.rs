//! Makes a plan that breaks small, and keeps what breaks in it.
//!
//! Whatever can go goes: tables by halves and then one by one, a job with all that speaks of it, keys one by one; one lane
//! stands for two, one job, one rule of turns. Then what stays is made plain: fewer, shorter, rounder, an interval instead
//! of a calendar. Where that leads no further, two things go at once, all times are divided by one number, and all that
//! happens happens earlier. All in a fixed order, over and over until nothing more goes; each step makes the plan smaller,
//! so that ends.

use sametick_core::time::Span;

use super::steps::{job_name, plainer, without, without_job};
use super::together::{earlier, first_times, together};
use super::{Kind, Plan};
use crate::scenario::parse_offset;

/// A plan with more keys and tables than this is not tried without any two of them.
const MOST_PAIRED: usize = 60;

/// A plan is tried so often at most.
const MOST_TRIALS: u32 = 4_000;

/// The smallest plan that was found of which `breaks` is still true.
pub fn shrink(plan: &Plan, breaks: impl FnMut(&Plan) -> bool) -> Plan {
    let mut work = Work { plan: plan.clone(), breaks, trials: 0 };
    loop {
        let before = work.plan.clone();
        work.tables();
        work.keys();
        work.together();
        work.schedules();
        work.words();
        if work.plan == before {
            work.earlier();
            work.scale();
            work.pairs();
        }
        if work.plan == before || work.trials >= MOST_TRIALS {
            return work.plan;
        }
    }
}

struct Work<B> {
    plan: Plan,
    breaks: B,
    trials: u32,
}

impl<B: FnMut(&Plan) -> bool> Work<B> {
    /// Takes over a smaller plan if it still breaks.
    fn take(&mut self, smaller: Plan) -> bool {
        if smaller == self.plan || self.trials >= MOST_TRIALS {
            return false;
        }
        self.trials += 1;
        let breaks = (self.breaks)(&smaller);
        if breaks {
            self.plan = smaller;
        }
        breaks
    }

    fn tables(&mut self) {
        let names: Vec<String> = self.plan.tables.iter().filter_map(job_name).map(str::to_owned).collect();
        for name in names.iter().rev() {
            self.take(without_job(&self.plan, name));
        }
        let mut size = self.plan.tables.len() / 2;
        while size > 0 {
            let mut from = self.plan.tables.len();
            while from > 0 {
                let to = from;
                from = from.saturating_sub(size);
                let mut smaller = self.plan.clone();
                let mut place = 0;
                smaller.tables.retain(|table| {
                    place += 1;
                    let inside = (from..to).contains(&(place - 1));
                    !inside || table.kind == Kind::Top || job_name(table).is_some()
                });
                if smaller.tables.len() < self.plan.tables.len() {
                    self.take(smaller);
                }
                from = from.min(self.plan.tables.len());
            }
            size /= 2;
        }
    }

    fn keys(&mut self) {
        for table in (0..self.plan.tables.len()).rev() {
            for key in (0..self.plan.tables[table].keys.len()).rev() {
                let mut smaller = self.plan.clone();
                if without(&mut smaller, (table, Some(key))) {
                    self.take(smaller);
                }
            }
        }
    }

    fn together(&mut self) {
        while together(&self.plan).into_iter().any(|smaller| self.take(smaller)) {}
    }

    /// Everything earlier, at the same distances.
    fn earlier(&mut self) {
        for by in first_times(&self.plan) {
            if self.take(earlier(&self.plan, by)) {
                return;
            }
        }
    }

    /// An interval instead of a calendar, once instead of again and again.
    fn schedules(&mut self) {
        for table in 0..self.plan.tables.len() {
            for (from, to) in [("cron", "every"), ("cron", "at"), ("every", "at")] {
                let keys = &self.plan.tables[table].keys;
                let Some(place) = keys.iter().position(|(key, _)| key == from) else { continue };
                let mut smaller = self.plan.clone();
                let keys = &mut smaller.tables[table].keys;
                // Once, it is due when it was due first.
                let begins = keys.iter().find(|(key, _)| key == "from").map(|(_, word)| word.clone());
                let first = begins.unwrap_or_else(|| keys[place].1.clone());
                keys[place] = (to.into(), if from == "every" { first } else { "10s".into() });
                keys.retain(|(key, _)| {
                    !["zone", "gap", "repeated", "stagger", "from"].contains(&key.as_ref())
                });
                self.take(smaller);
            }
        }
    }

    /// All times divided by one number.
    fn scale(&mut self) {
        for by in [10, 5, 2] {
            let mut smaller = self.plan.clone();
            for (key, word) in smaller.tables.iter_mut().flat_map(|table| &mut table.keys) {
                let span = word.text().filter(|_| key != "name").and_then(parse_offset);
                if let Some(span) = span.filter(|span| span.0 >= 1_000_000_000 * by) {
                    *word = Span::from_nanos((span.0 / by).unsigned_abs()).to_string().into();
                }
            }
            self.take(smaller);
        }
    }

    /// Two keys or tables at once, where neither can go alone.
    fn pairs(&mut self) {
        let places = |plan: &Plan| -> Vec<(usize, Option<usize>)> {
            let keys = |table: usize| (0..plan.tables[table].keys.len()).map(move |key| (table, Some(key)));
            (0..plan.tables.len()).flat_map(|table| keys(table).chain([(table, None)])).collect()
        };
        let mut all = places(&self.plan);
        if all.len() > MOST_PAIRED {
            return;
        }
        let mut first = 0;
        while first < all.len() {
            let taken = (first + 1..all.len()).any(|second| {
                let mut smaller = self.plan.clone();
                let changed = without(&mut smaller, all[second]) && without(&mut smaller, all[first]);
                changed && self.take(smaller)
            });
            if taken {
                all = places(&self.plan);
            } else {
                first += 1;
            }
        }
    }

    fn words(&mut self) {
        for table in 0..self.plan.tables.len() {
            for key in 0..self.plan.tables[table].keys.len() {
                loop {
                    let (name, word) = &self.plan.tables[table].keys[key];
                    let plainer = plainer(name, word);
                    let taken = plainer.into_iter().any(|word| {
                        let mut smaller = self.plan.clone();
                        smaller.tables[table].keys[key].1 = word;
                        self.take(smaller)
                    });
                    if !taken {
                        break;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Table, Word, draw};

    /// A job and a command for it.
    fn plan(job_says: &[(&'static str, &str)], event_at: &str) -> Plan {
        let mut job = Table::each("job");
        job_says.iter().for_each(|(key, word)| job.say(key, *word));
        let mut event = Table::each("do");
        event.say("at", event_at);
        Plan { sentence: "A plan.".into(), tables: vec![job, event] }
    }

    fn says<'p>(plan: &'p Plan, kind: &'static str, key: &str) -> Option<&'p Word> {
        plan.tables.iter().find(|table| table.kind == Kind::Each(kind.into()))?.word(key)
    }

    fn secs(plan: &Plan, kind: &'static str, key: &str) -> Option<i64> {
        Some(parse_offset(says(plan, kind, key)?.text()?)?.0 / 1_000_000_000)
    }

    #[test]
    fn two_go_where_neither_goes_alone() {
        let both = plan(&[("name", "a"), ("at", "1s"), ("timeout", "2s"), ("total_timeout", "2s")], "1s");
        let small = shrink(&both, |plan| {
            let is_said = |key| says(plan, "job", key).is_some();
            is_said("name") && is_said("timeout") == is_said("total_timeout")
        });
        assert_eq!(says(&small, "job", "timeout"), None, "{}", small.text());
    }

    #[test]
    fn what_is_due_by_the_calendar_is_due_once() {
        let calendar = plan(&[("name", "a"), ("cron", "0 * * * *"), ("zone", "Europe/Berlin")], "1s");
        let due = ["at", "every", "cron"];
        let small = shrink(&calendar, |plan| due.iter().any(|key| says(plan, "job", key).is_some()));
        assert_eq!(secs(&small, "job", "at"), Some(0), "{}", small.text());
    }

    #[test]
    fn what_begins_again_and_again_at_an_instant_is_due_once_then() {
        let often = plan(&[("name", "a"), ("every", "7s"), ("from", "3s")], "1s");
        let small = shrink(&often, |plan| {
            // By an interval, what is due first is due at `from`.
            let first = if says(plan, "job", "every").is_some() { "from" } else { "at" };
            secs(plan, "job", first) == Some(3)
        });
        let first = (says(&small, "job", "at").and_then(Word::text), says(&small, "job", "every"));
        assert_eq!(first, (Some("3s"), None), "{}", small.text());
    }

    #[test]
    fn times_that_belong_together_get_shorter_together() {
        let long = plan(&[("name", "a"), ("timeout", "20s"), ("total_timeout", "60s")], "1s");
        let small = shrink(&long, |plan| {
            let (Some(one), Some(three)) = (secs(plan, "job", "timeout"), secs(plan, "job", "total_timeout"))
            else {
                return false;
            };
            one > 0 && 3 * one == three
        });
        assert_eq!(secs(&small, "job", "total_timeout"), Some(3), "{}", small.text());
    }

    #[test]
    fn all_that_happens_happens_as_early_as_it_can() {
        let late = plan(&[("name", "a"), ("at", "7s")], "8s");
        let small = shrink(&late, |plan| {
            secs(plan, "do", "at").zip(secs(plan, "job", "at")).is_some_and(|(then, due)| then - due == 1)
        });
        assert_eq!(secs(&small, "do", "at"), Some(1), "{}", small.text());
    }

    #[test]
    fn what_decides_stays_and_the_rest_goes() {
        let plan =
            (0..).map(draw).find(|plan| plan.text().contains("cancel = ")).expect("one of them cancels");
        let small =
            shrink(&plan, |plan| plan.scenario("p.toml").is_ok() && plan.text().contains("cancel = "));
        assert_eq!(small.tables.len(), 3, "{}", small.text());
        assert_eq!(
            small,
            shrink(&plan, |plan| plan.scenario("p.toml").is_ok() && plan.text().contains("cancel = "))
        );
    }
}
