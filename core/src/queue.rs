//! Queues that are copied in no time when they are empty, as most of them are when a machine is.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

/// A double-ended queue.
#[derive(Debug)]
pub(crate) struct Queue<T>(VecDeque<T>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Clone> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &Self) {
        if !other.0.is_empty() {
            self.0.clone_from(&other.0);
        } else if !self.0.is_empty() {
            self.0.clear();
        }
    }
}

impl<T> Deref for Queue<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        &self.0
    }
}

impl<T> DerefMut for Queue<T> {
    fn deref_mut(&mut self) -> &mut VecDeque<T> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(of: &[u32]) -> Queue<u32> {
        Queue(of.iter().copied().collect())
    }

    #[test]
    fn a_copy_holds_what_the_other_holds_and_nothing_else() {
        for (had, other) in [(&[][..], &[][..]), (&[1, 2], &[]), (&[], &[3]), (&[1, 2], &[3])] {
            let mut copy = queue(had);
            copy.clone_from(&queue(other));
            assert_eq!(copy.iter().copied().collect::<Vec<_>>(), other);
        }
    }
}
