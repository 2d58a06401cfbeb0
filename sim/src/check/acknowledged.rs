//! What subscribers have acknowledged travels with the next commit.

use educe::Educe;
use sametick_core::effect::{Effect, Input, InputKind};
use sametick_core::time::Mono;

use super::unspoken::Unspoken;
use super::{CheckName, Failure, Scene};

/// Which events the owner was told that all subscribers have.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Acknowledged {
    /// Those below these offsets, since the latest commit.
    heard: Unspoken<u64>,
    /// Events below this have left: nobody can have another.
    published: u64,
}

impl Acknowledged {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.restarted(0);
    }

    /// A gateway begins, with all events published below an offset.
    pub(super) fn restarted(&mut self, published: u64) {
        self.heard.clear();
        self.published = published;
    }

    /// What the owner hears in a tick.
    pub(super) fn hear(&mut self, tick: Mono, inputs: &[Input]) {
        for input in inputs {
            if let InputKind::Heard { below } = input.kind {
                self.heard.hear(below.min(self.published), tick);
            }
        }
    }

    /// An event leaves.
    pub(super) const fn left(&mut self, effect: &Effect) {
        if let Effect::Publish { offset, .. } = effect
            && *offset == self.published
        {
            self.published += 1;
        }
    }

    /// What becomes durable.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        if self.heard.is_empty() {
            return;
        }
        let (said, told) = (scene.said.mono, scene.commit.acknowledged);
        if let Some(below) = self.heard.by(said).max().filter(|below| told < **below) {
            let message = format!(
                "subscribers have acknowledged every event below {below}, and the commit says that of those below {told}: after a \
                 crash they are told again of what they know"
            );
            failures.push(Failure { check: CheckName::BusOrdered, at: scene.at, run: None, message });
        }
        self.heard.spoken(said);
    }
}
