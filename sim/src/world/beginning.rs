//! What the worlds of a scenario have in common: all that happens before the seed decides anything.
//!
//! One world is played to see how far that goes, the next to keep it, and from then on it is copied.

use sametick_core::Machine;

use super::World;
use crate::script::Script;

/// What is known of it.
#[derive(Debug, Default)]
pub(super) enum Beginning<'s, M> {
    /// Nothing yet.
    #[default]
    Unknown,
    /// The world at hand has passed so many places, and the seed had not decided anything at any of them.
    Sought(u32),
    /// It ends at this place.
    EndsAt(u32),
    /// The world at hand has passed so many places on its way to where it ends.
    Approached {
        place: u32,
        passed: u32,
    },
    Kept(Box<World<'s, M>>),
    /// The seed decides something at once.
    None,
}

impl<'s, M: Machine> World<'s, M> {
    /// Starts the world of `seed` where all of them have been; false when it has to be played from its first tick
    /// on, as one is that is recorded or tried by the laws.
    pub(super) fn skip_beginning(&mut self, seed: u64) -> bool {
        let shares = self.scenario.is_family && self.recorder.is_none() && !self.tries_laws;
        let known = std::mem::take(&mut self.beginning);
        if let (true, Beginning::Kept(kept)) = (shares, &known) {
            self.become_like(kept);
            self.script = Script::new(self.scenario, seed);
            self.keep_as_known(known);
            return true;
        }
        self.keep_as_known(match known {
            Beginning::Unknown | Beginning::Sought(_) if shares => Beginning::Sought(0),
            Beginning::EndsAt(place) | Beginning::Approached { place, .. } if shares => {
                Beginning::Approached { place, passed: 0 }
            }
            // This world looks for nothing.
            Beginning::Sought(_) => Beginning::Unknown,
            Beginning::Approached { place, .. } => Beginning::EndsAt(place),
            Beginning::Unknown | Beginning::EndsAt(_) | Beginning::Kept(_) | Beginning::None => known,
        });
        false
    }

    fn keep_as_known(&mut self, beginning: Beginning<'s, M>) {
        self.looks = matches!(beginning, Beginning::Sought(_) | Beginning::Approached { .. });
        self.beginning = beginning;
    }

    /// Passes a place between two steps, where a world can be copied.
    #[inline]
    pub(super) fn pass(&mut self) {
        if self.looks {
            self.look_for_the_end();
        }
    }

    #[cold]
    fn look_for_the_end(&mut self) {
        let known = std::mem::take(&mut self.beginning);
        self.keep_as_known(match known {
            Beginning::Sought(passed) if !self.script.has_decided() => Beginning::Sought(passed + 1),
            Beginning::Sought(0) => Beginning::None,
            Beginning::Sought(passed) => Beginning::EndsAt(passed),
            Beginning::Approached { place, passed } if passed + 1 == place => {
                let machine = self.unlived.as_ref().unwrap_or(&self.hosts[0].machine);
                let mut kept = Box::new(World::new(self.scenario, machine.clone()));
                kept.become_like(self);
                Beginning::Kept(kept)
            }
            Beginning::Approached { place, passed } => Beginning::Approached { place, passed: passed + 1 },
            Beginning::Unknown | Beginning::EndsAt(_) | Beginning::Kept(_) | Beginning::None => known,
        });
    }

    /// Takes over all that makes one world another than the next, keeping the memory.
    pub(super) fn become_like(&mut self, other: &Self) {
        let Self {
            // What all worlds have in common, what they add up to, and what is written before it is read.
            scenario: _,
            unlived: _,
            script: _,
            rows: _,
            faults: _,
            beginning: _,
            looks: _,
            recorder: _,
            claim_hits: _,
            judges_claims: _,
            tries_laws: _,
            notes_situations: _,
            laws: _,
            hosts,
            owner,
            lives,
            now,
            opened,
            leaving,
            agenda,
            turns,
            sessions,
            judge,
            faults_used,
            dies_again,
            recovers,
            heard,
            audience,
            stepped,
            delivered,
            verdict,
            digest,
        } = self;
        hosts.clone_from(&other.hosts);
        (*owner, *lives) = (other.owner, other.lives);
        (*now, *opened) = (other.now, other.opened);
        *leaving = other.leaving;
        agenda.clone_from(&other.agenda);
        turns.clone_from(&other.turns);
        *sessions = other.sessions;
        judge.clone_from(&other.judge);
        faults_used.clone_from(&other.faults_used);
        (*dies_again, *recovers) = (other.dies_again, other.recovers);
        *heard = other.heard;
        audience.clone_from(&other.audience);
        *stepped = other.stepped;
        delivered.clone_from(&other.delivered);
        verdict.clone_from(&other.verdict);
        *digest = other.digest;
    }
}
