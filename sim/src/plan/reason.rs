//! What a failure is about, whatever the runs in it are called and whenever it was.

use crate::check::Failure;

/// A check, and the words of its message that name nobody and count nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    check: &'static str,
    words: Vec<String>,
}

impl Reason {
    /// Of a failure.
    #[must_use]
    pub fn of(failure: &Failure) -> Self {
        let names = |word: &&str| {
            word.chars().filter(|letter| letter.is_alphanumeric()).count() > 1
                && !word.contains(|letter: char| letter.is_ascii_digit())
        };
        let words = failure.message.split_whitespace().filter(names).map(str::to_owned).collect();
        Self { check: failure.check.name(), words }
    }

    /// The check that found it.
    #[must_use]
    pub const fn check(&self) -> &'static str {
        self.check
    }

    /// Whether the first of these failures is about the same.
    #[must_use]
    pub fn is_first_of(&self, failures: &[Failure]) -> bool {
        failures.first().is_some_and(|first| Self::of(first) == *self)
    }
}
