//! Rows by key, in the order of their keys; places are used again, so a steady load settles into steady memory.

use crate::ordered::Ordered;

/// As many places as a table keeps whatever happens.
const FEW: usize = 1_024;

/// No place at all.
const NOWHERE: u32 = u32::MAX;

/// Rows in one vector, found through an ordered index.
///
/// What happens to one row comes in a row: the place that was found last is tried first.
#[derive(Debug)]
pub(crate) struct Table<K, T> {
    index: Ordered<K>,
    places: Vec<Option<(K, T)>>,
    free: Vec<u32>,
    last: u32,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { index: Ordered::default(), places: Vec::new(), free: Vec::new(), last: NOWHERE }
    }
}

impl<K: Copy, T: Clone> Clone for Table<K, T> {
    fn clone(&self) -> Self {
        Self {
            index: self.index.clone(),
            places: self.places.clone(),
            free: self.free.clone(),
            last: self.last,
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &Self) {
        self.index.clone_from(&other.index);
        if !self.places.is_empty() || !other.places.is_empty() {
            self.places.clone_from(&other.places);
            self.free.clone_from(&other.free);
        }
        self.last = other.last;
    }
}

impl<K: Ord + Copy, T> Table<K, T> {
    pub(crate) const fn len(&self) -> usize {
        self.index.len()
    }

    /// Forgets every row, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.index.clear();
        self.places.clear();
        self.free.clear();
        self.last = NOWHERE;
    }

    pub(crate) fn get(&self, key: K) -> Option<&T> {
        self.get_near(key, self.last)
    }

    /// As [`Self::get`], for who remembers where the row was: quick if it is still there.
    pub(crate) fn get_near(&self, key: K, place: u32) -> Option<&T> {
        if self.is_at(key, place) { self.at(place) } else { self.at(self.index.get(&key)?) }
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut T> {
        self.find(key)?;
        self.at_mut(self.last)
    }

    /// As [`Self::get_mut`]; `place` is where the row was, and becomes where it is.
    pub(crate) fn get_mut_near(&mut self, key: K, place: &mut u32) -> Option<&mut T> {
        if self.is_at(key, *place) {
            return self.at_mut(*place);
        }
        *place = self.index.get(&key)?;
        self.at_mut(*place)
    }

    /// Makes the row with a key the last one that was found.
    fn find(&mut self, key: K) -> Option<()> {
        if !self.is_at(key, self.last) {
            self.last = self.index.get(&key)?;
        }
        Some(())
    }

    fn free_place(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("fewer than 2^32 rows")
        })
    }

    fn is_at(&self, key: K, place: u32) -> bool {
        self.places.get(place as usize).and_then(Option::as_ref).is_some_and(|(own, _)| *own == key)
    }

    /// Takes a row in, in place of one with its key; returns where it is.
    pub(crate) fn insert(&mut self, key: K, row: T) -> u32 {
        let place = self.free_place();
        self.places[place as usize] = Some((key, row));
        if let Some(before) = self.index.insert(key, place) {
            self.places[before as usize] = None;
            self.free.push(before);
        }
        self.last = place;
        place
    }

    /// The row with a key, made now if there is none.
    pub(crate) fn get_or_insert(&mut self, key: K, make: impl FnOnce(K) -> T) -> &mut T {
        let mut place = self.last;
        self.get_or_insert_near(key, &mut place, make)
    }

    /// As [`Self::get_or_insert`]; `place` is where the row was, and becomes where it is.
    pub(crate) fn get_or_insert_near(
        &mut self,
        key: K,
        place: &mut u32,
        make: impl FnOnce(K) -> T,
    ) -> &mut T {
        if !self.is_at(key, *place) {
            // Mostly it is not there: one way down the index makes it.
            let free = self.free_place();
            match self.index.insert(key, free) {
                None => {
                    self.places[free as usize] = Some((key, make(key)));
                    *place = free;
                }
                Some(own) => {
                    self.index.insert(key, own);
                    self.free.push(free);
                    *place = own;
                }
            }
        }
        self.last = *place;
        self.at_mut(*place).expect("it was found or made")
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<T> {
        let place = self.index.remove(&key)?;
        let row = self.places[place as usize].take();
        self.free.push(place);
        self.give_back();
        row.map(|(_, row)| row)
    }

    /// Rows in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.index.numbers().filter_map(|place| self.at(place))
    }

    /// Rows from a key on, in order.
    pub(crate) fn from(&self, first: K) -> impl Iterator<Item = (K, &T)> {
        self.index.from(first).filter_map(|(key, place)| self.at(place).map(|row| (key, row)))
    }

    fn at_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places[place as usize].as_mut().map(|(_, row)| row)
    }

    fn at(&self, place: u32) -> Option<&T> {
        self.places[place as usize].as_ref().map(|(_, row)| row)
    }

    /// When three places in four are free, the rows move together and the memory goes back.
    fn give_back(&mut self) {
        if self.places.len() <= FEW || self.places.len() <= 4 * self.index.len() {
            return;
        }
        let mut places = Vec::with_capacity(2 * self.index.len());
        places.extend(self.index.numbers().map(|place| self.places[place as usize].take()));
        self.places = places;
        self.index.renumber();
        self.free = Vec::new();
        self.last = NOWHERE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_remembered_is_never_another_row() {
        let mut table = Table::default();
        let place = table.insert(1, "one");
        table.remove(1);
        table.insert(2, "two");
        assert_eq!((table.get_near(1, place), table.get_near(2, place)), (None, Some(&"two")));
    }

    #[test]
    fn a_row_is_made_once_wherever_it_is_looked_for() {
        let mut table = Table::default();
        for (key, near) in [(1, 0), (2, 0), (1, 1), (2, 7), (1, 0)] {
            *table.get_or_insert_near(key, &mut { near }, |_| 0) += 1;
        }
        assert_eq!((table.get(1), table.get(2), table.len()), (Some(&3), Some(&2), 2));
        table.insert(3, 9);
        assert!(table.iter().copied().eq([3, 2, 9]));
    }

    #[test]
    fn what_a_crowd_needed_goes_back_when_it_has_left() {
        let mut table = Table::default();
        (0..10_000).for_each(|key| _ = table.insert(key, key));
        (0..10_000).filter(|key| key % 100 != 0).for_each(|key| _ = table.remove(key));
        assert!(table.places.capacity() <= 2_000, "{} places", table.places.capacity());
        assert!(table.iter().copied().eq((0..10_000).step_by(100)));
        assert_eq!(table.get(100), Some(&100));
    }

    #[test]
    fn a_small_table_keeps_its_places_however_few_rows_are_left() {
        let room_after = |rows: u32| {
            let mut table = Table::default();
            (0..rows).for_each(|key| _ = table.insert(key, key));
            (1..rows).for_each(|key| _ = table.remove(key));
            table.places.len()
        };
        assert_eq!(room_after(1_024), 1_024);
        assert!(room_after(1_025) < 1_024);
    }
}
