//! An account of every occurrence: which one has to come next, by an oracle, and what is said of it.
//!
//! The books are read in the order of due times. An entry is a run for an occurrence, or a range in the ledger. Each has
//! to begin with the very occurrence that has no end yet.

use educe::Educe;
use sametick_core::commit::{JobRow, JobStatus};
use sametick_core::effect::{Command, Input, InputKind};
use sametick_core::id::JobId;
use sametick_core::job::Job;
use sametick_core::schedule::Schedule;
use sametick_core::time::{Mono, Now, Wall};

use super::unspoken::Unspoken;
use super::{CheckName, Failure, Rest, Scene, nothing_lost, schedule_right};
use crate::changes::RunChange;
use crate::label::Labels;
use crate::lines::{ROUNDING_MS, span_ms};
use crate::oracle::{Dues, Next};
use crate::scenario::Scenario;

/// The accounts of all jobs.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct Accounts {
    jobs: Vec<Option<Account>>,
    entries: Vec<Entry>,
    /// What the clocks showed to the latest tick that said something durable.
    said: Option<Wall>,
    /// The edits that no commit has spoken of yet.
    edits: Vec<Edit>,
    /// When somebody took jobs away of which no commit has spoken yet, each with the tick that heard of it.
    removals: Vec<(JobId, Mono, Mono)>,
    /// The jobs that somebody added, of those that no commit has spoken of yet, each with whether that was at the very
    /// instant of the tick that heard of it.
    adds: Unspoken<(JobId, bool)>,
    /// What the wall clock showed to the latest tick.
    shown: Option<Wall>,
    /// The first instant of the gateway that came back last.
    back: Option<Mono>,
    /// The ticks that found the wall clock put back, of those that no commit has spoken of yet, each with what it had
    /// shown before.
    put_back: Vec<(Mono, Wall)>,
}

/// Somebody edits a job.
#[derive(Clone, Copy, Debug)]
struct Edit {
    job: JobId,
    at: Mono,
    /// The tick that heard of it.
    tick: Mono,
    schedule: Schedule,
}

/// The account of one job.
#[derive(Educe, Debug)]
#[educe(Clone)]
struct Account {
    generation: u32,
    schedule: Known,
    /// The occurrence that has no end yet.
    next: Next,
    /// The latest that has one. Where the clock was put back it is yet to come, and does not come again, whatever the
    /// schedule is by then.
    met: Option<Wall>,
}

/// A schedule in as few bytes as most need: accounts are opened in every world.
#[derive(Educe, Debug)]
#[educe(Clone)]
enum Known {
    Plain(Dues<'static>),
    Cron(Box<Schedule>),
}

/// Occurrences that have their end now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    job: JobId,
    generation: u32,
    first: Wall,
    /// A range that goes on begins after its old end.
    after: bool,
    last: Wall,
    count: u64,
}

/// What is wrong, and with what.
type Wrong = (CheckName, String);

