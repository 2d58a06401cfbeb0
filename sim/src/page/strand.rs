//! What one thing of a world goes through: how it stood from when to when, and what happened to it.

use sametick_core::id::{JobId, RunId, SessionKey};
use sametick_core::time::Mono;

use crate::fields::Record;

/// Whose strand it is, in the order of the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A job.
    Job(JobId),
    /// A lane, by its place among the configured ones.
    Lane(u32),
    /// A run.
    Run(RunId),
    /// A session row.
    Session(SessionKey),
    /// The turns that others run in a shared session.
    Others(SessionKey),
    /// The events of commits.
    Events,
    /// Who listens.
    Subscribers,
    /// The store.
    Store,
    /// A host.
    Host(usize),
}

impl Key {
    /// The word for its kind.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Job(_) => "job",
            Self::Lane(_) => "lane",
            Self::Run(_) => "run",
            Self::Session(_) => "session",
            Self::Others(_) => "others",
            Self::Events => "events",
            Self::Subscribers => "subscribers",
            Self::Store => "store",
            Self::Host(_) => "gateway",
        }
    }
}

/// How a strand stood from one instant to another, or to the end of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stood {
    pub(super) from: Mono,
    /// The same instant for what is over with it.
    pub(super) until: Option<Mono>,
    pub(super) look: &'static str,
    pub(super) label: String,
}

/// What happened to a strand at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) at: Mono,
    pub(super) heard: bool,
    pub(super) left: bool,
    pub(super) look: &'static str,
    pub(super) label: String,
    pub(super) said: Vec<String>,
    pub(super) records: Vec<Record>,
    pub(super) note: Option<String>,
}

/// What one thing goes through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) name: String,
    pub(super) stood: Vec<Stood>,
    pub(super) happened: Vec<Happened>,
}

impl Course {
    /// It stands in another way from now on.
    pub(super) fn stands(&mut self, at: Mono, look: &'static str, label: impl Into<String>) {
        let label = label.into();
        if self
            .stood
            .last()
            .is_some_and(|last| last.until.is_none() && last.look == look && last.label == label)
        {
            return;
        }
        self.stops(at);
        self.stood.push(Stood { from: at, until: None, look, label });
    }

    /// It is over, in this way.
    pub(super) fn ends(&mut self, at: Mono, look: &'static str, label: impl Into<String>) {
        self.stops(at);
        self.stood.push(Stood { from: at, until: Some(at), look, label: label.into() });
    }

    /// What was said of this very instant is said anew.
    fn stops(&mut self, at: Mono) {
        match self.stood.last_mut() {
            Some(last) if last.from == at => _ = self.stood.pop(),
            Some(last) if last.until.is_none() => last.until = Some(at),
            _ => {}
        }
    }

    /// What happens to it at an instant, to be added to.
    pub(super) fn at(&mut self, at: Mono) -> &mut Happened {
        let place = match self.happened.last() {
            Some(last) if last.at == at => self.happened.len() - 1,
            _ => {
                self.happened.push(Happened {
                    at,
                    heard: false,
                    left: false,
                    look: "",
                    label: String::new(),
                    said: Vec::new(),
                    records: Vec::new(),
                    note: None,
                });
                self.happened.len() - 1
            }
        };
        &mut self.happened[place]
    }
}

impl Happened {
    /// Something was heard of it.
    pub(super) fn hears(&mut self, text: String) {
        self.heard = true;
        self.said.push(text);
    }

    /// Something left for it.
    pub(super) fn sends(&mut self, text: String) {
        self.left = true;
        self.said.push(text);
    }

    /// A row was written.
    pub(super) fn writes(&mut self, look: &'static str, label: impl Into<String>, record: Record) {
        self.look = look;
        self.label = label.into();
        self.records.push(record);
    }

    /// A word for it, until a row gives a better one.
    pub(super) fn is_called(&mut self, word: String) {
        if self.label.is_empty() {
            self.label = word;
        }
    }

    /// What it is made of, in letters.
    pub(super) fn made_of(&self) -> String {
        let parts = [(self.heard, 'h'), (!self.records.is_empty(), 'c'), (self.left, 'e')];
        parts.iter().filter(|(is, _)| *is).map(|(_, letter)| letter).collect()
    }
}
