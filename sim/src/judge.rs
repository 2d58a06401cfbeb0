//! Judges a history as it happens: commits when they become durable, effects when they leave,
//! restarts, and the rest at the end. Worlds use it, and so can any other host of the machine.

use sametick_core::Waiting;
use sametick_core::commit::{Answer, Commit, JobRow};
use sametick_core::effect::{Effect, Input, Tick};
use sametick_core::id::RunId;
use sametick_core::job::Job;
use sametick_core::lifecycle::LifecycleEvent;
use sametick_core::time::{Mono, Now, Span};

use crate::books::Books;
use crate::changes::Changes;
use crate::check::{Checks, Departure, Ending, Failure, Probe, Rest, Restarted, Scene};
use crate::label::Labels;
use crate::scenario::{Scenario, ScenarioJob};

/// The books of a history, and every check on them.
///
/// ```
/// use sametick_core::run::Shape;
/// use sametick_core::time::{Mono, Now};
/// use sametick_core::{Machine, StandardGateway};
/// use sametick_sim::judge::Judge;
/// use sametick_sim::{Scenario, scenario::WORLD_BEGINS};
///
/// let text = "# One job.\n[[job]]\nname = \"digest\"\nat = \"1s\"\ntimeout = \"30s\"\n";
/// let scenario = Scenario::parse("one.toml", text).expect("a scenario");
/// let mut judge = Judge::new(&scenario);
/// let mut gateway = StandardGateway::new(scenario.config.clone(), Shape::Emit);
/// gateway.restart(&judge.books().rows(), 1, Now { mono: Mono::default(), wall: WORLD_BEGINS });
/// let at = gateway.next_wakeup().expect("a due job");
/// let tick = gateway.handle(Now { mono: at, wall: WORLD_BEGINS.plus_millis(1_000) }, &[]);
/// tick.effects().iter().for_each(|effect| judge.effect(at, effect));
/// judge.commit(at, tick.commit().expect("a grant"));
/// assert!(judge.failures().is_empty());
/// ```
#[derive(Debug)]
pub struct Judge<'s> {
    scenario: &'s Scenario,
    jobs: Vec<(Job, JobRow)>,
    books: Books,
    changes: Changes,
    checks: Checks,
    failures: Vec<Failure>,
    lag: Span,
}

impl Clone for Judge<'_> {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.scenario);
        copy.clone_from(self);
        copy
    }

    /// Keeps the memory it has. What the latest commit changed is not copied.
    fn clone_from(&mut self, other: &Self) {
        let Self { scenario, jobs, books, changes, checks, failures, lag } = self;
        *scenario = other.scenario;
        jobs.clone_from(&other.jobs);
        books.clone_from(&other.books);
        changes.clear();
        checks.clone_from(&other.checks);
        failures.clone_from(&other.failures);
        *lag = other.lag;
    }
}

impl<'s> Judge<'s> {
    /// A judge over the jobs of a scenario, with empty books.
    #[must_use]
    pub fn new(scenario: &'s Scenario) -> Self {
        let mut judge = Self {
            scenario,
            jobs: Vec::new(),
            books: Books::default(),
            changes: Changes::default(),
            checks: Checks::default(),
            failures: Vec::new(),
            lag: scenario.lateness(),
        };
        let jobs: Vec<ScenarioJob> = scenario.jobs.clone();
        judge.begin(jobs.into_iter());
        judge
    }

    /// How much later than its deadline a run may settle: how late the host's ticks come at worst.
    pub const fn allow_lag(&mut self, lag: Span) {
        self.lag = lag;
    }

    /// The gateway hears everything twice, and is shown to hear it once.
    pub(crate) const fn hears_twice(&mut self) {
        self.checks.hears_twice();
    }

    /// Starts over with these jobs, keeping the memory.
    pub(crate) fn begin(&mut self, jobs: impl Iterator<Item = ScenarioJob>) {
        let first = |job: &Job| job.schedule.next_after(self.scenario.begins.plus_millis(-1));
        self.jobs.clear();
        self.books.open();
        self.checks.clear();
        for planned in jobs {
            let job = planned.job;
            let row = JobRow { status: planned.status, ..JobRow::new(job.id, 1, first(&job)) };
            self.jobs.push((job, row));
            if planned.declared {
                self.books.declare(job, row);
                self.checks.open(&job, &row, self.scenario);
            }
        }
        self.failures.clear();
    }

