//! A way through a world as a scenario without ranges, which has nothing left to choose.
//!
//! What the language has no word for stays as it is: the order of things that happen in one instant, and lengths that
//! differ from tick to tick where a scenario says one for all. Whether what is frozen breaks in the same way is tried.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue};

use super::chooser::{Chooser, Decided, Pick};
use crate::check::{CheckName, Failure};
use crate::draw::Choice;
use crate::label::Labels;
use crate::machines::{Subject, Visit};
use crate::plan::{Kind, Plan, Reason, Table, Trial, Word};
use crate::scenario::{CrashPoint, EventKind, FaultKind, Scenario, TurnEnd, TurnRule};
use crate::world::World;
use sametick_core::Machine;
use sametick_core::id::RunId;
use sametick_core::time::Span;

/// The world of these choices as a scenario of its own, if that breaks first in the way of `failure`.
#[must_use]
pub fn freeze(
    scenario: &Scenario,
    subject: Subject,
    picks: &[Pick],
    faults: u32,
    failure: &Failure,
) -> Option<Plan> {
    let mut plan = plan_without_claims(scenario, failure)?;
    let way = Way::Chosen { picks, faults };
    subject.visit(scenario.config.clone(), Freezing { scenario, way, plan: &mut plan });
    without_idle_turns(plan, |plan| {
        let frozen = plan.scenario("frozen.toml").ok().filter(|frozen| !frozen.is_family);
        let replayed = |frozen: Scenario| subject.visit(frozen.config.clone(), Replay { scenario: &frozen });
        frozen.map(replayed).is_some_and(|failures| Reason::of(failure).is_first_of(&failures))
    })
}

/// The world of a seed as a scenario of its own, if that breaks first in the way of `failure` when this is tried on it.
#[must_use]
pub fn freeze_seed(
    scenario: &Scenario,
    subject: Subject,
    seed: u64,
    trial: Trial,
    failure: &Failure,
) -> Option<Plan> {
    let mut plan = plan_without_claims(scenario, failure)?;
    subject.visit(scenario.config.clone(), Freezing { scenario, way: Way::Seed(seed), plan: &mut plan });
    without_idle_turns(plan, |plan| {
        let verdict = trial.run_plan(plan, subject);
        verdict.is_some_and(|verdict| Reason::of(failure).is_first_of(&verdict.failures))
    })
}

/// A plan that breaks without the rules that say nothing any more, as every run they spoke of has its own instead.
fn without_idle_turns(mut plan: Plan, breaks: impl Fn(&Plan) -> bool) -> Option<Plan> {
    if !breaks(&plan) {
        return None;
    }
    for place in (0..plan.tables.len()).rev() {
        let mut without = plan.clone();
        let table = without.tables.remove(place);
        if table.kind == Kind::Each("turn".into()) && breaks(&without) {
            plan = without;
        }
    }
    Some(plan)
}

fn plan_without_claims(scenario: &Scenario, failure: &Failure) -> Option<Plan> {
    let mut plan = plan_of(scenario)?;
    plan.sentence = format!("{} In this world {} breaks.", scenario.sentence, failure.check.name());
    if failure.check != CheckName::Claim {
        plan.tables.retain(|table| table.kind != Kind::Each("claim".into()));
    }
    Some(plan)
}

