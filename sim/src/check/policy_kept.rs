//! What becomes of an occurrence is what its job's policies say. What follows when a run is over is in `sequel.rs`.
//!
//! Judged by what the books show before and after a commit, so an occurrence and an end that meet in one tick get the
//! benefit of the doubt.

use std::collections::BTreeSet;

use educe::Educe;
use sametick_core::commit::{LedgerRow, Unran};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Report};
use sametick_core::id::{JobId, RunId};
use sametick_core::job::{CatchUp, Job, Overlap};
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Mono, Now, Wall};

use super::jobs_end::WhatWasAsked;
use super::rooms::Rooms;
use super::sequel::Sequels;
use super::statuses::Statuses;
use super::unran::{Before, wrong_reason};
use super::unspoken::Unspoken;
use super::{CheckName, Departure, Failure, Scene, cancelled, jobs_end, statuses};
use crate::books::Books;
use crate::changes::RunChange;
use crate::lines::{ROUNDING_MS, span_ms};

pub(super) const SENTENCE: &str = "an occurrence runs, waits, is skipped or is tried again as its job's policies say, and for the \
     reason that is told; and a child belongs to the run that asked for it, and ends with it";
pub(super) const FIELD: &[&str] =
    &["#12440", "#10201", "#13992", "#17852", "#18917", "#91775", "#138499", "#131490"];

/// What is open of each job, and what was asked for that no commit has spoken of yet.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Policies {
    open: Vec<Vec<RunId>>,
    asked: Vec<(u64, RunId)>,
    /// Jobs that somebody paused, disabled or resumed, each with the tick that heard of it, of those that no commit has
    /// spoken of yet.
    told: Unspoken<JobId>,
    /// Those among them that were resumed, each with the instant.
    resumed: Unspoken<(JobId, Mono)>,
    /// Jobs that somebody added.
    added: Unspoken<JobId>,
    /// Jobs that somebody edited.
    edited: Unspoken<JobId>,
    /// The first instant of the gateway that came back last.
    back: Mono,
    sequels: Sequels,
    cancels: cancelled::Asked,
    statuses: Statuses,
}

