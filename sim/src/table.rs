//! Tables that are found by key and walked in the order rows came in.

use std::cell::Cell;
use std::fmt;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

type Map<K, V> = IndexMap<K, V, FxBuildHasher>;

/// A table that remembers where it was asked last: whoever asks next mostly asks for the same row.
pub struct Table<K, V> {
    map: Map<K, V>,
    last: Cell<usize>,
}

/// Where a row was found. It speaks of the search and not of the row, so any two are equal and look the same.
#[derive(Clone, Copy, Default)]
pub struct Place(u32);

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Place")
    }
}

/// Its rows; where it was asked last is no part of it.
impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Table<K, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.map.fmt(out)
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Place {}

impl<K: Hash + Eq, V> Table<K, V> {
    /// Where the row with a key is; `near` is where it was, and becomes where it is.
    pub fn get_index_near(&self, key: &K, near: &mut Place) -> Option<usize> {
        let place = near.0 as usize;
        if self.map.get_index(place).is_some_and(|(own, _)| own == key) {
            return Some(place);
        }
        let place = self.map.get_index_of(key)?;
        *near = Place(u32::try_from(place).unwrap_or(0));
        Some(place)
    }

    /// Where the row with a key is.
    pub fn get_index_of(&self, key: &K) -> Option<usize> {
        let last = self.last.get();
        if self.map.get_index(last).is_some_and(|(own, _)| own == key) {
            return Some(last);
        }
        let place = self.map.get_index_of(key)?;
        self.last.set(place);
        Some(place)
    }

    /// The row with a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.get_index_of(key).map(|place| &self.map[place])
    }

    /// The row with a key, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.get_index_of(key).map(|place| &mut self.map[place])
    }
}

impl<K: Clone, V: Clone> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self { map: self.map.clone(), last: self.last.clone() }
    }

    /// Keeps the memory it has. Most tables of a small world are empty, and an index takes its time even so.
    fn clone_from(&mut self, other: &Self) {
        if !other.map.is_empty() {
            self.map.clone_from(&other.map);
        } else if !self.map.is_empty() {
            self.map.clear();
        }
        self.last.set(other.last.get());
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { map: Map::default(), last: Cell::new(0) }
    }
}

impl<K: Hash + Eq, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl<K: Hash + Eq, V: Eq> Eq for Table<K, V> {}

impl<K, V> Deref for Table<K, V> {
    type Target = Map<K, V>;

    fn deref(&self) -> &Map<K, V> {
        &self.map
    }
}

impl<K, V> DerefMut for Table<K, V> {
    fn deref_mut(&mut self) -> &mut Map<K, V> {
        &mut self.map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_asked_for_last_and_is_gone_is_not_found() {
        let mut table = Table::default();
        (1..4).for_each(|key| _ = table.insert(key, key * 10));
        assert_eq!(table.get(&1), Some(&10));
        table.swap_remove(&1);
        assert_eq!((table.get(&1), table.get(&3), table.get(&2)), (None, Some(&30), Some(&20)));
        *table.get_mut(&2).expect("a row") += 1;
        assert_eq!(table.get_index_of(&2).map(|place| table[place]), Some(21));
    }
}
