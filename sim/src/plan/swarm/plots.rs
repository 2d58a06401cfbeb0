//! Plots: things that have to happen one after another, to the same runs, before anything can break.
//!
//! Dice alone bring them together once in many thousand plans. A plot brings them together and leaves the rest to the
//! dice; in half of the plans that have one there is nothing else, so that nothing is in its way.

use sametick_core::time::Span;

use super::super::{Kind, Table, Word};
use super::{JOBS, OTHER, Swarm, UNITS};

/// What happens one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plot {
    /// A job is given another agent while its turn is at work, and the next run begins beside that.
    AnotherAgent,
    /// A run ends, what it asked for is asked to stop and does not, and the gateway dies.
    Family,
    /// The wall clock steps and the gateway dies while an attempt waits for its backoff.
    Backoff,
    /// Another takes the store over while the answer to a renewal is on its way to an owner that then, mostly, hears nothing
    /// more.
    Renewal,
    /// A job is removed while its turn is at work and added again, and that turn speaks when the next is at work.
    AnotherLife,
    /// A job is edited while its turn is at work, and the gateway dies.
    OtherTerms,
    /// A job is moved to another lane and back while its runs wait for one another.
    Moved,
}

impl Plot {
    pub(super) const ALL: [Self; 7] = [
        Self::AnotherAgent,
        Self::Family,
        Self::Backoff,
        Self::Renewal,
        Self::AnotherLife,
        Self::OtherTerms,
        Self::Moved,
    ];

    /// How many jobs it takes at least.
    pub(super) const fn jobs(self) -> u64 {
        match self {
            Self::AnotherAgent | Self::Backoff | Self::Renewal | Self::AnotherLife => 1,
            Self::OtherTerms | Self::Moved => 2,
            Self::Family => JOBS.len() as u64,
        }
    }
}

impl Swarm {
    /// Gives jobs, lanes and turns what a plot needs, and says what happens in it. Turns come before all others, as the
    /// first rule that fits counts.
    pub(super) fn stage(&mut self, plot: Plot, tables: &mut Vec<Table>) -> Vec<Table> {
        match plot {
            Plot::AnotherAgent => self.another_agent(tables),
            Plot::Family => self.family_over_a_crash(tables),
            Plot::Backoff => self.backoff_over_a_crash(tables),
            Plot::Renewal => self.late_renewal(tables),
            Plot::AnotherLife => self.another_life_at_work(tables),
            Plot::OtherTerms => self.other_terms_over_a_crash(tables),
            Plot::Moved => self.moved_and_back(tables),
        }
    }

    fn another_agent(&mut self, tables: &mut Vec<Table>) -> Vec<Table> {
        let (from, every) = (self.dice.between(1, 3), self.dice.between(2, 5));
        the(tables, "lane").set("limit", self.dice.between(2, 3));
        let job = due(tables, 0);
        job.set("every", self.units(every));
        job.set("from", self.units(from));
        job.set("overlap", "allow");
        job.leave_out(&["lane", "session", "buffer"]);
        let mut other = job.clone();
        if other.word("agent").is_some() {
            other.leave_out(&["agent"]);
        } else {
            other.set("agent", "clerk");
        }
        declare_other(tables, other);
        let mut turn = Table::each("turn");
        turn.say("of", "a#1");
        turn.say("takes", self.time(every + 1, 2 * every));
        tables.push(turn);
        let mut event = self.after(from, 1, every - 1);
        event.say("edit", JOBS[0]);
        event.say("like", OTHER);
        vec![event]
    }

    fn family_over_a_crash(&mut self, tables: &mut Vec<Table>) -> Vec<Table> {
        let begins = self.dice.between(1, 4);
        the(tables, "lane").set("limit", self.dice.between(1, 2));
        the(tables, "lanes.slow").set("limit", 1);
        // A family of two or three. Who has to wait is in the lane of its eldest.
        let youngest = self.dice.between(1, 2) as usize;
        for place in 0..JOBS.len() {
            let far = self.units(2 * UNITS);
            let job = due(tables, place);
            job.leave_out(&["lane", "session", "abort_grace", "on_abandon"]);
            match place {
                0 => job.set("at", self.units(begins)),
                3 => job.set("every", self.so_many(1, 3)),
                _ => job.set("at", far),
            }
            if place == 0 || place == 3 {
                job.set("lane", "slow");
            }
            if place == youngest {
                job.set("abort_grace", self.so_many(8, 15));
            }
        }
        let eldest = "a#1".to_owned();
        let mut turn = Table::each("turn");
        turn.say("of", eldest.clone());
        turn.say("takes", self.time(3, 4));
        tables.push(turn);
        let mut events = Vec::new();
        let mut parent = eldest;
        for (place, name) in JOBS.into_iter().enumerate().take(youngest + 1).skip(1) {
            let child = format!("{name}!1");
            let mut turn = Table::each("turn");
            turn.say("of", child.clone());
            turn.say("takes", "never");
            if place == youngest {
                turn.say("on_abort", "ignores");
            }
            tables.push(turn);
            let mut event = self.at(begins + place as u64);
            event.say("spawn", name);
            event.say("by", std::mem::replace(&mut parent, child));
            events.push(event);
        }
        let mut event = self.after(begins, 4, 7);
        event.say("crash", true);
        event.say("down", self.dice.length(&[1, 1_000]));
        events.push(event);
        events
    }

