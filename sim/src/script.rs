//! What a seed makes of a scenario: its jobs, how each turn behaves, when what happens.

use sametick_core::effect::Report;
use sametick_core::id::RunId;
use sametick_core::job::{Budgets, Job};
use sametick_core::run::Finish;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Span, Wall};

use crate::draw::{Choice, Draw};
use crate::label::Labels;
use crate::scenario::{
    CrashPoint, Offset, OnAbort, Order, RunPattern, Scenario, ScenarioJob, SpanRange, TurnEnd, TurnRule,
};

/// A scenario with its choices made.
#[derive(Clone, Debug)]
pub struct Script<'s> {
    scenario: &'s Scenario,
    draw: Draw,
}

/// How the turn of one run behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnScript {
    /// From its start until its session is ready; never when absent.
    pub ready: Option<Span>,
    /// When it ends by itself.
    pub end: PlannedEnd,
    /// How it ends by itself.
    pub finish: Finish,
    /// From an abort until it says that it stopped; it ignores aborts when absent.
    pub stops: Option<Span>,
    /// Whether the host's timer rings before it hears a report of the same instant.
    pub deadline_first: bool,
    /// How often it reports progress while it is at work.
    pub progress: Option<Span>,
    /// How much later each of its reports is heard a second time.
    pub again: Option<Span>,
    /// How long each of its reports is on its way.
    pub delayed: Option<SpanRange>,
    /// What the wall clock showed when the world began.
    pub begins: Wall,
}

/// When a turn ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedEnd {
    /// Never.
    Never,
    /// So long after its session was ready.
    After(Span),
    /// So far from the end of its `timeout`.
    NearTimeout(Offset),
    /// So far from the end of its `total_timeout`.
    NearTotal(Offset),
}

impl<'s> Script<'s> {
    /// The choices of `seed`; a scenario without ranges has none.
    #[must_use]
    pub fn new(scenario: &'s Scenario, seed: u64) -> Self {
        let draw = if scenario.is_family { Draw::new(seed) } else { Draw::default() };
        Self { scenario, draw }
    }

    /// The jobs as this seed declares them.
    pub fn jobs(&self) -> impl Iterator<Item = ScenarioJob> {
        let drawn = |planned: &ScenarioJob| ScenarioJob { job: drawn_job(planned, &self.draw), ..*planned };
        self.scenario.jobs.iter().map(drawn)
    }

    /// Whether the seed has decided anything yet.
    #[must_use]
    pub const fn has_decided(&self) -> bool {
        self.draw.has_decided()
    }

    /// How the turn of a run behaves.
    #[must_use]
    pub fn turn(&self, run: RunId, labels: &Labels<'_>) -> TurnScript {
        let rule =
            self.scenario.turns.iter().find(|rule| labels.fits(rule.runs, run)).unwrap_or(&TurnRule::PLAIN);
        let (key, reports) = (turn_key(run), self.scenario.reports);
        let near = |low, high| self.draw.offset(low, high, Choice::Takes, key);
        TurnScript {
            ready: rule.ready.map(|ready| self.draw.span(ready, Choice::Ready, key)),
            end: match rule.ends {
                TurnEnd::Never => PlannedEnd::Never,
                TurnEnd::After(takes) => PlannedEnd::After(self.draw.span(takes, Choice::Takes, key)),
                TurnEnd::NearTimeout(low, high) => PlannedEnd::NearTimeout(near(low, high)),
                TurnEnd::NearTotal(low, high) => PlannedEnd::NearTotal(near(low, high)),
            },
            finish: rule.finish,
            begins: self.scenario.begins,
            progress: rule.progress,
            again: rule.again.or(reports.again).map(|again| self.draw.span(again, Choice::Again, key)),
            delayed: rule.delayed.or(reports.delayed),
            stops: match rule.on_abort {
                OnAbort::Ignores => None,
                OnAbort::Stops(stops) => Some(self.draw.span(stops, Choice::Stops, key)),
            },
            deadline_first: match rule.order {
                Order::ReportFirst => false,
                Order::DeadlineFirst => true,
                Order::Either => self.draw.coin(Choice::Order, key),
            },
        }
    }

    /// At which tick the nth fault strikes.
    #[must_use]
    pub fn fault_tick(&self, place: usize, first: u64, last: u64) -> u64 {
        let range = SpanRange { low: Span::from_nanos(first), high: Span::from_nanos(last) };
        self.draw.span(range, Choice::Tick, place as u64).as_nanos()
    }

    /// Where a process dies over the nth tick of a world.
    #[must_use]
    pub fn crash_point(&self, when: CrashPoint, tick: u64) -> CrashPoint {
        if when != CrashPoint::Anywhere {
            return when;
        }
        let drawn = self.draw.bits(Choice::Point, tick, 1) % CrashPoint::EACH.len() as u64;
        CrashPoint::EACH[drawn as usize]
    }

    /// How long subscribers take to acknowledge an event in the nth of their lives.
    #[must_use]
    pub fn acknowledges(&self, offset: u64, life: u32) -> Span {
        let range = self.scenario.subscribers.unwrap_or_default();
        self.draw.span(range, Choice::Acknowledge, offset ^ u64::from(life) << 32)
    }

