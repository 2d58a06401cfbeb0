//! What goes wrong at commits, and how long the store takes to answer.

use sametick_core::time::Span;

use super::super::{Kind, Table};
use super::plots::the;
use super::{F, JOBS, Swarm};
use crate::scenario::parse_span;

/// Of a hundred plans with a slow store, in how many each answer takes a time of its own.
const EACH_ITS_OWN: u64 = 40;

/// Of a hundred plans with owners, in how many the answers to renewals take up to a whole lease.
const SLOW_RENEWALS: u64 = 25;

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

    /// Answers of a store that each take a time of their own, so that a later one may come first, and answers to renewals that
    /// take up to a whole lease.
    pub(super) fn answers(&mut self, tables: &mut Vec<Table>) {
        let text = |tables: &[Table], name: &'static str, key| {
            let table = tables.iter().find(|table| table.kind == Kind::One(name.into()))?;
            table.word(key)?.text().map(str::to_owned)
        };
        if let Some(most) = text(tables, "store", "answers")
            && self.dice.percent(EACH_ITS_OWN)
            && parse_span(&most).is_some_and(|most| most > Span::ZERO)
        {
            the(tables, "store").set("answers", format!("0s..{most}"));
        }
        if let Some(lease) = text(tables, "owners", "lease")
            && self.dice.percent(SLOW_RENEWALS)
        {
            the(tables, "store").set("answers", format!("0s..{lease}"));
        }
    }
}