impl Accounts {
    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.jobs.clear();
        self.said = None;
        self.edits.clear();
        self.removals.clear();
        self.adds.clear();
        self.shown = None;
        self.back = None;
        self.put_back.clear();
    }

    /// What the clocks show to a tick.
    pub(super) fn reads(&mut self, now: Option<Now>) {
        let Some(now) = now else { return };
        let before = self.shown.replace(now.wall).filter(|before| *before > now.wall);
        self.put_back.extend(before.map(|before| (now.mono, before)));
    }

    /// A gateway came back: what the one before it did not commit has no end.
    pub(super) fn restarted(&mut self, now: Now) {
        self.shown = Some(now.wall);
        self.back = Some(now.mono.tick_after());
        self.put_back.clear();
        self.edits.clear();
        self.removals.clear();
        self.adds.clear();
    }

    /// A job that is there when the world begins, at this instant.
    pub(crate) fn open(&mut self, job: &Job, generation: u32, begins: Wall, scenario: &Scenario) {
        let next = scenario.dues(&job.schedule).map(|dues| dues.after(begins.plus_millis(-1)));
        if let Some(next) = next {
            self.put(job.id, Account { generation, schedule: Known::of(&job.schedule), next, met: None });
        }
    }

    /// What the gateway hears: jobs may be edited.
    pub(super) fn hear(&mut self, now: Option<Now>, inputs: &[Input]) {
        for input in inputs {
            // Whoever asked before the gateway was back is heard by the one that is.
            let at = self.back.map_or(input.at, |back| input.at.max(back));
            let tick = now.map_or(at, |now| now.mono);
            if let InputKind::Command { command: Command::Edit(job), .. } = &input.kind {
                self.edits.push(Edit { job: job.id, at, tick, schedule: job.schedule });
            }
            if let InputKind::Command { command: Command::Remove(job), .. } = input.kind {
                self.removals.push((job, at, tick));
            }
            if let InputKind::Command { command: Command::Add(job), .. } = &input.kind {
                self.adds.hear((job.id, at == tick), tick);
            }
        }
    }

    /// What became durable.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        self.said = Some(scene.said.wall);
        let mut entries = std::mem::take(&mut self.entries);
        collect(&mut entries, scene);
        let mut latest = None;
        let shown = self.has_shown(scene);
        self.put_back.retain(|(at, _)| *at > scene.said.mono);
        for entry in entries.drain(..) {
            let is_ahead = entry.last > shown.plus_millis(ROUNDING_MS);
            let ahead = is_ahead.then(|| schedule_right::ahead(entry.job, entry.last, scene));
            let declared = scene.commit.declared.iter().find(|job| job.id == entry.job);
            // Of one that was removed and added again, the declaration is another generation's.
            let declared = declared.filter(|job| !is_of_before(job.id, entry.generation, scene));
            let edited = declared
                .map(|job| job.schedule)
                .or_else(|| self.edited_as_it_goes(entry.job, entry.generation, scene));
            let wrong = match edited {
                Some(schedule) => self.take_edited(entry, &schedule, latest, scene),
                None => self.account_of(entry.job, entry.generation).and_then(|account| {
                    let dues = account.schedule.dues(scene.labels.scenario())?;
                    account.take(entry, &dues, &scene.labels)
                }),
            };
            latest = Some(entry);
            if let Some(wrong) = ahead.or(wrong) {
                push(failures, scene.at, wrong);
            }
        }
        self.entries = entries;
        for job in &scene.commit.removed {
            if let Some(old) = self.jobs.get_mut(job.index()).and_then(Option::take)
                && let Some(wrong) = self.given_up(*job, &old, scene)
            {
                push(failures, scene.at, wrong);
            }
        }
        for (_, row) in &scene.changes.jobs {
            if let Some(wrong) = self.judge_row(row, scene) {
                push(failures, scene.at, wrong);
            }
            let next = self.account_of(row.id, row.generation).map(|account| account.next);
            if let Some(Next::At(due)) = next
                && row.status == JobStatus::Exhausted
            {
                push(failures, scene.at, nothing_lost::gone_before(row.id, due, &scene.labels));
            }
        }
        for job in &scene.commit.declared {
            // A row that did not exist before comes with its declaration.
            let row = scene.books.job(job.id).map(|(_, row)| *row);
            let known = row.is_some_and(|row| self.account_of(job.id, row.generation).is_some());
            if let Some(row) = row.filter(|_| !known)
                && let Some(wrong) = self.judge_row(&row, scene)
            {
                push(failures, scene.at, wrong);
            }
        }
        self.adds.spoken(scene.said.mono);
        self.removals.retain(|(.., tick)| *tick > scene.said.mono);
        if !(scene.commit.declared.is_empty() && scene.commit.removed.is_empty()) {
            let spoken_of = |job: JobId| {
                let declared = scene.commit.declared.iter().any(|declared| declared.id == job);
                declared || scene.commit.removed.contains(&job)
            };
            self.edits.retain(|edit| edit.at > scene.said.mono || !spoken_of(edit.job));
        }
    }

    /// The latest that the wall clock showed to the tick that says it, or to one before it that no commit has spoken of
    /// yet: skips alone wait for the next commit where the store is behind.
    pub(super) fn has_shown(&self, scene: &Scene<'_>) -> Wall {
        let until_said = self.put_back.iter().filter(|(at, _)| *at <= scene.said.mono);
        until_said.fold(scene.said.wall, |latest, (_, before)| latest.max(*before))
    }

    /// Takes an entry of a job whose old schedule ends in this commit and whose new one begins. Where it was edited more
    /// than once, nobody knows the schedules in between.
    fn take_edited(
        &mut self,
        entry: Entry,
        schedule: &Schedule,
        latest: Option<Entry>,
        scene: &Scene<'_>,
    ) -> Option<Wrong> {
        let same = |latest: &Entry| (latest.job, latest.generation) == (entry.job, entry.generation);
        let before = scene.look_up().job(entry.job).and_then(|(before, _)| *before);
        let before = before.filter(|before| before.generation == entry.generation);
        let told = latest.filter(same).map(|latest| latest.last).max(before.and_then(|row| row.last_due));
        let again = |told: Wall| if entry.after { entry.first < told } else { entry.first <= told };
        if told.is_some_and(again) {
            return Some(nothing_lost::told_twice(entry.job, entry.first, &scene.labels));
        }
        let edits = self.edits.iter().filter(|edit| edit.job == entry.job && edit.at <= scene.said.mono);
        let once = edits.count() == 1;
        let new = scene.labels.scenario().dues(schedule)?;
        let account = self.account_of(entry.job, entry.generation)?;
        let old = account.schedule.dues(scene.labels.scenario())?;
        let mut taken = account.clone();
        if taken.take(entry, &old, &scene.labels).is_none() {
            *account = taken;
            return None;
        }
        (once && !new.has(entry.last))
            .then(|| schedule_right::no_such_time(entry.job, entry.last, account.next, &scene.labels))
    }

    /// By what a job goes that is edited in the very tick in which it goes: no commit declares it any more.
    fn edited_as_it_goes(&self, job: JobId, generation: u32, scene: &Scene<'_>) -> Option<Schedule> {
        if !scene.commit.removed.contains(&job) && !is_of_before(job, generation, scene) {
            return None;
        }
        self.edit_before(job, self.taken_away(job, scene).map(|(at, _)| at), scene).map(|edit| edit.schedule)
    }

    /// When somebody took a job away, with the tick that heard of it: of two in one tick the first, as the other found
    /// nothing.
    fn taken_away(&self, job: JobId, scene: &Scene<'_>) -> Option<(Mono, Mono)> {
        let heard = |(removed, at, _): &&(JobId, Mono, Mono)| *removed == job && *at <= scene.said.mono;
        let latest = self.removals.iter().rev().find(heard).map(|(_, _, tick)| *tick);
        let first = self.removals.iter().filter(heard).find(|(_, _, tick)| Some(*tick) == latest);
        first.map(|(_, at, tick)| (*at, *tick))
    }

    /// The last edit of a job in the tick at hand, and before it was taken away if it was.
    fn edit_before(&self, job: JobId, taken: Option<Mono>, scene: &Scene<'_>) -> Option<&Edit> {
        let in_time = |edit: &Edit| taken.is_none_or(|taken| edit.at <= taken);
        let of_tick = |edit: &&Edit| edit.job == job && edit.tick == scene.said.mono && in_time(edit);
        self.edits.iter().rev().find(of_tick)
    }

    /// A job that was edited in the tick in which it went by itself had nothing left to do by its new schedule.
    fn gone_as_edited(
        &self,
        job: JobId,
        next: Next,
        schedule: &Schedule,
        scene: &Scene<'_>,
    ) -> Option<Wrong> {
        let after = |dues: Dues<'_>| match dues.after(scene.said.wall) {
            Next::At(due) => Some(nothing_lost::gone_before(job, due, &scene.labels)),
            Next::Beyond(_) | Next::Never => None,
        };
        self.left_behind(job, next, scene).or_else(|| scene.labels.scenario().dues(schedule).and_then(after))
    }

    /// A job is gone: by itself when it is due no more, else because somebody took it away, and then what was due
    /// before that has its end.
    fn given_up(&self, job: JobId, old: &Account, scene: &Scene<'_>) -> Option<Wrong> {
        let next = old.next;
        let Next::At(due) = next else { return None };
        let Some((at, tick)) = self.taken_away(job, scene) else {
            return match self.edit_before(job, None, scene).filter(|_| scene.commit.removed.contains(&job)) {
                Some(edit) => self.gone_as_edited(job, next, &edit.schedule, scene),
                None => Some(nothing_lost::gone_before(job, due, &scene.labels)),
            };
        };
        let edit = self.edit_before(job, Some(at), scene).filter(|_| tick == scene.said.mono);
        // Where it goes by the schedule it had, what is due next stays so, wherever the clock was put meanwhile.
        let edit = edit.filter(|edit| !old.schedule.is(&edit.schedule));
        let Some(edit) = edit else {
            return (due < before(at, scene)).then(|| nothing_lost::passed_over(job, due, &scene.labels));
        };
        // Until it was edited it went by its old schedule, and from then on by the new one.
        let from = wall_of(edit.at, scene);
        let from = old.met.map_or(from, |met| met.max(from));
        let due_by_new = scene.labels.scenario().dues(&edit.schedule).map(|dues| dues.after(from));
        self.left_behind(job, next, scene).or_else(|| match due_by_new {
            Some(Next::At(due)) if due < before(at, scene) && !is_told(job, due, scene) => {
                Some(nothing_lost::passed_over(job, due, &scene.labels))
            }
            Some(Next::At(_) | Next::Beyond(_) | Next::Never) | None => None,
        })
    }

    /// What a job's row says is due next has to be the occurrence that has no end yet.
    fn judge_row(&mut self, row: &JobRow, scene: &Scene<'_>) -> Option<Wrong> {
        let (job, _) = scene.books.job(row.id)?;
        let dues = scene.labels.scenario().dues(&job.schedule)?;
        // One that was edited to something else and back in one tick begins anew all the same.
        let mut edits = self.edits.iter().filter(|edit| edit.job == row.id && edit.tick == scene.said.mono);
        let there_and_back = edits.any(|edit| edit.schedule != job.schedule)
            && scene.commit.declared.iter().any(|declared| declared.id == row.id);
        let same = |account: &&mut Account| account.schedule.is(&job.schedule) && !there_and_back;
        if let Some(account) = self.account_of(row.id, row.generation).filter(same) {
            return wrong_next(row, account.next, &dues, &scene.labels);
        }
        let known = self.jobs.get(row.id.index()).and_then(Option::as_ref);
        let earlier = known.filter(|known| known.generation < row.generation);
        let taken_away = earlier.and_then(|known| self.given_up(row.id, known, scene));
        let old = self.account_of(row.id, row.generation).map(|account| (account.next, account.met));
        let met = old.and_then(|(_, met)| met);
        let next = row.next_due.map_or(Next::Never, Next::At);
        let schedule = Known::of(&job.schedule);
        self.put(row.id, Account { generation: row.generation, schedule, next, met });
        old.and_then(|(next, _)| self.left_behind(row.id, next, scene))
            .or(taken_away)
            .or_else(|| schedule_right::wrong_begin(row, &dues, scene))
            .or_else(|| self.passes_over_the_first(row, &dues, scene))
            .or_else(|| self.passes_over_as_edited(row, met, &dues, scene))
    }

    /// What is due at the very instant at which a job is added is due.
    fn passes_over_the_first(&self, row: &JobRow, dues: &Dues<'_>, scene: &Scene<'_>) -> Option<Wrong> {
        let mut adds = self.adds.by(scene.said.mono).filter(|(job, _)| *job == row.id);
        let (_, at_once) = adds.next()?;
        let once = adds.next().is_none() && !self.edits.iter().any(|edit| edit.job == row.id);
        let Next::At(due) = dues.after(scene.said.wall.plus_millis(-1)) else { return None };
        let is_met = row.next_due == Some(due) || row.last_due == Some(due);
        (*at_once && once && !is_met).then(|| nothing_lost::passed_over(row.id, due, &scene.labels))
    }

    /// What a new schedule has due at the very instant of an edit is due, unless it was met by the old one.
    fn passes_over_as_edited(
        &self,
        row: &JobRow,
        met: Option<Wall>,
        dues: &Dues<'_>,
        scene: &Scene<'_>,
    ) -> Option<Wrong> {
        let mut edits = self.edits.iter().filter(|edit| edit.job == row.id && edit.tick <= scene.said.mono);
        let at_once = edits.next().is_some_and(|edit| edit.at == edit.tick && edit.tick == scene.said.mono);
        let once =
            at_once && edits.next().is_none() && self.adds.by(scene.said.mono).all(|(job, _)| *job != row.id);
        let due = scene.said.wall;
        let is_met = met >= Some(due) || row.next_due == Some(due) || row.last_due >= Some(due);
        (once && dues.has(due) && !is_met).then(|| nothing_lost::passed_over(row.id, due, &scene.labels))
    }

    /// An edit leaves nothing behind that was due before it.
    fn left_behind(&self, job: JobId, old: Next, scene: &Scene<'_>) -> Option<Wrong> {
        let edit = self.edits.iter().find(|edit| edit.job == job)?;
        match old {
            Next::At(due) if due < before(edit.at, scene) => {
                Some(nothing_lost::passed_over(job, due, &scene.labels))
            }
            Next::At(_) | Next::Beyond(_) | Next::Never => None,
        }
    }

    /// Nothing was due by the latest tick and is not in the books; nor by the end of the world, where an owner was there
    /// and awake to it: whoever never wakes up for what is due never says anything either.
    pub(super) fn judge_rest(&self, failures: &mut Vec<Failure>, rest: &Rest<'_>) {
        let reached = rest.reached.map(|reached| reached.plus_millis(-ROUNDING_MS));
        let Some(reached) = self.said.max(reached) else { return };
        for account in self.jobs.iter().enumerate() {
            let (place, Some(account)) = account else { continue };
            let job = JobId(u32::try_from(place).unwrap_or(u32::MAX));
            let status = rest.books.job(job).map(|(_, row)| row.status);
            match (account.next, status) {
                (Next::At(due), Some(JobStatus::Active)) if due < reached => {
                    push(failures, rest.at, nothing_lost::passed_over(job, due, rest.labels));
                }
                // Nobody will ever follow it.
                (Next::At(due), Some(JobStatus::Exhausted)) => {
                    push(failures, rest.at, nothing_lost::gone_before(job, due, rest.labels));
                }
                _ => {}
            }
        }
    }

    fn account_of(&mut self, job: JobId, generation: u32) -> Option<&mut Account> {
        self.jobs.get_mut(job.index())?.as_mut().filter(|account| account.generation == generation)
    }

    fn put(&mut self, job: JobId, account: Account) {
        if self.jobs.len() <= job.index() {
            self.jobs.resize(job.index() + 1, None);
        }
        self.jobs[job.index()] = Some(account);
    }
}