/// A scenario's text, table by table, without its transcript.
fn plan_of(scenario: &Scenario) -> Option<Plan> {
    let parsed = DeTable::parse(&scenario.text).ok()?;
    let mut top = Table::new(Kind::Top);
    let mut tables = Vec::new();
    for (key, value) in parsed.get_ref() {
        let key: Cow<'static, str> = Cow::Owned(key.get_ref().to_string());
        let value = value.get_ref();
        let tables_in =
            value.as_array().filter(|array| array.iter().all(|one| one.get_ref().as_table().is_some()));
        if let Some(array) = tables_in {
            let each = array.iter().filter_map(|one| one.get_ref().as_table());
            tables.extend(each.map(|table| table_of(Kind::Each(key.clone()), table)));
        } else if let Some(table) = value.as_table().filter(|_| key == "lanes") {
            let lanes = table.iter().filter_map(|(name, lane)| Some((name, lane.get_ref().as_table()?)));
            let lane = |name: &str| Kind::One(format!("lanes.\"{name}\"").into());
            tables.extend(lanes.map(|(name, table)| table_of(lane(name.get_ref()), table)));
        } else if let Some(table) = value.as_table() {
            tables.push(table_of(Kind::One(key), table));
        } else if key != "expect" && key != "seeds" {
            top.keys.extend(word_of(value).map(|word| (key, word)));
        }
    }
    // Tables of one kind stay in their order.
    tables.sort_by_key(|table| match &table.kind {
        Kind::Top => 0,
        Kind::One(_) => 1,
        Kind::Each(name) => ["job", "turn", "fault", "do", "claim"]
            .iter()
            .position(|kind| kind == name)
            .map_or(9, |place| 2 + place),
    });
    tables.insert(0, top);
    Some(Plan { sentence: scenario.sentence.clone(), tables })
}

fn table_of(kind: Kind, table: &DeTable<'_>) -> Table {
    // In the order in which the file has them.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let keys = entries
        .into_iter()
        .filter_map(|(key, value)| Some((Cow::Owned(key.get_ref().to_string()), word_of(value.get_ref())?)));
    Table { kind, keys: keys.collect() }
}

fn word_of(value: &DeValue<'_>) -> Option<Word> {
    match value {
        DeValue::String(text) => Some(Word::Text(text.to_string())),
        DeValue::Boolean(flag) => Some(Word::Flag(*flag)),
        DeValue::Integer(digits) => {
            u64::from_str_radix(digits.as_str(), digits.radix()).ok().map(Word::Number)
        }
        DeValue::Array(array) => {
            let texts = array.iter().map(|one| one.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>().map(Word::List)
        }
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

/// Whose choices they are.
#[derive(Clone, Copy)]
enum Way<'p> {
    Chosen { picks: &'p [Pick], faults: u32 },
    Seed(u64),
}

struct Freezing<'s, 'p> {
    scenario: &'s Scenario,
    way: Way<'p>,
    plan: &'p mut Plan,
}

impl Visit for Freezing<'_, '_> {
    type Out = ();

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) {
        let mut world = World::new(self.scenario, machine);
        match self.way {
            Way::Chosen { picks, faults } => {
                world.record_choices(Chooser::with_faults(faults).keep_log(), picks);
            }
            Way::Seed(seed) => _ = world.run_noting(seed),
        }
        let mut ice =
            Ice { scenario: self.scenario, labels: world.labels(), plan: self.plan, turns: Vec::new() };
        world.take_log().into_iter().for_each(|decided| ice.set(decided));
        let first = ice.plan.tables.iter().position(|table| table.kind == Kind::Each("turn".into()));
        let last_job = ice.plan.tables.iter().rposition(|table| table.kind == Kind::Each("job".into()));
        let place = first.or(last_job.map(|place| place + 1)).unwrap_or(ice.plan.tables.len());
        let turns = ice.turns.into_iter().map(|(_, table)| table);
        self.plan.tables.splice(place..place, turns);
        self.plan.tables.iter_mut().for_each(settle_the_rest);
    }
}

struct Replay<'s> {
    scenario: &'s Scenario,
}

impl Visit for Replay<'_> {
    type Out = Vec<Failure>;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Vec<Failure> {
        World::new(self.scenario, machine).run(0).failures.clone()
    }
}

/// A plan in which one thing after the other is settled.
struct Ice<'a> {
    scenario: &'a Scenario,
    labels: Labels<'a>,
    plan: &'a mut Plan,
    /// The turns that have a rule of their own by now.
    turns: Vec<(RunId, Table)>,
}