    fn backoff_over_a_crash(&mut self, tables: &mut Vec<Table>) -> Vec<Table> {
        let (begins, waits) = (self.dice.between(1, 3), self.dice.between(5, 10));
        let job = due(tables, 0);
        job.set("at", self.units(begins));
        job.set("attempts", self.dice.between(2, 3));
        job.set("backoff", Word::List(vec![self.units(waits)]));
        job.set("queue_timeout", self.so_many(0, 3));
        job.leave_out(&["retry_on", "total_timeout"]);
        let mut turn = Table::each("turn");
        turn.say("of", "a#1");
        turn.say("takes", self.time(0, 1));
        turn.say("ends", "failed");
        turn.say("failure", "network");
        tables.push(turn);
        let mut clock = self.after(begins, 1, 3);
        clock.say("clock", self.dice.pick(&["-1h", "-1h", "-90s", "-5s", "5s", "1h"]));
        let mut crash = self.after(begins, 2, waits);
        crash.say("crash", true);
        crash.say("down", self.dice.length(&[1, 1_000]));
        vec![clock, crash]
    }

    fn late_renewal(&mut self, tables: &mut Vec<Table>) -> Vec<Table> {
        // Renewals are asked for three times in a lease.
        let third = self.dice.between(1, 2) * self.unit;
        let answers = third * self.dice.between(3, 9) / 10;
        let asked = third * self.dice.between(3, 8);
        the(tables, "owners").set("lease", millis(3 * third));
        the(tables, "store").set("answers", millis(answers));
        let job = due(tables, 0);
        job.set("at", self.so_many(0, 1));
        job.set("attempts", 2u64);
        job.set("retry_on", Word::List(vec!["interrupted".to_owned()]));
        job.set("backoff", Word::List(vec!["1ms".to_owned()]));
        job.set("abort_grace", self.so_many(1, 3));
        job.leave_out(&["timeout", "stall_timeout", "total_timeout", "start_timeout", "on_abandon"]);
        let mut turn = Table::each("turn");
        turn.say("of", "a#1");
        turn.say("takes", "never");
        turn.say("on_abort", "ignores");
        tables.push(turn);
        let mut takeover = Table::each("do");
        takeover.say("at", millis(asked + answers * self.dice.between(1, 9) / 10));
        takeover.say("takeover", "b");
        if self.dice.percent(30) {
            return vec![takeover];
        }
        let mut cut = Table::each("do");
        cut.say("at", millis(asked + answers + self.dice.between(1, third / 2)));
        cut.say("cut", "a");
        cut.say("lasts", self.units(UNITS));
        vec![takeover, cut]
    }

    fn another_life_at_work(&mut self, tables: &mut Vec<Table>) -> Vec<Table> {
        let (from, every) = (self.dice.between(1, 3), self.dice.between(2, 4));
        let job = due(tables, 0);
        job.set("every", self.units(every));
        job.set("from", self.units(from));
        job.set("abort_grace", self.so_many(0, 2));
        job.leave_out(&["on_abandon"]);
        let mut turn = Table::each("turn");
        turn.say("of", JOBS[0]);
        turn.say("takes", self.time(5, 9));
        turn.say("on_abort", "ignores");
        tables.push(turn);
        let mut remove = self.after(from, 1, 4);
        remove.say("remove", JOBS[0]);
        let mut add = self.after(from, 4, 6);
        add.say("add", JOBS[0]);
        vec![remove, add]
    }

