//! What a seed puts into a plan: first which features there are at all, then how hard each is used.
//!
//! A plan with everything in it hides what a plan with a few things shows, since one feature often keeps another from
//! doing anything. So each seed leaves about half of them out. Times come from few instants, and close to them: what
//! breaks breaks where things meet. What takes several things in a row comes from `plots.rs`, `rings.rs`,
//! `returns.rs`, `commands.rs` and `waiting.rs`.

mod clocks;
mod commands;
mod faults;
mod hosts;
mod jobs;
mod plots;
mod returns;
mod rings;
mod timeline;
mod turns;
mod waiting;

use sametick_core::time::Span;

use plots::Plot;

use super::dice::Dice;
use super::{Kind, Plan, Table};

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
    let plot = dice.percent(PLOTS).then(|| dice.pick(&Plot::ALL));
    if plot.is_some() && dice.percent(50) {
        on = 0;
    }
    let jobs = plot.map_or(jobs, |plot| jobs.max(plot.jobs()));
    let mut swarm = Swarm { dice, on, unit, jobs, hard, once: Vec::new() };
    let mut tables = swarm.tables(plot);
    if plot.is_none() {
        swarm.dice = Dice::apart(seed);
        swarm.later(&mut tables);
    }
    Plan { sentence: format!("Drawn by seed {seed}."), tables }
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

impl Swarm {
    /// What plans got once their seeds had a meaning. It comes from dice of its own and after all else, so that a plan that
    /// gets none of it stays what it was. Nor does a plan that has a plot get any: it would be in the way.
    fn later(&mut self, tables: &mut Vec<Table>) {
        if self.jobs >= 2 && self.dice.below(1_000) < RINGS {
            self.ring(tables);
        }
        if self.dice.below(1_000) < BACK_AGAIN {
            self.back_again(tables);
        }
        self.answers(tables);
        for (in_a_thousand, draw) in LATER {
            if self.dice.below(1_000) < in_a_thousand {
                draw(self, tables);
            }
        }
    }
}

const JOBS: [&str; 4] = ["a", "b", "c", "d"];

/// The job that only edits speak of.
const OTHER: &str = "other";

/// Spans that clocks of 31 or 32 bits of milliseconds take for few seconds, and one that goes on for ages.
const HUGE: [&str; 4] = ["2147485648ms", "4294969296ms", "4294974296ms", "100000d"];

/// How many plans in a hundred have a plot.
const PLOTS: u64 = 20;

/// In how many of a thousand plans runs ask for children of each other.
const RINGS: u64 = 25;

/// In how many of a thousand a host loses the store and takes it back while others run a turn in its main session.
const BACK_AGAIN: u64 = 15;

/// In how many of a thousand a job is due at a time of day that the clocks jump over or show twice.
const CLOCKS_CHANGE: u64 = 25;

/// In how many of a thousand somebody cancels a run as it answers; in how many a job is paused around its only run; is added
/// though it is there; is removed and added again while its turn is asked to stop; or is due while a run of its older life drains.
const MEETS_ITS_END: u64 = 20;

/// In how many of a thousand a job is edited while a run of it waits; in how many its children end as they wait.
const ENDS_A_WAIT: u64 = 20;

/// In how many of a thousand a job is due on a day that ends its month, by an expression that says so.
const MONTH_ENDS: u64 = 10;

/// Puts something into a plan.
type Draw = fn(&mut Swarm, &mut Vec<Table>);

/// What a plan may get besides, and in how many of a thousand, in the order in which the dice are asked.
const LATER: [(u64, Draw); 9] = [
    (CLOCKS_CHANGE, Swarm::clocks_change),
    (MEETS_ITS_END, Swarm::cancelled_as_it_answers),
    (MEETS_ITS_END, Swarm::paused_and_over),
    (MEETS_ITS_END, Swarm::added_though_there),
    (MEETS_ITS_END, Swarm::removed_in_a_drain),
    (MEETS_ITS_END, Swarm::due_over_an_older_run),
    (ENDS_A_WAIT, Swarm::edited_while_it_waits),
    (ENDS_A_WAIT, Swarm::children_end_as_they_wait),
    (MONTH_ENDS, Swarm::month_ends),
];

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

    fn tables(&mut self, plot: Option<Plot>) -> Vec<Table> {
        let mut tables = vec![self.top()];
        self.hosts(&mut tables);
        for job in 0..self.jobs {
            let table = self.job(JOBS[job as usize]);
            tables.push(table);
        }
        if self.has(F::Edits) {
            let other = self.other(&tables);
            tables.push(other);
        }
        let happens = plot.map(|plot| self.stage(plot, &mut tables));
        self.once = tables.iter().filter(|table| is_job(table)).map(|job| job.word("at").is_some()).collect();
        for job in 0..self.jobs {
            self.turns(JOBS[job as usize], &mut tables);
        }
        self.faults(&mut tables);
        self.timeline(&mut tables);
        tables.extend(happens.into_iter().flatten());
        tables
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
}

/// Whether a table declares a job, and not one that only edits speak of.
fn is_job(table: &Table) -> bool {
    table.kind == Kind::Each("job".into()) && table.word("declared").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_reads() {
        for seed in 0..20_000 {
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
