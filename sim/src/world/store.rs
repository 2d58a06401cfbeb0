//! The store of a world: what it makes of commits, and what goes wrong there.

use educe::Educe;
use sametick_core::Machine;
use sametick_core::commit::{Answer, Commit};
use sametick_core::effect::InputKind;
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Mono, Now, Span};

use super::World;
use super::turns::Turn;
use crate::agenda::What;
use crate::changes::RunChange;
use crate::record::Fate;
use crate::scenario::{CrashPoint, Fault, FaultAt, FaultKind, Moment, SpanRange};
use crate::sometimes::{Situation, commits};

/// How long a host waits before it sends a commit again; each time twice as long, up to about a second.
const STORE_BACKOFF: Span = Span::from_millis(1);

/// How often that is doubled.
const MOST_DOUBLED: u32 = 10;

/// How long the store takes to answer a commit that it gets again.
const ANSWERS_AGAIN: Span = Span::from_millis(1);

/// How long a host waits for an answer before it takes it that none will come.
pub(super) const NO_ANSWER: Span = Span::from_secs(1);

/// A commit that the store has not confirmed.
#[derive(Educe, Debug)]
#[educe(Clone)]
pub(super) struct Kept {
    commit: Commit,
    /// What the clocks showed to the tick that said it.
    said: Now,
    /// How many times more the store refuses it.
    refusals: u32,
    /// How many times it was sent again.
    again: u32,
}

static NOT_APPLIED: Situation = Situation::new("a commit that the store refuses");
static UNKNOWN_APPLIED: Situation = Situation::new("an unknown commit that had applied");
static UNKNOWN_LOST: Situation = Situation::new("an unknown commit that had not applied");
static CRASH_BEFORE: Situation = Situation::new("a crash before a commit");
static CRASH_AT: Situation = Situation::new("a crash between commit and effects");
static CRASH_AFTER: Situation = Situation::new("a crash after the effects of a commit");
static CUT_OFF: Situation = Situation::new("a commit that does not get through");

pub(crate) const SITUATIONS: &[&Situation] =
    &[&NOT_APPLIED, &UNKNOWN_APPLIED, &UNKNOWN_LOST, &CRASH_BEFORE, &CRASH_AT, &CRASH_AFTER, &CUT_OFF];

