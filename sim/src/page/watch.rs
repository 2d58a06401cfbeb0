//! A world, watched: its lines, and what each thing in it goes through.

use std::collections::{BTreeMap, BTreeSet};

use sametick_core::Machine;
use sametick_core::commit::{Answer, Commit, JobRow};
use sametick_core::effect::{Command, Effect, Input, InputKind, Tick};
use sametick_core::id::SessionKey;
use sametick_core::run::RunRow;
use sametick_core::session::{SessionRow, Status};
use sametick_core::time::Mono;

use super::looks;
use super::occupancy::Occupancy;
use super::strand::{Course, Key};
use crate::changes::Changes;
use crate::check::shown;
use crate::fields::{self, Record};
use crate::label::{Labels, instant};
use crate::machines::{Subject, Visit};
use crate::record::{Beat, Befell, Fate};
use crate::scenario::Scenario;
use crate::story::{self, Line, told_effect, told_input};
use crate::world::{Verdict, World};

/// What was seen of a world.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) verdict: Verdict,
    /// Its story.
    pub(super) lines: Vec<Line>,
    /// Ticks that told nothing.
    pub(super) quiet: Vec<Mono>,
    /// What each thing goes through.
    pub(super) courses: BTreeMap<Key, Course>,
}

impl Watched {
    /// Watches the world of a seed.
    pub(super) fn of(scenario: &Scenario, subject: Subject, seed: u64) -> Self {
        let is_core = matches!(subject, Subject::Core(_));
        subject.visit(scenario.config.clone(), Watching { scenario, seed, is_core })
    }
}

struct Watching<'s> {
    scenario: &'s Scenario,
    seed: u64,
    /// Claims and laws are for the core.
    is_core: bool,
}

impl Visit for Watching<'_> {
    type Out = Watched;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Watched {
        let mut world = World::new(self.scenario, machine);
        world.judge_claims(self.is_core);
        world.try_laws(self.is_core);
        let (verdict, beats) = world.record(self.seed);
        let labels = world.labels();
        let lines = story::lines_of(&beats, &labels);
        let mut watch = Watch::new(labels, &beats);
        beats.iter().for_each(|beat| watch.beat(beat));
        let quiet = quiet(&beats, &lines);
        Watched { verdict, lines, quiet, courses: watch.courses }
    }
}

/// The ticks at whose instants nothing is told.
fn quiet(beats: &[Beat], lines: &[Line]) -> Vec<Mono> {
    let is_told = |at: &Mono| lines.binary_search_by(|line| line.at.cmp(at)).is_ok();
    let ticks = beats.iter().filter_map(|beat| match beat {
        Beat::Tick { at, .. } => Some(*at),
        Beat::Applied { .. } | Beat::Host { .. } | Beat::Rest { .. } => None,
    });
    ticks.filter(|at| !is_told(at)).collect()
}

/// What became of a commit.
#[derive(Clone, Copy, Debug)]
enum Stored<'b> {
    /// It became durable then.
    At(Mono, &'b Changes),
    /// It never did.
    Never,
}