impl Policies {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.open.iter_mut().for_each(Vec::clear);
        self.asked.clear();
        self.told.clear();
        self.added.clear();
        self.edited.clear();
        self.resumed.clear();
        self.back = Mono::default();
        self.sequels.clear();
        self.cancels.clear();
        self.statuses.clear();
    }

    /// A gateway begins: what the one before it was asked for and did not say any more is not to be.
    pub(super) fn restarted(&mut self, at: Mono) {
        self.back = at.tick_after();
        self.asked.clear();
        self.told.clear();
        self.added.clear();
        self.edited.clear();
        self.resumed.clear();
        self.sequels.restarted();
        self.cancels.clear();
        self.statuses.clear();
    }

    /// What the owner hears in a tick with commands, answers of turns among it: who asks for what.
    /// `has_room` tells whether the store has room for a commit, so that nothing is refused for that.
    pub(super) fn hear(&mut self, now: Option<Now>, inputs: &[Input], has_room: bool, books: &Books) {
        for input in inputs {
            let tick = now.map_or(input.at, |now| now.mono);
            if let InputKind::Report { run, report: Report::Completed(_) } = input.kind
                && now.is_some_and(|now| now.mono == input.at)
            {
                self.cancels.answered.hear(run, tick);
            }
            let InputKind::Command { ticket, ref command } = input.kind else { continue };
            self.statuses.hear(ticket, command, tick);
            match *command {
                Command::Spawn { parent, .. } => self.asked.push((ticket, parent)),
                Command::Disable(job) => {
                    self.sequels.disabled(job, tick);
                    self.told.hear(job, tick);
                }
                Command::Pause(job) => self.told.hear(job, tick),
                Command::Resume(job) => {
                    self.told.hear(job, tick);
                    // Whoever asked before the gateway was back is heard by the one that is.
                    self.resumed.hear((job, input.at.max(self.back)), tick);
                }
                Command::Cancel(run) => {
                    self.cancels.runs.hear(run, tick);
                    if books.is_settled(run) {
                        self.cancels.of_over.push((ticket, run));
                    }
                    if has_room && now.is_some_and(|now| now.mono == input.at) {
                        self.cancels.at_once.hear(run, tick);
                    }
                }
                Command::Remove(job) => self.cancels.jobs.hear(job, tick),
                Command::Add(ref job) => self.added.hear(job.id, tick),
                Command::Edit(ref job) => self.edited.hear(job.id, tick),
                Command::RunNow(_) => {}
            }
        }
    }

    /// A reply leaves: the run it speaks of is a child of who asked.
    pub(super) fn judge_reply(&mut self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        let Departure { at, effect, books, labels } = *departure;
        let Effect::Reply { ticket, reply } = *effect else { return };
        self.statuses.judge_reply(failures, departure);
        self.cancels.judge_reply(failures, departure);
        let Some(place) = self.asked.iter().position(|(asked, _)| *asked == ticket) else { return };
        let (_, parent) = self.asked.swap_remove(place);
        let Ok(Accepted::Run(run)) = reply else { return };
        if books.run(run).is_some_and(|row| row.parent != Some(parent)) {
            let message = format!(
                "{} asked for {} and waits for it, and the record of that names another parent or none: it waits for a \
                 slot that its own parent holds, and goes on when that is over",
                labels.run(parent),
                labels.run(run)
            );
            failures.push(Failure { check: CheckName::PolicyKept, at, run: Some(run), message });
        }
    }

    /// What became durable; `back` is the wall time of a restart whose first commit this is, and `shown` the latest that the
    /// wall clock showed to a tick that the commit speaks of. `rooms` is what room the lanes had before it.
    pub(super) fn judge(
        &mut self,
        failures: &mut Vec<Failure>,
        scene: &Scene<'_>,
        back: Option<Wall>,
        shown: Wall,
        rooms: &Rooms,
    ) {
        let mut broken = |run: Option<RunId>, message: String| {
            failures.push(Failure { check: CheckName::PolicyKept, at: scene.at, run, message });
        };
        // The jobs that missed something as a tick came late.
        let mut late = BTreeSet::new();
        for RunChange { after: row, .. } in scene.changes.new_runs() {
            if let Some(what) = wrong_attempt(row, scene) {
                broken(Some(row.id), format!("{} {what}", scene.labels.run(row.id)));
            }
            if row.id.attempt == 1
                && let Some(job) = declared(row.id.job, row.id.generation, scene)
            {
                if let Some(what) = self.wrong_run(row, job, scene) {
                    broken(Some(row.id), format!("{} {what}", scene.labels.run(row.id)));
                }
                if is_first(row) && back.is_none() && row.id.due < Missed::late(job, scene.said.wall).before {
                    late.insert(job.id);
                }
            }
        }
        for (before, row) in &scene.changes.ledger {
            let grew = before.is_none_or(|before| before.count != row.count);
            if grew && let Some(job) = declared(row.job, row.generation, scene) {
                let (is_told, resumed) = (self.is_told(row.job, scene), self.resumed_at(row.job, scene));
                let before = Before { open: &self.open, is_told, resumed, rooms };
                if let Some(what) = wrong_end(row, job).or_else(|| wrong_reason(row, job, before, scene)) {
                    let (name, when) = (scene.labels.job(row.job), scene.labels.wall(row.last));
                    broken(None, format!("what was due of {name} at {when} {what}"));
                }
                if back.is_none() && row.end == Unran::Missed {
                    late.insert(job.id);
                }
            } else if grew && is_told_of_a_pause(row, scene) && !self.is_told(row.job, scene) {
                let (name, when) = (scene.labels.job(row.job), scene.labels.wall(row.last));
                broken(
                    None,
                    format!(
                        "what was due of {name} at {when} is superseded by an edit, and was due while the job was paused: no \
                         edit took anything away"
                    ),
                );
            }
        }
        if back.is_some() || !late.is_empty() {
            let mut ledger: Vec<&LedgerRow> = scene.changes.ledger.iter().map(|(_, row)| row).collect();
            ledger.sort_by_key(|row| row.job);
            for (job, _) in scene.books.jobs.iter().flatten() {
                let missed = match back {
                    Some(back) => Missed::down(back),
                    None if late.contains(&job.id) => {
                        Missed { latest: shown, ..Missed::late(job, scene.said.wall) }
                    }
                    None => continue,
                };
                if let Some(what) = self.wrong_catch_up(job, missed, &ledger, rooms, scene) {
                    broken(None, format!("{} {what}", scene.labels.job(job.id)));
                }
            }
        }
        self.follow(scene);
        let open = &self.open;
        let open = |job: JobId| open.get(job.index()).map_or(&[][..], Vec::as_slice);
        let told = &self.told;
        let is_told = |job: JobId| told.has_by(&job, scene.said.mono);
        self.sequels.judge(failures, scene, open, is_told);
        let said = scene.said.mono;
        jobs_end::judge_gone(failures, scene, open, |job| WhatWasAsked {
            removed: self.cancels.jobs.has_by(&job, said),
            declared: self.added.has_by(&job, said) || self.edited.has_by(&job, said),
            told: self.told.has_by(&job, said),
        });
        let goes = |job: JobId| self.cancels.jobs.has_by(&job, said) || self.edited.has_by(&job, said);
        statuses::judge_lives(failures, scene, goes);
        self.cancels.judge(failures, scene, is_told);
        self.statuses.judge(failures, scene, is_told);
        jobs_end::judge(failures, scene, open);
        self.told.spoken(scene.said.mono);
        self.added.spoken(scene.said.mono);
        self.edited.spoken(scene.said.mono);
        self.resumed.spoken(scene.said.mono);
    }

    fn is_told(&self, job: JobId, scene: &Scene<'_>) -> bool {
        self.told.has_by(&job, scene.said.mono)
    }

    /// When somebody resumed a job, of which nobody asked anything else meanwhile.
    fn resumed_at(&self, job: JobId, scene: &Scene<'_>) -> Option<Mono> {
        let said = scene.said.mono;
        let once = self.told.by(said).filter(|told| **told == job).count() == 1;
        let mut resumed = self.resumed.by(said).filter(|(resumed, _)| *resumed == job);
        resumed.next().map(|(_, at)| *at).filter(|_| once)
    }

    /// What is open of each job, as of this commit.
    fn follow(&mut self, scene: &Scene<'_>) {
        for RunChange { before, after: row, .. } in &scene.changes.runs {
            let place = row.id.job.index();
            if self.open.len() <= place {
                self.open.resize(place + 1, Vec::new());
            }
            if before.is_none() {
                self.open[place].push(row.id);
            }
            if row.is_closed() {
                self.open[place].retain(|run| *run != row.id);
            }
        }
    }

    fn open_of(&self, job: JobId) -> &[RunId] {
        self.open.get(job.index()).map_or(&[], Vec::as_slice)
    }

    /// What is wrong with a new run, beside those that were open before it and still are.
    fn wrong_run(&self, row: &RunRow, job: &Job, scene: &Scene<'_>) -> Option<String> {
        let same = |run: &&RunId| run.generation == row.id.generation;
        let others = || self.open_of(row.id.job).iter().filter(same).filter_map(|run| scene.books.run(*run));
        let still = || others().filter(|other| !other.is_closed());
        let was_waiting = |other: &&RunRow| {
            let before = scene.look_up().run(other.id).and_then(|change| change.before.as_ref());
            let before = before.map_or(other.state, |before| before.state);
            before == RunState::Queued
        };
        let waiting = || still().filter(|other| other.state == RunState::Queued).filter(was_waiting);
        let name = |other: &RunRow| scene.labels.run(other.id);
        match job.overlap {
            Overlap::Allow => None,
            Overlap::Skip => still().next().map(|other| {
                format!("is taken up while {} is open, and its job skips what is due then", name(other))
            }),
            Overlap::BufferOne => waiting().next().map(|other| {
                format!("waits although {} waits already, and its job lets one wait", name(other))
            }),
            Overlap::BufferAll(most) => {
                let count = waiting().count();
                (count >= most as usize && still().next().is_some()).then(|| {
                    format!("comes while {count} others wait and one is open, and its job lets {most} wait")
                })
            }
            Overlap::CancelOther => {
                let goes_on = still().find(|other| !matches!(other.state, RunState::Settled(_)));
                goes_on.map(|other| {
                    format!(
                        "takes the place of what is open of its job, and {} is not cancelled for it",
                        name(other)
                    )
                })
            }
        }
    }

    /// What is wrong with what a gateway made of what its job missed. `ledger` is what was skipped, in the order of jobs.
    fn wrong_catch_up(
        &self,
        job: &Job,
        missed: Missed,
        ledger: &[&LedgerRow],
        rooms: &Rooms,
        scene: &Scene<'_>,
    ) -> Option<String> {
        let is_new = |change: &&RunChange| change.before.is_none();
        let new = || scene.look_up().runs_of(job.id).filter(is_new).map(|change| &change.after);
        let is_missed = |run: &&RunRow| is_first(run) && run.id.due < missed.before;
        let taken = || new().filter(is_missed).map(|run| run.id);
        let count = taken().count() as u64;
        let most = match job.catch_up {
            CatchUp::Skip => 0,
            CatchUp::One => 1,
            CatchUp::All(most) => u64::from(most),
        };
        if count > most {
            return Some(format!(
                "runs {count} occurrences that it missed, and catches up on {most} at most"
            ));
        }
        let window = job.catch_up_window.map(span_ms);
        // What is within the rounding of the window's edge may be caught up on or not.
        let edge = |now: Wall, room: i64| {
            window.map(|window| now.plus_millis(window.saturating_add(room).saturating_neg()))
        };
        let (oldest, surely) = (edge(missed.now, ROUNDING_MS), edge(missed.latest, -ROUNDING_MS));
        if let Some(run) = taken().find(|run| oldest.is_some_and(|oldest| run.due < oldest)) {
            return Some(format!(
                "runs what it missed at {}, and catches up on nothing that old",
                scene.labels.wall(run.due)
            ));
        }
        let first = ledger.partition_point(|row| row.job < job.id);
        let given_up = ledger[first..]
            .iter()
            .take_while(|row| row.job == job.id)
            .any(|row| row.end == Unran::Missed && row.last < missed.latest && Some(row.last) >= surely);
        // Who comes in a late tick may have come before that.
        let came = missed.is_late && new().count() as u64 > count;
        let free = self.open_of(job.id).is_empty() && !came && rooms.had_room(job, scene);
        (given_up && count < most && free).then(|| {
            let why = if missed.is_late { "as its tick came late" } else { "while no gateway ran" };
            format!(
                "leaves out what it missed {why}, though it catches up on {most} and nothing of it is open"
            )
        })
    }
}

