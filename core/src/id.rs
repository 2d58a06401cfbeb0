//! Names as small numbers, and the session-key grammar.
//!
//! The machine compares and stores numbers; [`Names`] at the host's edge turns them back into the
//! field's strings. Numbers are given in order of first appearance, so hosts that declare the same
//! things in the same order speak of the same numbers.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::time::Wall;

macro_rules! interned {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The place of this name in a dense table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

interned!(
    /// A declared job.
    JobId
);
interned!(
    /// The agent a job belongs to.
    AgentId
);
interned!(
    /// A session, named by the turn that opened it.
    SessionId
);
interned!(
    /// A lane, by its place among the configured ones.
    LaneId
);
interned!(
    /// A text the host keeps, such as a turn's error message.
    TextId
);

/// One run: one attempt at one occurrence of one generation of a job.
///
/// The id is derived, never drawn: the same occurrence has the same run on every machine and after
/// every crash. A job that is removed and added again starts a new generation, so reports for the
/// old one can be told apart.
#[derive(Clone, Copy, Debug, Default, Eq)]
pub struct RunId {
    /// Whose run it is.
    pub job: JobId,
    /// Which declaration of the job.
    pub generation: u32,
    /// When the occurrence was due.
    pub due: Wall,
    /// Zero for an occurrence of the schedule; else the number of the request that asked for the run,
    /// counted over the job's generation.
    pub asked: u32,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// What a session row is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SessionKey {
    /// `agent:<agent>:main`
    Main {
        /// The agent.
        agent: AgentId,
    },
    /// `agent:<agent>:cron:<job>`: the base row, which shows the job's latest run.
    Base {
        /// The agent.
        agent: AgentId,
        /// The job.
        job: JobId,
    },
    /// `agent:<agent>:cron:<job>:run:<session>`: the row of one run.
    Run {
        /// The agent.
        agent: AgentId,
        /// The job.
        job: JobId,
        /// The session the run opened.
        session: SessionId,
    },
}

impl PartialEq for RunId {
    fn eq(&self, other: &Self) -> bool {
        // Without a branch between them: an id that is asked for is mostly the one that is there.
        (self.due == other.due)
            & (self.job == other.job)
            & (self.generation == other.generation)
            & (self.asked == other.asked)
            & (self.attempt == other.attempt)
    }
}

impl Hash for RunId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.in_three().hash(state);
    }
}

impl Ord for RunId {
    /// Field by field, which three numbers say as well as five: every look-up of a run compares ids.
    fn cmp(&self, other: &Self) -> Ordering {
        self.in_three().cmp(&other.in_three())
    }
}

impl PartialOrd for RunId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl RunId {
    fn in_three(&self) -> (u64, Wall, u64) {
        let both = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        (both(self.job.0, self.generation), self.due, both(self.asked, self.attempt))
    }

    /// The first attempt at an occurrence of a job's schedule.
    #[must_use]
    pub const fn scheduled(job: JobId, generation: u32, due: Wall) -> Self {
        Self { job, generation, due, asked: 0, attempt: 1 }
    }

    /// The next attempt at the same occurrence.
    #[must_use]
    pub const fn next_attempt(self) -> Self {
        Self { attempt: self.attempt.saturating_add(1), ..self }
    }
}

impl SessionKey {
    /// The agent the key names.
    #[must_use]
    pub const fn agent(self) -> AgentId {
        match self {
            Self::Main { agent } | Self::Base { agent, .. } | Self::Run { agent, .. } => agent,
        }
    }

    /// The base key of the same job, if the key belongs to one.
    #[must_use]
    pub const fn base(self) -> Option<Self> {
        match self {
            Self::Main { .. } => None,
            Self::Base { agent, job } | Self::Run { agent, job, .. } => Some(Self::Base { agent, job }),
        }
    }

    /// Reads a key in the field's grammar, interning what it names.
    ///
    /// # Errors
    /// [`KeyError`] when the text has another shape, or a part is empty or has a control character.
    pub fn parse(text: &str, names: &mut Names) -> Result<Self, KeyError> {
        let wrong = |why| KeyError { key: text.to_owned(), why };
        let parts: Vec<&str> = text.split(':').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(wrong("a part between two colons is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(wrong("it has a control character"));
        }
        match parts.as_slice() {
            ["agent", agent, "main"] => Ok(Self::Main { agent: names.agents.intern(agent) }),
            ["agent", agent, "cron", job] => {
                Ok(Self::Base { agent: names.agents.intern(agent), job: names.jobs.intern(job) })
            }
            ["agent", agent, "cron", job, "run", session] => Ok(Self::Run {
                agent: names.agents.intern(agent),
                job: names.jobs.intern(job),
                session: names.sessions.intern(session),
            }),
            _ => Err(wrong("it is none of agent:A:main, agent:A:cron:J, agent:A:cron:J:run:S")),
        }
    }

    /// The key as the field writes it.
    #[must_use]
    pub fn render(self, names: &Names) -> String {
        let agent = names.agents.name(self.agent().0);
        match self {
            Self::Main { .. } => format!("agent:{agent}:main"),
            Self::Base { job, .. } => format!("agent:{agent}:cron:{}", names.jobs.name(job.0)),
            Self::Run { job, session, .. } => {
                let (job, session) = (names.jobs.name(job.0), names.sessions.name(session.0));
                format!("agent:{agent}:cron:{job}:run:{session}")
            }
        }
    }
}

/// A text that is not a session key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    /// The text.
    pub key: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for KeyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} is not a session key: {}", self.key, self.why)
    }
}

