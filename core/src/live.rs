//! The runs that are not closed, each with what the machine knows of it beyond its record.

use educe::Educe;

use crate::admission::Wants;
use crate::deadlines::Deadlines;
use crate::id::{AgentId, JobId, RunId, SessionKey};
use crate::job::{Budget, Target, Terms};
use crate::lane::Ticket;
use crate::run::RunRow;
use crate::table::Table;
use crate::time::{Mono, Wall};
use crate::timers::Timers;
use crate::working::Grant;

/// A run in memory.
#[derive(Educe, Debug)]
#[educe(Clone)]
pub(crate) struct LiveRun {
    pub(crate) row: RunRow,
    /// What it goes by, whatever becomes of its job.
    pub(crate) terms: Terms,
    pub(crate) deadlines: Deadlines,
    /// The one alarm that is set for it.
    pub(crate) alarm: Option<(Mono, Alarm)>,
    pub(crate) granted: Option<Mono>,
    pub(crate) ready: Option<Mono>,
    pub(crate) place: Place,
    /// The number of its grant; zero until it has one.
    pub(crate) grant: Grant,
    /// Whether its start has left, so that a turn may be at work.
    pub(crate) start_released: bool,
    pub(crate) changed: bool,
}

/// Where a run stands with its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not there: it waits to be tried again, or has let go.
    Outside,
    /// In the queue.
    Waiting(Ticket),
    /// It holds slot and gates.
    Holding,
}

/// Why a run's alarm rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// Its backoff is over: it enters its lane.
    Enter,
    Budget(Budget),
    Grace,
}

impl LiveRun {
    pub(crate) fn new(row: RunRow, terms: Terms) -> Self {
        Self {
            row,
            terms,
            deadlines: Deadlines::default(),
            alarm: None,
            granted: None,
            ready: None,
            place: Place::Outside,
            grant: Grant::default(),
            start_released: false,
            changed: false,
        }
    }

    /// Its record goes into the commit of the tick at hand.
    pub(crate) fn touch(&mut self, changed: &mut Vec<RunId>) {
        if !self.changed {
            self.changed = true;
            changed.push(self.row.id);
        }
    }

    /// Sets its alarm at the first of its deadlines.
    pub(crate) fn set_alarm(&mut self, alarms: &mut Timers<Mono, RunId>) {
        let first = self.row.state.phase().and_then(|phase| self.deadlines.first(phase));
        let set = self.alarm.map(|(at, _)| at);
        self.alarm = first.map(|(at, budget)| (at, Alarm::Budget(budget)));
        // One that is set for the same instant is among the timers already.
        if let Some((at, _)) = first.filter(|(at, _)| set != Some(*at)) {
            alarms.arm(at, self.row.id);
        }
    }

    /// Whether it ended in a way that its terms try again. Whether it is, is decided when it is let go.
    pub(crate) fn may_be_tried_again(&self) -> bool {
        let outcome = self.row.state.outcome();
        outcome.is_some_and(|outcome| self.terms.retry.follows(self.row.id.attempt, outcome))
    }

    /// Whether what it is for may still end well, with it or with an attempt after it.
    pub(crate) fn may_end_well(&self) -> bool {
        self.row.state.phase().is_some() || self.may_be_tried_again() && !self.row.is_closed()
    }

    /// What it needs to begin.
    pub(crate) const fn wants(&self) -> Wants {
        let lane = if self.row.parent.is_some() { None } else { Some(self.terms.lane) };
        Wants { lane, ..self.terms.wants(self.row.id.job, self.row.agent) }
    }
}

impl Terms {
    /// What a run of its own needs to begin that goes by these.
    pub(crate) const fn wants(&self, job: JobId, agent: AgentId) -> Wants {
        let session = match self.target {
            Target::Isolated => None,
            Target::Main => Some(SessionKey::Main { agent }),
        };
        Wants { lane: Some(self.lane), job, alone: self.alone, session }
    }
}

