//! Situations that a search has to get into: one that never does finds nothing there, however long it runs.
//!
//! Each is declared beside the code that meets it. A world notes which it met, and a campaign counts in how many.

pub(crate) mod commits;
pub(crate) mod ticks;

use std::sync::LazyLock;

/// Something that has to happen sometimes.
#[derive(Debug, PartialEq, Eq)]
pub struct Situation {
    /// What it is, as a noun.
    pub name: &'static str,
}

impl Situation {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name }
    }
}

/// All of them, room by room.
pub static ALL: LazyLock<Vec<&'static Situation>> = LazyLock::new(|| {
    let rooms = [
        commits::SITUATIONS,
        ticks::SITUATIONS,
        crate::world::STORE_SITUATIONS,
        crate::world::HOST_SITUATIONS,
    ];
    let all: Vec<&'static Situation> = rooms.into_iter().flatten().copied().collect();
    assert!(all.len() <= u64::BITS as usize, "a world notes what it met in one word");
    all
});

/// What a world met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met(u64);

impl Met {
    pub(crate) fn note(&mut self, situation: &'static Situation) {
        if let Some(place) = ALL.iter().position(|known| std::ptr::eq(*known, situation)) {
            self.0 |= 1 << place;
        }
    }

    pub(crate) fn note_if(&mut self, met: bool, situation: &'static Situation) {
        if met {
            self.note(situation);
        }
    }
}

/// In how many worlds each was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(Vec<u64>);

impl Counts {
    /// One more world.
    pub fn world(&mut self, met: Met) {
        self.0.resize(ALL.len(), 0);
        for (place, count) in self.0.iter_mut().enumerate() {
            *count += met.0 >> place & 1;
        }
    }

    /// As many more worlds as others had.
    pub fn add(&mut self, others: &Self) {
        self.0.resize(ALL.len(), 0);
        for (count, other) in self.0.iter_mut().zip(&others.0) {
            *count += other;
        }
    }

    /// Each situation with the number of worlds that met it.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().copied().chain(std::iter::repeat(0));
        ALL.iter().map(|situation| situation.name).zip(counts)
    }

    /// How many situations some world met, of how many.
    #[must_use]
    pub fn reached(&self) -> (usize, usize) {
        (ALL.len() - self.never().count(), ALL.len())
    }

    /// The one that the fewest worlds met, of those that some did.
    #[must_use]
    pub fn rarest(&self) -> Option<(&'static str, u64)> {
        self.iter().filter(|(_, worlds)| *worlds > 0).min_by_key(|(_, worlds)| *worlds)
    }

    /// Those that no world met.
    pub fn never(&self) -> impl Iterator<Item = &'static str> {
        self.iter().filter(|(_, worlds)| *worlds == 0).map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_situation_has_a_name_of_its_own() {
        let mut names: Vec<&str> = ALL.iter().map(|situation| situation.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn worlds_are_counted_once_each() {
        let mut met = Met::default();
        met.note(ALL[1]);
        met.note(ALL[1]);
        let mut counts = Counts::default();
        counts.world(met);
        counts.world(Met::default());
        let mut more = Counts::default();
        more.world(met);
        counts.add(&more);
        assert_eq!(counts.iter().nth(1), Some((ALL[1].name, 2)));
        assert_eq!(counts.never().count(), ALL.len() - 1);
    }
}
