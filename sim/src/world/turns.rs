//! The turns of a world: what they are asked, and what they say.

use sametick_core::Machine;
use sametick_core::effect::{InputKind, Report};
use sametick_core::id::{RunId, SessionId};
use sametick_core::time::{Mono, Span};

use super::World;
use crate::agenda::What;
use crate::scenario::{Offset, SpanRange};

/// A turn of a run that was granted a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    granted: Mono,
    /// The host whose turn it is.
    host: usize,
    /// How far from its deadline it was planned to end.
    pub(super) off: Option<Offset>,
    /// When its session is ready, if it ever is.
    pub(super) ready_at: Option<Mono>,
    started: bool,
    aborted: bool,
    /// Whether it ended, by itself or because it was asked to.
    ended: bool,
    /// Whether it said that it stopped; of one that did, nothing else is heard.
    stopped: bool,
    /// After this instant it says nothing any more.
    silent_after: Option<Mono>,
    deadline_first: bool,
    /// How long its reports are on their way.
    delayed: Option<SpanRange>,
}

impl Turn {
    /// Whether it was called and has not ended.
    pub(super) const fn is_at_work(&self) -> bool {
        self.started && !self.ended
    }

    /// When it got its slot.
    pub(super) const fn granted_at(&self) -> Mono {
        self.granted
    }

    pub(super) const fn granted(at: Mono, host: usize) -> Self {
        Self {
            granted: at,
            host,
            off: None,
            ready_at: None,
            started: false,
            aborted: false,
            ended: false,
            stopped: false,
            silent_after: None,
            deadline_first: false,
            delayed: None,
        }
    }
}

impl<M: Machine> World<'_, M> {
    /// Whether a turn is one that another host called.
    pub(super) fn is_of_another(&self, place: usize, run: RunId) -> bool {
        self.turns.get(&run).is_some_and(|turn| turn.host != place)
    }

    /// The turns that a host called, whatever has become of them.
    pub(super) fn turns_of(&self, place: usize) -> Vec<RunId> {
        let own = self.turns.iter().filter(|(_, turn)| turn.host == place && turn.started);
        own.map(|(run, _)| *run).collect()
    }

    /// The turns of a host end with it, as they do where their runner sees to that: nobody is left to ask
    /// them to stop when its lease ends. Of one that had ended the word may still be on its way, and is lost.
    pub(super) fn stop_turns(&mut self, place: usize) {
        for run in self.turns_of(place) {
            self.judge.is_gone(run);
            if let Some(turn) = self.turns.get_mut(&run) {
                (turn.ended, turn.stopped) = (true, true);
            }
        }
    }

    pub(super) fn hear(&mut self, at: Mono, run: RunId, report: Report, rings: Option<Mono>) {
        let Some(turn) = self.turns.get_mut(&run) else { return };
        if turn.silent_after.is_some_and(|silent| at > silent) {
            return;
        }
        let place = turn.host;
        if let Some(until) = self.hosts[place].frozen_until {
            // It stands still with its host, and says then what it would have said.
            turn.silent_after = turn.silent_after.map(|silent| silent.max(until));
            self.agenda.plan(until, What::Report { run, report });
            return;
        }
        if turn.stopped && report != Report::Stopped {
            return;
        }
        turn.ended |= matches!(report, Report::Completed(_) | Report::Stopped);
        turn.stopped |= report == Report::Stopped;
        if let Some(delayed) = turn.delayed {
            self.agenda.plan(at + self.script.on_its_way(run, at, delayed), What::Arrival { run, report });
        } else {
            self.arrives(at, run, report, rings);
        }
    }

    /// What a turn said reaches its host.
    pub(super) fn arrives(&mut self, at: Mono, run: RunId, report: Report, rings: Option<Mono>) {
        let Some(turn) = self.turns.get(&run) else { return };
        let place = turn.host;
        if let Some(until) = self.hosts[place].frozen_until {
            self.agenda.plan(until, What::Arrival { run, report });
        } else if rings == Some(at) && self.script.rings_first(run, &self.judge.labels(), turn.deadline_first)
        {
            self.agenda.plan(at.tick_after(), What::Arrival { run, report });
        } else {
            self.tell(place, at, InputKind::Report { run, report });
        }
    }

    /// A turn that is at work reports progress, and will again.
    pub(super) fn progress(&mut self, at: Mono, run: RunId, every: Span, rings: Option<Mono>) {
        let silent = |turn: &Turn| turn.ended || turn.silent_after.is_some_and(|silent| at > silent);
        let Some(turn) = self.turns.get(&run).filter(|turn| !silent(turn)) else { return };
        if let Some(until) = self.hosts[turn.host].frozen_until {
            self.agenda.plan(until, What::Progress { run, every });
        } else {
            self.hear(at, run, Report::Progress, rings);
            self.agenda.plan(at + every, What::Progress { run, every });
        }
    }

    /// A turn says something at an instant, and perhaps once more.
    pub(super) fn says(&mut self, at: Mono, run: RunId, report: Report, again: Option<Span>) {
        self.agenda.plan(at, What::Report { run, report });
        if let Some(again) = again {
            self.agenda.plan(at + again, What::Report { run, report });
        }
    }

    pub(super) fn start_turn(&mut self, place: usize, run: RunId) {
        let now = self.now;
        let book = self.judge.books().runs.get(&run);
        let budgets = book.map(|book| book.terms.budgets).unwrap_or_default();
        let Some(turn) =
            self.turns.get_mut(&run).filter(|turn| turn.host == place && !turn.aborted && !turn.started)
        else {
            return;
        };
        let script = self.script.turn_begins(run, &self.judge.labels(), &budgets, turn.granted, now);
        turn.started = true;
        turn.off = script.offset();
        turn.deadline_first = script.deadline_first;
        turn.delayed = script.delayed;
        let granted = turn.granted;
        if let Some(every) = script.progress {
            self.agenda.plan(now + every, What::Progress { run, every });
        }
        if let Some(ready) = script.ready {
            turn.ready_at = Some(now + ready);
            self.sessions += 1;
            let session = SessionId(self.sessions);
            self.says(now + ready, run, Report::Ready { session }, script.again);
        }
        if let Some(end) = script.ends_at(run, &budgets, granted, now) {
            self.says(end, run, script.last_word(), script.again);
        }
    }

    pub(super) fn abort_turn(&mut self, place: usize, run: RunId) {
        let now = self.now;
        // A host can ask nothing of the turns of another.
        let Some(turn) = self.turns.get_mut(&run).filter(|turn| turn.host == place) else { return };
        let labels = self.judge.labels();
        let again = std::mem::replace(&mut turn.aborted, true);
        let stops = self.script.turn_stops(run, &labels, now);
        let stopped = match stops {
            Some(stops) => now + stops,
            None if turn.started => return,
            // There is no turn to ignore anything.
            None => now.tick_after(),
        };
        let (heard_again, delayed) = self.script.turn_reports(run, &labels, stopped);
        turn.delayed = delayed;
        // An abort that is repeated after a crash is answered again.
        if stops.is_some() && (!again || turn.silent_after.is_some_and(|silent| silent < now)) {
            turn.silent_after = Some(stopped);
        }
        self.says(stopped, run, Report::Stopped, heard_again);
    }
}
