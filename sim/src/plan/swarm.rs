//! What a seed puts into a plan: first which features there are at all, then how hard each is used.
//!
//! A plan with everything in it hides what a plan with a few things shows, since one feature often keeps another from
//! doing anything. So each seed leaves about half of them out. Times come from few instants, and close to them: what
//! breaks breaks where things meet.

use sametick_core::time::Span;

use super::dice::Dice;
use super::{Plan, Table};

/// What a seed may put into a plan or leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Feature {
    Lanes,
    Agents,
    Running,
    Queues,
    LateHost,
    SlowStore,
    OpenCommits,
    ReportsDelayed,
    ReportsAgain,
    Subscribers,
    Owners,
    SharedSession,
    Overlaps,
    QueueTimeout,
    StartTimeout,
    StallTimeout,
    Timeout,
    TotalTimeout,
    NoTime,
    Grace,
    Hold,
    Retries,
    CatchUp,
    Misfire,
    Results,
    Deletion,
    Calendar,
    OneShots,
    Near,
    NeverReady,
    Stubborn,
    DeadlineFirst,
    Progress,
    Failures,
    Cancels,
    RunsNow,
    Removals,
    Pauses,
    Edits,
    Children,
    ForeignTurns,
    Crashes,
    Clock,
    StoreFaults,
    CrashesAtCommits,
    Ties,
}

use Feature as F;

/// The plan of a seed.
#[must_use]
pub fn draw(seed: u64) -> Plan {
    let mut dice = Dice::new(seed);
    // Two words of bits and not one: half of the features, or a quarter, or three quarters of them.
    let mut on = 0u64;
    let share = dice.pick(&[20, 35, 50, 65]);
    for feature in 0..=(F::Ties as u32) {
        on |= u64::from(dice.percent(share)) << feature;
    }
    let unit = dice.pick(&[1_000, 2_000, 5_000]);
    let jobs = dice.pick(&[1, 1, 2, 2, 2, 3, 3, 4]);
    let hard = dice.between(1, 4);
    let mut swarm = Swarm { dice, on, unit, jobs, hard, once: Vec::new() };
    Plan { sentence: format!("Drawn by seed {seed}."), tables: swarm.tables() }
}

struct Swarm {
    dice: Dice,
    on: u64,
    /// In milliseconds: most times are so many of these.
    unit: u64,
    jobs: u64,
    /// How much happens, from 1 to 4.
    hard: u64,
    /// Which jobs are due once.
    once: Vec<bool>,
}

const JOBS: [&str; 4] = ["a", "b", "c", "d"];

/// The job that only edits speak of.
const OTHER: &str = "other";

/// Spans that clocks of 31 or 32 bits of milliseconds take for few seconds, and one that goes on for ages.
const HUGE: [&str; 4] = ["2147485648ms", "4294969296ms", "4294974296ms", "100000d"];

/// How long a world lasts, in units.
const UNITS: u64 = 60;

impl Swarm {
    fn has(&self, feature: Feature) -> bool {
        self.on >> feature as u32 & 1 == 1
    }

    /// True so many times in a hundred, if the feature is there at all.
    fn some(&mut self, feature: Feature, percent: u64) -> bool {
        self.has(feature) && self.dice.percent(percent)
    }

    fn tables(&mut self) -> Vec<Table> {
        let mut tables = vec![self.top()];
        self.hosts(&mut tables);
        for job in 0..self.jobs {
            let table = self.job(JOBS[job as usize]);
            self.once.push(table.word("at").is_some());
            tables.push(table);
        }
        if self.has(F::Edits) {
            let other = self.other(&tables);
            tables.push(other);
        }
        for job in 0..self.jobs {
            self.turns(JOBS[job as usize], &mut tables);
        }
        self.faults(&mut tables);
        self.timeline(&mut tables);
        tables
    }

    fn top(&mut self) -> Table {
        let mut top = Table::new(super::Kind::Top);
        let until = Span::from_millis(UNITS * self.unit).to_string();
        top.say("until", until);
        if self.has(F::Calendar) && self.dice.percent(50) {
            // Minutes before the clocks of the zone in `calendar` change.
            top.say("begins", self.dice.pick(&["2026-03-29T00:59:00Z", "2026-10-25T00:59:00Z"]));
        }
        if self.has(F::Running) {
            top.say("running", self.dice.between(1, 3));
        }
        if self.has(F::OpenCommits) {
            top.say("open_commits", self.dice.between(1, 3));
        }
        top
    }

