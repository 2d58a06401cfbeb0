//! Who may begin: lanes with limits, one limit over all of them, and gates for jobs and sessions.
//!
//! **Fairness.** In a lane, runs begin in the order of their tickets. One whose job or session is
//! taken steps aside and lets others pass, and keeps its ticket: when the gate opens it stands before
//! everybody who came later. Over all lanes, a slot under the common limit goes to the lowest ticket.
//! A run takes slot and gates in one step, when all of them are free, and holds nothing while it
//! waits: so no two runs ever wait for one another.
//!
//! A child run shares its parent's slot: it passes the lanes by, and waits for gates only.

use educe::Educe;

use crate::WaitsFor;
use crate::gate::{Gate, Parked};
use crate::gateway::Config;
use crate::id::{JobId, LaneId, RunId, SessionKey};
use crate::lane::{Lane, LaneConfig, Ticket};
use crate::table::Table;

/// What a run needs to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// A slot of this lane; none for a child, which shares its parent's.
    pub(crate) lane: Option<LaneId>,
    /// The job it works for.
    pub(crate) job: JobId,
    /// Whether no other run of the job may be at work.
    pub(crate) alone: bool,
    /// The session it shares with others.
    pub(crate) session: Option<SessionKey>,
}

/// Lanes and gates.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Admission {
    lanes: Vec<Room>,
    /// Children: without a limit, as their parents hold the slots.
    children: Room,
    limit: u32,
    held: u32,
    jobs: Vec<Gate>,
    sessions: Table<SessionKey, Gate>,
    next_ticket: u64,
}

/// A lane and how many wait for it, parked ones included.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
struct Room {
    lane: Lane,
    queue: u32,
    waiting: u32,
}

impl Admission {
    /// Empties everything and takes the limits of `config`.
    pub(crate) fn reset(&mut self, config: &Config) {
        self.lanes.resize(config.lanes.len().max(1), Room::default());
        for (place, room) in self.lanes.iter_mut().enumerate() {
            let LaneConfig { limit, queue } = config.lanes.get(place).copied().unwrap_or_default();
            room.reset(limit, queue);
        }
        self.children.reset(u32::MAX, u32::MAX);
        self.limit = config.running;
        self.held = 0;
        self.jobs.clear();
        self.sessions.clear();
        self.next_ticket = 0;
    }

    pub(crate) const fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// How many more runs the lane lets in: one for each place in its queue and for each free slot, less those that wait.
    pub(crate) fn room_in(&self, lane: LaneId) -> u32 {
        let free = self.limit.saturating_sub(self.held);
        self.room(Some(lane)).map_or(0, |room| {
            let free = room.lane.limit().saturating_sub(room.lane.held()).min(free);
            room.queue.saturating_add(free).saturating_sub(room.waiting)
        })
    }

