//! Worlds whose choices are made by a search: they go step by step, and back to where they were.

use std::fmt::{self, Write};

use sametick_core::Machine;
use sametick_core::effect::Tick;
use sametick_core::time::{Mono, Span};

use super::turns::Turn;
use super::{Verdict, World};
use crate::agenda::Happening;
use crate::explore::chooser::{Chooser, Decided, Freedom, Pick};
use crate::explore::cut::Cuts;
use crate::record::{Beat, Recorder};
use crate::scenario::{Fault, FaultAt, FaultKind};
use crate::script::Script;

impl<'s, M: Machine> World<'s, M> {
    /// A world before its first tick.
    pub(crate) fn unborn(&mut self, chooser: Chooser) {
        self.begin_with(Script::chosen(self.scenario, chooser));
    }

    /// Begins the world, with these choices and after them the first there is each time.
    pub(crate) fn be_born(&mut self, picks: &[Pick], freedom: Freedom) {
        let mut chooser = self.script.chooser().map(|chooser| chooser.clone()).unwrap_or_default();
        chooser.take(picks, freedom);
        self.begin_with(Script::chosen(self.scenario, chooser));
        self.boot(0);
    }

    /// One step, with these choices and after them the first there is each time; false when the world is over.
    pub(crate) fn step(&mut self, picks: &[Pick], freedom: Freedom) -> bool {
        self.look_around(picks, freedom);
        self.leave();
        self.judge.failures().is_empty() && self.advance()
    }

    /// Judges a world that is over.
    pub(crate) fn close(&mut self) -> &Verdict {
        if self.judge.failures().is_empty() {
            self.rest(true);
        }
        self.verdict.failures.extend_from_slice(self.judge.failures());
        self.verdict.digest = self.digest.value();
        &self.verdict
    }

    /// Runs the world of these choices from its first tick on and keeps everything that happened in it.
    pub(crate) fn record_choices(&mut self, chooser: Chooser, picks: &[Pick]) -> (Verdict, Vec<Beat>) {
        self.recorder = Some(Recorder::default());
        let freedom = chooser.freedom();
        self.unborn(chooser);
        self.be_born(picks, freedom);
        let mut rest = picks;
        loop {
            rest = &rest[self.picks_made(rest.len())..];
            let freedom = self.freedom();
            if !self.step(rest, freedom) {
                break;
            }
        }
        let verdict = self.close().clone();
        let beats = self.recorder.take().map(Recorder::into_beats).unwrap_or_default();
        (verdict, beats)
    }

    /// Runs the world of a seed from its first tick on and keeps what that decides.
    pub(crate) fn run_noting(&mut self, seed: u64) -> Verdict {
        self.begin_with(Script::noted(self.scenario, seed));
        self.boot(0);
        while self.step(&[], Freedom::default()) {}
        self.close().clone()
    }

    fn picks_made(&self, most: usize) -> usize {
        self.script.chooser().map_or(0, |chooser| chooser.picks().len().min(most))
    }

    /// What was decided, where that was kept.
    pub(crate) fn take_log(&self) -> Vec<Decided> {
        self.script.chooser().map(|mut chooser| chooser.take_log()).unwrap_or_default()
    }

    /// Goes back to where another world is.
    pub(crate) fn return_to(&mut self, kept: &Self) {
        self.become_like(kept);
    }

    /// What was taken in the latest step.
    pub(crate) fn picks_into(&self, picks: &mut Vec<Pick>) {
        picks.clear();
        if let Some(chooser) = self.script.chooser() {
            picks.extend_from_slice(chooser.picks());
        }
    }

    /// What the search may still do to the world.
    pub(crate) fn freedom(&self) -> Freedom {
        self.script.chooser().map_or_else(Freedom::default, |chooser| chooser.freedom())
    }

    /// What was left out since this was asked last.
    pub(crate) fn take_cuts(&self) -> Cuts {
        self.script.chooser().map_or_else(Cuts::default, |mut chooser| chooser.take_cuts())
    }

    /// Whether something broke.
    pub(crate) fn is_broken(&self) -> bool {
        !self.judge.failures().is_empty()
    }

    pub(super) fn has_interfered(&self) -> bool {
        self.script.chooser().is_some_and(|chooser| chooser.has_interfered())
    }

