//! Nobody is refused without cause.
//!
//! Judged where the books show all that the owner has said, and in ticks that change nothing: there it is known what a
//! command found. What changes in the tick may have come before it.

use educe::Educe;
use sametick_core::effect::{Command, Effect, Input, InputKind, Refusal};
use sametick_core::id::{JobId, RunId, SessionKey};
use sametick_core::job::{Job, Overlap, Target};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Now, Wall};

use super::rooms::room_in;
use super::slots::{Slots, lane_of, lane_of_terms};
use super::waiters::Waiters;
use super::{CheckName, Departure, Failure};
use crate::lines::{ROUNDING_MS, millis};
use crate::oracle::Next;

/// What the owner was asked for, and has not replied to.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct Refusals {
    /// In its latest tick.
    asked: Vec<(u64, Command)>,
    /// Before.
    earlier: Vec<u64>,
    /// What the wall clock showed to that tick.
    now: Option<Wall>,
    /// Whether it heard of no answer of the store in that.
    hears_no_answer: bool,
    /// The latest commit that it has said, where that tick has none; nothing where nobody shows what a tick says.
    said: Option<u64>,
}

impl Refusals {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.earlier.clear();
        (self.now, self.said) = (None, None);
    }

    /// What the owner hears in a tick.
    pub(super) fn hear(&mut self, now: Option<Now>, inputs: &[Input]) {
        self.earlier.extend(self.asked.drain(..).map(|(ticket, _)| ticket));
        self.said = None;
        self.now = now.map(|now| now.wall);
        self.hears_no_answer = !inputs.iter().any(|input| matches!(input.kind, InputKind::Answer { .. }));
        self.asked.extend(inputs.iter().filter_map(|input| match &input.kind {
            InputKind::Command { ticket, command } => Some((*ticket, command.clone())),
            InputKind::Answer { .. }
            | InputKind::Renewal { .. }
            | InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => None,
        }));
    }

    /// Whether the tick changes nothing, since the latest commit.
    pub(super) fn says(&mut self, changes_nothing: bool, latest: u64) {
        self.said = changes_nothing.then_some(latest);
    }

    /// A reply left.
    pub(super) fn left(&mut self, effect: &Effect) {
        if let Effect::Reply { ticket, .. } = effect {
            self.asked.retain(|(asked, _)| asked != ticket);
            self.earlier.retain(|asked| asked != ticket);
        }
    }

    /// A refusal is to leave. `has_room` tells whether fewer commits are open than may be.
    pub(super) fn judge(
        &self,
        failures: &mut Vec<Failure>,
        departure: &Departure<'_>,
        (slots, waiters): (&Slots, &Waiters),
        has_room: bool,
    ) {
        let Departure { at, effect, books, .. } = *departure;
        let Effect::Reply { ticket, reply: Err(refusal) } = *effect else { return };
        let (what, wrong) = if self.earlier.contains(&ticket) {
            let wrong = "it was heard in an earlier tick, and what that did may be durable";
            ("a command".to_owned(), Some(wrong))
        } else {
            let Some((said, now)) = self.said.zip(self.now) else { return };
            let Some((_, command)) = self.asked.iter().find(|(asked, _)| *asked == ticket) else { return };
            let scene = Found { departure, slots, waiters, now };
            let wrong = if refusal == Refusal::StoreBehind {
                (self.hears_no_answer && has_room).then_some("fewer commits are open than may be")
            } else if books.last_commit < said {
                None
            } else {
                scene.contradicts(command, refusal)
            };
            (named(command, departure), wrong)
        };
        if let Some(wrong) = wrong {
            let message = format!("{what} is refused ({refusal}), and {wrong}");
            failures.push(Failure { check: CheckName::CommandsKept, at, run: None, message });
        }
    }
}

/// What a command found.
struct Found<'a> {
    departure: &'a Departure<'a>,
    slots: &'a Slots,
    waiters: &'a Waiters,
    now: Wall,
}

