//! What may name a job, an agent or a session: whatever a session key can hold and give back.

use std::fmt;

use crate::id::{AgentId, JobId, Names, SessionId};

/// A text that cannot name something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    /// What it was to name: `job`, `agent` or `session`.
    pub field: &'static str,
    /// The text.
    pub name: String,
    /// What is wrong with it.
    pub why: Unfit,
}

/// Why a text cannot name something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unfit {
    /// It is empty: a key with it would have a part that is not there.
    Empty,
    /// It has a colon, which parts a key.
    Colon,
    /// It has a control character, which a terminal would obey.
    Control,
}

impl Unfit {
    /// What is wrong with a text, if anything is. Any length will do.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::Empty),
            _ if name.chars().any(char::is_control) => Some(Self::Control),
            _ if name.contains(':') => Some(Self::Colon),
            _ => None,
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, name, why } = self;
        match why {
            Unfit::Empty => write!(out, "the {field}'s name is empty; give it one"),
            Unfit::Colon => {
                write!(out, "the {field}'s name {name:?} has a colon, which parts session keys; leave it out")
            }
            Unfit::Control => {
                write!(out, "the {field}'s name {name:?} has a control character; leave it out")
            }
        }
    }
}

impl std::error::Error for NameError {}

impl Names {
    /// The number of a job by its name, given now if it is new.
    ///
    /// ```
    /// use sametick_core::id::Names;
    /// let mut names = Names::default();
    /// let digest = names.job("digest").expect("a name");
    /// assert_eq!(names.jobs.name(digest.0), "digest");
    /// assert!(names.job("a:b").is_err());
    /// ```
    ///
    /// # Errors
    /// [`NameError`] when no session key could hold the name and give it back. [`Interner::intern`] takes any text.
    ///
    /// [`Interner::intern`]: crate::id::Interner::intern
    pub fn job(&mut self, name: &str) -> Result<JobId, NameError> {
        fit("job", name).map(|name| self.jobs.intern(name))
    }

    /// The number of an agent by its name, given now if it is new.
    ///
    /// # Errors
    /// As [`Self::job`].
    pub fn agent(&mut self, name: &str) -> Result<AgentId, NameError> {
        fit("agent", name).map(|name| self.agents.intern(name))
    }

    /// The number of a session by its name, given now if it is new.
    ///
    /// # Errors
    /// As [`Self::job`].
    pub fn session(&mut self, name: &str) -> Result<SessionId, NameError> {
        fit("session", name).map(|name| self.sessions.intern(name))
    }
}

fn fit<'a>(field: &'static str, name: &'a str) -> Result<&'a str, NameError> {
    match Unfit::of(name) {
        None => Ok(name),
        Some(why) => Err(NameError { field, name: name.to_owned(), why }),
    }
}