    /// What happens next, up to `now`.
    #[inline]
    pub(super) fn next_happening(&mut self, now: Mono) -> Option<Happening> {
        if self.script.is_chosen() { self.chosen_happening(now) } else { self.agenda.take(now) }
    }

    fn chosen_happening(&mut self, now: Mono) -> Option<Happening> {
        let together = self.agenda.together(now);
        if together == 0 {
            return None;
        }
        let nth = self.script.chooser().map_or(0, |mut chooser| chooser.first_of(together));
        self.agenda.take_nth(nth)
    }

    /// What a search wants to go wrong at a tick.
    #[inline]
    pub(super) fn chosen_fault(&self, tick: &Tick) -> Option<FaultKind> {
        let mut chooser = self.script.chooser()?;
        chooser.fault(self.verdict.ticks, tick.commit().is_some(), !tick.effects().is_empty())
    }

    /// Tells the search when something is known to happen.
    fn look_around(&mut self, picks: &[Pick], freedom: Freedom) {
        let Some(mut chooser) = self.script.chooser() else { return };
        chooser.take(picks, freedom);
        let wakes = self.hosts.iter().filter_map(|host| host.next_wakeup());
        self.agenda.instants().chain(wakes).for_each(|at| chooser.meets(at));
        let on_wall = |millis: i64| {
            u64::try_from(millis).ok().map(|millis| Mono::default() + Span::from_millis(millis))
        };
        let books = self.judge.books();
        for book in books.runs.values().filter(|book| book.row.state.phase().is_some()) {
            let budgets = &book.terms.budgets;
            let granted = self.turns.get(&book.row.id).map(Turn::granted_at);
            let waits = on_wall(book.times.queued).filter(|_| granted.is_none());
            let ends = [
                (waits, budgets.queue_timeout),
                (granted, budgets.start_timeout),
                (granted, budgets.stall_timeout),
                (granted, budgets.timeout),
                (on_wall(book.times.first), budgets.total_timeout),
            ];
            for end in ends.into_iter().filter_map(|(from, span)| Some(from? + span?)) {
                chooser.meets(end);
                // What begins to count now may end in the same instant.
                let counts = [budgets.stall_timeout, budgets.timeout, Some(budgets.abort_grace)];
                for span in counts.into_iter().flatten().filter(|span| end.since(self.now) > *span) {
                    chooser.meets(Mono::from_nanos(end.as_nanos() - span.as_nanos()));
                }
            }
        }
        for (_, row) in books.jobs.iter().flatten() {
            let due = row.next_due.and_then(|due| on_wall(due - self.scenario.begins - self.stepped));
            due.into_iter().for_each(|at| chooser.meets(at));
        }
    }

    /// How many ticks there were, as long as something goes wrong at one of those to come.
    fn ticks_that_count(&self) -> Option<u64> {
        let ticks = self.verdict.ticks;
        let waits = |(fault, used): (&Fault, &bool)| {
            !used && matches!(fault.at, FaultAt::Tick { last, .. } if last > ticks)
        };
        self.faults.iter().zip(&self.faults_used).any(waits).then_some(ticks)
    }

    /// Writes down all that decides what becomes of this world, and nothing that only counts.
    pub(crate) fn write_state(&self, out: &mut impl Write) -> fmt::Result {
        for host in &self.hosts {
            // A copy has none of what a tick writes before it reads it.
            write!(out, "{:?}", host.machine.clone())?;
            write!(out, "{:?}", (host.life, host.up, host.owns, &host.inputs, host.wake, &host.kept))?;
            write!(out, "{:?}", (host.heard_told, &host.foreign, host.frozen_until, host.cut_until))?;
        }
        if let Some(leaving) = self.leaving {
            let tick = self.hosts[leaving.host].tick.as_ref();
            write!(out, "{leaving:?}{:?}", tick.map(|tick| tick.effects()))?;
        }
        write!(out, "{:?}", (self.owner, self.lives, self.now, self.opened, self.sessions))?;
        write!(out, "{:?}{:?}", self.agenda.in_order(), self.turns)?;
        write!(out, "{:?}", (&self.faults_used, self.dies_again, self.recovers, self.heard))?;
        write!(out, "{:?}", self.ticks_that_count())?;
        write!(out, "{:?}{:?}{:?}", self.audience, self.stepped, self.delivered)?;
        write!(out, "{:?}", self.freedom())?;
        self.judge.write_state(out)
    }
}
