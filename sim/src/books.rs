//! The store of a world: the durable rows.

use educe::Educe;
use sametick_core::commit::{Answer, Commit, JobRow, LateNote, LedgerRow, Rows, TermsRow};
use sametick_core::effect::{Command, Input, InputKind, Report};
use sametick_core::id::{JobId, RunId, SessionKey};
use sametick_core::job::{Budget, Job, Terms};
use sametick_core::lifecycle::{EventPhase, LifecycleEvent};
use sametick_core::run::{RunRow, RunState};
use sametick_core::session::{SessionRow, Status};
use sametick_core::time::{Mono, Now, Wall};

use crate::changes::{Changes, RunChange};
use crate::lines::{Lines, millis};
use crate::table::{Place, Table};

/// What is durable in a world.
#[derive(Educe, Debug, Default, PartialEq, Eq)]
#[educe(Clone)]
pub struct Books {
    /// Jobs, by number.
    pub jobs: Vec<Option<(Job, JobRow)>>,
    /// Run records, with what was published of each.
    pub runs: Table<RunId, RunBook>,
    /// What each of them goes by, as the gateway wrote it down.
    pub terms: Table<RunId, Terms>,
    /// Session rows.
    pub sessions: Table<SessionKey, SessionRow>,
    /// Occurrences that did not run.
    pub ledger: Vec<LedgerRow>,
    /// Late reports.
    pub late: Vec<LateNote>,
    /// Every lifecycle event, by offset.
    pub events: Vec<LifecycleEvent>,
    /// Every event below this offset was acknowledged.
    pub acknowledged: u64,
    /// The highest generation any job was ever given.
    pub generations: u32,
    /// The last commit applied.
    pub last_commit: u64,
    /// The owner's: an older one's commits are refused.
    pub epoch: u64,
    /// By what line which gateway tells wall times.
    lines: Lines,
    /// In which ticks progress of a run was heard last: its record may tell of it after a step.
    noted: Table<RunId, Noted>,
    /// Jobs as they were declared before the commit at hand, which declares or removes them.
    replaced: Vec<Job>,
    /// Jobs as somebody wanted them in the tick at hand, and in those whose commit is still to come, with the tick: a run may
    /// begin between two edits, and the commit has the last, or none where the job goes in the same tick.
    wanted: Vec<(Mono, JobId, Terms)>,
}

/// When progress of a run was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Noted {
    /// The latest tick that heard of any, with the first and the last that it heard of.
    tick: Mono,
    first: Mono,
    last: Mono,
    /// The tick before that.
    before: Option<Mono>,
}

impl Noted {
    /// In which tick that was noted which the record tells to be at the wall time `told`, by what each tick's line makes of
    /// that: what a tick hears of a run that is over is in no record.
    fn tick_of(&self, told: Wall, said: Mono, origin: impl Fn(Mono) -> i64) -> Option<Mono> {
        let at = told.as_millis() - origin(self.tick);
        let heard = millis(self.first) - 1..=millis(self.last) + 1;
        let latest = Some(self.tick).filter(|tick| *tick <= said && heard.contains(&at));
        latest.or(self.before.filter(|tick| *tick <= said))
    }
}

/// A run's record, and what is known of the run beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunBook {
    /// The record.
    pub row: RunRow,
    /// How many terminal events there are.
    pub ends: u32,
    /// What it goes by: its job's terms when it began, whatever the gateway has made of them since.
    pub terms: Terms,
    /// When what happened to it.
    pub times: Times,
    /// Where the row of its own session is.
    own: Place,
    /// Where its job's base row is.
    base: Place,
}

/// When what happened to a run, in milliseconds on the monotonic clock since the world began: its
/// record gives wall times, which may step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When the first attempt at its occurrence began to wait.
    pub first: i64,
    /// When its record was first written.
    pub written: i64,
    /// When it begins to wait for its lane, by what the gateway can know.
    pub queued: i64,
    /// When it got a slot.
    pub granted: Option<i64>,
    /// When its session was ready.
    pub ready: Option<i64>,
    /// When it was last heard making progress.
    pub progress: Option<i64>,
    /// When it was over.
    pub settled: Option<i64>,
}

impl Books {
    /// Empties the books.
    pub fn open(&mut self) {
        self.jobs.clear();
        self.runs.clear();
        self.terms.clear();
        self.sessions.clear();
        self.ledger.clear();
        self.late.clear();
        self.events.clear();
        self.acknowledged = 0;
        self.generations = 1;
        self.last_commit = 0;
        self.epoch = 0;
        self.lines.clear();
        self.noted.clear();
        self.wanted.clear();
    }