    /// Lanes, hosts, and who else there is.
    fn hosts(&mut self, tables: &mut Vec<Table>) {
        let mut lane = Table::one("lane");
        lane.say("limit", self.dice.pick(&[1, 1, 1, 2, 3]));
        if self.has(F::Queues) {
            lane.say("queue", self.dice.between(0, 3));
        }
        tables.push(lane);
        if self.has(F::Lanes) {
            let mut slow = Table::one("lanes.slow");
            slow.say("limit", self.dice.between(1, 2));
            tables.push(slow);
        }
        if self.has(F::LateHost) {
            let mut host = Table::one("host");
            host.say("lag", self.dice.length(&[1, 500, 1_000, 5_000]));
            tables.push(host);
        }
        if self.has(F::Owners) {
            let mut owners = Table::one("owners");
            owners.say("lease", self.time(1, 10));
            if self.dice.percent(30) {
                owners.say("hosts", 3);
            }
            tables.push(owners);
        }
        if self.has(F::SlowStore) {
            let mut store = Table::one("store");
            store.say("answers", self.dice.length(&[0, 5, 700, 3_000]));
            tables.push(store);
        }
        if self.has(F::ReportsDelayed) || self.has(F::ReportsAgain) {
            let mut reports = Table::one("reports");
            if self.has(F::ReportsDelayed) {
                // Of a range each report draws for itself, so that later ones may come first.
                reports.say("delayed", self.dice.pick(&["10ms", "1s", "2s", "0s..2s", "0s..10s"]));
            }
            if self.has(F::ReportsAgain) {
                reports.say("again", self.dice.length(&[0, 10, 2_000]));
            }
            tables.push(reports);
        }
        if self.has(F::Subscribers) {
            let mut subscribers = Table::one("subscribers");
            subscribers.say("acknowledge", self.dice.length(&[0, 100, 1_000]));
            tables.push(subscribers);
        }
    }

    /// A time of so many units, or close to one.
    fn time(&mut self, low: u64, high: u64) -> String {
        const NEAR: [i64; 8] = [1, -1, 1_000_000, -1_000_000, 2_000_000, 200_000, 5_000_000, 5_200_000];
        let nanos = self.dice.between(low, high) * self.unit * 1_000_000;
        if !self.some(F::Ties, 40) {
            return Span::from_nanos(nanos).to_string();
        }
        let near = self.dice.pick(&NEAR);
        Span::from_nanos(nanos.saturating_add_signed(near)).to_string()
    }

    /// A time that a schedule can name: a whole millisecond.
    fn due(&mut self, low: u64, high: u64) -> String {
        let near = if self.some(F::Ties, 40) { self.dice.pick(&[1, -1, 2, 5, 6]) } else { 0 };
        let millis = self.dice.between(low, high) * self.unit;
        Span::from_millis(millis.saturating_add_signed(near)).to_string()
    }

    fn job(&mut self, name: &'static str) -> Table {
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
            job.say("attempts", self.dice.between(2, 3));
            job.say("backoff", super::Word::List(vec![self.dice.length(&[0, 1_000, 10_000])]));
            if self.dice.percent(50) {
                let on = ["network", "timed out", "interrupted"].map(str::to_owned).to_vec();
                job.say("retry_on", super::Word::List(on));
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
    fn other(&mut self, tables: &[Table]) -> Table {
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
            job.say("cron", self.dice.pick(&["*/10 * * * * *", "5,20 * * * * *", "0 * * * *"]));
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

    fn turns(&mut self, job: &'static str, tables: &mut Vec<Table>) {
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
            turn.say("failure", self.dice.pick(&["unknown", "network", "permanent", "rate limit"]));
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

    /// What goes wrong at commits.
    fn faults(&mut self, tables: &mut Vec<Table>) {
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
    fn run(&mut self) -> String {
        let place = self.dice.below(self.jobs) as usize;
        let (job, last) = (JOBS[place], if self.once[place] { 1 } else { 3 });
        match self.dice.below(4) {
            0 if self.has(F::RunsNow) => format!("{job}!{}", self.dice.between(1, 2)),
            0 | 1 => format!("{job}#{}", self.dice.between(1, last)),
            _ => job.to_owned(),
        }
    }

    fn timeline(&mut self, tables: &mut Vec<Table>) {
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
    fn at(&mut self, unit: u64) -> Table {
        let mut event = Table::each("do");
        event.say("at", self.time(unit, unit));
        event
    }

    /// A job is removed, and added again while what it ran may still be at work.
    fn another_life(&mut self, unit: u64, tables: &mut Vec<Table>) {
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
    fn family(&mut self, unit: u64, tables: &mut Vec<Table>) {
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
            let first = tables.iter().position(|table| table.kind == super::Kind::Each("turn".into()));
            tables.insert(first.unwrap_or_else(|| Self::after_jobs(tables)), turn);
        }
        if self.some(F::Crashes, 50) {
            let later = self.dice.between(2, 5);
            let mut event = self.at(unit + later);
            event.say("crash", true);
            tables.push(event);
        }
    }

    fn after_jobs(tables: &[Table]) -> usize {
        let job = super::Kind::Each("job".into());
        tables.iter().rposition(|table| table.kind == job).map_or(tables.len(), |last| last + 1)
    }

    fn event(&mut self, kind: &'static str, event: &mut Table) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_reads() {
        for seed in 0..5_000 {
            let plan = draw(seed);
            if let Err(error) = plan.scenario("plan.toml") {
                panic!("seed {seed}: {error}\n{}", plan.text());
            }
        }
    }

    #[test]
    fn a_seed_means_the_same_plan_for_ever() {
        insta::assert_snapshot!(draw(7).text());
    }
}
