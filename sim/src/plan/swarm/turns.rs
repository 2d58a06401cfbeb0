//! How turns behave.

use super::super::Table;
use super::{F, Swarm};

impl Swarm {
    pub(super) fn turns(&mut self, job: &'static str, tables: &mut Vec<Table>) {
        let declared = tables.iter().find(|table| table.word("name") == Some(&job.into()));
        let has = |budget| declared.is_some_and(|job| job.word(budget).is_some());
        let near = [("timeout", "answers_near_timeout"), ("total_timeout", "answers_near_total_timeout")];
        let near: Vec<&'static str> =
            near.into_iter().filter(|(budget, _)| has(budget)).map(|(_, key)| key).collect();
        if self.dice.percent(35) {
            let occurrence = self.dice.between(1, 3);
            let turn = self.turn(format!("{job}#{occurrence}"), &near);
            tables.push(turn);
        }
        if self.dice.percent(70) {
            let turn = self.turn(job.to_owned(), &near);
            tables.push(turn);
        }
    }

    fn turn(&mut self, of: String, near: &[&'static str]) -> Table {
        let mut turn = Table::each("turn");
        turn.say("of", of);
        if self.some(F::NeverReady, 35) {
            turn.say("ready", "never");
        } else if self.dice.percent(40) {
            turn.say("ready", self.time(0, 3));
        }
        if !near.is_empty() && self.some(F::Near, 50) {
            turn.say(
                self.dice.pick(near),
                self.dice.pick(&["-2ms", "-1ms", "-1ns", "0s", "1ns", "1ms", "2ms"]),
            );
        } else {
            turn.say("takes", if self.dice.percent(30) { "never".to_owned() } else { self.time(0, 8) });
        }
        if self.some(F::Failures, 50) {
            turn.say("ends", "failed");
            let kinds = ["unknown", "network", "permanent", "rate limit", "overloaded", "server"];
            turn.say("failure", self.dice.pick(&kinds));
        }
        if self.some(F::Stubborn, 50) {
            turn.say("on_abort", "ignores");
        } else if self.dice.percent(50) {
            turn.say("stops", self.time(0, 6));
        }
        if self.some(F::DeadlineFirst, 50) {
            turn.say("order", "deadline first");
        }
        if self.some(F::Progress, 40) {
            turn.say("progress", self.time(1, 3));
        }
        turn
    }
}
