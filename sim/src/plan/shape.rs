//! What a plan is made of.

use std::borrow::Cow;
use std::fmt;

/// A table of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Which.
    pub kind: Kind,
    /// Its keys, each with what it says.
    pub keys: Vec<(Cow<'static, str>, Word)>,
}

/// The kinds of tables, in the order in which a file has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What stands before the first table.
    Top,
    /// One of which there is one: `[lane]`, `[lanes.slow]`, `[store]`.
    One(Cow<'static, str>),
    /// One of which there are several: `[[job]]`, `[[turn]]`.
    Each(Cow<'static, str>),
}

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// `"30s"`
    Text(String),
    /// `3`
    Number(u64),
    /// `true`
    Flag(bool),
    /// `["1s", "2s"]`
    List(Vec<String>),
}

impl Kind {
    /// The line that begins it, if any does.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        match self {
            Self::Top => None,
            Self::One(name) => Some(format!("[{name}]")),
            Self::Each(name) => Some(format!("[[{name}]]")),
        }
    }
}

impl Table {
    /// An empty one.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self { kind, keys: Vec::new() }
    }

    /// One of several.
    #[must_use]
    pub const fn each(name: &'static str) -> Self {
        Self::new(Kind::Each(Cow::Borrowed(name)))
    }

    /// The only one of its name.
    #[must_use]
    pub const fn one(name: &'static str) -> Self {
        Self::new(Kind::One(Cow::Borrowed(name)))
    }

    /// Says something with a key.
    pub fn say(&mut self, key: &'static str, word: impl Into<Word>) {
        self.keys.push((Cow::Borrowed(key), word.into()));
    }

    /// Says something with a key, whatever that said before.
    pub fn set(&mut self, key: &'static str, word: impl Into<Word>) {
        let word = word.into();
        match self.keys.iter_mut().find(|(name, _)| name == key) {
            Some((_, said)) => *said = word,
            None => self.say(key, word),
        }
    }

    /// Says nothing any more with these keys.
    pub fn leave_out(&mut self, keys: &[&str]) {
        self.keys.retain(|(name, _)| !keys.contains(&&**name));
    }

    /// What a key says.
    #[must_use]
    pub fn word(&self, key: &str) -> Option<&Word> {
        self.keys.iter().find(|(name, _)| name == key).map(|(_, word)| word)
    }
}

impl Word {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Word {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Word {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(out, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::Number(number) => write!(out, "{number}"),
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::List(texts) => {
                let quoted: Vec<String> =
                    texts.iter().map(|text| Self::Text(text.clone()).to_string()).collect();
                write!(out, "[{}]", quoted.join(", "))
            }
        }
    }
}
