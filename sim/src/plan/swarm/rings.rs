//! Runs that ask for children of each other.

use super::super::Table;
use super::plots::{due, the};
use super::{JOBS, Swarm, UNITS};

impl Swarm {
    /// Runs of two or three jobs ask for children of each other all around, or the last of them for one in the session that
    /// the first holds.
    pub(super) fn ring(&mut self, tables: &mut Vec<Table>) {
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
}
