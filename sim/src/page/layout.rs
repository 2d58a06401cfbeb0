//! Where strands run: a row of their own in a small world; in a large one they share rows, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::id::{JobId, SessionKey};

use super::model::Row;
use super::strand::Key;

/// How many rows of a kind a world may have before strands share them.
const FEW: usize = 6;

/// How wide a column is drawn and how wide a letter of a name, for names that need more room than their strand.
const COLUMN: usize = 98;
const LETTER: usize = 7;

/// A strand to be laid out.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) key: Key,
    pub(super) name: String,
    /// The first and the last column that has anything of it.
    pub(super) first: usize,
    pub(super) last: usize,
}

/// The rows of a page and the row of each strand.
pub(super) fn lay_out(threads: &[Thread]) -> (Vec<Row>, BTreeMap<Key, usize>) {
    let mut rows = Rows::default();
    let all = |wanted: fn(Key) -> bool| threads.iter().filter(move |thread| wanted(thread.key)).collect();
    rows.lay("jobs", all(|key| matches!(key, Key::Job(_))));
    rows.lay("lanes", all(|key| matches!(key, Key::Lane(_))));
    rows.lay("runs", all(|key| matches!(key, Key::Run(_))));
    let mut sessions: Vec<&Thread> = all(|key| matches!(key, Key::Session(_) | Key::Others(_)));
    sessions.sort_by_key(|thread| family(thread.key));
    rows.lay("sessions", sessions);
    rows.lay("bus and store", all(|key| matches!(key, Key::Events | Key::Subscribers | Key::Store)));
    rows.lay("gateway", all(|key| matches!(key, Key::Host(_))));
    (rows.rows, rows.of)
}

/// A job's base row, and below it the rows of its runs; shared sessions first.
fn family(key: Key) -> (Option<JobId>, Key) {
    match key {
        Key::Session(SessionKey::Base { job, .. } | SessionKey::Run { job, .. }) => (Some(job), key),
        Key::Session(SessionKey::Main { .. })
        | Key::Others(_)
        | Key::Job(_)
        | Key::Lane(_)
        | Key::Run(_)
        | Key::Events
        | Key::Subscribers
        | Key::Store
        | Key::Host(_) => (None, key),
    }
}

#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    of: BTreeMap<Key, usize>,
}

impl Rows {
    fn lay(&mut self, section: &'static str, threads: Vec<&Thread>) {
        let (places, count) = share(&threads);
        // Where most live as long as the world, sharing saves no room and costs them their names at the left.
        let shared = threads.len() > FEW && count * 2 <= threads.len();
        let first = self.rows.len();
        if shared {
            self.of.extend(places.iter().map(|(key, place)| (*key, first + place)));
            self.rows.extend((0..count).map(|_| Row { section, name: String::new(), shared }));
        } else {
            self.of.extend(threads.iter().enumerate().map(|(place, thread)| (thread.key, first + place)));
            self.rows.extend(threads.iter().map(|thread| Row { section, name: thread.name.clone(), shared }));
        }
    }
}

/// Each takes the first row that is free again. Says how many rows that takes.
fn share(threads: &[&Thread]) -> (Vec<(Key, usize)>, usize) {
    let mut threads = threads.to_vec();
    threads.sort_by_key(|thread| (thread.first, family(thread.key)));
    let (mut places, mut count) = (Vec::new(), 0);
    let mut free: BTreeSet<usize> = BTreeSet::new();
    // By the column from which on they are free.
    let mut taken: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for thread in threads {
        let later = taken.split_off(&(thread.first + 1));
        free.extend(std::mem::replace(&mut taken, later).into_values().flatten());
        let row = free.pop_first().unwrap_or(count);
        count = count.max(row + 1);
        taken.entry(needs(thread)).or_default().push(row);
        places.push((thread.key, row));
    }
    (places, count)
}

/// The column from which on another strand has room behind this one.
fn needs(thread: &Thread) -> usize {
    let name = (thread.name.chars().count() * LETTER + 16).div_ceil(COLUMN);
    (thread.last + 2).max(thread.first + name)
}

#[cfg(test)]
mod tests {
    use sametick_core::id::RunId;

    use super::*;

    fn thread(number: u32, first: usize, last: usize) -> Thread {
        let key = Key::Run(RunId { job: JobId(number), ..RunId::default() });
        Thread { key, name: format!("job{number}#1"), first, last }
    }

    #[test]
    fn a_few_strands_have_rows_of_their_own() {
        let (rows, of) = lay_out(&[thread(0, 0, 3), thread(1, 4, 9)]);
        assert_eq!(rows.len(), 2);
        assert_ne!(of[&thread(0, 0, 0).key], of[&thread(1, 0, 0).key]);
    }

    #[test]
    fn many_share_rows_and_never_meet() {
        let threads: Vec<Thread> =
            (0..100).map(|place| thread(place, place as usize, place as usize + 3)).collect();
        let (rows, of) = lay_out(&threads);
        assert!(rows.len() <= 5, "{} rows", rows.len());
        for one in &threads {
            for other in threads.iter().filter(|other| other.key > one.key) {
                let apart = other.first > one.last + 1;
                assert!(apart || of[&one.key] != of[&other.key], "{one:?} and {other:?}");
            }
        }
    }
}