impl Found<'_> {
    /// What speaks against a refusal.
    fn contradicts(&self, command: &Command, refusal: Refusal) -> Option<&'static str> {
        let books = self.departure.books;
        match (refusal, command) {
            (Refusal::JobExists, Command::Add(job)) => {
                books.job(job.id).is_none().then_some("no such job is declared")
            }
            (Refusal::NoSuchJob, _) => {
                job_of(command).is_some_and(|job| books.job(job).is_some()).then_some("the job is declared")
            }
            (Refusal::NeverDue, Command::Add(job) | Command::Edit(job)) => {
                self.is_due(job).then_some("it is due after that")
            }
            (Refusal::NoSuchLane, Command::Add(job) | Command::Edit(job)) => {
                let lanes = self.departure.labels.scenario().config.lanes.len();
                (job.terms.lane.index() < lanes).then_some("its lane is there")
            }
            (Refusal::LaneFull, Command::Spawn { .. }) => {
                Some("it shares the slot of the run that asks for it")
            }
            (Refusal::LaneFull, Command::RunNow(job)) => {
                self.has_room(*job).then_some("its lane has room for it")
            }
            (Refusal::Overlaps, Command::RunNow(job) | Command::Spawn { job, .. }) => {
                self.is_admitted(*job).then_some("its job's overlap policy lets it come")
            }
            (Refusal::Deadlock, Command::Spawn { job, .. }) => {
                self.is_held(*job).is_some_and(|held| !held).then_some("nobody holds what it needs")
            }
            (Refusal::NoSuchRun, Command::Cancel(run)) => {
                let open = |row: &RunRow| row.state.phase().is_some();
                books.run(*run).is_some_and(open).then_some("the run is not over")
            }
            (Refusal::NoSuchRun, Command::Spawn { parent, .. }) => {
                let at_work = |row: &RunRow| matches!(row.state, RunState::Starting | RunState::Running);
                books.run(*parent).is_some_and(at_work).then_some("the run that asks for it is at work")
            }
            // Whether a lease holds is for others to judge.
            (Refusal::NotOwner | Refusal::StoreBehind, _) => None,
            (
                Refusal::JobExists
                | Refusal::NeverDue
                | Refusal::NoSuchLane
                | Refusal::LaneFull
                | Refusal::Overlaps
                | Refusal::Deadlock
                | Refusal::NoSuchRun,
                _,
            ) => Some("that is no answer to what was asked"),
        }
    }

    /// Whether a job is due, and not only as good as now.
    fn is_due(&self, job: &Job) -> bool {
        let met = self.departure.books.job(job.id).and_then(|(_, row)| row.last_due);
        let from = met.map_or(self.now, |met| met.max(self.now)).plus_millis(ROUNDING_MS);
        let dues = self.departure.labels.scenario().dues(&job.schedule);
        dues.is_some_and(|dues| matches!(dues.after(from), Next::At(_)))
    }

    /// Whether a lane has room for a run of a job: a place, or that of a waiter that it replaces.
    fn has_room(&self, id: JobId) -> bool {
        let Departure { books, labels, .. } = *self.departure;
        let config = &labels.scenario().config;
        let Some((job, _)) = books.job(id) else { return false };
        let lane = lane_of_terms(&job.terms, config);
        let has_a_place = |run: &RunId| {
            let row = books.run(*run).filter(|row| row.parent.is_none());
            let enters = self.waiters.get(*run).filter(|waiter| waiter.backs_off).map(|waiter| waiter.since);
            let is_in = enters.is_none_or(|enters| enters + ROUNDING_MS < millis(self.departure.at));
            row.is_some() && is_in && lane_of(*run, books, config) == lane
        };
        room_in(lane, self.slots, self.waiters, config) > 0
            || job.overlap == Overlap::CancelOther && self.waiting_of(id).any(|run| has_a_place(&run))
    }

    /// Whether a job's overlap policy lets another run of it come.
    fn is_admitted(&self, id: JobId) -> bool {
        let books = self.departure.books;
        let Some((job, _)) = books.job(id) else { return false };
        let is_open = || books.runs.values().any(|book| book.row.id.job == id && !book.row.is_closed());
        let waiting = self.waiting_of(id).count();
        match job.overlap {
            Overlap::Allow | Overlap::CancelOther => true,
            Overlap::Skip => !is_open(),
            Overlap::BufferOne => waiting == 0,
            Overlap::BufferAll(most) => waiting < most as usize || !is_open(),
        }
    }

    /// Whether anybody holds the job or the session that a child needs.
    fn is_held(&self, id: JobId) -> Option<bool> {
        let books = self.departure.books;
        let (job, _) = books.job(id)?;
        let key = SessionKey::Main { agent: job.agent };
        let in_session = job.terms.target == Target::Main && self.slots.gates.holds_session(key, None, books);
        Some(in_session || job.terms.alone && self.slots.gates.holds_job(id, None, books))
    }

    fn waiting_of(&self, id: JobId) -> impl Iterator<Item = RunId> {
        self.waiters.all().map(|(run, _)| *run).filter(move |run| run.job == id)
    }
}

/// The job that a command is about.
fn job_of(command: &Command) -> Option<JobId> {
    match command {
        Command::Add(job) | Command::Edit(job) => Some(job.id),
        Command::Remove(job)
        | Command::Pause(job)
        | Command::Disable(job)
        | Command::Resume(job)
        | Command::RunNow(job)
        | Command::Spawn { job, .. } => Some(*job),
        Command::Cancel(_) => None,
    }
}

/// What was asked for.
fn named(command: &Command, departure: &Departure<'_>) -> String {
    let labels = departure.labels;
    let job = |id: JobId| labels.scenario().job_name(id.0).to_owned();
    match command {
        Command::Add(new) => format!("adding {}", job(new.id)),
        Command::Edit(new) => format!("editing {}", job(new.id)),
        Command::Remove(id) => format!("removing {}", job(*id)),
        Command::Pause(id) => format!("pausing {}", job(*id)),
        Command::Disable(id) => format!("disabling {}", job(*id)),
        Command::Resume(id) => format!("resuming {}", job(*id)),
        Command::RunNow(id) => format!("a run of {} now", job(*id)),
        Command::Spawn { parent, job: id } => format!("a run of {} for {}", job(*id), labels.run(*parent)),
        Command::Cancel(run) => format!("cancelling {}", labels.run(*run)),
    }
}
