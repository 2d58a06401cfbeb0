//! Jobs: when they are due, and what they go by.

use sametick_core::time::Span;

use super::super::{Table, Word};
use super::{F, HUGE, JOBS, OTHER, Swarm};

/// What is due all the time, and what is due on days that worlds begin on, as `begins` has them: Thursday the 1st, Friday the
/// 30th before a 31st, and the last Sundays of months that are no weekday's nearest.
const EXPRESSIONS: [&str; 12] = [
    "*/10 * * * * *",
    "*/10 * * * * *",
    "5,20 * * * * *",
    "5,20 * * * * *",
    "0 * * * *",
    "0 * * * *",
    "*/15 * * 1W,LW * *",
    "*/15 * * L * *",
    "*/20 * * 31W * *",
    "*/15 * * * * 4#1",
    "*/15 * * * * 7L",
    "*/20 * * 1W,L * +1-5#5,THU#1",
];

impl Swarm {
    pub(super) fn job(&mut self, name: &'static str) -> Table {
        let mut job = Table::each("job");
        job.say("name", name);
        self.schedule(&mut job);
        if self.some(F::Agents, 50) {
            job.say("agent", "clerk");
        }
        if self.some(F::Lanes, 50) {
            job.say("lane", "slow");
        }
        if self.some(F::SharedSession, 60) {
            job.say("session", "main");
        }
        if self.has(F::Overlaps) {
            let overlap = self.dice.pick(&["skip", "buffer one", "buffer all", "cancel other", "allow"]);
            job.say("overlap", overlap);
            if overlap == "buffer all" && self.dice.percent(50) {
                job.say("buffer", self.dice.between(0, 2));
            }
        }
        self.budgets(&mut job);
        if self.some(F::Retries, 70) {
            job.say("attempts", self.dice.pick(&[2, 2, 3, 3, 3, 5, 7]));
            // The wait of each further attempt, the last for all that follow.
            let steps = self.dice.pick(&[
                &["0s"][..],
                &["1s"],
                &["10s"],
                &["1s", "10s"],
                &["0s", "2s", "1s"],
                &["1s", "0s", "3s", "2s", "5s"],
            ]);
            job.say("backoff", Word::List(steps.iter().map(|step| (*step).to_owned()).collect()));
            if self.dice.percent(50) {
                let on = ["network", "timed out", "interrupted"].map(str::to_owned).to_vec();
                job.say("retry_on", Word::List(on));
            }
        }
        if self.some(F::CatchUp, 70) {
            let policy = self.dice.pick(&["one", "all"]);
            job.say("catch_up", policy);
            if policy == "all" && self.dice.percent(40) {
                job.say("catch_up_most", self.dice.between(0, 2));
            }
            if self.dice.percent(30) {
                job.say("catch_up_window", self.time(0, 10));
            }
        }
        if self.some(F::Misfire, 60) {
            job.say("misfire_after", self.time(0, 3));
        }
        if self.some(F::Results, 60) {
            job.say("deliver", true);
        }
        if self.some(F::Deletion, 60) {
            job.say("delete_after_run", true);
        }
        if self.some(F::Pauses, 15) {
            job.say("paused", true);
        }
        job
    }

    /// The job that edits speak of: another one, or the first with a few words changed, as most edits are.
    pub(super) fn other(&mut self, tables: &[Table]) -> Table {
        let mut other = self.job(OTHER);
        let first = tables.iter().find(|table| table.word("name") == Some(&JOBS[0].into()));
        if let Some(first) = first.filter(|_| self.dice.percent(60)) {
            let changed =
                self.dice.pick(&["agent", "timeout", "total_timeout", "every", "session", "attempts"]);
            let word = other.word(changed).cloned();
            other.keys.clone_from(&first.keys);
            other.keys.retain(|(key, _)| key != "name" && key != changed);
            other.keys.insert(0, ("name".into(), OTHER.into()));
            match word {
                Some(word) if changed != "every" || first.word("every").is_some() => {
                    other.keys.push((changed.into(), word));
                }
                _ if changed == "agent" => other.say("agent", "clerk"),
                _ => other.keys.extend(first.word(changed).map(|word| (changed.into(), word.clone()))),
            }
        }
        other.say("declared", false);
        other
    }

    fn schedule(&mut self, job: &mut Table) {
        if self.some(F::Calendar, 50) {
            job.say("cron", self.dice.pick(&EXPRESSIONS));
            job.say("zone", "Europe/Berlin");
            if self.dice.percent(30) {
                let (gap, repeated) = self.dice.pick(&[("shifted", "last"), ("skipped", "both")]);
                job.say("gap", gap);
                job.say("repeated", repeated);
            }
            if self.dice.percent(30) {
                job.say("stagger", "4s");
            }
        } else if self.some(F::OneShots, 60) {
            job.say("at", self.due(1, 20));
        } else {
            job.say("every", Span::from_millis(self.dice.pick(&[2, 3, 5, 10, 20]) * self.unit).to_string());
            if self.dice.percent(40) {
                job.say("from", self.due(0, 10));
            }
        }
    }

    fn budgets(&mut self, job: &mut Table) {
        let budgets = [
            (F::QueueTimeout, "queue_timeout"),
            (F::StartTimeout, "start_timeout"),
            (F::StallTimeout, "stall_timeout"),
            (F::Timeout, "timeout"),
            (F::TotalTimeout, "total_timeout"),
        ];
        for (feature, key) in budgets {
            if self.some(feature, 75) {
                let low = u64::from(!self.some(F::NoTime, 30));
                let text =
                    if self.dice.percent(4) { self.dice.pick(&HUGE).to_owned() } else { self.time(low, 8) };
                job.say(key, text);
            }
        }
        if self.some(F::Grace, 70) {
            job.say("abort_grace", self.time(0, 10));
        }
        if self.some(F::Hold, 50) {
            job.say("on_abandon", "hold");
        }
    }
}