struct Watch<'b, 's> {
    labels: Labels<'s>,
    /// When each commit became durable, by epoch and number.
    applied: BTreeMap<(u64, u64), (Mono, &'b Changes)>,
    /// Commits that were said and are not durable yet.
    open: BTreeMap<(u64, u64), Record>,
    /// Session rows as they are durable.
    sessions: BTreeMap<SessionKey, SessionRow>,
    /// The turns that others run in shared sessions, each with the host in whose process it is.
    foreign: BTreeSet<(SessionKey, usize, u64)>,
    occupancy: Occupancy,
    courses: BTreeMap<Key, Course>,
}

impl<'b, 's> Watch<'b, 's> {
    fn new(labels: Labels<'s>, beats: &'b [Beat]) -> Self {
        let scenario = labels.scenario();
        let mut applied = BTreeMap::new();
        for beat in beats {
            if let Beat::Applied { at, epoch, number, changes } = beat {
                applied.entry((*epoch, *number)).or_insert((*at, changes));
            }
        }
        let occupancy = Occupancy::new(scenario);
        let mut watch = Self {
            labels,
            applied,
            open: BTreeMap::new(),
            sessions: BTreeMap::new(),
            foreign: BTreeSet::new(),
            occupancy,
            courses: BTreeMap::new(),
        };
        for planned in scenario.jobs.iter().filter(|planned| planned.declared) {
            let row = JobRow { status: planned.status, ..JobRow::new(planned.job.id, 1, None) };
            let (look, label) = looks::of_job(&row, &watch.labels);
            watch.course(Key::Job(row.id)).stands(Mono::default(), look, label);
        }
        for lane in 0..scenario.config.lanes.len() {
            watch.lane_stands(Mono::default(), lane);
        }
        for key in [Key::Events, Key::Subscribers, Key::Store] {
            watch.course(key);
        }
        for host in 0..scenario.hosts {
            let (look, label) = if host == 0 { ("up", "owns the store") } else { ("idle", "stands by") };
            watch.course(Key::Host(host)).stands(Mono::default(), look, label);
        }
        watch
    }

    fn course(&mut self, key: Key) -> &mut Course {
        let labels = &self.labels;
        self.courses.entry(key).or_insert_with(|| Course { name: name(key, labels), ..Course::default() })
    }

    fn beat(&mut self, beat: &Beat) {
        match beat {
            Beat::Tick { at, host, life, inputs, tick, fate, .. } => {
                self.tick(*at, *host, *life, inputs, tick, *fate);
            }
            Beat::Applied { at, epoch, number, .. } => self.applied_late(*at, *epoch, *number),
            Beat::Rest { .. } => {}
            Beat::Host { at, host, what } => self.befalls(*at, *host, *what),
        }
    }

    fn tick(&mut self, at: Mono, host: usize, life: u32, inputs: &[Input], tick: &Tick, fate: Fate) {
        if life > 1 && !self.is_up(host) {
            self.course(Key::Host(host)).stands(at, "up", "owns the store");
            self.course(Key::Host(host)).at(at).hears("is back and recovers".to_owned());
        }
        let mut tells = false;
        for input in inputs {
            if let Some(text) = told_input(input, &self.labels) {
                tells = true;
                self.hears(at, host, &input.kind, text);
            }
        }
        if let Some(commit) = tick.commit() {
            tells = true;
            self.commits(at, commit, fate);
        }
        if fate == Fate::CarriedOut {
            for effect in tick.effects() {
                if let Some(text) = told_effect(effect, &self.labels) {
                    tells = true;
                    self.leaves(at, host, effect, text);
                }
            }
        }
        if tells {
            self.hears_durable(at, inputs);
        }
    }

    /// Why held effects leave: the store has said that their commits are durable.
    fn hears_durable(&mut self, at: Mono, inputs: &[Input]) {
        for input in inputs {
            if let InputKind::Answer { commit, answer: Answer::Applied } = input.kind {
                let store = self.course(Key::Store).at(at);
                store.hears(format!("commit {commit} is durable"));
                store.is_called(format!("#{commit} durable"));
            }
        }
    }

    fn hears(&mut self, at: Mono, host: usize, input: &InputKind, text: String) {
        let key = match input {
            InputKind::Answer { .. } | InputKind::Renewal { .. } => Key::Store,
            InputKind::Heard { .. } => Key::Subscribers,
            InputKind::Report { run, .. } => Key::Run(*run),
            InputKind::Command { command, .. } => match command {
                Command::Add(job) | Command::Edit(job) => Key::Job(job.id),
                Command::Remove(job)
                | Command::Pause(job)
                | Command::Disable(job)
                | Command::Resume(job)
                | Command::RunNow(job) => Key::Job(*job),
                Command::Spawn { parent, .. } => Key::Run(*parent),
                Command::Cancel(run) => Key::Run(*run),
            },
            InputKind::Foreign { key, turn, began } => {
                self.others(at, host, *key, *turn, *began);
                Key::Others(*key)
            }
            InputKind::ClockStepped => Key::Host(host),
        };
        let word = match input {
            InputKind::Answer { commit, answer } => looks::answer(*commit, *answer),
            InputKind::Renewal { .. } => Some("not renewed".to_owned()),
            InputKind::Heard { .. }
            | InputKind::Report { .. }
            | InputKind::Command { .. }
            | InputKind::Foreign { .. }
            | InputKind::ClockStepped => None,
        };
        let happened = self.course(key).at(at);
        happened.hears(text);
        if let Some(word) = word {
            happened.is_called(word);
        }
    }