    /// Makes a commit durable and judges it. A gap is not applied; a repeat changes nothing and is not judged again.
    pub fn commit(&mut self, at: Mono, commit: &Commit) -> Answer {
        self.commit_of(self.scenario.reading(at), at, commit)
    }

    /// [`Self::commit`] for a store that takes its time: the tick that said it was at `said`, it is
    /// durable at `at`. How late a run settled is measured by the tick, not by the store.
    pub fn commit_of(&mut self, said: Now, at: Mono, commit: &Commit) -> Answer {
        let durable = self.books.last_commit;
        let answer = self.books.apply(said, commit, &mut self.changes);
        // What is sent again when later ones are durable would be judged against books that say more than it does.
        if self.books.last_commit > durable {
            let scene = Scene {
                at,
                said: self.books.taken(commit.epoch, said),
                books: &self.books,
                changes: &self.changes,
                commit,
                index: None,
                labels: Labels::new(self.scenario, &self.jobs),
                lag: self.lag,
            };
            self.checks.commit(&mut self.failures, &scene);
        }
        answer
    }

    /// A host takes the store over: commits of older epochs are refused from now on.
    pub const fn claim(&mut self, epoch: u64) {
        self.books.epoch = epoch;
    }

    /// A gateway comes, at this reading of the clocks, and from now on the store is its own.
    pub(crate) fn begins_on(&mut self, epoch: u64, now: Now) {
        self.claim(epoch);
        self.books.begin(epoch, now);
    }

    /// Hears what the gateway is told, before it answers. A host that does not show it has its books
    /// believed where a turn's own word would be better.
    pub fn hear(&mut self, inputs: &[Input]) {
        self.checks.hear(None, true, inputs, &self.books, &self.scenario.config);
    }

    /// [`Self::hear`] where the wall clock may have stepped: `now` is the reading of the tick. Says whether the gateway
    /// of this epoch takes it for a step.
    pub(crate) fn hear_on(&mut self, epoch: u64, now: Now, inputs: &[Input]) -> bool {
        let (taken, steps) = self.books.hear(epoch, now, inputs);
        let owns = epoch == self.books.epoch;
        self.checks.hear(Some(taken), owns, inputs, &self.books, &self.scenario.config);
        steps
    }

    /// Judges an effect that leaves; what is durable by now decides.
    pub fn effect(&mut self, at: Mono, effect: &Effect) {
        self.says(at, effect);
        self.left(at, effect);
    }

    /// Judges an effect that is to leave; the process may still die before it does.
    pub(crate) fn says(&mut self, at: Mono, effect: &Effect) {
        let labels = Labels::new(self.scenario, &self.jobs);
        let departure = Departure { at, effect, books: &self.books, labels: &labels };
        self.checks.effect(&mut self.failures, &departure);
    }

    /// Judges an effect that has left.
    pub(crate) fn left(&mut self, at: Mono, effect: &Effect) {
        let labels = Labels::new(self.scenario, &self.jobs);
        let departure = Departure { at, effect, books: &self.books, labels: &labels };
        self.checks.left(&mut self.failures, &departure, self.lag);
    }

    /// A tick of the gateway of this epoch says this commit, or none, and perhaps that it steps down; what leaves with it is
    /// judged by that.
    pub(crate) fn tick_says(&mut self, epoch: u64, commit: Option<u64>, steps_down: bool) {
        if epoch == self.books.epoch {
            self.checks.tick_says(commit, steps_down);
        }
    }

    /// Whether a run waits, by what is durable.
    #[inline]
    pub(crate) fn has_waiters(&self) -> bool {
        self.checks.has_waiters()
    }

