//! What the scenario's timeline does to a world.

use sametick_core::Machine;
use sametick_core::effect::{Command, InputKind};
use sametick_core::id::{JobId, RunId};
use sametick_core::job::Job;
use sametick_core::time::{Mono, Span};

use super::World;
use crate::agenda::What;
use crate::scenario::{EventKind, JobCommand, RunPattern};

impl<M: Machine> World<'_, M> {
    /// The nth event of the timeline happens; says which host it kills, and how long that is down.
    pub(super) fn befall(&mut self, place: usize, at: Mono, ticket: u64) -> Option<(usize, Span)> {
        let scenario = self.scenario;
        let kind = match scenario.timeline[place].kind {
            EventKind::Crash { host, down } => {
                return Some((host.unwrap_or(self.owner), self.script.event_down(place, down, self.now)));
            }
            EventKind::Freeze { host, lasts } => {
                self.freeze(host, self.script.event_lasts(place, lasts, self.now));
                return None;
            }
            EventKind::Cut { host, lasts } => {
                self.cut(host, self.script.event_lasts(place, lasts, self.now));
                return None;
            }
            EventKind::SubscribersDie { lasts } => {
                self.audience_dies(self.script.event_lasts(place, lasts, self.now));
                return None;
            }
            EventKind::Takeover { host } => {
                self.agenda.plan(at, What::Takeover { host });
                return None;
            }
            EventKind::Clock { low, high, noticed } => {
                self.stepped = self.stepped.saturating_add(self.script.event_step(place, low, high));
                self.agenda.plan(at + self.script.event_lasts(place, noticed, at), What::ClockRead);
                return None;
            }
            EventKind::Foreign { lasts } if self.hosts[self.owner].up => {
                let (key, turn, host) = (scenario.main_session(), place as u64, self.owner);
                let ends = at + self.script.event_lasts(place, lasts, at);
                self.agenda.plan(ends, What::ForeignEnds { key, turn, host });
                self.hosts[host].foreign.push((key, turn));
                InputKind::Foreign { key, turn, began: true }
            }
            EventKind::Foreign { .. } => return None,
            EventKind::Cancel(pattern) => self.command(ticket, self.run_named(pattern).map(Command::Cancel)?),
            EventKind::Spawn { job, parent } => {
                let command = |parent| Command::Spawn { parent, job: JobId(job) };
                self.command(ticket, self.run_named(parent).map(command)?)
            }
            EventKind::Edit { job, like } => {
                let job = Job { id: JobId(job), ..self.judge.jobs().get(like as usize)?.0 };
                self.command(ticket, Command::Edit(Box::new(job)))
            }
            EventKind::Job(command, job) => {
                let id = JobId(job);
                let command = match command {
                    JobCommand::Add => Command::Add(Box::new(self.judge.jobs().get(job as usize)?.0)),
                    JobCommand::Remove => Command::Remove(id),
                    JobCommand::Pause => Command::Pause(id),
                    JobCommand::Disable => Command::Disable(id),
                    JobCommand::Resume => Command::Resume(id),
                    JobCommand::RunNow => Command::RunNow(id),
                };
                self.command(ticket, command)
            }
        };
        self.tell(self.owner, at, kind);
        None
    }

    pub(super) const fn command(&self, ticket: u64, command: Command) -> InputKind {
        InputKind::Command { ticket, command }
    }

    /// The run that a pattern means: the occurrence it counts to, or else the latest that fits.
    pub(super) fn run_named(&self, pattern: RunPattern) -> Option<RunId> {
        let (job, row) = self.judge.jobs().iter().find(|(job, _)| job.id.0 == pattern.job)?;
        let labels = self.judge.labels();
        let known = self.judge.books().runs.keys().rev().find(|run| labels.fits(pattern, **run));
        if pattern.asked.is_some() || pattern.attempt.is_none() && known.is_some() {
            return known.copied();
        }
        let mut due = row.next_due?;
        for _ in 1..pattern.occurrence.unwrap_or(1) {
            due = job.schedule.next_after(due)?;
        }
        let first = RunId::scheduled(job.id, 1, due);
        Some(RunId { attempt: pattern.attempt.unwrap_or(1), ..first })
    }
}