impl Known {
    fn of(schedule: &Schedule) -> Self {
        Dues::of(schedule).map_or_else(|| Self::Cron(Box::new(*schedule)), Self::Plain)
    }

    fn is(&self, schedule: &Schedule) -> bool {
        match self {
            Self::Plain(dues) => Dues::of(schedule).is_some_and(|other| other == *dues),
            Self::Cron(own) => **own == *schedule,
        }
    }

    fn dues<'s>(&self, scenario: &'s Scenario) -> Option<Dues<'s>> {
        match self {
            Self::Plain(dues) => Some(*dues),
            Self::Cron(schedule) => scenario.dues(schedule),
        }
    }
}

impl Account {
    /// Takes an entry into the account. Says what is wrong with it.
    fn take(&mut self, entry: Entry, dues: &Dues<'_>, labels: &Labels<'_>) -> Option<Wrong> {
        let first = match (entry.after, dues.after(entry.first)) {
            (false, _) => entry.first,
            (true, Next::At(first)) => first,
            // Beyond the oracle.
            (true, Next::Beyond(_) | Next::Never) => return None,
        };
        let expected = std::mem::replace(&mut self.next, dues.after(entry.last));
        self.met = Some(entry.last);
        let strange = [first, entry.last].into_iter().find(|due| !dues.has(*due));
        if let Some(due) = strange {
            return Some(schedule_right::no_such_time(entry.job, due, expected, labels));
        }
        match expected {
            Next::At(due) if due < first => Some(nothing_lost::passed_over(entry.job, due, labels)),
            Next::At(due) if due > first => Some(nothing_lost::told_twice(entry.job, first, labels)),
            Next::Never => Some(nothing_lost::told_twice(entry.job, first, labels)),
            Next::At(_) | Next::Beyond(_) => {
                let counted = dues.count(first, entry.last).filter(|count| *count != entry.count)?;
                Some(nothing_lost::miscounted(entry.job, first, entry.last, (entry.count, counted), labels))
            }
        }
    }
}

