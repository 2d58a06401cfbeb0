//! What a failure is about, whatever the runs and lanes in it are called, and whenever it was.

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
        Self { check: failure.check.name(), words: words(&failure.message) }
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

fn words(message: &str) -> Vec<String> {
    let (mut words, mut before) = (Vec::new(), "");
    for word in message.split_whitespace() {
        // A lane is called something, and so is a session, by its agent and its job.
        let is_name = before == "lane" || word.starts_with("agent:");
        let is_word = word.chars().filter(|letter| letter.is_alphanumeric()).count() > 1;
        if is_word && !is_name && !counts(word) {
            // One slot, or two slots.
            words.push(if counts(before) { word.trim_end_matches('s') } else { word }.to_owned());
        }
        before = word;
    }
    words
}

fn counts(word: &str) -> bool {
    word.contains(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_and_numbers_are_no_reason() {
        let of =
            |run, lane, limit| words(&format!("{run} gets one, and lane {lane} has {limit} and is full"));
        assert_eq!(of("a#1", "main", "1 slot"), of("other#3.2", "slow", "4 slots"));
        assert_eq!(words("session agent:main:cron:a says \"done\""), ["session", "says", "\"done\""]);
        assert_ne!(words("it is \"done\""), words("it is \"running\""));
    }
}