impl Ice<'_> {
    fn set(&mut self, decided: Decided) {
        match decided {
            Decided::Nanos { what, key, run, from, nanos } => {
                let length = length(nanos);
                match (what, run) {
                    (Choice::Shift, _) => self.shift(key, from.as_nanos(), nanos),
                    (Choice::Ready, Some(run)) => self.turn(run, "ready", length),
                    (Choice::Takes, Some(run)) => self.turn_ends(run, length),
                    (Choice::Stops, Some(run)) => self.turn(run, "stops", length),
                    (Choice::Again, Some(run)) => self.turn(run, "again", length),
                    (Choice::Delayed, Some(run)) => self.turn(run, "delayed", length),
                    (Choice::Lag, _) => self.one("host", "lag", length),
                    (Choice::Answer | Choice::Renewal, _) => self.one("store", "answers", length),
                    (Choice::Acknowledge, _) => self.one("subscribers", "acknowledge", length),
                    (Choice::Event, _) => self.nth("do", key, "at", length),
                    (Choice::Step, _) => self.nth("do", key, "clock", length),
                    (Choice::Lasts, _) => self.lasts(key, length),
                    (Choice::Down, _) if key >= 1_000 => self.nth("do", key - 1_000, "down", length),
                    (Choice::Down, _) => self.all_faults("down", length),
                    // Of no run, or of no world.
                    (
                        Choice::Ready | Choice::Takes | Choice::Stops | Choice::Again | Choice::Delayed,
                        None,
                    )
                    | (Choice::Order | Choice::Tick | Choice::Point | Choice::Plan, _) => {}
                }
            }
            Decided::DeadlineFirst { run, first } => {
                let order = if first { "deadline first" } else { "report first" };
                self.turn(run, "order", order.to_owned());
            }
            Decided::Strikes { fault, tick } => self.nth("fault", fault as u64, "tick", tick),
            Decided::Point(point) => {
                if let Some(word) = point_word(point) {
                    self.all_faults("crash", word);
                }
            }
            Decided::Fault { tick, kind } => self.plan.tables.push(fault(tick, kind)),
            // It has no word.
            Decided::First { .. } => {}
        }
    }

    fn shift(&mut self, job: u64, first: u64, nanos: i64) {
        let at = first.saturating_add_signed(nanos);
        let key =
            if self.jobs_nth(job).is_some_and(|table| table.word("at").is_some()) { "at" } else { "from" };
        self.nth("job", job, key, Span::from_nanos(at).to_string());
    }

    fn jobs_nth(&self, nth: u64) -> Option<&Table> {
        let jobs = self.plan.tables.iter().filter(|table| table.kind == Kind::Each("job".into()));
        jobs.into_iter().nth(usize::try_from(nth).unwrap_or(usize::MAX))
    }

    /// The nth table of a kind says something else.
    fn nth(&mut self, kind: &'static str, nth: u64, key: &'static str, word: impl Into<Word>) {
        let tables = self.plan.tables.iter_mut().filter(|table| table.kind == Kind::Each(kind.into()));
        if let Some(table) = tables.into_iter().nth(usize::try_from(nth).unwrap_or(usize::MAX)) {
            say(table, key, word.into());
        }
    }

    fn lasts(&mut self, nth: u64, length: String) {
        let event = self.scenario.timeline.get(usize::try_from(nth).unwrap_or(usize::MAX));
        let is_clock = event.is_some_and(|event| matches!(event.kind, EventKind::Clock { .. }));
        self.nth("do", nth, if is_clock { "noticed" } else { "lasts" }, length);
    }

    /// Every fault that leaves something open.
    fn all_faults(&mut self, key: &'static str, word: impl Into<Word>) {
        let word = word.into();
        for table in self.plan.tables.iter_mut().filter(|table| table.kind == Kind::Each("fault".into())) {
            let is_open =
                |word: &Word| word.text().is_some_and(|text| text.contains("..") || text == "anywhere");
            if table.word(key).is_some_and(is_open) {
                say(table, key, word.clone());
            }
        }
    }

    /// What a scenario says once for all: the first of them.
    fn one(&mut self, kind: &'static str, key: &'static str, word: String) {
        let found = self.plan.tables.iter_mut().find(|table| table.kind == Kind::One(kind.into()));
        if let Some(table) =
            found.filter(|table| table.word(key).and_then(Word::text).is_some_and(|text| text.contains("..")))
        {
            say(table, key, word.into());
        }
    }

    fn turn_ends(&mut self, run: RunId, length: String) {
        let rule = self.rule_of(run).map(|(_, rule)| rule.ends);
        let key = match rule {
            Some(TurnEnd::NearTimeout(..)) => "answers_near_timeout",
            Some(TurnEnd::NearTotal(..)) => "answers_near_total_timeout",
            Some(TurnEnd::After(_) | TurnEnd::Never) | None => "takes",
        };
        self.turn(run, key, length);
    }

    fn rule_of(&self, run: RunId) -> Option<(usize, &TurnRule)> {
        self.scenario.turns.iter().enumerate().find(|(_, rule)| self.labels.fits(rule.runs, run))
    }

    /// The turn of a run has a rule of its own, which says something else.
    fn turn(&mut self, run: RunId, key: &'static str, word: String) {
        if !self.turns.iter().any(|(known, _)| *known == run) {
            let nth = self.rule_of(run).map(|(nth, _)| nth);
            let rules = self.plan.tables.iter().filter(|table| table.kind == Kind::Each("turn".into()));
            let rule = nth.and_then(|nth| rules.into_iter().nth(nth)).cloned();
            let mut table = rule.unwrap_or_else(|| Table::each("turn"));
            let name = self.labels.run(run);
            let name = if run.attempt > 1 { name } else { format!("{name}.1") };
            say(&mut table, "of", name.into());
            self.turns.push((run, table));
        }
        if let Some((_, table)) = self.turns.iter_mut().find(|(known, _)| *known == run) {
            say(table, key, word.into());
        }
    }
}

