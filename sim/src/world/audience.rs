//! Subscribers that take their time: they acknowledge late, die, and resume at their place in the stream.

use educe::Educe;
use sametick_core::Machine;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::time::{Mono, Span};

use super::World;
use crate::agenda::What;

/// Who listens, and what the host keeps for them.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Audience {
    /// What the host has published and nobody has acknowledged; it dies with the host.
    kept: Vec<(u64, LifecycleEvent)>,
    /// Every event below is acknowledged: their place in the stream, which they do not lose.
    cursor: u64,
    /// They die and come back; what a former life was about to acknowledge it never does.
    life: u32,
    away: bool,
    /// One event after the other: when the latest will be acknowledged.
    busy_until: Mono,
}

impl<M: Machine> World<'_, M> {
    /// An event leaves the host.
    pub(super) fn published(&mut self, offset: u64, event: LifecycleEvent) {
        if self.scenario.subscribers.is_none() {
            self.heard = self.heard.max(offset + 1);
            return;
        }
        self.audience.kept.push((offset, event));
        if !self.audience.away {
            self.deliver(offset, event);
        }
    }

    /// They get an event, and acknowledge it once they are done with it and all before.
    fn deliver(&mut self, offset: u64, event: LifecycleEvent) {
        let free = self.audience.busy_until.max(self.now);
        let at = free + self.script.acknowledges(offset, self.audience.life, free);
        self.audience.busy_until = at;
        let life = self.audience.life;
        self.agenda.plan(at, What::Acknowledge { offset, event: Box::new(event), life });
    }

    /// They acknowledge an event.
    pub(super) fn acknowledge(&mut self, at: Mono, offset: u64, event: &LifecycleEvent, life: u32) {
        if life != self.audience.life {
            return;
        }
        self.judge.resumes_with(at, self.audience.cursor, offset, event);
        let cursor = self.audience.cursor.max(offset + 1);
        self.audience.cursor = cursor;
        self.audience.kept.retain(|(offset, _)| *offset >= cursor);
        self.heard = self.heard.max(cursor);
    }

    /// They die with whatever they have not acknowledged.
    pub(super) fn audience_dies(&mut self, lasts: Span) {
        if !self.audience.away {
            self.audience.life += 1;
            self.audience.away = true;
            self.agenda.plan(self.now + lasts, What::Resume);
        }
    }

    /// They are back and ask for everything from their place on. The host has what it published itself.
    pub(super) fn audience_resumes(&mut self, at: Mono) {
        self.audience.away = false;
        self.audience.busy_until = at;
        for place in 0..self.audience.kept.len() {
            let (offset, event) = self.audience.kept[place];
            self.deliver(offset, event);
        }
    }

    /// A host that starts has published nothing.
    pub(super) fn host_forgets_events(&mut self) {
        self.audience.kept.clear();
    }

    pub(super) fn audience_begins(&mut self) {
        let Audience { kept, cursor, life, away, busy_until } = &mut self.audience;
        kept.clear();
        (*cursor, *life, *away, *busy_until) = (0, 0, false, Mono::default());
    }
}