    /// A gateway comes, and reads the clocks.
    pub fn begin(&mut self, epoch: u64, now: Now) {
        self.lines.begin(epoch, now);
    }

    /// What a gateway hears in a tick that reads the clocks. Says what it takes the reading for, and whether for a step of
    /// the wall clock.
    pub fn hear(&mut self, epoch: u64, now: Now, inputs: &[Input]) -> (Now, bool) {
        for input in inputs {
            if let InputKind::Report { run, report: Report::Progress } = input.kind {
                let noted = self.noted.get(&run).copied();
                let (first, last, before) = match noted {
                    Some(noted) if noted.tick == now.mono => {
                        (noted.first.min(input.at), noted.last.max(input.at), noted.before)
                    }
                    Some(noted) => (input.at, input.at, Some(noted.tick)),
                    None => (input.at, input.at, None),
                };
                self.noted.insert(run, Noted { tick: now.mono, first, last, before });
            } else if let InputKind::Command { command: Command::Add(job) | Command::Edit(job), .. } =
                &input.kind
            {
                self.wanted.push((now.mono, job.id, job.terms));
            }
        }
        self.lines.read(epoch, now)
    }

    /// Whether a gateway that has heard nothing since would take a reading for a step.
    #[must_use]
    pub fn steps(&self, epoch: u64, now: Now) -> bool {
        self.lines.at(epoch, now.mono).is_some_and(|line| line.is_left_by(now))
    }

    /// A reading of the clocks as a gateway takes it.
    #[must_use]
    pub fn taken(&self, epoch: u64, now: Now) -> Now {
        self.lines.taken(epoch, now)
    }

    /// Writes a job that was declared before the world began.
    pub fn declare(&mut self, job: Job, row: JobRow) {
        self.put_job(job, row);
    }

    /// Applies the commit of the tick at `said`, or says why not; `changes` holds what it changed.
    pub fn apply(&mut self, said: Now, commit: &Commit, changes: &mut Changes) -> Answer {
        changes.clear();
        if commit.epoch < self.epoch {
            return Answer::Fenced;
        }
        if commit.number <= self.last_commit {
            return Answer::Applied;
        }
        if commit.number != self.last_commit + 1 {
            return Answer::NotApplied;
        }
        self.last_commit = commit.number;
        self.acknowledged = commit.acknowledged;
        self.generations = commit.generations;
        self.replaced.clear();
        for job in commit.removed.iter().copied().chain(commit.declared.iter().map(|job| job.id)) {
            let before = self.job(job).map(|(job, _)| *job);
            self.replaced.extend(before);
        }
        for job in &commit.removed {
            changes.gone.extend(self.jobs.get_mut(job.index()).and_then(Option::take));
        }
        for job in &commit.declared {
            // Its own row comes in the same commit.
            let row = self.job(job.id).map_or(JobRow::new(job.id, commit.generations, None), |(_, row)| *row);
            self.put_job(*job, row);
        }
        let (now, line) = (millis(said.mono), self.lines.origin(commit.epoch, said));
        for row in &commit.jobs {
            if let Some((_, kept)) = self.jobs.get_mut(row.id.index()).and_then(Option::as_mut) {
                changes.jobs.push((Some(*kept), *row));
                *kept = *row;
            }
        }
        for row in &commit.terms {
            self.terms.insert(row.run, row.terms);
        }
        for row in &commit.runs {
            let change = match self.runs.get_index_of(&row.id) {
                Some(place) => {
                    let book = &mut self.runs[place];
                    let before = book.row;
                    book.update(row, line, now);
                    // A clock that is put back may show again what it showed then: the same words tell of something later.
                    if let Some(told) = row.last_progress
                        && let Some(noted) = self.noted.get(&row.id)
                    {
                        let origin = |mono| self.lines.origin(commit.epoch, Now { mono, ..said });
                        let tick = noted.tick_of(told, said.mono, origin);
                        book.times.progress =
                            tick.map(|tick| told.as_millis() - origin(tick)).or(book.times.progress);
                    }
                    RunChange::new(Some(before), *row, place)
                }
                None => {
                    let book = self.first_of(row, line, now, Some(said.mono));
                    RunChange::new(None, *row, self.runs.insert_full(row.id, book).0)
                }
            };
            changes.run(change);
        }
        self.wanted.retain(|(tick, ..)| *tick > said.mono);
        // Few are looked through; for a burst that would be quadratic.
        let mut places = (commit.sessions.len() > 24).then(Table::<SessionKey, usize>::default);
        for patch in &commit.sessions {
            let place = self.sessions.get_index_of(&patch.key);
            let before = place.map(|place| self.sessions[place]);
            let mut after = before.unwrap_or(SessionRow::blank(patch.key));
            patch.apply(&mut after);
            match place {
                Some(place) => self.sessions[place] = after,
                None => _ = self.sessions.insert(patch.key, after),
            }
            let known = match &places {
                Some(places) => places.get(&patch.key).copied(),
                None => changes.sessions.iter().position(|(_, changed)| changed.key == patch.key),
            };
            match known {
                Some(place) => changes.sessions[place].1 = after,
                None => {
                    if let Some(places) = &mut places {
                        places.insert(patch.key, changes.sessions.len());
                    }
                    changes.sessions.push((before, after));
                }
            }
        }
        for change in &mut changes.runs {
            let book = change.place();
            let RunBook { own, base, .. } = &mut self.runs[book];
            change.find_sessions(&self.sessions, own, base);
        }
        self.events.extend_from_slice(&commit.events);
        for event in &commit.events {
            if event.phase != EventPhase::Start
                && let Some(book) = self.runs.get_mut(&event.run)
            {
                book.ends += 1;
            }
        }
        for row in &commit.ledger {
            changes.ledger.push((self.write_ledger(*row), *row));
        }
        self.late.extend_from_slice(&commit.late);
        Answer::Applied
    }

