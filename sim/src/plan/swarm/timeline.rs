//! What happens when: commands, crashes, clocks, owners.

use super::super::{Kind, Table};
use super::{F, JOBS, OTHER, Swarm, UNITS};

impl Swarm {
    pub(super) fn timeline(&mut self, tables: &mut Vec<Table>) {
        let kinds = [
            (F::Cancels, "cancel"),
            (F::RunsNow, "run"),
            (F::RunsNow, "run"),
            (F::Removals, "remove"),
            (F::Removals, "add"),
            (F::Pauses, "pause"),
            (F::Pauses, "resume"),
            (F::Pauses, "disable"),
            (F::Edits, "edit"),
            (F::Children, "spawn"),
            (F::Children, "spawn"),
            (F::ForeignTurns, "foreign"),
            (F::Crashes, "crash"),
            (F::Crashes, "crash"),
            (F::Clock, "clock"),
            (F::Subscribers, "subscribers"),
            (F::Owners, "takeover"),
            (F::Owners, "cut"),
            (F::Owners, "freeze"),
        ];
        let kinds: Vec<&'static str> =
            kinds.into_iter().filter(|(feature, _)| self.has(*feature)).map(|(_, kind)| kind).collect();
        if kinds.is_empty() {
            return;
        }
        for _ in 0..self.dice.between(0, 2 * self.hard) {
            let unit = self.dice.between(1, UNITS / 2);
            match self.dice.pick(&kinds) {
                "remove" if self.dice.percent(60) => self.another_life(unit, tables),
                "spawn" if self.dice.percent(50) => self.family(unit, tables),
                kind => {
                    let mut event = self.at(unit);
                    self.event(kind, &mut event);
                    tables.push(event);
                }
            }
        }
    }

    /// An event at a time, or close to it.
    pub(super) fn at(&mut self, unit: u64) -> Table {
        let mut event = Table::each("do");
        event.say("at", self.time(unit, unit));
        event
    }

    /// A job is removed, and added again while what it ran may still be at work.
    pub(super) fn another_life(&mut self, unit: u64, tables: &mut Vec<Table>) {
        let job = JOBS[self.dice.below(self.jobs) as usize];
        let mut event = self.at(unit);
        event.say("remove", job);
        tables.push(event);
        let later = self.dice.between(0, 3);
        let mut event = self.at(unit + later);
        event.say("add", job);
        tables.push(event);
    }

    /// A run asks for a child, and that for one of its own.
    pub(super) fn family(&mut self, unit: u64, tables: &mut Vec<Table>) {
        let mut parent = self.run();
        for generation in 0..self.dice.between(2, 3) {
            let job = JOBS[self.dice.below(self.jobs) as usize];
            let mut event = self.at(unit + generation);
            event.say("spawn", job);
            event.say("by", parent);
            tables.push(event);
            parent = format!("{job}!{}", self.dice.between(1, 2));
        }
        if self.some(F::Stubborn, 60) {
            // The youngest outlives its elders. A rule that comes first counts.
            let mut turn = Table::each("turn");
            turn.say("of", parent);
            turn.say("takes", "never");
            turn.say("on_abort", "ignores");
            let first = tables.iter().position(|table| table.kind == Kind::Each("turn".into()));
            tables.insert(first.unwrap_or_else(|| Self::after_jobs(tables)), turn);
        }
        if self.some(F::Crashes, 50) {
            let later = self.dice.between(2, 5);
            let mut event = self.at(unit + later);
            event.say("crash", true);
            tables.push(event);
        }
    }

    pub(super) fn after_jobs(tables: &[Table]) -> usize {
        let job = Kind::Each("job".into());
        tables.iter().rposition(|table| table.kind == job).map_or(tables.len(), |last| last + 1)
    }

    pub(super) fn event(&mut self, kind: &'static str, event: &mut Table) {
        let job = JOBS[self.dice.below(self.jobs) as usize];
        match kind {
            "cancel" => event.say(kind, self.run()),
            "edit" => {
                event.say(kind, job);
                event.say("like", OTHER);
            }
            "spawn" => {
                event.say(kind, job);
                event.say("by", self.run());
            }
            "foreign" => {
                event.say(kind, "main");
                event.say("lasts", self.time(1, 8));
            }
            "crash" => {
                event.say(kind, true);
                event.say("down", self.dice.length(&[1, 1_000, 15_000]));
                if self.some(F::Owners, 50) {
                    event.say("host", self.dice.pick(&["a", "b"]));
                }
            }
            "clock" => {
                event.say(kind, self.dice.pick(&["-1h", "-5s", "-1ms", "1ms", "5s", "90s", "1h"]));
                if self.dice.percent(50) {
                    event.say("noticed", self.time(0, 3));
                }
            }
            "subscribers" => {
                event.say(kind, "die");
                event.say("lasts", self.time(0, 5));
            }
            "takeover" => event.say(kind, self.dice.pick(&["a", "b"])),
            "cut" | "freeze" => {
                event.say(kind, self.dice.pick(&["a", "b"]));
                event.say("lasts", self.time(1, 10));
            }
            _ => event.say(kind, job),
        }
    }
}