/// What nobody asked about in this world can be anything.
fn settle_the_rest(table: &mut Table) {
    let is_claim = table.kind == Kind::Each("claim".into());
    for (key, word) in table.keys.iter_mut().filter(|(key, _)| !is_claim && key != "name") {
        let Word::Text(text) = &*word else { continue };
        if let Some((low, _)) = text.split_once("..") {
            *word = low.to_owned().into();
        } else if key == "order" && text == "either" {
            *word = "report first".into();
        } else if key == "crash" && text == "anywhere" {
            *word = "before".into();
        }
    }
}

fn say(table: &mut Table, key: &'static str, word: Word) {
    match table.keys.iter_mut().find(|(known, _)| known == key) {
        Some((_, known)) => *known = word,
        None => table.say(key, word),
    }
}

fn length(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    format!("{sign}{}", Span::from_nanos(nanos.unsigned_abs()))
}

fn point_word(point: CrashPoint) -> Option<String> {
    let fault = crate::scenario::Fault {
        at: crate::scenario::FaultAt::tick(1),
        kind: FaultKind::Crash { when: point, down: crate::scenario::SpanRange::default(), again: 0 },
    };
    fault.to_string().split(':').nth(1).map(|word| word.replace('-', " "))
}

pub(super) fn fault(tick: u64, kind: FaultKind) -> Table {
    let mut table = Table::each("fault");
    table.say("tick", tick);
    match kind {
        FaultKind::Crash { when, down, .. } => {
            table.keys.extend(point_word(when).map(|word| ("crash".into(), word.into())));
            table.say("down", down.low.to_string());
        }
        FaultKind::NotApplied(_) => table.say("store", "not applied"),
        FaultKind::Unknown { applied: true } => table.say("store", "unknown but applied"),
        FaultKind::Unknown { applied: false } => table.say("store", "unknown and not applied"),
    }
    table
}