    fn other_terms_over_a_crash(&mut self, tables: &mut Vec<Table>) -> Vec<Table> {
        let begins = self.dice.between(1, 3);
        the(tables, "lane").set("limit", self.dice.between(1, 2));
        the(tables, "lanes.slow").set("limit", 1u64);
        let waits = due(tables, 1);
        waits.set("every", self.so_many(1, 3));
        waits.set("lane", "slow");
        waits.leave_out(&["session"]);
        let job = due(tables, 0);
        job.set("at", self.units(begins));
        job.set("lane", "slow");
        job.set("abort_grace", self.so_many(5, 15));
        job.leave_out(&["session", "on_abandon"]);
        let mut other = job.clone();
        match self.dice.below(3) {
            0 => other.leave_out(&["lane"]),
            1 => other.set("abort_grace", "0s"),
            _ => {
                job.set("on_abandon", "hold");
                job.set("abort_grace", self.so_many(1, 3));
            }
        }
        declare_other(tables, other);
        let mut turn = Table::each("turn");
        turn.say("of", "a#1");
        turn.say("takes", "never");
        turn.say("on_abort", "ignores");
        tables.push(turn);
        let mut edit = self.after(begins, 1, 3);
        edit.say("edit", JOBS[0]);
        edit.say("like", OTHER);
        let mut crash = self.after(begins, 3, 5);
        crash.say("crash", true);
        crash.say("down", self.dice.length(&[1, 1_000]));
        vec![edit, crash]
    }

    /// Of three runs of one job the first works in one lane, the second waits in another, which fills up meanwhile, and the
    /// third waits in the lane of the first.
    fn moved_and_back(&mut self, tables: &mut Vec<Table>) -> Vec<Table> {
        let (from, every) = (self.dice.between(1, 3), self.dice.between(2, 4));
        the(tables, "lane").set("limit", 1u64);
        the(tables, "lanes.slow").set("limit", 2u64);
        // From the second time on both are due together, and the first has the lower number.
        for (place, from) in [from, from + every].into_iter().enumerate() {
            let job = due(tables, place);
            job.set("every", self.units(every));
            job.set("from", self.units(from));
            job.set("overlap", "buffer all");
            job.leave_out(&["lane", "session", "buffer"]);
            if place == 0 {
                job.set("lane", "slow");
                let other = job.clone();
                declare_other(tables, other);
            }
        }
        for (of, takes) in [("a#1", self.time(2 * every, 3 * every)), ("b", self.time(3 * every, 4 * every))]
        {
            let mut turn = Table::each("turn");
            turn.say("of", of);
            turn.say("takes", takes);
            tables.push(turn);
        }
        let mut there = self.after(from, 1, every - 1);
        there.say("edit", JOBS[0]);
        there.say("like", JOBS[1]);
        let mut back = self.after(from + every, 1, every - 1);
        back.say("edit", JOBS[0]);
        back.say("like", OTHER);
        vec![there, back]
    }

    /// An event so many units after another.
    pub(super) fn after(&mut self, unit: u64, low: u64, high: u64) -> Table {
        let later = self.dice.between(low, high);
        self.at(unit + later)
    }

    /// Some number of units.
    pub(super) fn so_many(&mut self, low: u64, high: u64) -> String {
        let units = self.dice.between(low, high);
        self.units(units)
    }

    /// So many units.
    pub(super) fn units(&self, units: u64) -> String {
        millis(units * self.unit)
    }
}

fn millis(millis: u64) -> String {
    Span::from_millis(millis).to_string()
}

/// The only table of its name.
pub(super) fn the<'t>(tables: &'t mut Vec<Table>, name: &'static str) -> &'t mut Table {
    let kind = Kind::One(name.into());
    let place = tables.iter().position(|table| table.kind == kind).unwrap_or_else(|| {
        tables.insert(1, Table::one(name));
        1
    });
    &mut tables[place]
}

/// The job that edits speak of is this one.
pub(super) fn declare_other(tables: &mut Vec<Table>, mut other: Table) {
    other.set("name", OTHER);
    other.set("declared", false);
    tables.retain(|table| table.word("name") != Some(&OTHER.into()));
    tables.push(other);
}

/// The table of a job that a plot says the due times of.
pub(super) fn due(tables: &mut Vec<Table>, place: usize) -> &mut Table {
    let name = Word::from(JOBS[place]);
    let found = tables.iter().position(|table| table.word("name") == Some(&name));
    let found = found.unwrap_or_else(|| {
        let mut job = Table::each("job");
        job.say("name", JOBS[place]);
        tables.push(job);
        tables.len() - 1
    });
    let job = &mut tables[found];
    job.leave_out(&["at", "every", "from", "cron", "zone", "gap", "repeated", "stagger", "paused"]);
    job
}