/// What the wall clock showed just before something was asked for.
fn before(asked: Mono, scene: &Scene<'_>) -> Wall {
    wall_of(asked, scene).plus_millis(-ROUNDING_MS)
}

/// What the wall clock showed when something was asked for.
pub(super) fn wall_of(asked: Mono, scene: &Scene<'_>) -> Wall {
    let back = span_ms(scene.said.mono.since(asked));
    scene.said.wall.plus_millis(-back)
}

/// Whether the books have another generation of a job by now.
fn is_of_before(job: JobId, generation: u32, scene: &Scene<'_>) -> bool {
    scene.books.job(job).is_some_and(|(_, row)| row.generation > generation)
}

/// Whether the commit says what became of a due time of a job, or of one after it.
fn is_told(job: JobId, due: Wall, scene: &Scene<'_>) -> bool {
    let by_range = scene.changes.ledger.iter().any(|(_, row)| row.job == job && row.last >= due);
    by_range
        || scene.changes.runs.iter().any(|change| change.after.id.job == job && change.after.id.due >= due)
}

/// What has its end with this commit, in the order of due times.
fn collect(entries: &mut Vec<Entry>, scene: &Scene<'_>) {
    for RunChange { after, .. } in scene.changes.new_runs() {
        let id = after.id;
        if id.asked == 0 && id.attempt == 1 {
            let (job, generation) = (id.job, id.generation);
            entries.push(Entry { job, generation, first: id.due, after: false, last: id.due, count: 1 });
        }
    }
    for (before, row) in &scene.changes.ledger {
        let (job, generation, last) = (row.job, row.generation, row.last);
        let entry = match before {
            None => Entry { job, generation, first: row.first, after: false, last, count: row.count },
            Some(before) if before.last == row.last => continue,
            Some(before) => {
                let count = row.count.saturating_sub(before.count);
                Entry { job, generation, first: before.last, after: true, last, count }
            }
        };
        entries.push(entry);
    }
    entries.sort_unstable();
}

/// What is wrong with the occurrence that a row says is next.
fn wrong_next(row: &JobRow, expected: Next, dues: &Dues<'_>, labels: &Labels<'_>) -> Option<Wrong> {
    match (row.next_due, expected) {
        (None, Next::Never | Next::Beyond(_)) => None,
        (Some(due), Next::At(expected)) if due == expected => None,
        (Some(due), Next::Beyond(horizon)) if due > horizon => None,
        (Some(due), expected) if !dues.has(due) => {
            Some(schedule_right::no_such_time(row.id, due, expected, labels))
        }
        (Some(due), Next::At(expected)) if due > expected => {
            Some(nothing_lost::passed_over(row.id, expected, labels))
        }
        (None, Next::At(expected)) => Some(nothing_lost::passed_over(row.id, expected, labels)),
        (Some(due), Next::At(_) | Next::Beyond(_) | Next::Never) => {
            Some(nothing_lost::told_twice(row.id, due, labels))
        }
    }
}

fn push(failures: &mut Vec<Failure>, at: Mono, (check, message): Wrong) {
    failures.push(Failure { check, at, run: None, message });
}
