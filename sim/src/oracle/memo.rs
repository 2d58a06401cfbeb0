//! Due times that were listed before: drawn plans ask for the same few over and over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::grid::DueByPolicy;

/// What a list depends on, and nothing else: so it does not matter who lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) readings: Readings,
    pub(super) policy: usize,
    pub(super) through: i64,
    pub(super) moved: i64,
}

/// The readings of a zone's clock that an expression is held against, in seconds. That takes by far the longest, and
/// schedules that differ in policy or stagger have it in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Readings {
    pub(super) expression: String,
    pub(super) zone: String,
    pub(super) from: i64,
    pub(super) to: i64,
}

pub(super) static LISTS: Memo<Key, Arc<[i64]>> = Memo::of(512);
pub(super) static DUE: Memo<Readings, Arc<DueByPolicy>> = Memo::of(128);

/// What was made of each key.
pub(super) struct Memo<K, V> {
    known: Mutex<BTreeMap<K, V>>,
    /// When there are more, all of them go.
    most: usize,
}

impl<K: Ord, V: Clone> Memo<K, V> {
    const fn of(most: usize) -> Self {
        Self { known: Mutex::new(BTreeMap::new()), most }
    }

    /// What was made of a key, or is made if there is nothing yet.
    pub(super) fn or_make(&self, key: K, make: impl FnOnce(&K) -> V) -> V {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known().get(&key) {
            return value.clone();
        }
        let made = make(&key);
        let mut known = known();
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(key, made.clone());
        made
    }
}
