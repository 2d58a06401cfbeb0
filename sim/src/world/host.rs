//! The hosts of a world: processes that each have a machine, of which one at a time owns the store.
//!
//! Most worlds have one. Where a scenario has `[owners]` there are more, and they meet in the store
//! alone: the turns that a host called hear of nobody else.

use educe::Educe;
use sametick_core::Machine;
use sametick_core::commit::Answer;
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::id::SessionKey;
use sametick_core::run::Drain;
use sametick_core::time::{Mono, Span};

use super::World;
use super::store::{Kept, NO_ANSWER};
use super::turns::Turn;
use crate::agenda::What;
use crate::record::Befell;
use crate::sometimes::Situation;

static CRASHED_AT_WORK: Situation = Situation::new("a crash while a turn is at work");
static TAKEOVER: Situation = Situation::new("a takeover");
static TAKEOVER_IN_DRAIN: Situation = Situation::new("a takeover during a drain");
static FROZEN: Situation = Situation::new("a host that stands still while a turn is at work");

pub(crate) const SITUATIONS: &[&Situation] = &[&CRASHED_AT_WORK, &TAKEOVER, &TAKEOVER_IN_DRAIN, &FROZEN];

/// A process with a machine.
#[derive(Educe, Debug)]
#[educe(Clone)]
pub(super) struct Host<M> {
    pub(super) machine: M,
    /// Which life of the gateway it leads, from 1, which is its epoch; a dead one hears nothing.
    pub(super) life: u32,
    pub(super) up: bool,
    /// Whether it takes itself for the owner of the store.
    pub(super) owns: bool,
    /// What reached it and was not handled yet.
    pub(super) inputs: Vec<Input>,
    /// When its machine wants to be called, as of the last step.
    pub(super) wake: Option<Mono>,
    /// Commits that the store has not confirmed.
    pub(super) kept: Vec<Kept>,
    /// Below this offset it was told that the subscribers have every event.
    pub(super) heard_told: u64,
    /// The turns that others run in its process, in sessions that runs share.
    pub(super) foreign: Vec<(SessionKey, u64)>,
    /// It stands still until then, and so do its turns.
    pub(super) frozen_until: Option<Mono>,
    /// Nothing gets through between it and the store until then.
    pub(super) cut_until: Option<Mono>,
    /// Its latest tick; whoever judges it has taken it out.
    pub(super) tick: Option<Box<Tick>>,
}

impl<M: Machine> Host<M> {
    pub(super) fn new(machine: M) -> Self {
        Self {
            machine,
            life: 0,
            up: false,
            owns: false,
            inputs: Vec::new(),
            wake: None,
            kept: Vec::new(),
            heard_told: 0,
            foreign: Vec::new(),
            frozen_until: None,
            cut_until: None,
            tick: None,
        }
    }

    /// A process that stands by, with a machine that has not lived if one is given.
    pub(super) fn reset(&mut self, unlived: Option<&M>) {
        if let Some(unlived) = unlived.filter(|_| self.life > 0) {
            self.machine.clone_from(unlived);
        }
        (self.life, self.up, self.owns) = (0, true, false);
        self.inputs.clear();
        self.wake = None;
        self.kept.clear();
        self.heard_told = 0;
        self.foreign.clear();
        (self.frozen_until, self.cut_until) = (None, None);
    }

    /// Whether it drives its machine.
    pub(super) const fn drives(&self) -> bool {
        self.up && self.owns && self.frozen_until.is_none()
    }

    pub(super) fn next_wakeup(&self) -> Option<Mono> {
        if self.drives() { self.machine.next_wakeup() } else { None }
    }

    /// Whether it has reason for a tick at `now`.
    pub(super) fn is_due(&self, now: Mono) -> bool {
        self.drives() && (!self.inputs.is_empty() || self.wake.is_some_and(|wake| wake <= now))
    }
}

