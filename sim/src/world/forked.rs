//! Worlds that are left where they are and tried in another way from there on.

use sametick_core::Machine;
use sametick_core::effect::{Command, Report};
use sametick_core::id::RunId;
use sametick_core::run::Finish;
use sametick_core::time::Mono;

use super::{Verdict, World};
use crate::agenda::What;
use crate::scenario::Fault;
use crate::script::Script;

impl<M: Machine> World<'_, M> {
    /// Starts the only world of a scenario without ranges.
    pub(crate) fn start(&mut self) {
        self.begin_with(Script::new(self.scenario, 0));
        self.boot(0);
    }

    /// One step; false when the world is over.
    pub(crate) fn go(&mut self) -> bool {
        self.leave();
        self.judge.failures().is_empty() && self.advance()
    }

    /// What its latest tick has said leaves.
    pub(crate) fn let_leave(&mut self) {
        self.leave();
    }

    /// Goes on to the end.
    pub(crate) fn go_to_the_end(&mut self) -> &Verdict {
        while self.go() {}
        self.close()
    }

    /// Goes to where another world is. From there on this goes wrong, beside what the scenario says.
    pub(crate) fn fork_from(&mut self, trunk: &Self, fault: Option<Fault>) {
        self.faults.truncate(self.scenario.faults.len());
        self.faults.extend(fault);
        self.become_like(trunk);
        self.faults_used.resize(self.faults.len(), false);
    }

    /// How many ticks it had.
    pub(crate) const fn ticks(&self) -> u64 {
        self.verdict.ticks
    }

    /// Whether the latest tick of a host of it had a commit.
    pub(crate) fn has_committed(&self) -> bool {
        self.hosts.iter().filter_map(|host| host.tick.as_ref()).any(|tick| tick.commit().is_some())
    }

    /// The instant of its latest tick.
    pub(crate) const fn at(&self) -> Mono {
        self.now
    }

    /// When something happens next.
    pub(crate) fn next_at(&self) -> Option<Mono> {
        let wakes = self.hosts.iter().filter_map(|host| host.next_wakeup());
        wakes.chain(self.agenda.next_at()).min()
    }

    /// The runs that are not over.
    pub(crate) fn open_runs(&self) -> Vec<RunId> {
        let open = self.judge.books().runs.values().filter(|book| book.row.state.phase().is_some());
        open.map(|book| book.row.id).collect()
    }

    /// The turns that are at work, each with when its session is ready, if it ever is.
    pub(crate) fn turns_at_work(&self) -> Vec<(RunId, Option<Mono>)> {
        let at_work = self.turns.iter().filter(|(_, turn)| turn.is_at_work());
        at_work.map(|(run, turn)| (*run, turn.ready_at)).collect()
    }

    /// Somebody asks for something at an instant.
    pub(crate) fn will_be_asked(&mut self, at: Mono, command: Command) {
        self.agenda.plan_ahead(at, What::Asked { command });
    }

    /// A turn ends well at an instant, and not when it was going to.
    pub(crate) fn will_complete(&mut self, at: Mono, run: RunId) {
        self.agenda.forget(
            |what| matches!(what, What::Report { run: own, report: Report::Completed(_) } if *own == run),
        );
        self.agenda.plan_ahead(at, What::Report { run, report: Report::Completed(Finish::Ok) });
    }

    /// The wall clock steps at an instant, and the host reads it.
    pub(crate) fn will_step(&mut self, at: Mono, millis: i64) {
        self.agenda.plan_ahead(at, What::Steps { millis });
    }

    pub(super) fn steps_by(&mut self, at: Mono, millis: i64) {
        self.stepped = self.stepped.saturating_add(millis);
        self.agenda.plan(at, What::ClockRead);
    }
}