    /// A turn that others run in a shared session begins or ends, in the process of a host.
    fn others(&mut self, at: Mono, host: usize, key: SessionKey, turn: u64, began: bool) {
        if began {
            self.foreign.insert((key, host, turn));
        } else {
            self.foreign.remove(&(key, host, turn));
        }
        let count = self.foreign.iter().filter(|(other, ..)| *other == key).count();
        let (look, label) = match count {
            0 => ("free", "nobody".to_owned()),
            1 => ("busy", "at work".to_owned()),
            more => ("busy", format!("{more} at work")),
        };
        self.course(Key::Others(key)).stands(at, look, label);
    }

    fn leaves(&mut self, at: Mono, host: usize, effect: &Effect, text: String) {
        let key = match effect {
            Effect::Start { run } | Effect::Abort { run } | Effect::Deliver { run, .. } => Key::Run(*run),
            Effect::Publish { .. } => Key::Subscribers,
            Effect::StoreAgain { .. } => Key::Store,
            Effect::Reply { .. } | Effect::Renew { .. } | Effect::StepDown => Key::Host(host),
        };
        if matches!(effect, Effect::StepDown) {
            self.course(Key::Host(host)).stands(at, "idle", "stepped down");
        }
        let event = if let Effect::Publish { event, .. } = effect { Some(*event) } else { None };
        let record = event.map(|event| fields::event(&event, &self.labels));
        let happened = self.course(key).at(at);
        happened.sends(text);
        if let (Some(event), Some(record)) = (event, record) {
            happened.writes(looks::of_event(&event), looks::event_word(&event), record);
        }
    }

    fn commits(&mut self, at: Mono, commit: &Commit, fate: Fate) {
        let stored = match self.applied.get(&(commit.epoch, commit.number)) {
            Some((durable, changes)) if fate != Fate::AllLost => Stored::At(*durable, changes),
            _ => Stored::Never,
        };
        let note = match stored {
            Stored::At(durable, _) if durable == at => None,
            Stored::At(durable, _) => Some(format!("durable at {}", instant(durable))),
            Stored::Never => Some("never stored".to_owned()),
        };
        self.store_marks(at, commit, stored);
        for event in &commit.events {
            let record = fields::event(event, &self.labels);
            let happened = self.course(Key::Events).at(at);
            happened.writes(looks::of_event(event), looks::event_word(event), record);
            happened.note.clone_from(&note);
        }
        match stored {
            Stored::At(_, changes) => {
                self.occupancy.declare(commit);
                self.declares(at, commit, &note);
                for (_, row) in &changes.jobs {
                    self.job(at, row, &note, true);
                }
                for change in &changes.runs {
                    self.run(at, &change.after, &note, true);
                }
                for (_, row) in &changes.sessions {
                    self.sessions.insert(row.key, *row);
                    self.session(at, row, &note, true);
                }
            }
            Stored::Never => {
                commit.jobs.iter().for_each(|row| self.job(at, row, &note, false));
                commit.runs.iter().for_each(|row| self.run(at, row, &note, false));
                let mut rows: BTreeMap<SessionKey, SessionRow> = BTreeMap::new();
                for patch in &commit.sessions {
                    let durable =
                        self.sessions.get(&patch.key).copied().unwrap_or(SessionRow::blank(patch.key));
                    patch.apply(rows.entry(patch.key).or_insert(durable));
                }
                rows.values().for_each(|row| self.session(at, row, &note, false));
            }
        }
        self.notes(at, commit, &note);
    }

