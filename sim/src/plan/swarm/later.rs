//! What plans got once their seeds had a meaning.
//!
//! It comes from dice of its own and after all else, so that a plan that gets none of it stays what it was. Nor does
//! a plan that has a plot get any: it would be in the way.

use sametick_core::time::Span;

use super::super::{Kind, Table};
use super::plots::{due, the};
use super::{JOBS, Swarm, UNITS};
use crate::scenario::parse_span;

/// Of a hundred plans with a slow store, in how many each answer takes a time of its own, so that a later one may come first.
const EACH_ITS_OWN: u64 = 40;

/// Of a hundred plans with owners, in how many the answers to renewals take up to a whole lease.
const SLOW_RENEWALS: u64 = 25;

/// In how many of a thousand plans runs ask for children of each other.
const RINGS: u64 = 25;

/// In how many of a thousand a host loses the store and takes it back while others run a turn in its main session.
const BACK_AGAIN: u64 = 15;

impl Swarm {
    pub(super) fn later(&mut self, tables: &mut Vec<Table>) {
        self.answers(tables);
        if self.jobs >= 2 && self.dice.below(1_000) < RINGS {
            self.ring(tables);
        }
        if self.dice.below(1_000) < BACK_AGAIN {
            self.back_again(tables);
        }
    }

    fn answers(&mut self, tables: &mut Vec<Table>) {
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

    /// Runs of two or three jobs ask for children of each other all around, or the last of them for one in the session that
    /// the first holds.
    fn ring(&mut self, tables: &mut Vec<Table>) {
        let around = self.dice.between(2, self.jobs.min(3));
        let by_session = self.jobs > around && self.dice.percent(40);
        let begins = self.dice.between(1, 3);
        the(tables, "lane").set("limit", around);
        let (at, again) = (self.units(begins), self.units(UNITS));
        for (place, name) in JOBS.iter().enumerate().take(around as usize) {
            let takes = self.time(8, 20);
            let job = due(tables, place);
            // Once, though what else there is may speak of its next times.
            job.set("every", again.clone());
            job.set("from", at.clone());
            job.set("overlap", "buffer all");
            job.leave_out(&["lane", "session", "buffer"]);
            let mut turn = Table::each("turn");
            turn.say("of", format!("{name}#1"));
            turn.say("takes", takes);
            // The first rule that fits counts.
            tables.insert(Self::after_jobs(tables), turn);
        }
        if by_session {
            for place in [0, around as usize] {
                if let Some(job) =
                    tables.iter_mut().find(|table| table.word("name") == Some(&JOBS[place].into()))
                {
                    job.set("session", "main");
                }
            }
        }
        for place in 0..around {
            let mut event = self.at(begins + 1 + place);
            let next = if place + 1 < around || by_session { place + 1 } else { 0 };
            event.say("spawn", JOBS[next as usize]);
            event.say("by", format!("{}#1", JOBS[place as usize]));
            tables.push(event);
        }
    }

    fn back_again(&mut self, tables: &mut Vec<Table>) {
        let third = self.dice.between(1, 2);
        the(tables, "owners").set("lease", self.units(3 * third));
        let takes = self.time(1, 4);
        let job = due(tables, 0);
        job.set("every", self.so_many(1, 3));
        job.set("session", "main");
        let mut turn = Table::each("turn");
        turn.say("of", JOBS[0]);
        turn.say("takes", takes);
        tables.insert(Self::after_jobs(tables), turn);
        let begins = self.dice.between(1, 4);
        let mut foreign = self.at(begins);
        foreign.say("foreign", "main");
        foreign.say("lasts", self.time(4 * third, 12 * third));
        tables.push(foreign);
        let mut lost = begins;
        for host in ["b", "a"] {
            // Who is replaced hears of it by its next renewal at the latest, if the store is not slow.
            lost += self.dice.between(1, 2 * third);
            let mut takeover = self.at(lost);
            takeover.say("takeover", host);
            tables.push(takeover);
        }
    }
}
