//! Commands that come at a bad moment: as a run ends, while it drains, or for a job that is there.

use super::super::Table;
use super::plots::due;
use super::{JOBS, Swarm};

impl Swarm {
    /// A run of a job that is due once is cancelled at the very instant at which its turn answers, or next to it.
    pub(super) fn cancelled_as_it_answers(&mut self, tables: &mut Vec<Table>) {
        let Some(place) = self.once.iter().position(|once| *once) else { return };
        let (begins, takes) = (self.dice.between(1, 4), self.dice.between(1, 3));
        let job = due(tables, place);
        job.set("at", self.units(begins));
        job.set("timeout", self.units(takes));
        job.leave_out(&["stall_timeout", "start_timeout"]);
        let mut turn = Table::each("turn");
        turn.say("of", JOBS[place]);
        turn.say("answers_near_timeout", "0s");
        tables.insert(Self::after_jobs(tables), turn);
        let mut cancel = self.at(begins + takes);
        cancel.say("cancel", JOBS[place]);
        tables.push(cancel);
    }

    /// A job that is due once is paused while its run is at work or after that, and resumed.
    pub(super) fn paused_and_over(&mut self, tables: &mut Vec<Table>) {
        let Some(place) = self.once.iter().position(|once| *once) else { return };
        let begins = self.dice.between(1, 4);
        let job = due(tables, place);
        job.set("at", self.units(begins));
        let takes = self.time(1, 3);
        let mut turn = Table::each("turn");
        turn.say("of", JOBS[place]);
        turn.say("takes", takes);
        // Half of them end well.
        if self.dice.percent(50) {
            turn.say("ends", "failed");
        }
        tables.insert(Self::after_jobs(tables), turn);
        let mut at = begins;
        for what in ["pause", "resume"] {
            at += self.dice.between(1, 4);
            let mut event = self.at(at);
            event.say(what, JOBS[place]);
            tables.push(event);
        }
    }

    /// A job is added that is there.
    pub(super) fn added_though_there(&mut self, tables: &mut Vec<Table>) {
        let begins = self.dice.between(1, 8);
        let mut add = self.at(begins);
        add.say("add", JOBS[0]);
        tables.push(add);
    }

    /// A job is removed while its turn, which would be tried again, is asked to stop, and added again before it has.
    pub(super) fn removed_in_a_drain(&mut self, tables: &mut Vec<Table>) {
        let (from, takes) = (self.dice.between(1, 3), self.dice.between(1, 3));
        let every = self.so_many(3, 9);
        let job = due(tables, 0);
        job.set("every", every);
        job.set("from", self.units(from));
        job.set("timeout", self.units(takes));
        job.set("attempts", self.dice.between(2, 3));
        job.leave_out(&["retry_on", "stall_timeout", "start_timeout", "on_abandon"]);
        job.set("abort_grace", self.so_many(4, 12));
        let mut turn = Table::each("turn");
        turn.say("of", JOBS[0]);
        turn.say("takes", "never");
        turn.say("stops", self.so_many(4, 8));
        tables.insert(Self::after_jobs(tables), turn);
        let mut at = from + takes;
        for what in ["remove", "add"] {
            at += self.dice.between(1, 2);
            let mut event = self.at(at);
            event.say(what, JOBS[0]);
            tables.push(event);
        }
    }

    /// A job that is due once and goes then is removed while a run that somebody asked for is at work; it is added again, and is
    /// due, while that run drains, which is slow to stop.
    pub(super) fn due_over_an_older_run(&mut self, tables: &mut Vec<Table>) {
        let Some(place) = self.once.iter().position(|once| *once) else { return };
        let asked = self.dice.between(1, 3);
        let removed = asked + self.dice.between(1, 2);
        let added = removed + self.dice.between(1, 2);
        let begins = added + self.dice.between(1, 2);
        let job = due(tables, place);
        job.set("at", self.units(begins));
        job.set("delete_after_run", true);
        job.set("overlap", "skip");
        job.leave_out(&["buffer", "stall_timeout", "start_timeout", "on_abandon"]);
        job.set("abort_grace", self.so_many(8, 16));
        let mut turn = Table::each("turn");
        turn.say("of", JOBS[place]);
        turn.say("takes", "never");
        turn.say("stops", self.so_many(7, 12));
        tables.insert(Self::after_jobs(tables), turn);
        for (at, what) in [(asked, "run"), (removed, "remove"), (added, "add")] {
            let mut event = self.at(at);
            event.say(what, JOBS[place]);
            tables.push(event);
        }
    }
}
