//! Every check, each with what it remembers: who hears of what, and is asked when.

use educe::Educe;
use sametick_core::Config;
use sametick_core::commit::JobRow;
use sametick_core::effect::{Effect, Input, InputKind};
use sametick_core::job::Job;
use sametick_core::time::{Mono, Now, Span, Wall};

use super::account::Accounts;
use super::alive::Alive;
use super::bus_ordered::Subscribers;
use super::drains::Drains;
use super::index::Index;
use super::late_notes::LateNotes;
use super::markers::Markers;
use super::open_commits::OpenCommits;
use super::over::Over;
use super::policy_kept::Policies;
use super::refusals::Refusals;
use super::results::Results;
use super::rooms::Rooms;
use super::slots::Slots;
use super::slots_return::Probe;
use super::tenure::Tenure;
use super::waiters::Waiters;
use super::{
    Departure, Failure, Rest, Restarted, Scene, at_most_once, begins_when_free, comes_to_rest, drains,
    errors, event_first, in_turn, index, jobs_end, no_overlap, no_resurrection, nothing_lost,
    queued_leaves_no_session, reason_kept, records_agree, rings, same_tick, settles_once, slots_return,
    survives_crash,
};
use crate::books::Books;
use crate::label::Labels;
use crate::scenario::Scenario;

/// Every check, with what it remembers.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Checks {
    /// On the monotonic clock, in milliseconds since the world began.
    restarted_at: Option<i64>,
    recovering: bool,
    pub(crate) alive: Alive,
    slots: Slots,
    waiters: Waiters,
    subscribers: Subscribers,
    accounts: Accounts,
    /// Read off the records.
    markers: Markers,
    policies: Policies,
    results: Results,
    late_notes: LateNotes,
    drains: Drains,
    open_commits: OpenCommits,
    refusals: Refusals,
    tenure: Tenure,
    /// Of the commit at hand, if that says much; its memory is kept.
    index: Box<Index>,
    /// Of the commit at hand, where that skips anything.
    rooms: Rooms,
    /// When a gateway came back last.
    back_at: Option<(Mono, Wall)>,
}