impl<M: Machine> World<'_, M> {
    /// A host takes the store over and starts on what is durable.
    pub(super) fn boot(&mut self, place: usize) {
        self.lives += 1;
        self.owner = place;
        let (life, now) = (self.lives, self.reading(self.now));
        self.judge.begins_on(u64::from(life), now);
        self.host_forgets_events();
        self.judge.books().rows_into(&mut self.rows);
        let heard_told = self.heard.min(self.judge.books().acknowledged);
        let host = &mut self.hosts[place];
        (host.life, host.up, host.owns, host.heard_told) = (life, true, true, heard_told);
        host.kept.clear();
        host.inputs.clear();
        host.wake = None;
        let mut tick = host.tick.take().unwrap_or_default();
        (*tick).clone_from(host.machine.restart(&self.rows, u64::from(life), now));
        if life > 1 {
            let waiting = self.hosts[place].machine.waiting();
            self.judge.restarted_on(now, &waiting, &tick);
        }
        self.recovers = life > 1;
        self.settle_tick(place, &tick);
        self.hosts[place].tick = Some(tick);
        if life > 1 {
            self.leave();
        }
        self.recovers = false;
        if life > 1 {
            self.try_recovering_again(place, now);
            self.tell_of_foreign(place);
        }
    }

    /// A gateway that begins knows of no turn that others run. Those of its own process may be at work still, from before
    /// it lost the store.
    fn tell_of_foreign(&mut self, place: usize) {
        for (key, turn) in self.hosts[place].foreign.clone() {
            self.tell(place, self.now, InputKind::Foreign { key, turn, began: true });
        }
    }

    /// A turn that others ran in the process of a host is over.
    pub(super) fn foreign_ends(&mut self, place: usize, at: Mono, key: SessionKey, turn: u64) {
        let foreign = &mut self.hosts[place].foreign;
        if let Some(known) = foreign.iter().position(|known| *known == (key, turn)) {
            foreign.remove(known);
            if self.hosts[place].up && !self.hosts[place].owns {
                self.befell(place, Befell::OthersEnd { key, turn });
            }
            self.tell(place, at, InputKind::Foreign { key, turn, began: false });
        }
    }

    /// A process that died is back. If another owns the store by now, it stands by, and recovers nothing.
    pub(super) fn restart(&mut self, place: usize) -> bool {
        let recovers = self.hosts[place].life == self.lives;
        if recovers {
            self.boot(place);
        } else {
            self.hosts[place].up = true;
            self.befell(place, Befell::Back);
        }
        recovers
    }

    pub(super) fn crash(&mut self, place: usize, down: Span) {
        let host = &mut self.hosts[place];
        if !host.up {
            return;
        }
        if host.owns && self.turns.values().any(Turn::is_at_work) {
            self.meets(&CRASHED_AT_WORK);
        }
        let host = &mut self.hosts[place];
        (host.up, host.owns) = (false, false);
        (host.frozen_until, host.wake) = (None, None);
        host.inputs.clear();
        host.kept.clear();
        // They die with the process, and nobody speaks of them any more.
        host.foreign.clear();
        if self.hosts.len() > 1 {
            self.stop_turns(place);
        }
        self.befell(place, Befell::Died);
        self.agenda.plan(self.now + down, What::Restart { host: place });
    }

    /// A host that stands by, or has stepped down, takes the store over, if it can reach it. Says whether it does.
    pub(super) fn take_over(&mut self, place: usize) -> bool {
        let host = &self.hosts[place];
        let takes = host.up && !host.owns && host.frozen_until.is_none() && host.cut_until.is_none();
        if takes {
            self.befell(place, Befell::TakesOver);
            self.meets(&TAKEOVER);
            if self.judge.books().runs.values().any(|book| book.row.drain == Drain::Open) {
                self.meets(&TAKEOVER_IN_DRAIN);
            }
            self.boot(place);
        }
        takes
    }

    /// A host stands still, as a machine does that is suspended, and so do its turns.
    pub(super) fn freeze(&mut self, place: usize, lasts: Span) {
        let until = self.now + lasts;
        let host = &mut self.hosts[place];
        if host.up && host.frozen_until.is_none() {
            if self.turns.values().any(Turn::is_at_work) {
                self.meets(&FROZEN);
            }
            let host = &mut self.hosts[place];
            host.frozen_until = Some(until);
            host.wake = None;
            // Nobody can ask them anything until then, and nothing is done by them. Of one that has ended the word may still be
            // on its way, and is not heard before.
            for run in self.turns_of(place) {
                self.judge.stands_still(run);
            }
            self.befell(place, Befell::Freezes);
            self.agenda.plan(until, What::Thaw { host: place, until });
        }
    }

    /// It goes on. What reached it meanwhile it finds now, and stamps it so.
    pub(super) fn thaw(&mut self, place: usize, until: Mono) {
        let host = &mut self.hosts[place];
        if host.frozen_until == Some(until) {
            host.frozen_until = None;
            for input in &mut host.inputs {
                input.at = input.at.max(until);
            }
            host.wake = host.next_wakeup();
            self.befell(place, Befell::GoesOn);
        }
    }

    /// Nothing gets through any more between a host and the store.
    pub(super) fn cut(&mut self, place: usize, lasts: Span) {
        let until = self.now + lasts;
        let host = &mut self.hosts[place];
        if host.cut_until.is_none() {
            host.cut_until = Some(until);
            self.befell(place, Befell::CutOff);
            self.agenda.plan(until, What::Heal { host: place });
        }
    }

    pub(super) fn heal(&mut self, place: usize) {
        self.hosts[place].cut_until = None;
        self.befell(place, Befell::Reaches);
    }

    fn befell(&mut self, place: usize, what: Befell) {
        if let Some(recorder) = &mut self.recorder {
            recorder.befell(self.now, place, what);
        }
    }

    /// Something reaches a process; nobody is there to hear it while that is down.
    pub(super) fn tell(&mut self, place: usize, at: Mono, kind: InputKind) {
        let host = &mut self.hosts[place];
        if host.up && host.owns {
            host.inputs.push(Input { at, kind });
        }
    }

    /// The host that leads this life.
    pub(super) fn host_of(&self, life: u32) -> Option<usize> {
        self.hosts.iter().position(|host| host.life == life && host.up)
    }

    /// An answer to a renewal is there, unless it does not get through: nobody knows it then.
    pub(super) fn renewal_answered(&mut self, at: Mono, sent: Mono, answer: Answer, life: u32) {
        let Some(place) = self.host_of(life) else { return };
        if self.hosts[place].cut_until.is_some() && answer != Answer::Unknown {
            self.agenda.plan(at + NO_ANSWER, What::Renewal { sent, answer: Answer::Unknown, life });
        } else {
            self.tell(place, at, InputKind::Renewal { sent, answer });
        }
    }

    pub(super) fn carry_out(&mut self, place: usize, effect: &Effect) {
        let life = self.hosts[place].life;
        // What a host asks of another's turn reaches nobody.
        if !matches!(effect, Effect::Abort { run } if self.is_of_another(place, *run)) {
            self.judge.left(self.now, effect);
        }
        match *effect {
            Effect::Start { run } => self.start_turn(place, run),
            Effect::Abort { run } => self.abort_turn(place, run),
            Effect::Publish { offset, event } => self.published(offset, event),
            Effect::StoreAgain { commit } => {
                let at = self.now + self.store_backoff(place, commit);
                self.agenda.plan(at, What::StoreAgain { commit, life });
            }
            Effect::Renew { sent } => {
                let (at, answer) = if self.hosts[place].cut_until.is_some() {
                    (self.now + NO_ANSWER, Answer::Unknown)
                } else {
                    let answer = if life == self.lives { Answer::Applied } else { Answer::Fenced };
                    (self.now + self.script.renewal_answers(sent, self.now), answer)
                };
                self.agenda.plan(at, What::Renewal { sent, answer, life });
            }
            Effect::Deliver { run, .. } => self.delivered.push(run),
            Effect::StepDown => self.hosts[place].owns = false,
            Effect::Reply { .. } => {}
        }
    }
}
