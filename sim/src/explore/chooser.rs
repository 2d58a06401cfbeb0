//! Decides, choice by choice, what a seed decides elsewhere, so that a search can try every alternative.
//!
//! A length of time has too many values to try. Those are tried at which something meets something else: the ends of the
//! range, and every instant at which something is known to happen, with its neighbours.

use sametick_core::id::RunId;
use sametick_core::time::{Mono, Span};

use super::cut::{Cut, Cuts};
use crate::draw::Choice;
use crate::scenario::{CrashPoint, FaultKind, Offset, SpanRange};

/// How far from an instant something is tried that could meet what happens there, in nanoseconds.
pub const DISTANCES: [i64; 7] = [-2_000_000, -1_000_000, -1, 0, 1, 1_000_000, 2_000_000];

/// Of one draw no more values are tried.
const MOST_VALUES: usize = 96;

/// Of so many things in one instant every order is tried; of more, the one in which they were planned.
const MOST_ORDERED: usize = 4;

/// How long a process is down that dies where the search wants it to: less than a turn needs to stop, and longer than
/// most budgets last.
const DOWN: [Span; 2] = [Span::from_millis(1), Span::from_secs(60)];

/// One of several alternatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Which, from 0.
    pub taken: u32,
    /// How many there are; zero where that is not known yet.
    pub of: u32,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    /// So many nanoseconds, from an instant on.
    Nanos {
        what: Choice,
        /// Whose, by the key that a seed would go by.
        key: u64,
        run: Option<RunId>,
        from: Mono,
        nanos: i64,
    },
    /// Whether a deadline comes before a report of a run, of the same instant.
    DeadlineFirst { run: RunId, first: bool },
    /// The nth fault strikes at a tick.
    Strikes { fault: usize, tick: u64 },
    /// Where a process dies.
    Point(CrashPoint),
    /// What goes wrong at a tick that the scenario has no fault for.
    Fault { tick: u64, kind: FaultKind },
    /// Which of so many things of one instant happens first.
    First { nth: usize },
}

/// Takes the alternatives it is told to, and the first of each where it is told nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chooser {
    picks: Vec<Pick>,
    /// How many of them it was told.
    given: usize,
    next: usize,
    /// When something is known to happen.
    instants: Vec<Mono>,
    values: Vec<i64>,
    /// How many faults may still be tried, beside those of the scenario.
    faults: u32,
    /// Something was done that the scenario does not have.
    interfered: bool,
    cuts: Cuts,
    /// It decides nothing, and only keeps what a seed does.
    follows: bool,
    /// What was decided, if somebody wants to know.
    log: Option<Vec<Decided>>,
}

/// What is decided, by which key, and of which run.
pub(crate) type Whose = (Choice, u64, Option<RunId>);

/// What of a chooser is part of a world's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Freedom {
    faults: u32,
    interfered: bool,
}

impl Chooser {
    /// With so many faults to try.
    pub(crate) fn with_faults(faults: u32) -> Self {
        Self { faults, ..Self::default() }
    }

    /// Decides nothing, and keeps what a seed decides.
    pub(crate) fn following() -> Self {
        Self { follows: true, ..Self::default() }.keep_log()
    }

    pub(crate) const fn follows(&self) -> bool {
        self.follows
    }

    /// Keeps what is decided from now on.
    pub(crate) fn keep_log(mut self) -> Self {
        self.log = Some(Vec::new());
        self
    }

    /// What was decided, if that was kept.
    pub(crate) fn take_log(&mut self) -> Vec<Decided> {
        self.log.take().unwrap_or_default()
    }

    pub(crate) fn note(&mut self, decided: Decided) {
        if let Some(log) = &mut self.log {
            log.push(decided);
        }
    }

    /// Begins a step in which these are taken first.
    pub(crate) fn take(&mut self, picks: &[Pick], freedom: Freedom) {
        self.picks.clear();
        self.picks.extend_from_slice(picks);
        (self.given, self.next) = (picks.len(), 0);
        self.instants.clear();
        (self.faults, self.interfered) = (freedom.faults, freedom.interfered);
    }

    /// What was taken in the step at hand.
    pub(crate) fn picks(&self) -> &[Pick] {
        &self.picks[..self.next]
    }

    pub(crate) const fn freedom(&self) -> Freedom {
        Freedom { faults: self.faults, interfered: self.interfered }
    }

    pub(crate) const fn has_interfered(&self) -> bool {
        self.interfered
    }

    /// What was left out since this was asked last.
    pub(crate) fn take_cuts(&mut self) -> Cuts {
        std::mem::take(&mut self.cuts)
    }

    fn pick(&mut self, of: usize) -> usize {
        if of < 2 {
            return 0;
        }
        let of = u32::try_from(of).unwrap_or(u32::MAX);
        if self.next == self.picks.len() {
            self.picks.push(Pick { taken: 0, of });
        }
        let pick = &mut self.picks[self.next];
        if pick.of == 0 {
            pick.of = of;
        }
        debug_assert_eq!(pick.of, of, "the same beginning has the same alternatives");
        self.next += 1;
        pick.taken.min(of - 1) as usize
    }