impl std::error::Error for KeyError {}

/// A table of names of one kind, numbered in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interner<Id> {
    names: Vec<String>,
    numbers: BTreeMap<String, u32>,
    kind: std::marker::PhantomData<Id>,
}

impl<Id: From<u32>> Interner<Id> {
    /// The number of `name`, given now if it is new.
    ///
    /// # Panics
    /// When more than `u32::MAX` names are interned.
    pub fn intern(&mut self, name: &str) -> Id {
        if let Some(number) = self.numbers.get(name) {
            return Id::from(*number);
        }
        let number = u32::try_from(self.names.len()).expect("fewer than 2^32 names");
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Id::from(number)
    }

    /// The number of `name`, if it has one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Id> {
        self.numbers.get(name).map(|number| Id::from(*number))
    }
}

impl<Id> Interner<Id> {
    /// The name with this number, or `?` for a number that was never given.
    #[must_use]
    pub fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("?", String::as_str)
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

macro_rules! from_number {
    ($($name:ident),*) => {
        $(impl From<u32> for $name {
            fn from(number: u32) -> Self {
                Self(number)
            }
        })*
    };
}

from_number!(JobId, AgentId, SessionId, LaneId, TextId);

/// Every name a host and its machine share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Job ids.
    pub jobs: Interner<JobId>,
    /// Agent ids.
    pub agents: Interner<AgentId>,
    /// Lanes, in the order of their configuration.
    pub lanes: Interner<LaneId>,
    /// Session ids.
    pub sessions: Interner<SessionId>,
    /// Error texts and other prose.
    pub texts: Interner<TextId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        let mut names = Names::default();
        for key in ["agent:main:main", "agent:main:cron:j1", "agent:a b:cron:j1:run:s-1"] {
            let parsed = SessionKey::parse(key, &mut names).expect("a key of the grammar");
            assert_eq!(parsed.render(&names), key);
        }
    }

    #[test]
    fn runs_go_by_job_generation_due_time_request_and_attempt() {
        let run = |job, generation, due, asked, attempt| RunId {
            job: JobId(job),
            generation,
            due: Wall::from_millis(due),
            asked,
            attempt,
        };
        let fields = |run: &RunId| (run.job, run.generation, run.due, run.asked, run.attempt);
        let big = u32::MAX;
        let runs = [run(0, 0, -1, 0, 0), run(0, 0, 0, 0, big), run(0, 0, 0, 1, 0), run(0, big, -5, 0, 0)];
        for (one, other) in runs.iter().flat_map(|one| runs.iter().map(move |other| (one, other))) {
            assert_eq!(one.cmp(other), fields(one).cmp(&fields(other)));
        }
    }

    #[test]
    fn runs_that_differ_in_one_field_are_two_runs() {
        let run = RunId { job: JobId(1), generation: 1, due: Wall::from_millis(1), asked: 1, attempt: 1 };
        let others = [
            RunId { job: JobId(2), ..run },
            RunId { generation: 2, ..run },
            RunId { due: Wall::from_millis(2), ..run },
            RunId { asked: 2, ..run },
            run.next_attempt(),
        ];
        let hash = |run: RunId| {
            let mut hasher = std::hash::DefaultHasher::new();
            run.hash(&mut hasher);
            hasher.finish()
        };
        for other in others {
            assert_ne!(run, other);
            assert_ne!(hash(run), hash(other), "{other:?}");
        }
    }

    #[test]
    fn a_name_counts_once_however_often_it_is_said() {
        let mut names = Interner::<JobId>::default();
        assert!(names.is_empty());
        for name in ["digest", "report", "digest"] {
            names.intern(name);
        }
        assert_eq!((names.len(), names.is_empty()), (2, false));
        assert_eq!((names.get("report"), names.name(1), names.name(2)), (Some(JobId(1)), "report", "?"));
    }

    #[test]
    fn a_key_of_another_shape_says_why() {
        let mut names = Names::default();
        for key in ["", "agent::main", "agent:a:cron:j:run", "agent:a:cron:\n", "x:a:main"] {
            let error = SessionKey::parse(key, &mut names).expect_err("not a key");
            assert!(error.to_string().contains("is not a session key"), "{error}");
        }
    }
}