/// What is known of one job's runs before one of them is looked for.
#[derive(Clone, Copy, Debug, Default)]
struct OfJob {
    /// Where the one is that was looked for last: mostly a job has no other.
    place: u32,
    /// How many there are at most: of none, nothing is looked for.
    most: u32,
}

/// Runs by id.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct LiveRuns {
    runs: Table<RunId, LiveRun>,
    of_job: Vec<OfJob>,
}

impl LiveRuns {
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.of_job.clear();
    }

    pub(crate) fn insert(&mut self, run: LiveRun) {
        let id = run.row.id;
        let place = self.runs.insert(id, run);
        if self.of_job.len() <= id.job.index() {
            self.of_job.resize(id.job.index() + 1, OfJob::default());
        }
        let of_job = &mut self.of_job[id.job.index()];
        *of_job = OfJob { place, most: of_job.most + 1 };
    }

    pub(crate) fn remove(&mut self, id: RunId) {
        if self.runs.remove(id).is_some()
            && let Some(of_job) = self.of_job.get_mut(id.job.index())
        {
            of_job.most -= 1;
        }
    }

    pub(crate) fn get(&self, id: RunId) -> Option<&LiveRun> {
        let of_job = self.of_job.get(id.job.index()).filter(|of_job| of_job.most > 0)?;
        self.runs.get_near(id, of_job.place)
    }

    pub(crate) fn get_mut(&mut self, id: RunId) -> Option<&mut LiveRun> {
        let of_job = self.of_job.get_mut(id.job.index()).filter(|of_job| of_job.most > 0)?;
        self.runs.get_mut_near(id, &mut of_job.place)
    }

    /// Whether this is the alarm that is set for the run.
    pub(crate) fn rings(&self, at: Mono, id: RunId) -> bool {
        self.get(id).and_then(|live| live.alarm).is_some_and(|(set, _)| set == at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &LiveRun> {
        self.runs.iter()
    }

    /// The runs of a job that `picks` picks, in the order of their ids.
    pub(crate) fn of_job(&self, job: JobId, picks: impl Fn(&LiveRun) -> bool) -> Vec<RunId> {
        let first = RunId { job, due: Wall::from_millis(i64::MIN), ..RunId::default() };
        let all = self.runs.from(first).take_while(|(id, _)| id.job == job);
        all.filter(|(_, live)| picks(live)).map(|(id, _)| id).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(job: u32, generation: u32, due: i64) -> RunId {
        RunId { generation, ..RunId::scheduled(JobId(job), 0, Wall::from_millis(due)) }
    }

    fn live(runs: impl IntoIterator<Item = RunId>) -> LiveRuns {
        let mut live = LiveRuns::default();
        for run in runs {
            let row = RunRow::queued(run, AgentId(0), Target::Isolated, run.due);
            live.insert(LiveRun::new(row, Terms::default()));
        }
        live
    }

    #[test]
    fn the_runs_of_a_job_are_all_of_it_and_of_no_other() {
        let of_one = [run(1, 0, -5), run(1, 0, 7), run(1, 2, -9), run(1, 2, 0)];
        let runs = live([run(2, 0, -5), of_one[2], of_one[0], run(0, 9, 9), of_one[3], of_one[1]]);
        assert_eq!(runs.of_job(JobId(1), |_| true), of_one, "also what was due before 1970");
        assert_eq!(runs.of_job(JobId(1), |live| live.row.id.generation == 2), of_one[2..]);
    }

    #[test]
    fn a_job_whose_runs_are_gone_has_none_to_look_for() {
        let all = [run(0, 1, 1), run(0, 1, 2)];
        let mut runs = live(all);
        runs.remove(all[0]);
        runs.remove(all[0]);
        assert_eq!((runs.len(), runs.of_job[0].most), (1, 1), "what is not there is not taken out");
        assert!(runs.get(all[1]).is_some());
        runs.remove(all[1]);
        assert_eq!((runs.len(), runs.of_job[0].most), (0, 0));
    }
}
