//! A host that loses the store and takes it back.

use super::super::Table;
use super::plots::{due, the};
use super::{JOBS, Swarm};

impl Swarm {
    /// A host loses the store and takes it back while others run a turn in its main session.
    pub(super) fn back_again(&mut self, tables: &mut Vec<Table>) {
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