    /// How long a report is on its way that the turn of a run makes at `said`.
    #[must_use]
    pub fn on_its_way(&self, run: RunId, said: Mono, delayed: SpanRange) -> Span {
        self.draw.span(delayed, Choice::Delayed, turn_key(run) ^ said.as_nanos())
    }

    /// How late the tick comes that is wanted at `at`.
    #[must_use]
    pub fn lag(&self, at: Mono) -> Span {
        self.draw.span(self.scenario.lag, Choice::Lag, at.as_nanos())
    }

    /// How long the store takes to answer a commit.
    #[must_use]
    pub fn store_answers(&self, commit: u64) -> Span {
        self.draw.span(self.scenario.store_answers, Choice::Answer, commit)
    }

    /// How long the store takes to answer a renewal.
    #[must_use]
    pub fn renewal_answers(&self, sent: Mono) -> Span {
        self.draw.span(self.scenario.store_answers, Choice::Renewal, sent.as_nanos())
    }

    /// When the nth event of the timeline happens.
    #[must_use]
    pub fn event_at(&self, place: usize, at: SpanRange) -> Mono {
        Mono::default() + self.draw.span(at, Choice::Event, place as u64)
    }

    /// How long the process is down that the nth event of the timeline killed.
    #[must_use]
    pub fn event_down(&self, place: usize, down: SpanRange) -> Span {
        self.draw.span(down, Choice::Down, 1_000 + place as u64)
    }

    /// By how many milliseconds the wall clock steps at the nth event of the timeline.
    #[must_use]
    pub fn event_step(&self, place: usize, low: Offset, high: Offset) -> i64 {
        self.draw.offset(low, high, Choice::Step, place as u64).0 / 1_000_000
    }

    /// How long what the nth event of the timeline begins lasts.
    #[must_use]
    pub fn event_lasts(&self, place: usize, lasts: SpanRange) -> Span {
        self.draw.span(lasts, Choice::Lasts, place as u64)
    }

    /// How long the process is down that died over a commit.
    #[must_use]
    pub fn fault_down(&self, commit: u64, down: SpanRange) -> Span {
        self.draw.span(down, Choice::Down, commit)
    }
}

impl TurnScript {
    /// When it ends by itself, for a turn that was granted its slot, started, and is ready then; not
    /// before it is ready, and not before it began.
    #[must_use]
    pub fn ends_at(&self, run: RunId, budgets: &Budgets, granted: Mono, started: Mono) -> Option<Mono> {
        let ready = self.ready.map(|ready| started + ready);
        let begun = ready.unwrap_or(started).tick_after();
        let due = Mono::default() + Span::from_millis((run.due - self.begins).unsigned_abs());
        let moved = |deadline: Mono, off: Offset| {
            Mono::from_nanos(deadline.as_nanos().saturating_add_signed(off.0)).max(begun)
        };
        match self.end {
            PlannedEnd::Never => None,
            PlannedEnd::After(takes) => ready.map(|ready| ready + takes),
            PlannedEnd::NearTimeout(off) => budgets.timeout.map(|span| moved(granted + span, off)),
            PlannedEnd::NearTotal(off) => budgets.total_timeout.map(|span| moved(due + span, off)),
        }
    }

    /// What it reports as it ends by itself.
    #[must_use]
    pub const fn last_word(&self) -> Report {
        Report::Completed(self.finish)
    }

    /// How far from its deadline it ends, when that was planned.
    #[must_use]
    pub const fn offset(&self) -> Option<Offset> {
        match self.end {
            PlannedEnd::NearTimeout(off) | PlannedEnd::NearTotal(off) => Some(off),
            PlannedEnd::Never | PlannedEnd::After(_) => None,
        }
    }
}

/// A job as a seed declares it.
fn drawn_job(planned: &ScenarioJob, draw: &Draw) -> Job {
    let shift = draw.span(planned.shift, Choice::Shift, u64::from(planned.job.id.0));
    let shift = i64::try_from(shift.as_millis()).unwrap_or(i64::MAX);
    let schedule = match planned.job.schedule {
        Schedule::At(at) => Schedule::At(at.plus_millis(shift)),
        Schedule::Every { every_ms, anchor } => {
            Schedule::Every { every_ms, anchor: anchor.plus_millis(shift) }
        }
        // Said by the calendar, so there is nothing to draw.
        Schedule::Cron(cron) => Schedule::Cron(cron),
    };
    Job { schedule, ..planned.job }
}

impl TurnRule {
    /// A turn nobody planned: ready after 5 ms, done after a second, stops when asked to.
    const PLAIN: Self = Self {
        runs: RunPattern { job: 0, occurrence: None, asked: None, attempt: None },
        ready: Some(SpanRange::exactly(Span::from_millis(5))),
        ends: TurnEnd::After(SpanRange::exactly(Span::from_secs(1))),
        finish: Finish::Ok,
        progress: None,
        again: None,
        delayed: None,
        on_abort: OnAbort::Stops(SpanRange::exactly(Span::from_millis(20))),
        order: Order::ReportFirst,
    };
}

/// The stable key of a run's choices.
fn turn_key(run: RunId) -> u64 {
    let due = run.due.as_millis().cast_unsigned();
    (u64::from(run.job.0) << 48) ^ (u64::from(run.attempt) << 40) ^ due
}
