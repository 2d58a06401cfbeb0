//! From what a store holds after a crash to a machine that hides nothing.
//!
//! The first tick says what became of everything: queued runs are queued again; starting and
//! running ones settle as interrupted, their sessions terminal and their drains open, since a turn
//! can outlive its gateway; missed occurrences get what the catch-up policy says; events nobody
//! acknowledged are published again. Slots are granted from the next tick on, so recovering twice
//! equals recovering once.

use crate::commit::{Rows, TermsRow};
use crate::effect::{Effect, Tick};
use crate::gateway::Gateway;
use crate::id::{JobId, RunId};
use crate::job::{Budget, Terms};
use crate::live::{LiveRun, Place};
use crate::ports::Bus;
use crate::run::{Drain, Phase, Race, RunEvent, RunRow, RunState};
use crate::scheduler::Moment;
use crate::session::{Persister, SessionChange, SessionPatch, Status};
use crate::time::{Now, Span, Timeline};

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    pub(crate) fn recover_tick(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.forget_everything(rows, epoch, now);
        self.generations = rows.generations;
        for (job, row) in &rows.jobs {
            self.generations = self.generations.max(row.generation);
            self.scheduler.insert(*job, *row);
        }
        for row in &rows.sessions {
            let change = SessionChange::Replace(*row);
            self.sessions.apply(&SessionPatch { key: row.key, updated_at: row.updated_at, change });
        }
        for (offset, event) in (rows.first_offset..).zip(&rows.events) {
            self.tick.push(Effect::Publish { offset, event: *event });
        }
        let mut runs: Vec<RunRow> = rows.runs.iter().filter(|run| !run.is_closed()).copied().collect();
        // Whoever waits came to its lane when it was queued, another attempt when its backoff was over.
        runs.sort_unstable_by_key(|run| (run.not_before.unwrap_or(run.queued_at), run.id));
        let known = Known::of(rows);
        for run in &runs {
            self.take_over(*run, &known);
        }
        for run in &runs {
            self.hold_for_family(run, &known);
        }
        let mut next = self.scheduler.next_id(JobId(0));
        while let Some(id) = next {
            next = id.0.checked_add(1).and_then(|first| self.scheduler.next_id(JobId(first)));
            let runs = &self.runs;
            self.scheduler.clear_stale_marker(id, |run| runs.get(run).is_some());
            let room = self.room_for(id);
            let moment = Moment { now: now.wall, until: now.wall, room };
            let mut taken = std::mem::take(&mut self.taken);
            let met = self.scheduler.row(id).and_then(|row| row.last_due);
            self.scheduler.catch_up(id, moment, &mut taken, self.tick.draft());
            self.enqueue_all(id, &mut taken);
            self.taken = taken;
            if self.scheduler.row(id).is_some_and(|row| row.last_due != met) {
                self.remove_if_through(id);
            }
        }
        // Nothing is granted yet: a slot granted here and lost to the next crash would be a run
        // interrupted that never began. The wake-up asks for the tick that grants.
        self.ownership.has_taken_over();
        self.finish();
        &self.tick
    }

    /// Starts from nothing, keeping only rooms and memory.
    fn forget_everything(&mut self, rows: &Rows, epoch: u64, now: Now) {
        self.tick.clear();
        self.ownership.begin(epoch, self.config.lease, now);
        self.timeline = Timeline::through(now);
        self.closed = now.mono;
        self.at = now;
        self.now = now;
        self.scheduler.clear();
        self.admission.reset(&self.config);
        self.families.clear();
        self.foreign.clear();
        self.late.clear();
        self.runs.clear();
        self.alarms.clear();
        self.sessions.clear();
        self.outbox.reset(rows.last_commit, u64::from(self.config.open_commits));
        self.acknowledged = rows.first_offset;
        self.changed.clear();
        self.next_offset = rows.first_offset + rows.events.len() as u64;
        self.published = self.next_offset;
        while self.bus.next().is_some() {}
    }

    /// What a run goes by. Where that is not written down it is what its job says now, but for the session that its
    /// record names.
    fn terms_of(&self, row: &RunRow, known: &Known<'_>) -> Terms {
        known.terms(row.id).unwrap_or_else(|| {
            let declared = self.terms(row.id).unwrap_or_default();
            Terms { target: row.target, ..declared }
        })
    }

    fn take_over(&mut self, row: RunRow, known: &Known<'_>) {
        let id = row.id;
        let mut live = LiveRun::new(row, self.terms_of(&row, known));
        match row.state {
            RunState::Queued => {
                let over = |live: &LiveRun| live.row.state.phase().is_none();
                let gone = |parent| self.runs.get(parent).is_none_or(over);
                // Nobody declares its job any more, or nobody waits for it.
                let orphaned = self.terms(id).is_none() || row.parent.is_some_and(gone);
                self.wait_again(live);
                if orphaned {
                    self.happen(id, RunEvent::Cancelled);
                }
            }
            RunState::Starting | RunState::Running => {
                live.start_released = true;
                self.hold_again(live);
                self.happen(id, RunEvent::Interrupted);
            }
            RunState::Settled(_) => {
                live.start_released = true;
                self.hold_again(live);
                self.tick.push(Effect::Abort { run: id });
                if row.drain == Drain::Open {
                    self.await_stop(id);
                }
                self.end_its_session(&row);
            }
        }
    }

    /// It waits as before. Its budgets begin anew; a backoff goes on where it was, and is never longer
    /// than it was meant to be, whatever the wall clock says.
    fn wait_again(&mut self, mut live: LiveRun) {
        let (id, at, budgets) = (live.row.id, self.at, live.terms.budgets);
        let backoff = live.row.not_before.map(|until| {
            let left = u64::try_from(until - at.wall).unwrap_or_default();
            Span::from_millis(left).min(live.terms.retry.backoff.before(id.attempt))
        });
        let enters = at.mono + backoff.unwrap_or_default();
        live.deadlines.count(Budget::Total, at.mono, budgets.total_timeout);
        live.deadlines.count(Budget::Queue, enters, budgets.queue_timeout);
        self.begin_to_wait(live);
        if enters > at.mono {
            self.back_off(id, enters);
        } else {
            self.enter_lane(id);
        }
    }

    /// Its turn may be alive: it has its slot and its fences, over the limits if need be.
    fn hold_again(&mut self, mut live: LiveRun) {
        live.place = Place::Holding;
        // An attempt that follows it has what is left of this.
        live.deadlines.count(Budget::Total, self.at.mono, live.terms.budgets.total_timeout);
        self.scheduler.is_open(live.row.id.job);
        self.admission.take(&live.wants());
        if let Some(parent) = live.row.parent {
            self.families.join(parent, live.row.id);
        }
        self.runs.insert(live);
    }

    /// A child whose parent is closed holds on to what that had held, and so on upwards.
    fn hold_for_family(&mut self, row: &RunRow, known: &Known<'_>) {
        let holds = self.runs.get(row.id).is_some_and(|live| live.place == Place::Holding);
        let mut elder = row.parent.filter(|_| holds);
        while let Some(parent) = elder.filter(|parent| self.runs.get(*parent).is_none()) {
            let closed = known.closed(parent);
            let wants = match closed {
                Some(closed) => LiveRun::new(closed, self.terms_of(&closed, known)).wants(),
                None => self.terms(parent).unwrap_or_default().wants(parent.job, row.agent),
            };
            elder = closed.and_then(|closed| closed.parent);
            if !self.families.left_behind(parent, wants, elder) {
                return;
            }
            self.admission.take(&wants);
            if let Some(elder) = elder {
                self.families.join(elder, parent);
            }
        }
    }

    /// A store that another program wrote may hold a run that is over and a session that says it is
    /// not: the end it never got is published now.
    fn end_its_session(&mut self, row: &RunRow) {
        let key = row.session_key();
        let says_running = |key| {
            let found = self.sessions.get(key);
            found.is_some_and(|found| found.run == Some(row.id) && found.status == Some(Status::Running))
        };
        if says_running(key) || key.base().is_some_and(says_running) {
            self.publish_end(row.id, Some(Phase::Running));
            self.touch(row.id);
        }
    }
}

/// What a store knows of runs beside the records of those that go on, by their ids.
struct Known<'r> {
    terms: Vec<&'r TermsRow>,
    closed: Vec<&'r RunRow>,
}

impl<'r> Known<'r> {
    fn of(rows: &'r Rows) -> Self {
        let mut terms: Vec<&TermsRow> = rows.terms.iter().collect();
        terms.sort_unstable_by_key(|row| row.run);
        let mut closed: Vec<&RunRow> = rows.runs.iter().filter(|row| row.is_closed()).collect();
        closed.sort_unstable_by_key(|row| row.id);
        Self { terms, closed }
    }

    fn terms(&self, run: RunId) -> Option<Terms> {
        let place = self.terms.binary_search_by_key(&run, |row| row.run).ok()?;
        Some(self.terms[place].terms)
    }

    fn closed(&self, run: RunId) -> Option<RunRow> {
        let place = self.closed.binary_search_by_key(&run, |row| row.id).ok()?;
        Some(*self.closed[place])
    }
}