impl Checks {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.restarted_at = None;
        self.recovering = false;
        self.alive.clear();
        self.slots.clear();
        self.waiters.clear();
        self.subscribers.clear();
        self.accounts.clear();
        self.markers.clear();
        self.policies.clear();
        self.results.clear();
        self.late_notes.clear();
        self.drains.clear();
        self.open_commits.clear();
        self.refusals.clear();
        self.tenure.clear();
        self.back_at = None;
    }

    /// Writes down all that they remember.
    pub(crate) fn write_state(&self, out: &mut impl std::fmt::Write) -> std::fmt::Result {
        // Written by each commit before it is read, or read off the records.
        let Self {
            index: _,
            waiters: _,
            rooms: _,
            restarted_at,
            recovering,
            alive,
            slots,
            subscribers,
            accounts,
            policies,
            ..
        } = self;
        write!(
            out,
            "{restarted_at:?}{recovering:?}{alive:?}{slots:?}{subscribers:?}{accounts:?}{policies:?}"
        )?;
        let Self { results, late_notes, drains, open_commits, refusals, tenure, back_at, .. } = self;
        write!(out, "{results:?}{late_notes:?}{drains:?}{open_commits:?}{refusals:?}{tenure:?}{back_at:?}")
    }

    /// The gateway hears everything twice, and is shown to hear it once.
    pub(crate) const fn hears_twice(&mut self) {
        self.late_notes.twice = true;
    }

    /// A job that is there when the world begins.
    pub(crate) fn open(&mut self, job: &Job, row: &JobRow, scenario: &Scenario) {
        self.accounts.open(job, row.generation, scenario.begins, scenario);
    }

    /// Hears what a gateway is told, before that has answered. `owns` tells whether the books are that gateway's.
    pub(crate) fn hear(
        &mut self,
        now: Option<Now>,
        owns: bool,
        inputs: &[Input],
        books: &Books,
        config: &Config,
    ) {
        self.accounts.reads(now);
        if owns {
            self.open_commits.hear(inputs);
            self.refusals.hear(now, inputs);
            if let Some(now) = now {
                self.late_notes.hear(now, inputs, books);
                // One that came back may hear of something at the instant of its first tick, and after that.
                let first = self.back_at.map_or(now.mono, |(back, _)| back.tick_after());
                self.drains.hear(now.mono.max(first), inputs, books);
            }
        }
        self.tenure.hear(inputs, config.lease);
        if inputs.iter().any(|input| matches!(input.kind, InputKind::Command { .. })) {
            self.tenure.hear_commands(inputs);
            if owns {
                self.accounts.hear(now, inputs);
                let has_room = self.open_commits.has_room(config.open_commits);
                self.policies.hear(now, inputs, has_room, books);
                self.open_commits.hear_commands(inputs);
            }
        }
        let slots = &mut self.slots;
        self.alive.hear(owns, inputs, |run, alive| {
            if let Some(row) = books.run(run) {
                slots.look_at(row, books, alive, config);
            }
        });
    }

    /// The free slots of each lane that has one, by the books.
    pub(crate) fn free_slots(&self, config: &Config) -> Vec<Probe> {
        let mut rest = config.running.saturating_sub(self.slots.total);
        let mut free = Vec::with_capacity(config.lanes.len());
        for (lane, limits) in (0..).zip(&config.lanes) {
            let held = self.slots.held.get(lane as usize).copied().unwrap_or_default();
            let here = limits.limit.saturating_sub(held).min(rest);
            rest -= here;
            if here > 0 {
                free.push(Probe { lane, free: here, granted: 0, called: None });
            }
        }
        free
    }

    /// Judges what became of runs that asked for free slots.
    pub(crate) fn probed(&self, failures: &mut Vec<Failure>, at: Mono, probe: Probe, labels: &Labels<'_>) {
        slots_return::judge_probe(failures, at, probe, labels);
    }

    /// Judges a commit that became durable.
    pub(crate) fn commit(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        if !index::is_worth_it(scene.changes, scene.commit) {
            return self.judge_commit(failures, scene);
        }
        let mut index = std::mem::take(&mut self.index);
        index.fill(scene.changes, scene.commit);
        self.judge_commit(failures, &Scene { index: Some(&index), ..*scene });
        self.index = index;
    }

    fn judge_commit(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        same_tick::judge(failures, scene);
        reason_kept::judge(failures, scene, &self.alive, self.restarted_at);
        settles_once::judge(failures, scene);
        no_resurrection::judge(failures, scene);
        records_agree::judge(failures, scene);
        self.markers.judge(failures, scene);
        errors::judge(failures, scene);
        queued_leaves_no_session::judge(failures, scene, self.restarted_at);
        comes_to_rest::judge(failures, scene, self.restarted_at);
        self.alive.committed(scene);
        let config = &scene.labels.scenario().config;
        if !scene.changes.ledger.is_empty() {
            self.rooms.look(&self.slots, &self.waiters, config);
        }
        for change in &scene.changes.runs {
            self.slots.changed(change, scene.books, &self.alive, config);
            // Most commits are of runs that do not wait.
            if change.is_of_queued() {
                self.slots.queue_changed(change, scene.books, config);
                self.waiters.changed(change, scene.books, config);
            }
        }
        self.waiters.grants(scene);
        slots_return::judge(failures, scene, &self.slots);
        no_overlap::judge_grants(failures, scene, &self.alive);
        at_most_once::judge_attempts(failures, scene, self.restarted_at);
        jobs_end::judge_both(failures, scene);
        rings::judge(failures, scene, &self.slots, &self.waiters);
        self.results.committed(failures, scene, &self.alive);
        let shown = self.accounts.has_shown(scene);
        self.late_notes.judge(failures, scene);
        self.drains.judge(failures, scene);
        nothing_lost::judge(failures, scene, shown, self.back_at.map(|(_, wall)| wall));
        self.accounts.judge(failures, scene);
        let back = self.back_at.filter(|_| self.recovering).map(|(_, wall)| wall);
        self.policies.judge(failures, scene, back, shown, &self.rooms);
        self.open_commits.judge(failures, scene);
        if std::mem::take(&mut self.recovering) {
            survives_crash::judge_first(failures, scene.at, scene.books, &scene.labels);
        }
    }

    /// A tick of the owner says this commit, or none, and perhaps steps down, which takes back what it changed.
    pub(crate) fn tick_says(&mut self, commit: Option<u64>, steps_down: bool) {
        let latest = self.open_commits.said(commit);
        self.refusals.says(commit.is_none() && !steps_down, latest);
    }

    /// Whether a run waits, by the books.
    #[inline]
    pub(crate) fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }

    /// Judges who waits at the end of a tick of the owner, all of whose commits are durable.
    pub(crate) fn tick_is_over(
        &self,
        failures: &mut Vec<Failure>,
        at: Mono,
        commit: Option<u64>,
        books: &Books,
        labels: &Labels<'_>,
        lag: Span,
    ) {
        let Self { waiters, slots, alive, open_commits, restarted_at, .. } = self;
        let restarted_at = *restarted_at;
        let over = Over { at, commit, books, labels, slots, alive, open_commits, restarted_at, lag };
        begins_when_free::judge(failures, waiters, &over);
        in_turn::judge(failures, waiters, &over);
    }

    /// Judges an effect that the gateway wants to leave; the process may still die before it does.
    pub(crate) fn effect(&self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        event_first::judge(failures, departure);
        match departure.effect {
            Effect::Reply { .. } => {
                let who = (&self.slots, &self.waiters);
                let most = departure.labels.scenario().config.open_commits;
                self.refusals.judge(failures, departure, who, self.open_commits.has_room(most));
            }
            Effect::Start { .. } => {
                queued_leaves_no_session::judge_effect(failures, departure);
                no_resurrection::judge_start(failures, departure, self.restarted_at);
            }
            Effect::StepDown if self.restarted_at.is_none() => self.tenure.judge(failures, departure),
            Effect::Abort { .. }
            | Effect::Publish { .. }
            | Effect::Deliver { .. }
            | Effect::StoreAgain { .. }
            | Effect::Renew { .. }
            | Effect::StepDown => {}
        }
    }

    /// Judges an effect that has left.
    pub(crate) fn left(&mut self, failures: &mut Vec<Failure>, departure: &Departure<'_>, lag: Span) {
        let Departure { at, effect, books, .. } = *departure;
        match effect {
            Effect::Start { .. } => {
                no_overlap::judge(failures, departure, &self.alive);
                at_most_once::judge(failures, departure, &self.alive);
                self.alive.left(at, effect, books);
            }
            Effect::Abort { .. } => {
                drains::judge_abort(failures, departure, &self.alive, self.restarted_at);
                self.alive.left(at, effect, books);
            }
            Effect::Publish { .. } => self.subscribers.judge(failures, departure),
            Effect::Deliver { .. } => {
                at_most_once::judge(failures, departure, &self.alive);
                self.results.left(failures, departure);
                self.alive.left(at, effect, books);
            }
            Effect::Reply { .. } => {
                self.policies.judge_reply(failures, departure);
                self.open_commits.judge_reply(failures, departure);
                self.refusals.left(effect);
                self.tenure.left(effect);
            }
            Effect::StepDown => {
                if self.restarted_at.is_none() {
                    self.tenure.judge_giving_up(failures, departure, lag);
                }
                self.tenure.left(effect);
            }
            Effect::Renew { .. } if self.restarted_at.is_none() => {
                self.tenure.judge_renewal(failures, departure, lag);
            }
            Effect::StoreAgain { .. } | Effect::Renew { .. } => {}
        }
    }

    /// Hears that a gateway came back.
    pub(crate) fn restarted(&mut self, failures: &mut Vec<Failure>, back: &Restarted<'_>) {
        self.restarted_at = Some(i64::try_from(back.at.as_nanos() / 1_000_000).unwrap_or(i64::MAX));
        self.recovering = back.first.commit().is_some();
        self.alive.restarted();
        self.results.restarted();
        self.late_notes.restarted(back.at);
        self.drains.clear();
        self.policies.restarted(back.at);
        self.back_at = Some((back.at, back.wall));
        self.accounts.restarted(Now { mono: back.at, wall: back.wall });
        self.open_commits.restarted(back.books.last_commit);
        self.refusals.clear();
        let config = &back.labels.scenario().config;
        self.slots.reload(back.books, &self.alive, config);
        self.waiters.reload(back.books, config);
        if !self.recovering {
            survives_crash::judge_first(failures, back.at, back.books, &back.labels);
        }
        survives_crash::judge_memory(failures, back);
    }

    /// Judges a world that came to rest.
    pub(crate) fn rest(&mut self, failures: &mut Vec<Failure>, rest: &Rest<'_>) {
        settles_once::judge_rest(failures, rest);
        if self.restarted_at.is_some() {
            survives_crash::judge(failures, rest.at, rest.books, rest.labels);
        }
        survives_crash::judge_rest(failures, rest);
        comes_to_rest::judge_rest(failures, rest, self.restarted_at, &self.alive);
        self.accounts.judge_rest(failures, rest);
        self.results.judge_rest(failures, rest);
        self.late_notes.judge_rest(failures, rest);
        self.drains.judge_rest(failures, rest);
        self.tenure.judge_rest(failures, rest);
        self.open_commits.judge_rest(failures, rest);
    }
}
