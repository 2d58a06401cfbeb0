//! Due times that were listed before: drawn plans ask for the same few over and over.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// How many lists are kept. When there are more, all of them go.
const MOST: usize = 512;

/// What a list depends on, and nothing else: so it does not matter who lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) expression: String,
    pub(super) zone: String,
    pub(super) policy: usize,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) moved: i64,
}

static LISTS: LazyLock<Mutex<BTreeMap<Key, Arc<[i64]>>>> = LazyLock::new(Mutex::default);

/// The list of a key, which is made if it is not known.
pub(super) fn or_list(key: Key, list: impl FnOnce(&Key) -> Vec<i64>) -> Arc<[i64]> {
    let lists = || LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lists().get(&key) {
        return Arc::clone(known);
    }
    let made: Arc<[i64]> = list(&key).into();
    let mut lists = lists();
    if lists.len() >= MOST {
        lists.clear();
    }
    lists.insert(key, Arc::clone(&made));
    made
}
