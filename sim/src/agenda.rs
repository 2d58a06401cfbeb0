//! What is going to happen in a world, and when. What was planned first goes first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use educe::Educe;
use sametick_core::commit::Answer;
use sametick_core::effect::{Command, Report};
use sametick_core::id::{RunId, SessionKey};
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::time::{Mono, Span};

/// Something that happens at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) at: Mono,
    pub(crate) sequence: u64,
    pub(crate) kind: What,
}

/// What happens. Answers are for one life of the gateway; a later one does not hear them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Report {
        run: RunId,
        report: Report,
    },
    /// A report that was on its way is heard.
    Arrival {
        run: RunId,
        report: Report,
    },
    /// The subscribers acknowledge an event.
    Acknowledge {
        offset: u64,
        event: Box<LifecycleEvent>,
        life: u32,
    },
    /// The subscribers are back.
    Resume,
    Answer {
        commit: u64,
        answer: Answer,
        life: u32,
    },
    StoreAgain {
        commit: u64,
        life: u32,
    },
    /// A turn reports progress, and will again.
    Progress {
        run: RunId,
        every: Span,
    },
    /// The nth event of the timeline.
    Event(usize),
    /// The host reads its wall clock anew.
    ClockRead,
    /// A turn that others run in a shared session ends, in the process of this host.
    ForeignEnds {
        key: SessionKey,
        turn: u64,
        host: usize,
    },
    Crash {
        down: Span,
        life: u32,
    },
    /// A process that died comes back.
    Restart {
        host: usize,
    },
    /// A host takes the store over.
    Takeover {
        host: usize,
    },
    /// A host goes on that stood still.
    Thaw {
        host: usize,
        until: Mono,
    },
    /// A host reaches the store again.
    Heal {
        host: usize,
    },
    /// The store's answer to a renewal.
    Renewal {
        sent: Mono,
        answer: Answer,
        life: u32,
    },
    /// Somebody asks for something that the scenario does not have.
    Asked {
        command: Command,
    },
    /// The wall clock steps where the scenario has it go on.
    Steps {
        millis: i64,
    },
}

/// Everything that is planned.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Reverse<Happening>>,
    sequence: u64,
}

impl Agenda {
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.sequence = 0;
    }

    pub(crate) fn plan(&mut self, at: Mono, kind: What) {
        self.sequence += 1;
        self.heap.push(Reverse(Happening { at, sequence: self.sequence, kind }));
    }

    /// Plans something that goes before all else of its instant.
    pub(crate) fn plan_ahead(&mut self, at: Mono, kind: What) {
        self.heap.push(Reverse(Happening { at, sequence: 0, kind }));
    }

    /// Takes something back that was planned.
    pub(crate) fn forget(&mut self, which: impl Fn(&What) -> bool) {
        self.heap.retain(|Reverse(happening)| !which(&happening.kind));
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Mono> {
        self.heap.peek().map(|Reverse(happening)| happening.at)
    }

    /// The commits of a life that are on their way to the store and back.
    pub(crate) fn open_commits(&self, of: u32) -> impl Iterator<Item = u64> {
        self.heap.iter().filter_map(move |Reverse(happening)| match happening.kind {
            What::Answer { commit, life, .. } | What::StoreAgain { commit, life } => {
                (life == of).then_some(commit)
            }
            What::Report { .. }
            | What::Arrival { .. }
            | What::Acknowledge { .. }
            | What::Resume
            | What::Progress { .. }
            | What::Event(_)
            | What::ClockRead
            | What::ForeignEnds { .. }
            | What::Crash { .. }
            | What::Restart { .. }
            | What::Takeover { .. }
            | What::Thaw { .. }
            | What::Heal { .. }
            | What::Asked { .. }
            | What::Steps { .. }
            | What::Renewal { .. } => None,
        })
    }

    /// When everything happens, in no order.
    pub(crate) fn instants(&self) -> impl Iterator<Item = Mono> {
        self.heap.iter().map(|Reverse(happening)| happening.at)
    }

    /// Everything, by when it happens and in what was planned first; what is left out is when it was planned.
    pub(crate) fn in_order(&self) -> Vec<(Mono, &What)> {
        let mut all: Vec<&Happening> = self.heap.iter().map(|Reverse(happening)| happening).collect();
        all.sort_unstable();
        all.into_iter().map(|happening| (happening.at, &happening.kind)).collect()
    }

    /// How many things happen in the next instant, if that is up to `now`.
    pub(crate) fn together(&self, now: Mono) -> usize {
        let Some(next) = self.next_at().filter(|at| *at <= now) else { return 0 };
        self.heap.iter().filter(|Reverse(happening)| happening.at == next).count()
    }

    /// Takes the nth of what happens in the next instant.
    pub(crate) fn take_nth(&mut self, nth: usize) -> Option<Happening> {
        let mut before: Vec<Reverse<Happening>> = (0..nth).filter_map(|_| self.heap.pop()).collect();
        let taken = self.heap.pop().map(|Reverse(happening)| happening);
        self.heap.extend(before.drain(..));
        taken
    }

    /// Takes the next thing that happens up to `now`.
    pub(crate) fn take(&mut self, now: Mono) -> Option<Happening> {
        self.next_at().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(happening)| happening)
    }
}

impl Ord for Happening {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl PartialOrd for Happening {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
