//! What goes wrong at commits.

use super::super::Table;
use super::{F, JOBS, Swarm};

impl Swarm {
    /// What goes wrong at commits.
    pub(super) fn faults(&mut self, tables: &mut Vec<Table>) {
        let mut kinds = Vec::new();
        if self.has(F::StoreFaults) {
            kinds.push(F::StoreFaults);
        }
        if self.has(F::CrashesAtCommits) {
            kinds.push(F::CrashesAtCommits);
        }
        if kinds.is_empty() {
            return;
        }
        for _ in 0..self.dice.between(1, self.hard) {
            let mut fault = Table::each("fault");
            if self.dice.percent(40) {
                fault.say("tick", self.dice.between(1, 40));
            } else {
                let run = self.run();
                fault.say(self.dice.pick(&["grants", "starts", "settles"]), run);
            }
            if self.dice.pick(&kinds) == F::CrashesAtCommits {
                fault.say("crash", self.dice.pick(&["before", "at", "after effects", "after"]));
                fault.say("down", self.dice.length(&[1, 1_000, 15_000]));
            } else {
                let answers = ["not applied", "unknown but applied", "unknown and not applied"];
                let answer = self.dice.pick(&answers);
                fault.say("store", answer);
                if answer == "not applied" && self.dice.percent(30) {
                    fault.say("times", 3);
                }
            }
            tables.push(fault);
        }
    }

    /// A run, by one of its names: all of a job, an occurrence, one that was asked for.
    pub(super) fn run(&mut self) -> String {
        let place = self.dice.below(self.jobs) as usize;
        let (job, last) = (JOBS[place], if self.once[place] { 1 } else { 3 });
        match self.dice.below(4) {
            0 if self.has(F::RunsNow) => format!("{job}!{}", self.dice.between(1, 2)),
            0 | 1 => format!("{job}#{}", self.dice.between(1, last)),
            _ => job.to_owned(),
        }
    }
}
