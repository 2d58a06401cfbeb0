//! What a failure is about, whatever the runs and lanes in it are called, and whenever it was.

use crate::check::{CheckName, Failure};
use crate::difference::kind_of;

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
        // Of two worlds that part, a smaller plan may differ in another row.
        let compares = matches!(failure.check, CheckName::Law(_) | CheckName::OwnLaneOnly);
        let message = if compares { kind_of(&failure.message) } else { &failure.message };
        Self { check: failure.check.name(), words: words(message) }
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
        // A session is called after its agent and its job, and is one of three kinds all the same.
        if let Some(kind) = kind_of_session(word) {
            words.push(kind.to_owned());
            before = word;
            continue;
        }
        // A lane is called something, too.
        let is_name = before == "lane";
        let is_word = word.chars().filter(|letter| letter.is_alphanumeric()).count() > 1;
        if is_word && !is_name && !word.contains(|letter: char| letter.is_ascii_digit()) {
            // One slot, or two slots.
            words.push(if is_number(before) { word.trim_end_matches('s') } else { word }.to_owned());
        }
        before = word;
    }
    words
}

fn is_number(word: &str) -> bool {
    word.parse::<u64>().is_ok()
}

/// Which kind of session a key is of, if it is one.
fn kind_of_session(word: &str) -> Option<&'static str> {
    let mut parts = word.strip_prefix("agent:")?.split(':').skip(1);
    Some(match (parts.next(), parts.any(|part| part == "run")) {
        (Some("cron"), true) => "run-session",
        (Some("cron"), false) => "base-session",
        (_, _) => "main-session",
    })
}

#[cfg(test)]
mod tests {
    use sametick_core::time::Mono;

    use super::{Reason, words};
    use crate::check::{CheckName, Failure};
    use crate::laws::Law;

    #[test]
    fn what_two_worlds_differ_in_is_no_reason() {
        let of = |check, message: &str| {
            Reason::of(&Failure { check, at: Mono::default(), run: None, message: message.to_owned() })
        };
        let law = CheckName::Law(Law::Split);
        let leaves = "a tick that is cut in two leaves other";
        let one = of(law, &format!("{leaves} run records – that of a#1 is one more"));
        assert_eq!(one, of(law, &format!("{leaves} run records – that of b#2 has nothing as \"drain\"")));
        assert_ne!(one, of(law, &format!("{leaves} events – that of a#1 is one more")));
        let twin = |what: &str| of(law, &format!("with clocks that show other times, {what}"));
        assert_ne!(twin("a#1: its row is lost"), twin("a#1: its row says so"), "each breaks by itself");
        let check = CheckName::SlotsReturn;
        assert_ne!(of(check, "commit 1: a slot is lost"), of(check, "commit 1: a slot is found"));
    }

    #[test]
    fn names_and_numbers_are_no_reason() {
        let of =
            |run, lane, limit| words(&format!("{run} gets one, and lane {lane} has {limit} and is full"));
        assert_eq!(of("a#1", "main", "1 slot"), of("other#3.2", "slow", "4 slots"));
        let says = |key| words(&format!("session {key} says \"done\""));
        assert_eq!(says("agent:main:cron:a:run:s1"), ["session", "run-session", "says", "\"done\""]);
        assert_eq!(says("agent:main:cron:a:run:s1"), says("agent:other:cron:b:run:s2"));
        assert_eq!(says("agent:main:cron:a"), says("agent:main:cron:b"));
        assert_eq!(says("agent:main:main"), says("agent:other:main"));
        assert_ne!(says("agent:main:cron:a"), says("agent:main:cron:a:run:s1"));
        assert_ne!(says("agent:main:cron:a"), says("agent:main:main"));
        assert_ne!(words("it is \"done\""), words("it is \"running\""));
    }
}