    /// What a machine gets back after a crash.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let mut rows = Rows::default();
        self.rows_into(&mut rows);
        rows
    }

    /// [`Self::rows`] into memory that is there already.
    pub fn rows_into(&self, rows: &mut Rows) {
        rows.jobs.clear();
        rows.jobs.extend(self.jobs.iter().flatten());
        rows.runs.clear();
        rows.take_runs(self.runs.values().map(|book| &book.row), |run| self.run(run));
        rows.terms.clear();
        let terms =
            |row: &RunRow| self.terms.get(&row.id).map(|terms| TermsRow { run: row.id, terms: *terms });
        rows.terms.extend(rows.runs.iter().filter_map(terms));
        rows.sessions.clear();
        let live = |row: &&SessionRow| match row.key {
            SessionKey::Run { .. } => !row.status.is_some_and(Status::is_terminal),
            SessionKey::Base { .. } | SessionKey::Main { .. } => true,
        };
        rows.sessions.extend(self.sessions.values().filter(live));
        rows.events.clear();
        let heard = usize::try_from(self.acknowledged).unwrap_or(usize::MAX).min(self.events.len());
        rows.events.extend_from_slice(&self.events[heard..]);
        rows.generations = self.generations;
        rows.first_offset = heard as u64;
        rows.last_commit = self.last_commit;
    }

    /// A gateway comes back. Of a backoff it has nothing but the wall time at which that is over: it waits for what
    /// is left of it by now, and no longer than it was meant to.
    pub fn come_back(&mut self, now: Now) {
        let at = millis(now.mono);
        for book in self.runs.values_mut().filter(|book| book.row.state == RunState::Queued) {
            let Some(until) = book.row.not_before else { continue };
            let left = (until - now.wall).min(until - book.row.queued_at);
            let entered = book.times.queued.min(at);
            book.times.queued = if left > 0 { at.saturating_add(left) } else { entered };
        }
    }

    /// Writes a run's record that is known from elsewhere; when things happened is not.
    pub fn put_run(&mut self, id: RunId, row: RunRow) {
        let book = self.first_of(&row, 0, i64::MAX, None);
        self.runs.insert(id, book);
    }

    /// What a run that begins goes by: the next attempt by what the one before it did, every other by its job. Where the
    /// same commit changes the job, it may have begun before or after that.
    fn terms_of(&self, run: RunId, before: Option<&RunBook>, tick: Option<Mono>) -> Terms {
        if let Some(before) = before {
            return before.terms;
        }
        let now = self.job(run.job).map(|(job, _)| job.terms);
        let replaced = self.replaced.iter().find(|job| job.id == run.job).map(|job| job.terms);
        // One that goes in the tick that adds or edits it is in no commit as it was then.
        let is_of = |(wanted, job, _): &&(Mono, JobId, Terms)| Some(*wanted) == tick && *job == run.job;
        let mut wanted = self.wanted.iter().filter(is_of).map(|(.., terms)| *terms);
        let last = wanted.clone().next_back().filter(|_| now.is_none());
        let is_all = now.is_none() && last.is_none();
        let is_written = |terms: &Terms| self.terms.get(&run) == Some(terms);
        let earlier =
            replaced.filter(|terms| is_all || is_written(terms)).or_else(|| wanted.find(is_written));
        earlier.or(now).or(last).unwrap_or_default()
    }

    fn first_of(&self, row: &RunRow, line: i64, now: i64, tick: Option<Mono>) -> RunBook {
        let before = RunId { attempt: row.id.attempt.saturating_sub(1), ..row.id };
        let before = self.runs.get(&before);
        let terms = self.terms_of(row.id, before, tick);
        let begins = row.queued_at.as_millis() - line;
        let queued = row.not_before.map_or(begins, |until| until.as_millis() - line);
        let first = before.map_or(begins, |before| before.times.first);
        let times =
            Times { first, written: now, queued, granted: None, ready: None, progress: None, settled: None };
        let mut book =
            RunBook { row: *row, ends: 0, terms, times, own: Place::default(), base: Place::default() };
        book.update(row, line, now);
        book
    }

    /// A job as it was declared before the latest commit, where that declares or removes it.
    pub(crate) fn declared_before(&self, id: JobId) -> Option<&Job> {
        self.replaced.iter().find(|job| job.id == id)
    }

    /// The record of a run.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<&RunRow> {
        self.runs.get(&id).map(|book| &book.row)
    }

    /// The row of a job.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&(Job, JobRow)> {
        self.jobs.get(id.index())?.as_ref()
    }

    /// Whether a run is over.
    #[must_use]
    pub fn is_settled(&self, id: RunId) -> bool {
        self.run(id).is_some_and(|row| matches!(row.state, RunState::Settled(_)))
    }

    fn put_job(&mut self, job: Job, row: JobRow) {
        if self.jobs.len() <= job.id.index() {
            self.jobs.resize(job.id.index() + 1, None);
        }
        self.jobs[job.id.index()] = Some((job, row));
    }

    /// Writes a range down and returns what it was before.
    fn write_ledger(&mut self, row: LedgerRow) -> Option<LedgerRow> {
        let same = |kept: &&mut LedgerRow| {
            kept.job == row.job && kept.generation == row.generation && kept.first == row.first
        };
        match self.ledger.iter_mut().rev().find(same) {
            Some(kept) => Some(std::mem::replace(kept, row)),
            None => {
                self.ledger.push(row);
                None
            }
        }
    }
}

