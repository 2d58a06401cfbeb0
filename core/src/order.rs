//! What comes first inside a tick: inputs, passed deadlines and due occurrences, merged by (stamp,
//! class, key).

use crate::effect::{Input, InputKind, Report};
use crate::gateway::Gateway;
use crate::id::{JobId, RunId};
use crate::ports::Bus;
use crate::run::Race;
use crate::session::Persister;
use crate::time::{Mono, Wall};

/// One thing to handle, in the order of a tick.
pub(crate) enum Item {
    /// The input at this place.
    Input(usize),
    /// The lease ends, or is to be renewed.
    Lease,
    Alarm(RunId),
    /// A job is due; nothing but its own occurrences happens to it through `until`.
    Due {
        job: JobId,
        until: Wall,
    },
}

/// The classes of a tick's items, in the order they take at one instant. The lease is a deadline, the
/// first of them: what an owner may not do any more it does not begin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Report,
    Command,
    Lease,
    Deadline,
    Occurrence,
}

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    /// Sorts the places of the inputs by (stamp, class, key), keeping the host's order last.
    pub(crate) fn order_inputs(&mut self, inputs: &[Input], opened: Mono, now: Mono) {
        self.order.clear();
        self.order.extend(0..inputs.len());
        let before = |one: &usize, other: &usize| {
            let (first, second) = (&inputs[*one], &inputs[*other]);
            let stamps = first.at.clamp(opened, now).cmp(&second.at.clamp(opened, now));
            let keys = || input_key(&first.kind).cmp(&input_key(&second.kind));
            stamps.then_with(keys).then(one.cmp(other))
        };
        self.order.sort_unstable_by(before);
    }

    /// The next item at or before `now`: the least of the next input, alarm and occurrence.
    pub(crate) fn next_item(
        &mut self,
        inputs: &[Input],
        taken: &mut usize,
        cursor: Mono,
        now: Mono,
    ) -> Option<(Mono, Item)> {
        let mut least: Option<(Mono, Class)> = None;
        let mut consider = |at: Mono, class: Class| {
            let candidate = (at.clamp(cursor, now), class);
            least = Some(least.map_or(candidate, |least| least.min(candidate)));
        };
        let place = self.order.get(*taken).copied();
        let input = place.and_then(|place| inputs.get(place));
        if let Some(input) = input {
            consider(input.at, class_of(&input.kind));
        }
        let alarm = self.passed_alarm(now);
        if let Some((at, _)) = alarm {
            consider(at, Class::Deadline);
        }
        if let Some(at) = self.ownership.next().filter(|at| *at <= now) {
            consider(at, Class::Lease);
        }
        let due = self.passed_due(now);
        if let Some((due, _)) = due {
            consider(self.timeline.due_since(due, now), Class::Occurrence);
        }
        let (stamp, class) = least?;
        let item = match class {
            Class::Report | Class::Command => {
                *taken += 1;
                Item::Input(place?)
            }
            Class::Lease => Item::Lease,
            Class::Deadline => {
                self.alarms.pop();
                Item::Alarm(alarm?.1)
            }
            // The scheduler takes it off its own heap.
            Class::Occurrence => {
                let (due, job) = due?;
                let alarm = alarm.map(|(at, _)| at);
                let others =
                    input.map(|input| input.at).into_iter().chain(alarm).chain(self.ownership.next());
                // The lease wants something later, mostly, and what is due until then is not met yet.
                let next = others.filter(|at| *at <= now).min();
                let before = |at: Mono| self.timeline.wall_at(at).plus_millis(-1);
                let until = next.map_or(self.timeline.wall_at(now), before).max(due);
                Item::Due { job, until }
            }
        };
        Some((stamp, item))
    }

    /// The first alarm that rings by `now`. What stands in front says at a glance when there is none.
    fn passed_alarm(&mut self, now: Mono) -> Option<(Mono, RunId)> {
        self.alarms.peek().filter(|at| *at <= now)?;
        let runs = &self.runs;
        self.alarms.first(|at, run| runs.rings(at, run)).filter(|(at, _)| *at <= now)
    }

    /// The first job that is due by `now`.
    fn passed_due(&mut self, now: Mono) -> Option<(Wall, JobId)> {
        let passed = |due: &Wall| self.timeline.mono_at(*due) <= now;
        self.scheduler.peek_due().filter(passed)?;
        self.scheduler.first_due().filter(|(due, _)| passed(due))
    }
}

const fn class_of(kind: &InputKind) -> Class {
    match kind {
        InputKind::Answer { .. }
        | InputKind::Renewal { .. }
        | InputKind::Heard { .. }
        | InputKind::Report { .. }
        | InputKind::Foreign { .. }
        | InputKind::ClockStepped => Class::Report,
        InputKind::Command { .. } => Class::Command,
    }
}

/// The order of inputs with one stamp. Answers come before reports, so that what is durable by then
/// is known; reports go by run, commands by ticket.
fn input_key(kind: &InputKind) -> (Class, u8, RunId, u64, Option<Report>) {
    let (rank, run, number, report) = match *kind {
        InputKind::ClockStepped => (0, RunId::default(), 0, None),
        InputKind::Answer { commit, .. } => (1, RunId::default(), commit, None),
        InputKind::Renewal { sent, .. } => (2, RunId::default(), sent.as_nanos(), None),
        InputKind::Heard { below } => (3, RunId::default(), below, None),
        InputKind::Report { run, report } => (4, run, 0, Some(report)),
        // One that begins and ends in one instant has to begin first.
        InputKind::Foreign { turn, began: true, .. } => (5, RunId::default(), turn, None),
        InputKind::Foreign { turn, began: false, .. } => (6, RunId::default(), turn, None),
        InputKind::Command { ticket, .. } => (7, RunId::default(), ticket, None),
    };
    (class_of(kind), rank, run, number, report)
}