    /// Puts a run at the end of its lane.
    pub(crate) fn enter(&mut self, run: RunId, wants: &Wants) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let room = self.room_mut(wants.lane);
        room.waiting += 1;
        room.lane.enter(run, ticket);
        ticket
    }

    /// Takes a waiter out, wherever it stands.
    pub(crate) fn leave(&mut self, ticket: Ticket, wants: &Wants) {
        let room = self.room_mut(wants.lane);
        room.waiting -= 1;
        if !room.lane.leave(ticket)
            && !self.job_gate(wants.job).leave(wants.lane, ticket)
            && let Some(gate) = wants.session.and_then(|key| self.sessions.get_mut(key))
        {
            gate.leave(wants.lane, ticket);
        }
        self.wake_next(wants);
    }

    /// The next run that may begin; it has what it wants then.
    pub(crate) fn next(&mut self, mut wants_of: impl FnMut(RunId) -> Option<Wants>) -> Option<RunId> {
        loop {
            let (lane, ticket, run) = self.first()?;
            self.room_mut(lane).lane.pop();
            let Some(wants) = wants_of(run) else { continue };
            let parked = Parked { lane, ticket, run };
            let session = wants.session.filter(|key| self.sessions.get(*key).is_some_and(Gate::is_shut));
            if wants.alone && self.job_gate(wants.job).is_shut() {
                self.job_gate(wants.job).park(parked);
                self.wake_next(&wants);
            } else if let Some(key) = session {
                self.sessions.get_or_insert(key, |_| Gate::default()).park(parked);
                self.wake_next(&wants);
            } else {
                self.room_mut(lane).waiting -= 1;
                self.take(&wants);
                return Some(run);
            }
        }
    }

    /// Whether [`Self::next`] has somebody to look at.
    pub(crate) fn can_grant(&self) -> bool {
        self.children.lane.can_grant()
            || (self.held < self.limit && self.lanes.iter().any(|room| room.lane.can_grant()))
    }

    /// Takes everything for a run that had it before a crash, over the limit if need be.
    pub(crate) fn take(&mut self, wants: &Wants) {
        self.room_mut(wants.lane).lane.take();
        if wants.lane.is_some() {
            self.held += 1;
        }
        self.job_gate(wants.job).take();
        if let Some(key) = wants.session {
            self.take_session(key);
        }
    }

    /// Gives everything back.
    pub(crate) fn release(&mut self, wants: &Wants) {
        self.room_mut(wants.lane).lane.release();
        if wants.lane.is_some() {
            self.held -= 1;
        }
        self.job_gate(wants.job).release();
        self.wake_job(wants.job);
        if let Some(key) = wants.session {
            self.release_session(key);
        }
    }

    /// Somebody is at work in a session.
    pub(crate) fn take_session(&mut self, key: SessionKey) {
        self.sessions.get_or_insert(key, |_| Gate::default()).take();
    }

    /// Somebody is no longer at work in a session.
    pub(crate) fn release_session(&mut self, key: SessionKey) {
        let Some(gate) = self.sessions.get_mut(key) else { return };
        gate.release();
        let mut lane = gate.lane_after(None);
        while let Some(woken) = lane {
            self.wake_session(key, woken);
            lane = self.sessions.get(key).and_then(|gate| gate.lane_after(lane));
        }
        // An agent's main session is asked for again and again.
        let comes_back = matches!(key, SessionKey::Main { .. });
        if !comes_back && self.sessions.get(key).is_some_and(Gate::is_idle) {
            self.sessions.remove(key);
        }
    }

    /// Gives memory back that a crowd of waiters needed.
    pub(crate) fn give_back(&mut self) {
        self.lanes.iter_mut().for_each(|room| room.lane.give_back());
        self.children.lane.give_back();
    }

    /// What a waiter waits for.
    pub(crate) fn why(&self, wants: &Wants) -> WaitsFor {
        let job = self.jobs.get(wants.job.index());
        if wants.alone && job.is_some_and(Gate::is_shut) {
            return WaitsFor::Job;
        }
        if wants.session.is_some_and(|key| self.sessions.get(key).is_some_and(Gate::is_shut)) {
            return WaitsFor::SharedSession;
        }
        match self.room(wants.lane) {
            Some(room) if room.lane.held() < room.lane.limit() && wants.lane.is_some() => {
                WaitsFor::Slot { held: self.held, limit: self.limit }
            }
            Some(room) => WaitsFor::Slot { held: room.lane.held(), limit: room.lane.limit() },
            None => WaitsFor::Slot { held: 0, limit: 0 },
        }
    }

    /// The waiter with the lowest ticket that has a slot to go to.
    fn first(&mut self) -> Option<(Option<LaneId>, Ticket, RunId)> {
        let children = self.children.lane.first().map(|(ticket, run)| (ticket, run, None));
        let free = self.held < self.limit;
        let rooms = self.lanes.iter_mut().zip(0..).filter(|_| free);
        let firsts = rooms.filter_map(|(room, lane)| {
            room.lane.first().map(|(ticket, run)| (ticket, run, Some(LaneId(lane))))
        });
        let (ticket, run, lane) = firsts.chain(children).min()?;
        Some((lane, ticket, run))
    }

    /// One who leaves a queue may have stood there for others who wait for the same gate: of each
    /// lane, one is awake while the gate is open.
    fn wake_next(&mut self, wants: &Wants) {
        self.wake_in(wants.job, wants.lane);
        if let Some(key) = wants.session {
            self.wake_session(key, wants.lane);
        }
    }

    fn wake_job(&mut self, job: JobId) {
        let mut lane = self.job_gate(job).lane_after(None);
        while let Some(woken) = lane {
            self.wake_in(job, woken);
            lane = self.job_gate(job).lane_after(lane);
        }
    }

    fn wake_in(&mut self, job: JobId, lane: Option<LaneId>) {
        if let Some(parked) = self.job_gate(job).wake_one(lane) {
            self.room_mut(lane).lane.enter(parked.run, parked.ticket);
        }
    }

    fn wake_session(&mut self, key: SessionKey, lane: Option<LaneId>) {
        if let Some(parked) = self.sessions.get_mut(key).and_then(|gate| gate.wake_one(lane)) {
            self.room_mut(lane).lane.enter(parked.run, parked.ticket);
        }
    }

    fn job_gate(&mut self, job: JobId) -> &mut Gate {
        if self.jobs.len() <= job.index() {
            self.jobs.resize(job.index() + 1, Gate::default());
        }
        &mut self.jobs[job.index()]
    }

    fn room(&self, lane: Option<LaneId>) -> Option<&Room> {
        lane.map_or(Some(&self.children), |lane| self.lanes.get(lane.index()).or(self.lanes.first()))
    }

    /// A lane that is not configured is the first one.
    fn room_mut(&mut self, lane: Option<LaneId>) -> &mut Room {
        match lane {
            None => &mut self.children,
            Some(lane) if lane.index() < self.lanes.len() => &mut self.lanes[lane.index()],
            Some(_) => &mut self.lanes[0],
        }
    }
}