    /// A length of time out of a range, from an instant on.
    pub(crate) fn span(&mut self, range: SpanRange, (what, key, run): Whose, from: Mono) -> Span {
        let nanos = |span: Span| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        let nanos = self.value(nanos(range.low), nanos(range.high), from);
        self.note(Decided::Nanos { what, key, run, from, nanos });
        Span::from_nanos(nanos.unsigned_abs())
    }

    /// A distance out of a range, from an instant at which something happens.
    pub(crate) fn offset(
        &mut self,
        low: Offset,
        high: Offset,
        (what, key, run): Whose,
        from: Mono,
    ) -> Offset {
        self.meets(from);
        let nanos = self.value(low.0, high.0, from);
        self.note(Decided::Nanos { what, key, run, from, nanos });
        Offset(nanos)
    }

    fn value(&mut self, low: i64, high: i64, from: Mono) -> i64 {
        let from = i64::try_from(from.as_nanos()).unwrap_or(i64::MAX);
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        values.extend([low, high]);
        for at in &self.instants {
            let at = i64::try_from(at.as_nanos()).unwrap_or(i64::MAX);
            let near = DISTANCES.iter().map(|off| at.saturating_sub(from).saturating_add(*off));
            values.extend(near.filter(|value| (low..=high).contains(value)));
        }
        values.sort_unstable();
        values.dedup();
        if values.len() > MOST_VALUES {
            self.cut(Cut::Values, values.len() - MOST_VALUES);
            // The ends, and the nearest to the lower of them.
            let last = values.len() - 1;
            values.swap(MOST_VALUES - 1, last);
            values.truncate(MOST_VALUES);
        }
        let value = values[self.pick(values.len())];
        self.values = values;
        self.meets(Mono::from_nanos(from.saturating_add(value).unsigned_abs()));
        value
    }

    /// Something is known to happen at an instant.
    pub(crate) fn meets(&mut self, at: Mono) {
        if !self.instants.contains(&at) {
            self.instants.push(at);
        }
    }

    /// Counts what is left out, once for each way that led here.
    fn cut(&mut self, why: Cut, count: usize) {
        if self.next >= self.given {
            self.cuts.add(why, count as u64);
        }
    }

    /// Which of so many things that happen in one instant happens first.
    pub(crate) fn first_of(&mut self, count: usize) -> usize {
        if self.follows {
            return 0;
        }
        if count > MOST_ORDERED {
            self.cut(Cut::Orders, 1);
            return 0;
        }
        let nth = self.pick(count);
        if nth > 0 {
            self.note(Decided::First { nth });
        }
        nth
    }

    /// Whether the host's timer rings before it hears a report of the same instant; `planned` is what the scenario says,
    /// if it does.
    pub(crate) fn rings_first(&mut self, run: RunId, planned: Option<bool>) -> bool {
        let other = self.pick(2) == 1;
        self.interfered |= other && planned.is_some();
        let first = planned.unwrap_or(false) != other;
        self.note(Decided::DeadlineFirst { run, first });
        first
    }

    /// Whether the nth fault strikes at a tick; at the last it could, it must.
    pub(crate) fn strikes(&mut self, fault: usize, tick: u64, is_last: bool) -> bool {
        let strikes = is_last || self.pick(2) == 1;
        if strikes {
            self.note(Decided::Strikes { fault, tick });
        }
        strikes
    }

    /// Where a process dies.
    pub(crate) fn point(&mut self) -> CrashPoint {
        let point = CrashPoint::EACH[self.pick(CrashPoint::EACH.len())];
        self.note(Decided::Point(point));
        point
    }

    /// What goes wrong at a tick, which has a commit or not, and effects or not.
    pub(crate) fn fault(&mut self, tick: u64, commits: bool, effects: bool) -> Option<FaultKind> {
        if self.faults == 0 {
            return None;
        }
        let points: &[CrashPoint] = match (commits, effects) {
            (true, true) => {
                &[CrashPoint::Before, CrashPoint::At, CrashPoint::AfterEffects, CrashPoint::After]
            }
            (true, false) => &[CrashPoint::Before, CrashPoint::At, CrashPoint::After],
            (false, true) => &[CrashPoint::At, CrashPoint::AfterEffects],
            // It hears something and says nothing.
            (false, false) => &[CrashPoint::At],
        };
        let answers: &[FaultKind] = &[
            FaultKind::NotApplied(1),
            FaultKind::Unknown { applied: true },
            FaultKind::Unknown { applied: false },
        ];
        let answers = if commits { answers } else { &[] };
        let picked = self.pick(1 + points.len() * DOWN.len() + answers.len()).checked_sub(1)?;
        self.faults -= 1;
        self.interfered = true;
        let kind = match points.get(picked / DOWN.len()) {
            Some(when) => {
                let down = SpanRange::exactly(DOWN[picked % DOWN.len()]);
                FaultKind::Crash { when: *when, down, again: 0 }
            }
            None => answers[picked - points.len() * DOWN.len()],
        };
        self.note(Decided::Fault { tick, kind });
        Some(kind)
    }
}
