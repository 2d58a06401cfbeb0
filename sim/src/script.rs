//! What a seed makes of a scenario: its jobs, how each turn behaves, when what happens.

use std::cell::{RefCell, RefMut};

use sametick_core::effect::Report;
use sametick_core::id::RunId;
use sametick_core::job::{Budgets, Job};
use sametick_core::run::Finish;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Span, Wall};

use crate::draw::{Choice, Draw};
use crate::explore::chooser::{Chooser, Decided, Whose};
use crate::label::Labels;
use crate::scenario::{
    CrashPoint, Offset, OnAbort, Order, RunPattern, Scenario, ScenarioJob, SpanRange, TurnEnd, TurnRule,
};

/// A scenario with its choices made.
#[derive(Clone, Debug)]
pub struct Script<'s> {
    scenario: &'s Scenario,
    draw: Draw,
    /// Who decides instead of a seed, where a search tries every alternative.
    chooser: Option<Box<RefCell<Chooser>>>,
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
        Self { scenario, draw, chooser: None }
    }

    /// What a search chooses.
    pub(crate) fn chosen(scenario: &'s Scenario, chooser: Chooser) -> Self {
        Self { scenario, draw: Draw::default(), chooser: Some(Box::new(RefCell::new(chooser))) }
    }

    /// The choices of `seed`, which are kept.
    pub(crate) fn noted(scenario: &'s Scenario, seed: u64) -> Self {
        Self { chooser: Some(Box::new(RefCell::new(Chooser::following()))), ..Self::new(scenario, seed) }
    }

    /// Whether the seed decides, and nobody else.
    fn seed_decides(&self) -> bool {
        self.chooser().is_none_or(|chooser| chooser.follows())
    }

    /// Whether a search decides.
    pub(crate) const fn is_chosen(&self) -> bool {
        self.chooser.is_some()
    }

    /// Who decides, where no seed does.
    #[inline]
    pub(crate) fn chooser(&self) -> Option<RefMut<'_, Chooser>> {
        self.chooser.as_ref().map(|chooser| chooser.borrow_mut())
    }

    /// A length of time out of a range, from an instant on.
    fn span(&self, range: SpanRange, choice: Choice, key: u64, from: Mono) -> Span {
        self.span_of((choice, key, None), range, from)
    }

    fn span_of(&self, whose: Whose, range: SpanRange, from: Mono) -> Span {
        let (choice, key, run) = whose;
        let Some(mut chooser) = self.chooser() else { return self.draw.span(range, choice, key) };
        if !range.is_range() {
            return range.low;
        }
        if !chooser.follows() {
            return chooser.span(range, whose, from);
        }
        let span = self.draw.span(range, choice, key);
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        chooser.note(Decided::Nanos { what: choice, key, run, from, nanos });
        span
    }

    /// A distance out of a range, from an instant.
    fn offset_of(&self, whose: Whose, (low, high): (Offset, Offset), from: Mono) -> Offset {
        let (choice, key, run) = whose;
        let Some(mut chooser) = self.chooser() else { return self.draw.offset(low, high, choice, key) };
        if low == high {
            return low;
        }
        if !chooser.follows() {
            return chooser.offset(low, high, whose, from);
        }
        let offset = self.draw.offset(low, high, choice, key);
        chooser.note(Decided::Nanos { what: choice, key, run, from, nanos: offset.0 });
        offset
    }

    /// The jobs as this seed declares them.
    pub fn jobs(&self) -> impl Iterator<Item = ScenarioJob> {
        let drawn = |planned: &ScenarioJob| ScenarioJob { job: self.drawn_job(planned), ..*planned };
        self.scenario.jobs.iter().map(drawn)
    }

    /// Whether the seed has decided anything yet.
    #[must_use]
    pub const fn has_decided(&self) -> bool {
        self.draw.has_decided()
    }

    /// A job as it is declared when the world begins.
    fn drawn_job(&self, planned: &ScenarioJob) -> Job {
        let key = u64::from(planned.job.id.0);
        let shift = |first: Wall| {
            let from = Mono::default() + Span::from_millis((first - self.scenario.begins).unsigned_abs());
            i64::try_from(self.span(planned.shift, Choice::Shift, key, from).as_millis()).unwrap_or(i64::MAX)
        };
        let schedule = match planned.job.schedule {
            Schedule::At(at) => Schedule::At(at.plus_millis(shift(at))),
            Schedule::Every { every_ms, anchor } => {
                Schedule::Every { every_ms, anchor: anchor.plus_millis(shift(anchor)) }
            }
            // Said by the calendar, so there is nothing to draw.
            Schedule::Cron(cron) => Schedule::Cron(cron),
        };
        Job { schedule, ..planned.job }
    }

    fn rule(&self, run: RunId, labels: &Labels<'_>) -> &TurnRule {
        self.scenario.turns.iter().find(|rule| labels.fits(rule.runs, run)).unwrap_or(&TurnRule::PLAIN)
    }

    /// How the turn of a run behaves.
    #[must_use]
    pub fn turn(&self, run: RunId, labels: &Labels<'_>) -> TurnScript {
        let stops = self.turn_stops(run, labels, Mono::default());
        let turn = self.turn_begins(run, labels, &Budgets::default(), Mono::default(), Mono::default());
        TurnScript { stops, ..turn }
    }

    /// How a turn behaves that is called now, until it is asked to stop.
    pub(crate) fn turn_begins(
        &self,
        run: RunId,
        labels: &Labels<'_>,
        budgets: &Budgets,
        granted: Mono,
        now: Mono,
    ) -> TurnScript {
        let rule = self.rule(run, labels);
        let (key, of, begins) = (turn_key(run), Some(run), self.scenario.begins);
        let ready = rule.ready.map(|ready| self.span_of((Choice::Ready, key, of), ready, now));
        let begun = now + ready.unwrap_or_default();
        let near = |ends, deadline: Option<Mono>| {
            self.offset_of((Choice::Takes, key, of), ends, deadline.unwrap_or_default())
        };
        TurnScript {
            ready,
            end: match rule.ends {
                TurnEnd::Never => PlannedEnd::Never,
                // It never gets to that.
                TurnEnd::After(takes) if ready.is_none() => PlannedEnd::After(takes.low),
                TurnEnd::After(takes) => {
                    PlannedEnd::After(self.span_of((Choice::Takes, key, of), takes, begun))
                }
                TurnEnd::NearTimeout(low, high) => {
                    PlannedEnd::NearTimeout(near((low, high), budgets.timeout.map(|span| granted + span)))
                }
                TurnEnd::NearTotal(low, high) => {
                    let due = due_of(run, begins);
                    PlannedEnd::NearTotal(near((low, high), budgets.total_timeout.map(|span| due + span)))
                }
            },
            finish: rule.finish,
            begins,
            progress: rule.progress,
            again: self.heard_again(rule, run, begun),
            delayed: rule.delayed.or(self.scenario.reports.delayed),
            stops: None,
            deadline_first: match rule.order {
                Order::ReportFirst => false,
                Order::DeadlineFirst => true,
                // A search decides when they meet.
                Order::Either => self.seed_decides() && self.draw.coin(Choice::Order, key),
            },
        }
    }

    /// How long a turn takes to stop that is asked to now; none that ignores that.
    pub(crate) fn turn_stops(&self, run: RunId, labels: &Labels<'_>, now: Mono) -> Option<Span> {
        match self.rule(run, labels).on_abort {
            OnAbort::Ignores => None,
            OnAbort::Stops(stops) => {
                Some(self.span_of((Choice::Stops, turn_key(run), Some(run)), stops, now))
            }
        }
    }

    /// How much later a report of `at` is heard again, and how long each is on its way, of a turn that stops.
    pub(crate) fn turn_reports(
        &self,
        run: RunId,
        labels: &Labels<'_>,
        at: Mono,
    ) -> (Option<Span>, Option<SpanRange>) {
        let rule = self.rule(run, labels);
        (self.heard_again(rule, run, at), rule.delayed.or(self.scenario.reports.delayed))
    }

    fn heard_again(&self, rule: &TurnRule, run: RunId, at: Mono) -> Option<Span> {
        let again = rule.again.or(self.scenario.reports.again);
        again.map(|again| self.span_of((Choice::Again, turn_key(run), Some(run)), again, at))
    }

    /// Whether the host's timer rings before it hears a report of the same instant, where a turn is planned to have it so.
    #[inline]
    pub(crate) fn rings_first(&self, run: RunId, labels: &Labels<'_>, planned: bool) -> bool {
        let Some(mut chooser) = self.chooser() else { return planned };
        let either = self.rule(run, labels).order == Order::Either;
        if chooser.follows() {
            chooser.note(Decided::DeadlineFirst { run, first: planned });
            return planned;
        }
        chooser.rings_first(run, (!either).then_some(planned))
    }

    /// Whether the nth fault strikes at a tick, which has not struck yet.
    #[must_use]
    pub fn strikes(&self, place: usize, first: u64, last: u64, tick: u64) -> bool {
        if !self.seed_decides() {
            let chooses = |mut chooser: RefMut<'_, Chooser>| chooser.strikes(place, tick, tick == last);
            return (first..=last).contains(&tick) && self.chooser().is_some_and(chooses);
        }
        let range = SpanRange { low: Span::from_nanos(first), high: Span::from_nanos(last) };
        let strikes = self.draw.span(range, Choice::Tick, place as u64).as_nanos() == tick;
        if let Some(mut chooser) = self.chooser().filter(|_| strikes) {
            chooser.note(Decided::Strikes { fault: place, tick });
        }
        strikes
    }

    /// Where a process dies over the nth tick of a world.
    #[must_use]
    pub fn crash_point(&self, when: CrashPoint, tick: u64) -> CrashPoint {
        if when != CrashPoint::Anywhere {
            return when;
        }
        if let Some(mut chooser) = self.chooser().filter(|chooser| !chooser.follows()) {
            return chooser.point();
        }
        let drawn = self.draw.bits(Choice::Point, tick, 1) % CrashPoint::EACH.len() as u64;
        let point = CrashPoint::EACH[drawn as usize];
        if let Some(mut chooser) = self.chooser() {
            chooser.note(Decided::Point(point));
        }
        point
    }

    /// How long subscribers take to acknowledge an event in the nth of their lives.
    #[must_use]
    pub fn acknowledges(&self, offset: u64, life: u32, from: Mono) -> Span {
        let range = self.scenario.subscribers.unwrap_or_default();
        self.span(range, Choice::Acknowledge, offset ^ u64::from(life) << 32, from)
    }

    /// How long a report is on its way that the turn of a run makes at `said`.
    #[must_use]
    pub fn on_its_way(&self, run: RunId, said: Mono, delayed: SpanRange) -> Span {
        self.span_of((Choice::Delayed, turn_key(run) ^ said.as_nanos(), Some(run)), delayed, said)
    }

    /// How late the tick comes that is wanted at `at`.
    #[must_use]
    pub fn lag(&self, at: Mono) -> Span {
        self.span(self.scenario.lag, Choice::Lag, at.as_nanos(), at)
    }

    /// How long the store takes to answer a commit that it gets now.
    #[must_use]
    pub fn store_answers(&self, commit: u64, now: Mono) -> Span {
        self.span(self.scenario.store_answers, Choice::Answer, commit, now)
    }

    /// How long the store takes to answer a renewal that it gets now.
    #[must_use]
    pub fn renewal_answers(&self, sent: Mono, now: Mono) -> Span {
        self.span(self.scenario.store_answers, Choice::Renewal, sent.as_nanos(), now)
    }

    /// When the nth event of the timeline happens.
    #[must_use]
    pub fn event_at(&self, place: usize, at: SpanRange) -> Mono {
        Mono::default() + self.span(at, Choice::Event, place as u64, Mono::default())
    }

    /// How long the process is down that the nth event of the timeline kills now.
    #[must_use]
    pub fn event_down(&self, place: usize, down: SpanRange, now: Mono) -> Span {
        self.span(down, Choice::Down, 1_000 + place as u64, now)
    }

    /// By how many milliseconds the wall clock steps at the nth event of the timeline.
    #[must_use]
    pub fn event_step(&self, place: usize, low: Offset, high: Offset) -> i64 {
        self.offset_of((Choice::Step, place as u64, None), (low, high), Mono::default()).0 / 1_000_000
    }

    /// How long what the nth event of the timeline begins now lasts.
    #[must_use]
    pub fn event_lasts(&self, place: usize, lasts: SpanRange, now: Mono) -> Span {
        self.span(lasts, Choice::Lasts, place as u64, now)
    }

    /// How long the process is down that dies over a commit now.
    #[must_use]
    pub fn fault_down(&self, commit: u64, down: SpanRange, now: Mono) -> Span {
        self.span(down, Choice::Down, commit, now)
    }
}

impl TurnScript {
    /// When it ends by itself, for a turn that was granted its slot, started, and is ready then; not
    /// before it is ready, and not before it began.
    #[must_use]
    pub fn ends_at(&self, run: RunId, budgets: &Budgets, granted: Mono, started: Mono) -> Option<Mono> {
        let ready = self.ready.map(|ready| started + ready);
        let begun = ready.unwrap_or(started).tick_after();
        let due = due_of(run, self.begins);
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

/// When a run is due, on a wall clock that never stepped.
fn due_of(run: RunId, begins: Wall) -> Mono {
    Mono::default() + Span::from_millis((run.due - begins).unsigned_abs())
}

/// The stable key of a run's choices.
fn turn_key(run: RunId) -> u64 {
    let due = run.due.as_millis().cast_unsigned();
    (u64::from(run.job.0) << 48) ^ (u64::from(run.attempt) << 40) ^ due
}