/// Which occurrences of a job are missed.
#[derive(Clone, Copy)]
struct Missed {
    /// Those that were due before this.
    before: Wall,
    /// How old they are counts from here, or from somewhere until `latest` where they were written down in an earlier tick.
    now: Wall,
    latest: Wall,
    is_late: bool,
}

impl Missed {
    /// A gateway comes back.
    const fn down(back: Wall) -> Self {
        Self { before: back, now: back, latest: back, is_late: false }
    }

    /// A tick comes late.
    fn late(job: &Job, now: Wall) -> Self {
        let late = span_ms(job.misfire_after);
        let before = now.plus_millis(late.saturating_neg());
        Self { before, now, latest: now, is_late: true }
    }
}

/// The first attempt at an occurrence.
const fn is_first(row: &RunRow) -> bool {
    row.id.asked == 0 && row.id.attempt == 1
}

/// What is wrong with a run that is another attempt: it is at what the one before it was at, for whom that was, and its job
/// is there.
fn wrong_attempt(row: &RunRow, scene: &Scene<'_>) -> Option<&'static str> {
    let before = RunId { attempt: row.id.attempt.saturating_sub(1), ..row.id };
    let before = scene.books.run(before).filter(|_| row.id.attempt > 1)?;
    let own = scene.books.job(row.id.job).is_some_and(|(_, own)| own.generation == row.id.generation);
    if !own && row.state.outcome().is_none() {
        Some("is another attempt for a job that was removed meanwhile: nobody wants it any more")
    } else if before.parent != row.parent {
        Some("is another attempt, and its record names another parent than the one before it did, or none")
    } else if before.agent != row.agent {
        Some("is another attempt, and its record names another agent than the one before it did")
    } else {
        None
    }
}

/// Whether the commit says of what was due in a pause that an edit superseded it.
fn is_told_of_a_pause(row: &LedgerRow, scene: &Scene<'_>) -> bool {
    let before = scene.look_up().job(row.job).and_then(|(before, _)| *before);
    row.end == Unran::Superseded
        && before.is_some_and(|before| before.generation == row.generation && !before.status.is_active())
}

/// A job as it was declared before this commit and still is.
fn declared<'a>(job: JobId, generation: u32, scene: &Scene<'a>) -> Option<&'a Job> {
    let (declared, row) = scene.books.job(job)?;
    let edited = scene.commit.declared.iter().any(|edited| edited.id == job);
    (row.generation == generation && !edited).then_some(declared)
}

/// What is wrong with an end in the ledger, whatever was open then.
fn wrong_end(row: &LedgerRow, job: &Job) -> Option<&'static str> {
    match (row.end, job.overlap, job.catch_up) {
        (Unran::Overlap, Overlap::BufferOne | Overlap::CancelOther | Overlap::Allow, _) => {
            Some("is skipped because a run was open, and its job skips nothing for that")
        }
        (
            Unran::Coalesced,
            Overlap::Skip | Overlap::BufferAll(_) | Overlap::CancelOther | Overlap::Allow,
            catch_up,
        ) if catch_up != CatchUp::One => {
            Some("is coalesced into another, and its job lets every occurrence stand for itself")
        }
        (
            Unran::Overlap
            | Unran::Coalesced
            | Unran::Missed
            | Unran::Superseded
            | Unran::Paused
            | Unran::LaneFull,
            _,
            _,
        ) => None,
    }
}