/// Whether a record gives one time for start and end, as it does where the wall clock stepped back in between.
pub(crate) fn ends_as_it_starts(row: &RunRow) -> bool {
    row.started_at.is_some() && row.started_at == row.settled_at
}

impl RunBook {
    fn update(&mut self, row: &RunRow, line: i64, now: i64) {
        let on_line =
            |wall: Option<Wall>, known: Option<i64>| known.or(wall.map(|wall| wall.as_millis() - line));
        self.times.granted = on_line(row.granted_at, self.times.granted);
        self.times.ready = on_line(row.started_at, self.times.ready);
        // A record says that it ended when it began, if the wall clock stepped back in between. How long it ran does not step.
        let ran = self.times.ready.zip(row.runtime_ms).filter(|_| ends_as_it_starts(row));
        let settled = ran.map(|(ready, ran)| ready.saturating_add(i64::try_from(ran).unwrap_or(i64::MAX)));
        self.times.settled =
            settled.or(on_line(row.settled_at, self.times.settled)).map(|settled| settled.min(now));
        if row.last_progress != self.row.last_progress {
            self.times.progress = on_line(row.last_progress, None);
        }
        self.row = *row;
    }

    /// When a budget ends that binds the run, if it is limited and has begun to count. What was armed
    /// before the gateway came back was armed again then, in full.
    #[must_use]
    pub fn ends(&self, budget: Budget, restarted: Option<i64>) -> Option<i64> {
        let (budgets, times) = (&self.terms.budgets, &self.times);
        let (from, span) = match budget {
            Budget::Queue => (Some(times.queued).filter(|_| times.granted.is_none()), budgets.queue_timeout),
            Budget::Start => (times.granted.filter(|_| times.ready.is_none()), budgets.start_timeout),
            Budget::Stall => {
                let heard = [times.granted, times.ready, times.progress].into_iter().flatten().max();
                (heard.filter(|_| times.granted.is_some()), budgets.stall_timeout)
            }
            Budget::Run => (times.granted, budgets.timeout),
            Budget::Total => (Some(times.first), budgets.total_timeout),
        };
        let from = from?.max(restarted.unwrap_or(i64::MIN));
        Some(from.saturating_add(i64::try_from(span?.as_millis()).unwrap_or(i64::MAX)))
    }
}
