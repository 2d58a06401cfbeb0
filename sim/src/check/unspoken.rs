//! What somebody asked for that no commit has spoken of yet, each with the tick that heard of it.

use educe::Educe;
use sametick_core::time::Mono;

/// Runs or jobs that somebody asked something of.
#[derive(Educe, Debug)]
#[educe(Clone)]
pub(super) struct Unspoken<T>(Vec<(T, Mono)>);

impl<T> Default for Unspoken<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Unspoken<T> {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether nobody asked for anything.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A tick hears of it.
    pub(super) fn hear(&mut self, of: T, tick: Mono) {
        self.0.push((of, tick));
    }

    /// Whether anybody asked by this tick: what is asked later is no cause of what it said.
    pub(super) fn has_by(&self, of: &T, tick: Mono) -> bool {
        self.0.iter().any(|(other, heard)| other == of && *heard <= tick)
    }

    /// All that was asked by this tick.
    pub(super) fn by(&self, tick: Mono) -> impl Iterator<Item = &T> {
        self.0.iter().filter(move |(_, heard)| *heard <= tick).map(|(of, _)| of)
    }

    /// How often that was asked in this very tick.
    pub(super) fn count_in(&self, of: &T, tick: Mono) -> usize {
        self.0.iter().filter(|(other, heard)| other == of && *heard == tick).count()
    }

    /// Whether anybody asked in this very tick.
    pub(super) fn has_in(&self, of: &T, tick: Mono) -> bool {
        self.0.iter().any(|(other, heard)| other == of && *heard == tick)
    }

    /// A commit that was said in this tick speaks of all that was asked by then.
    pub(super) fn spoken(&mut self, said: Mono) {
        self.0.retain(|(_, tick)| *tick > said);
    }
}