    fn store_marks(&mut self, at: Mono, commit: &Commit, stored: Stored<'_>) {
        let (look, durable) = match stored {
            Stored::At(durable, _) if durable == at => ("durable", "in the same tick".to_owned()),
            Stored::At(durable, _) => ("open", format!("at {}", instant(durable))),
            Stored::Never => ("lost", "never".to_owned()),
        };
        let label = match stored {
            Stored::Never => format!("commit {}, never stored", commit.number),
            Stored::At(..) => format!("commit {}", commit.number),
        };
        let record = fields::commit(commit, durable);
        self.course(Key::Store).at(at).writes(look, label, record.clone());
        if matches!(stored, Stored::At(durable, _) if durable > at) {
            self.open.insert((commit.epoch, commit.number), record);
        }
    }

    /// A commit is durable that was said some ticks ago.
    fn applied_late(&mut self, at: Mono, epoch: u64, number: u64) {
        if let Some(record) = self.open.remove(&(epoch, number)) {
            self.course(Key::Store).at(at).writes(
                "durable",
                format!("commit {number} becomes durable"),
                record,
            );
        }
    }

    fn declares(&mut self, at: Mono, commit: &Commit, note: &Option<String>) {
        for job in &commit.removed {
            let course = self.course(Key::Job(*job));
            course.ends(at, "over", "removed");
            let happened = course.at(at);
            (happened.look, happened.label) = ("over", "removed".to_owned());
            happened.said.push("it is removed".to_owned());
            happened.note.clone_from(note);
        }
        for job in &commit.declared {
            let happened = self.course(Key::Job(job.id)).at(at);
            happened.said.push("it is declared".to_owned());
            happened.note.clone_from(note);
        }
    }

    fn job(&mut self, at: Mono, row: &JobRow, note: &Option<String>, stands: bool) {
        let (look, label) = looks::of_job(row, &self.labels);
        let record = fields::job(row, &self.labels);
        let last = row.last.filter(|_| row.running.is_none()).map(|last| last.outcome);
        let mark = last.map_or(look, looks::of_outcome);
        let word = last.map_or(label.clone(), |last| format!("{label}, last run {}", last.name()));
        let course = self.course(Key::Job(row.id));
        if stands {
            course.stands(at, look, label);
        }
        let happened = course.at(at);
        happened.writes(mark, word, record);
        happened.note.clone_from(note);
    }

    fn run(&mut self, at: Mono, row: &RunRow, note: &Option<String>, stands: bool) {
        let (look, label) = looks::of_run(row);
        let record = fields::run(row, &self.labels);
        if stands && let Some(lane) = self.occupancy.write(row) {
            self.lane_stands(at, lane);
            self.lane_changes(at, lane, note);
        }
        let course = self.course(Key::Run(row.id));
        if stands && row.is_closed() {
            course.ends(at, look, label.clone());
        } else if stands {
            course.stands(at, look, label.clone());
        }
        let happened = course.at(at);
        happened.writes(look, label, record);
        happened.note.clone_from(note);
    }

    fn session(&mut self, at: Mono, row: &SessionRow, note: &Option<String>, stands: bool) {
        let (look, label) = (looks::of_status(row.status), shown(row.status));
        let record = fields::session(row, &self.labels);
        let course = self.course(Key::Session(row.key));
        if stands {
            let is_over = row.status.is_some_and(Status::is_terminal);
            match row.key {
                SessionKey::Run { .. } if is_over => course.ends(at, look, label),
                SessionKey::Run { .. } | SessionKey::Base { .. } | SessionKey::Main { .. } => {
                    course.stands(at, look, label);
                }
            }
        }
        let happened = course.at(at);
        happened.writes(look, label, record);
        happened.note.clone_from(note);
    }