impl<M: Machine> World<'_, M> {
    /// Gives a commit to the store; false when the process died over it.
    pub(super) fn store(&mut self, place: usize, commit: &Commit, fault: Option<FaultKind>) -> bool {
        if self.hosts[place].cut_until.is_some() {
            self.meets(&CUT_OFF);
            if let Some(FaultKind::Crash { when: CrashPoint::Before | CrashPoint::At, down, .. }) = fault {
                self.lost(Fate::AllLost);
                self.crash(place, self.script.fault_down(commit.number, down, self.now));
                return false;
            }
            let said = self.reading(self.now);
            self.keep(place, commit.clone(), said, 0);
            self.answer(place, self.now + NO_ANSWER, commit.number, Answer::Unknown);
            return true;
        }
        let answers = self.now + self.script.store_answers(commit.number, self.now);
        match fault {
            None => {
                let said = self.reading(self.now);
                let answer = self.apply(place, said, commit);
                if !is_final(answer) {
                    self.keep(place, commit.clone(), said, 0);
                }
                self.answer(place, answers, commit.number, answer);
                true
            }
            Some(FaultKind::NotApplied(times)) => {
                self.meets(&NOT_APPLIED);
                self.keep(place, commit.clone(), self.reading(self.now), times.saturating_sub(1));
                self.answer(place, answers, commit.number, Answer::NotApplied);
                true
            }
            Some(FaultKind::Unknown { applied }) => {
                self.meets(if applied { &UNKNOWN_APPLIED } else { &UNKNOWN_LOST });
                if applied {
                    self.apply(place, self.reading(self.now), commit);
                }
                self.keep(place, commit.clone(), self.reading(self.now), 0);
                self.answer(place, answers, commit.number, Answer::Unknown);
                true
            }
            Some(FaultKind::Crash { when, down, .. }) => {
                self.meets(match when {
                    CrashPoint::Before => &CRASH_BEFORE,
                    CrashPoint::At => &CRASH_AT,
                    CrashPoint::AfterEffects | CrashPoint::After | CrashPoint::Anywhere => &CRASH_AFTER,
                });
                let down = |world: &Self| world.script.fault_down(commit.number, down, world.now);
                if when == CrashPoint::Before {
                    self.lost(Fate::AllLost);
                    self.crash(place, down(self));
                    return false;
                }
                let said = self.reading(self.now);
                let answer = self.apply(place, said, commit);
                if when == CrashPoint::At {
                    self.lost(Fate::EffectsLost);
                    self.crash(place, down(self));
                    return false;
                }
                if !is_final(answer) {
                    self.keep(place, commit.clone(), said, 0);
                }
                self.answer(place, answers, commit.number, answer);
                if when == CrashPoint::After {
                    let (life, down) = (self.hosts[place].life, down(self));
                    self.agenda.plan(answers.tick_after(), What::Crash { down, life });
                }
                true
            }
        }
    }

    /// The process dies at a tick that has nothing to store; false when no effect of it leaves.
    pub(super) fn crash_without_commit(&mut self, place: usize, when: CrashPoint, down: SpanRange) -> bool {
        let down = |world: &Self| world.script.fault_down(world.fault_key(None), down, world.now);
        match when {
            CrashPoint::Before | CrashPoint::At => {
                self.lost(Fate::EffectsLost);
                self.crash(place, down(self));
                false
            }
            // The last is drawn before anything strikes.
            CrashPoint::AfterEffects | CrashPoint::Anywhere => true,
            CrashPoint::After => {
                let (life, down) = (self.hosts[place].life, down(self));
                self.agenda.plan(self.now.tick_after(), What::Crash { down, life });
                true
            }
        }
    }

    /// By what the down time of a fault is drawn.
    pub(super) fn fault_key(&self, commit: Option<&Commit>) -> u64 {
        commit.map_or(self.verdict.ticks, |commit| commit.number)
    }

    fn lost(&mut self, fate: Fate) {
        if let Some(recorder) = &mut self.recorder {
            recorder.lost(fate);
        }
    }

    fn answer(&mut self, place: usize, at: Mono, commit: u64, answer: Answer) {
        let life = self.hosts[place].life;
        self.agenda.plan(at, What::Answer { commit, answer, life });
    }

    /// An answer is there, unless it does not get through: nobody knows it then.
    pub(super) fn store_answers(&mut self, at: Mono, commit: u64, answer: Answer, life: u32) {
        let Some(place) = self.host_of(life) else { return };
        if self.hosts[place].cut_until.is_some() && answer != Answer::Unknown {
            self.answer(place, at + NO_ANSWER, commit, Answer::Unknown);
        } else {
            self.tell(place, at, InputKind::Answer { commit, answer });
        }
    }

    fn keep(&mut self, place: usize, commit: Commit, said: Now, refusals: u32) {
        self.hosts[place].kept.push(Kept { commit, said, refusals, again: 0 });
    }

    /// How long a host waits before it sends this commit again. What waits for one that is lost would else be sent for ever.
    pub(super) fn store_backoff(&self, place: usize, number: u64) -> Span {
        let kept = self.hosts[place].kept.iter().find(|kept| kept.commit.number == number);
        Span::from_nanos(STORE_BACKOFF.as_nanos() << kept.map_or(0, |kept| kept.again))
    }

    /// A host sends a commit again.
    pub(super) fn store_again(&mut self, number: u64, life: u32) {
        let Some(place) = self.host_of(life) else { return };
        let host = &mut self.hosts[place];
        if let Some(until) = host.frozen_until {
            self.agenda.plan(until, What::StoreAgain { commit: number, life });
            return;
        }
        let is_cut_off = host.cut_until.is_some();
        let Some(kept) = host.kept.iter().position(|kept| kept.commit.number == number) else {
            self.store_repeats(place, number, is_cut_off);
            return;
        };
        let Kept { commit, said, refusals, again } = host.kept.swap_remove(kept);
        let (answer, after) = if is_cut_off {
            (Answer::Unknown, NO_ANSWER)
        } else if refusals > 0 {
            (Answer::NotApplied, ANSWERS_AGAIN)
        } else {
            (self.apply(place, said, &commit), ANSWERS_AGAIN)
        };
        if !is_final(answer) {
            let (refusals, again) = (refusals.saturating_sub(1), (again + 1).min(MOST_DOUBLED));
            self.hosts[place].kept.push(Kept { commit, said, refusals, again });
        }
        self.answer(place, self.now + after, number, answer);
    }

    /// A host sends a commit that the store has decided about already: the answer did not get through.
    fn store_repeats(&mut self, place: usize, number: u64, is_cut_off: bool) {
        let is_owner = self.hosts[place].life == self.lives;
        let (answer, after) = match (is_cut_off, is_owner) {
            (true, _) => (Answer::Unknown, NO_ANSWER),
            (false, true) => (Answer::Applied, ANSWERS_AGAIN),
            (false, false) => (Answer::Fenced, ANSWERS_AGAIN),
        };
        self.answer(place, self.now + after, number, answer);
    }

    /// Makes a commit durable, and judges it, unless it is durable already.
    fn apply(&mut self, place: usize, said: Now, commit: &Commit) -> Answer {
        let durable = self.judge.books().last_commit;
        let answer = self.judge.commit_of(said, self.now, commit);
        if self.judge.books().last_commit > durable {
            for RunChange { before, after, .. } in &self.judge.changes().runs {
                let was_granted = before.as_ref().is_some_and(|row| row.state != RunState::Queued);
                if after.state != RunState::Queued && after.granted_at.is_some() && !was_granted {
                    self.turns.insert(after.id, Turn::granted(self.now, place));
                }
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.applied(self.now, commit, self.judge.changes());
            }
            if self.notes_situations {
                commits::note(&mut self.verdict.met, commit, self.judge.changes(), self.judge.books());
            }
        }
        answer
    }

    /// The fault planned for the tick at hand and its commit, if there is one left. What is planned for a run
    /// waits for a commit that gets through.
    pub(super) fn fault_at(&mut self, place: usize, commit: Option<&Commit>) -> Option<FaultKind> {
        let tick = self.verdict.ticks;
        if let Some((down, left)) = self.dies_again.filter(|_| std::mem::take(&mut self.recovers)) {
            self.dies_again = (left > 1).then_some((down, left - 1));
            let when = self.script.crash_point(CrashPoint::Anywhere, tick);
            return Some(FaultKind::Crash { when, down, again: 0 });
        }
        let reaches = self.hosts[place].cut_until.is_none();
        let labels = self.judge.labels();
        let strikes = |nth: usize, fault: &Fault| match fault.at {
            FaultAt::Tick { first, last } => self.script.strikes(nth, first, last, tick),
            FaultAt::Run { moment, runs } => commit.is_some_and(|commit| {
                let matches = |row: &RunRow| labels.fits(runs, row.id) && self.moment(row) == Some(moment);
                reaches && commit.runs.iter().any(matches)
            }),
        };
        let struck = |nth: usize| !self.faults_used[nth] && strikes(nth, &self.faults[nth]);
        let place = (0..self.faults.len()).find(|nth| struck(*nth))?;
        self.faults_used[place] = true;
        let kind = self.faults[place].kind;
        let FaultKind::Crash { when, down, again } = kind else { return Some(kind) };
        self.dies_again = (again > 0).then_some((down, again));
        Some(FaultKind::Crash { when: self.script.crash_point(when, tick), down, again: 0 })
    }

    /// What a row about to be written says of its run that the books do not say yet.
    fn moment(&self, row: &RunRow) -> Option<Moment> {
        let before = self.judge.books().run(row.id).map(|row| row.state);
        match row.state {
            RunState::Queued => None,
            RunState::Starting => (before != Some(RunState::Starting)).then_some(Moment::Grants),
            RunState::Running => (before != Some(RunState::Running)).then_some(Moment::Starts),
            RunState::Settled(_) => (!self.judge.books().is_settled(row.id)).then_some(Moment::Settles),
        }
    }
}

/// Whether a commit need not be sent again.
const fn is_final(answer: Answer) -> bool {
    matches!(answer, Answer::Applied | Answer::Fenced)
}