    /// A tick of who owns the store is over, with this commit or none, and every commit of that gateway is durable: whoever
    /// waits now has to. A tick that only takes over what a store holds is no such tick, for nothing begins in it.
    ///
    /// A host that says so shows what its gateway hears, too ([`Self::hear`]).
    pub fn tick_is_over(&mut self, at: Mono, commit: Option<u64>) {
        if self.checks.has_waiters() {
            let labels = Labels::new(self.scenario, &self.jobs);
            self.checks.tick_is_over(&mut self.failures, at, commit, &self.books, &labels, self.lag);
        }
    }

    /// A turn does nothing for a while, and cannot be asked to stop.
    pub(crate) fn stands_still(&mut self, run: RunId) {
        self.checks.alive.asked_at(run, Mono::default());
    }

    /// A turn ended without a word.
    pub(crate) fn is_gone(&mut self, run: RunId) {
        self.checks.alive.bury(run);
    }

    /// Subscribers whose place in the stream is `cursor` take an event in.
    pub(crate) fn resumes_with(&mut self, at: Mono, cursor: u64, offset: u64, event: &LifecycleEvent) {
        let labels = Labels::new(self.scenario, &self.jobs);
        crate::check::resumed_after(&mut self.failures, at, cursor, offset, event, &labels);
    }

    /// Hears that a gateway came back: what it waits for, and its first tick, before that is carried
    /// out.
    pub fn restarted(&mut self, at: Mono, waiting: &[Waiting], first: &Tick) {
        self.restarted_on(self.scenario.reading(at), waiting, first);
    }

    /// [`Self::restarted`] where the wall clock may have stepped.
    pub(crate) fn restarted_on(&mut self, now: Now, waiting: &[Waiting], first: &Tick) {
        self.books.come_back(now);
        let labels = Labels::new(self.scenario, &self.jobs);
        let back = Restarted { at: now.mono, wall: now.wall, books: &self.books, labels, waiting, first };
        self.checks.restarted(&mut self.failures, &back);
    }

    /// Judges what is left when nothing can happen any more. `heard` is the offset below which the
    /// subscribers have every event.
    pub fn rest(&mut self, at: Mono, waiting: &[Waiting], heard: u64) {
        self.end(at, waiting, heard, Ending::Rested, false);
    }

    /// `awake` tells whether somebody owns the store who would do what is to be done until the world ends, and has said
    /// all that there is to say, and nothing that is not durable.
    pub(crate) fn end(&mut self, at: Mono, waiting: &[Waiting], heard: u64, ending: Ending, awake: bool) {
        // As the owner tells it: of a step that nobody has read nobody knows. A late tick may have read one since.
        let told = |at| self.books.taken(self.books.epoch, self.scenario.reading(at)).wall;
        let ends = Mono::default() + self.scenario.until;
        let reached = awake.then(|| told(ends).min(told(ends.max(at))));
        let (books, labels) = (&self.books, &Labels::new(self.scenario, &self.jobs));
        let rest = Rest { at, books, labels, waiting, ending, lag: self.lag, heard, reached };
        self.checks.rest(&mut self.failures, &rest);
    }

    /// The free slots of each lane that has one.
    pub(crate) fn free_slots(&self) -> Vec<Probe> {
        self.checks.free_slots(&self.scenario.config)
    }

    /// Judges what became of runs that asked for free slots.
    pub(crate) fn probed(&mut self, at: Mono, probe: Probe) {
        let labels = Labels::new(self.scenario, &self.jobs);
        self.checks.probed(&mut self.failures, at, probe, &labels);
    }

    /// Writes down all that decides what it will say.
    pub(crate) fn write_state(&self, out: &mut impl std::fmt::Write) -> std::fmt::Result {
        write!(out, "{:?}{:?}", self.jobs, self.books)?;
        self.checks.write_state(out)
    }

    /// Adds a failure found elsewhere.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    /// What broke so far.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// What is durable.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// What the latest commit changed; nothing in a copy that has not judged one itself.
    #[must_use]
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The jobs, each with its first occurrence.
    #[must_use]
    pub fn jobs(&self) -> &[(Job, JobRow)] {
        &self.jobs
    }

    /// What people call things.
    #[must_use]
    pub fn labels(&self) -> Labels<'_> {
        Labels::new(self.scenario, &self.jobs)
    }
}