impl Room {
    fn reset(&mut self, limit: u32, queue: u32) {
        self.lane.reset(limit);
        self.queue = queue;
        self.waiting = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::id::AgentId;

    const MAIN: SessionKey = SessionKey::Main { agent: AgentId(0) };

    struct Scene {
        admission: Admission,
        runs: BTreeMap<RunId, (Wants, Ticket)>,
    }

    impl Scene {
        fn new(limits: &[u32], running: u32) -> Self {
            let lanes = limits.iter().map(|limit| LaneConfig { limit: *limit, queue: 10 }).collect();
            let mut admission = Admission::default();
            admission.reset(&Config { lanes, running, ..Config::default() });
            Self { admission, runs: BTreeMap::new() }
        }

        fn enter(&mut self, job: u32, attempt: u32, lane: u32, session: Option<SessionKey>) -> RunId {
            let run = RunId { job: JobId(job), attempt, ..RunId::default() };
            let wants = Wants { lane: Some(LaneId(lane)), job: JobId(job), alone: true, session };
            let ticket = self.admission.enter(run, &wants);
            self.runs.insert(run, (wants, ticket));
            run
        }

        fn grants(&mut self) -> Vec<RunId> {
            let runs = &self.runs;
            let wants = |run| runs.get(&run).map(|(wants, _)| *wants);
            std::iter::from_fn(|| self.admission.next(wants)).collect()
        }

        fn release(&mut self, run: RunId) {
            let (wants, _) = self.runs[&run];
            self.admission.release(&wants);
        }

        fn leave(&mut self, run: RunId) {
            if let Some((wants, ticket)) = self.runs.remove(&run) {
                self.admission.leave(ticket, &wants);
            }
        }
    }

    #[test]
    fn one_that_waits_for_its_session_lets_others_pass_and_keeps_its_place() {
        let mut scene = Scene::new(&[2], u32::MAX);
        let (first, second) = (scene.enter(0, 1, 0, Some(MAIN)), scene.enter(1, 1, 0, Some(MAIN)));
        let (third, fourth) = (scene.enter(2, 1, 0, None), scene.enter(3, 1, 0, None));
        assert_eq!(scene.grants(), [first, third]);
        scene.release(first);
        assert_eq!(scene.grants(), [second]);
        scene.release(second);
        assert_eq!(scene.grants(), [fourth]);
    }

    #[test]
    fn a_gate_that_opens_wakes_one_in_each_lane() {
        let mut scene = Scene::new(&[1, 1], u32::MAX);
        let holder = scene.enter(0, 1, 0, Some(MAIN));
        assert_eq!(scene.grants(), [holder]);
        let here = scene.enter(1, 1, 0, Some(MAIN));
        let there = scene.enter(2, 1, 1, Some(MAIN));
        let blocker = scene.enter(3, 1, 0, None);
        assert_eq!(scene.grants(), []);
        scene.release(holder);
        assert_eq!(scene.grants(), [here]);
        scene.leave(blocker);
        scene.release(here);
        assert_eq!(scene.grants(), [there]);
    }

    #[test]
    fn who_was_woken_and_leaves_wakes_the_next() {
        let mut scene = Scene::new(&[2], u32::MAX);
        let holder = scene.enter(0, 1, 0, Some(MAIN));
        let (woken, next) = (scene.enter(1, 1, 0, Some(MAIN)), scene.enter(2, 1, 0, Some(MAIN)));
        assert_eq!(scene.grants(), [holder], "the others step aside");
        let other = scene.enter(3, 1, 0, None);
        scene.release(holder);
        scene.leave(woken);
        assert_eq!(scene.grants(), [next, other]);
    }

    #[test]
    fn a_job_whose_runs_are_alone_has_one_at_work() {
        let mut scene = Scene::new(&[3], u32::MAX);
        let (first, second) = (scene.enter(0, 1, 0, None), scene.enter(0, 2, 0, None));
        assert_eq!(scene.grants(), [first]);
        scene.release(first);
        assert_eq!(scene.grants(), [second]);
    }

    #[test]
    fn the_common_limit_goes_to_the_lowest_ticket() {
        let mut scene = Scene::new(&[5, 5], 1);
        let runs = [scene.enter(0, 1, 1, None), scene.enter(1, 1, 0, None), scene.enter(2, 1, 1, None)];
        for run in runs {
            assert_eq!(scene.grants(), [run]);
            scene.release(run);
        }
    }

    #[test]
    fn a_child_needs_no_slot() {
        let mut scene = Scene::new(&[1], 1);
        let parent = scene.enter(0, 1, 0, None);
        assert_eq!(scene.grants(), [parent]);
        let child = RunId { job: JobId(1), ..RunId::default() };
        let wants = Wants { lane: None, job: JobId(1), alone: true, session: None };
        let ticket = scene.admission.enter(child, &wants);
        scene.runs.insert(child, (wants, ticket));
        assert_eq!(scene.grants(), [child]);
    }

    #[test]
    fn who_stepped_aside_and_leaves_is_not_woken_in_place_of_another() {
        for session in [None, Some(MAIN)] {
            let mut scene = Scene::new(&[3], u32::MAX);
            // Of one job, whose runs are alone, or of three that share a session.
            let job = |number| if session.is_some() { number } else { 0 };
            let holder = scene.enter(job(0), 1, 0, session);
            let (gone, next) = (scene.enter(job(1), 2, 0, session), scene.enter(job(2), 3, 0, session));
            assert_eq!(scene.grants(), [holder]);
            scene.leave(gone);
            scene.release(holder);
            assert_eq!(scene.grants(), [next]);
        }
    }

    #[test]
    fn a_lane_has_room_for_a_full_queue_and_for_each_free_slot() {
        let mut scene = Scene::new(&[1, 5], 3);
        let runs = [0, 1, 2].map(|job| scene.enter(job, 1, 0, None));
        let room = |scene: &Scene| scene.admission.room_in(LaneId(0));
        assert_eq!(room(&scene), 8, "ten places and a slot, less three");
        scene.leave(runs[1]);
        assert_eq!(room(&scene), 9);
        assert_eq!(scene.admission.room_in(LaneId(1)), 13, "of its five slots the common limit leaves three");
        assert_eq!(scene.grants(), [runs[0]]);
        assert_eq!(room(&scene), 9, "no slot is free, and one waits");
        assert_eq!(scene.admission.room_in(LaneId(1)), 12);
    }

    #[test]
    fn who_stepped_aside_comes_back_in_the_order_it_came() {
        let mut scene = Scene::new(&[4, 4], u32::MAX);
        let lanes = [0, 1, 0, 1, 0];
        let runs: Vec<RunId> =
            (0..).zip(lanes).map(|(job, lane)| scene.enter(job, 1, lane, Some(MAIN))).collect();
        for run in runs {
            assert_eq!(scene.grants(), [run]);
            scene.release(run);
        }
    }

    #[test]
    fn a_waiter_says_which_limit_it_waits_for() {
        let why = |lane: u32, running: u32| {
            let mut scene = Scene::new(&[lane], running);
            let (holder, waiter) = (scene.enter(0, 1, 0, None), scene.enter(1, 1, 0, None));
            assert_eq!(scene.grants(), [holder]);
            let (wants, _) = scene.runs[&waiter];
            (scene.admission.why(&wants), scene.admission.why(&Wants { lane: None, ..wants }))
        };
        let child = WaitsFor::Slot { held: 0, limit: u32::MAX };
        assert_eq!(why(1, 7), (WaitsFor::Slot { held: 1, limit: 1 }, child), "its lane's");
        assert_eq!(why(7, 1), (WaitsFor::Slot { held: 1, limit: 1 }, child), "the one over all lanes");
    }

    #[test]
    fn a_lane_that_is_not_configured_is_the_first_one() {
        let mut scene = Scene::new(&[1, 1], u32::MAX);
        let runs = [scene.enter(0, 1, 2, None), scene.enter(1, 1, 0, None)];
        assert_eq!(scene.admission.room_in(LaneId(2)), 9);
        assert_eq!(scene.grants(), [runs[0]]);
        scene.release(runs[0]);
        assert_eq!(scene.grants(), [runs[1]]);
    }

    #[test]
    fn a_session_that_nobody_is_at_work_in_leaves_no_gate() {
        let mut admission = Admission::default();
        let key = SessionKey::Base { agent: AgentId(0), job: JobId(0) };
        (0..2).for_each(|_| admission.take_session(key));
        admission.release_session(key);
        assert_eq!(admission.sessions.len(), 1, "one is still at work");
        admission.release_session(key);
        assert_eq!(admission.sessions.len(), 0);
    }

    #[test]
    fn what_a_crowd_of_waiters_needed_goes_back() {
        let mut scene = Scene::new(&[u32::MAX, u32::MAX], u32::MAX);
        let memory = |scene: &Scene| {
            let rooms = scene.admission.lanes.iter().chain([&scene.admission.children]);
            rooms.map(|room| room.lane.memory()).max().unwrap_or_default()
        };
        for lane in [Some(LaneId(0)), Some(LaneId(1)), None] {
            for job in 0..5_000 {
                let run = RunId { job: JobId(job), ..RunId::default() };
                let wants = Wants { lane, job: JobId(job), alone: false, session: None };
                let ticket = scene.admission.enter(run, &wants);
                scene.runs.insert(run, (wants, ticket));
            }
            assert_eq!(scene.grants().len(), 5_000);
            assert!(memory(&scene) >= 5_000);
            scene.admission.give_back();
            assert!(memory(&scene) <= 1_024, "{} places in {lane:?}", memory(&scene));
        }
    }
}
