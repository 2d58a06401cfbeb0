//! A shim around the core: rewrites what it is told and what it answers, delays it, adds to it.

use std::collections::VecDeque;

use sametick_core::commit::Rows;
use sametick_core::effect::{Effect, Input, InputKind, Tick};
use sametick_core::run::Shape;
use sametick_core::time::{Mono, Now};
use sametick_core::{Config, Machine, StandardGateway, Waiting};

/// What a shim does. Each part does nothing unless it says so. A gateway that begins has it as it was built: what it
/// remembers is a process's memory.
pub trait Twist: Clone + std::fmt::Debug + Send + Sync {
    /// Whether it remembers what was before a restart. Nothing is remembered from one world to the next.
    const OUTLIVES_A_RESTART: bool = false;

    /// Changes what a recovering core gets to see.
    fn rows(&mut self, _rows: &mut Rows) {}

    /// Changes the first tick after a restart.
    fn first_tick(&mut self, _rows: &Rows, _tick: &mut Tick) {}

    /// Changes what the core is told.
    fn inputs(&mut self, _now: Now, _inputs: &mut Vec<Input>) {}

    /// Changes what the core answered.
    fn tick(&mut self, _now: Now, _tick: &mut Tick) {}

    /// When a wake-up comes that the core asked for.
    fn wakes(&self, at: Mono) -> Mono {
        at
    }

    /// When the shim itself wants to be called.
    fn wakeup(&self) -> Option<Mono> {
        None
    }
}

/// The core behind a twist. Commits are numbered anew, so that the twist can add some of its own.
#[derive(Clone, Debug)]
pub struct Shim<T> {
    inner: StandardGateway,
    twist: T,
    /// The twist as it was built.
    fresh: T,
    tick: Tick,
    inputs: Vec<Input>,
    /// What the latest commit said beside its rows: epoch, generations, what is acknowledged.
    beside: (u64, u32, u64),
    /// Open commits: outer number and, for the core's own, inner number.
    open: VecDeque<(u64, Option<u64>)>,
    last: u64,
    closed: Mono,
}

impl<T: Twist> Shim<T> {
    /// The core with these limits, in this shape, behind a twist.
    pub fn new(config: Config, shape: Shape, twist: T) -> Self {
        Self {
            inner: StandardGateway::new(config, shape),
            fresh: twist.clone(),
            twist,
            tick: Tick::default(),
            inputs: Vec::new(),
            beside: (0, 0, 0),
            open: VecDeque::new(),
            last: 0,
            closed: Mono::default(),
        }
    }

    fn renumber(&mut self) {
        for effect in self.tick.effects_mut() {
            if let Effect::StoreAgain { commit } = effect
                && let Some((outer, _)) = self.open.iter().find(|(_, inner)| *inner == Some(*commit))
            {
                *commit = *outer;
            }
        }
        let inner = self.tick.commit().map(|commit| commit.number);
        if inner.is_none() && self.tick.draft().is_empty() {
            return;
        }
        self.last += 1;
        let draft = self.tick.draft();
        if inner.is_some() {
            (self.beside.1, self.beside.2) = (draft.generations, draft.acknowledged);
        } else {
            (draft.generations, draft.acknowledged) = (self.beside.1, self.beside.2);
            draft.first_offset = 0;
        }
        (draft.number, draft.epoch) = (self.last, self.beside.0);
        self.tick.set_committed(true);
        self.open.push_back((self.last, inner));
    }

    /// The inner name of an input; nothing for an answer to a commit of the twist's own.
    fn inner_input(&self, input: &Input) -> Option<Input> {
        match input.kind {
            InputKind::Answer { commit, answer } => {
                let (_, inner) = self.open.iter().find(|(outer, _)| *outer == commit)?;
                let kind = InputKind::Answer { commit: (*inner)?, answer };
                Some(Input { kind, at: input.at })
            }
            InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Command { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => Some(input.clone()),
        }
    }
}

impl<T: Twist> Machine for Shim<T> {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        // The first gateway of a world has the first epoch.
        if epoch <= 1 || !T::OUTLIVES_A_RESTART {
            self.twist.clone_from(&self.fresh);
        }
        let mut seen = rows.clone();
        self.twist.rows(&mut seen);
        self.open.clear();
        self.last = rows.last_commit;
        self.beside = (epoch, rows.generations, rows.first_offset);
        self.closed = now.mono;
        self.tick.clone_from(self.inner.restart(&seen, epoch, now));
        self.twist.first_tick(rows, &mut self.tick);
        self.renumber();
        &self.tick
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        let mut inner = std::mem::take(&mut self.inputs);
        inner.clear();
        inner.extend(inputs.iter().filter_map(|input| self.inner_input(input)));
        self.twist.inputs(now, &mut inner);
        self.tick.clone_from(self.inner.handle(now, &inner));
        self.inputs = inner;
        self.closed = now.mono;
        self.twist.tick(now, &mut self.tick);
        self.renumber();
        &self.tick
    }

    fn next_wakeup(&self) -> Option<Mono> {
        let own = self.twist.wakeup().map(|at| at.max(self.closed.tick_after()));
        let inner = self.inner.next_wakeup().map(|at| self.twist.wakes(at));
        inner.into_iter().chain(own).min()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.inner.waiting()
    }
}