    fn lane_stands(&mut self, at: Mono, lane: usize) {
        let Some(limit) = self.labels.scenario().config.lanes.get(lane).map(|lane| lane.limit) else {
            return;
        };
        let Some(held) = self.occupancy.lane(lane) else { return };
        let (by, waiting) = (held.by.len(), held.waiting);
        let look = match by {
            0 => "free",
            by if by as u64 >= u64::from(limit) => "full",
            _ => "busy",
        };
        let waits = if waiting == 0 { String::new() } else { format!(" +{waiting}") };
        self.course(Key::Lane(lane as u32)).stands(at, look, format!("{by}/{limit}{waits}"));
    }

    fn lane_changes(&mut self, at: Mono, lane: usize, note: &Option<String>) {
        let Some(limit) = self.labels.scenario().config.lanes.get(lane).map(|lane| lane.limit) else {
            return;
        };
        let Some(held) = self.occupancy.lane(lane) else { return };
        let shown: Vec<String> = held.by.iter().take(12).map(|run| self.labels.run(*run)).collect();
        let more = held.by.len().saturating_sub(shown.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let of = self.labels.lane(lane as u32).to_owned();
        let record =
            fields::lane(&of, held.by.len(), limit, format!("{}{more}", shown.join(", ")), held.waiting);
        let label = format!("{} of {limit} slots held, {} waiting", held.by.len(), held.waiting);
        let happened = self.course(Key::Lane(lane as u32)).at(at);
        // One tick changes a lane more than once: how it leaves it counts.
        happened.records.clear();
        happened.writes("lane", label, record);
        happened.note.clone_from(note);
    }

    /// The ledger and late notes.
    fn notes(&mut self, at: Mono, commit: &Commit, note: &Option<String>) {
        for row in &commit.ledger {
            let record = fields::ledger(row, &self.labels);
            let happened = self.course(Key::Job(row.job)).at(at);
            happened.writes("unran", row.end.name(), record);
            happened.note.clone_from(note);
        }
        for late in &commit.late {
            let record = fields::late(late, &self.labels);
            let happened = self.course(Key::Run(late.run)).at(at);
            let look = if happened.look.is_empty() { "late" } else { happened.look };
            let label =
                if happened.label.is_empty() { "noted as late".to_owned() } else { happened.label.clone() };
            happened.writes(look, label, record);
            happened.note.clone_from(note);
        }
    }

    fn is_up(&self, host: usize) -> bool {
        let stood = self.courses.get(&Key::Host(host)).and_then(|course| course.stood.last());
        stood.is_some_and(|stood| matches!(stood.look, "up" | "cut"))
    }

    fn befalls(&mut self, at: Mono, host: usize, what: Befell) {
        if what == Befell::Died {
            let its: Vec<_> = self.foreign.iter().filter(|(_, other, _)| *other == host).copied().collect();
            its.into_iter().for_each(|(key, _, turn)| self.others(at, host, key, turn, false));
        }
        if let Befell::OthersEnd { key, turn } = what {
            self.others(at, host, key, turn, false);
            let text =
                format!("a turn of somebody else ends in {}, and nobody is told", self.labels.key(key));
            self.course(Key::Others(key)).at(at).hears(text);
            return;
        }
        let course = self.course(Key::Host(host));
        let (look, label) = looks::of_host(what, course.stood.iter().map(|stood| stood.look));
        course.stands(at, look, label);
        let happened = course.at(at);
        (happened.look, happened.label) = (look, label.to_owned());
        happened.hears(looks::befell(what).to_owned());
    }
}

fn name(key: Key, labels: &Labels<'_>) -> String {
    match key {
        Key::Job(job) => labels.job(job).to_owned(),
        Key::Lane(lane) => labels.lane(lane).to_owned(),
        Key::Run(run) => labels.run(run),
        Key::Session(key) => story::short_key(key, labels),
        Key::Others(SessionKey::Main { .. }) => "others in main".to_owned(),
        Key::Others(key) => format!("others in {}", story::short_key(key, labels)),
        Key::Events => "events".to_owned(),
        Key::Subscribers => "subscribers".to_owned(),
        Key::Store => "commits".to_owned(),
        Key::Host(host) if labels.scenario().hosts > 1 => Scenario::host_name(host).to_owned(),
        Key::Host(_) => "gateway".to_owned(),
    }
}
