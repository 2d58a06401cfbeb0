//! Words to set scenes with: a directory of real files, a machine driven by hand.

#![allow(dead_code, unreachable_pub, reason = "every test takes what it needs")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::effect::{Effect, Input, InputKind, Report};
use sametick_core::id::RunId;
use sametick_core::ports::Store;
use sametick_core::run::Shape;
use sametick_core::time::{Mono, Now, Wall};
use sametick_core::{Config, Machine, StandardGateway};
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{Disk, JsonStore};
use serde_json::{Map, Value};

/// The recurring job of the field's files, its timeout, and when it is due next there.
pub const RECURRING: &str = "5a775a42-60ba-41f5-8e46-b1bfa97ec599";
pub const TIMEOUT_MS: u64 = 22_000;
pub const DUE_MS: i64 = 1_795_482_151_693;

/// Before anything is due in them, so that nothing else happens.
pub const NOW_MS: i64 = DUE_MS - 60_000;

/// A copy of the field's files in a directory that goes away.
pub fn field_files() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/openclaw-2026.4.20");
    copy(&from, dir.path());
    dir
}

/// Copies a directory of files and directories.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// Every file under a directory with its bytes, but for the lock.
pub fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if path.file_name().is_some_and(|name| name != "sametick.lock") {
            all.push((path.clone(), fs::read(&path).expect("a file")));
        }
    }
    all.sort();
    all
}

/// A JSON file as an object.
pub fn object(path: &Path) -> Map<String, Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text:?}", path.display()))
}

/// The lines of a run log.
pub fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// A machine whose every commit is applied at once, and everything it said.
pub struct Script {
    pub machine: StandardGateway,
    pub commits: Vec<Commit>,
    pub effects: Vec<Effect>,
    start: Now,
    mono: Mono,
}

impl Script {
    /// Starts a machine at this wall time.
    pub fn start(rows: &Rows, epoch: u64, wall_ms: i64) -> Self {
        Self::start_with(Config::default(), rows, epoch, wall_ms)
    }

    /// The same with other limits.
    pub fn start_with(config: Config, rows: &Rows, epoch: u64, wall_ms: i64) -> Self {
        let start = Now { mono: Mono::from_nanos(0), wall: Wall::from_millis(wall_ms) };
        let machine = StandardGateway::new(config, Shape::Emit);
        let mut script = Self { machine, commits: Vec::new(), effects: Vec::new(), start, mono: start.mono };
        let tick = script.machine.restart(rows, epoch, start).clone();
        // Of turns that another gateway left behind nothing is found, which is as good as stopped.
        let aborted = |effect: &Effect| if let Effect::Abort { run } = effect { Some(*run) } else { None };
        let stopped = |run| InputKind::Report { run, report: Report::Stopped };
        let gone = tick.effects().iter().filter_map(aborted).map(stopped);
        let gone: Vec<InputKind> = gone.collect();
        script.hear(tick);
        if !gone.is_empty() {
            script.at(0, &gone);
        }
        script
    }

    /// One tick so many milliseconds after the start, and those that hear its commits.
    pub fn at(&mut self, millis: u64, kinds: &[InputKind]) -> &mut Self {
        self.mono = Mono::from_nanos(millis * 1_000_000).max(self.mono.tick_after());
        let at = self.mono;
        let inputs: Vec<Input> = kinds.iter().map(|kind| Input { at, kind: kind.clone() }).collect();
        let tick = self.machine.handle(self.now(), &inputs).clone();
        self.hear(tick);
        self
    }

    /// The run that was started last.
    pub fn run(&self) -> RunId {
        let started = self
            .effects
            .iter()
            .rev()
            .find_map(|effect| if let Effect::Start { run } = effect { Some(*run) } else { None });
        started.expect("a start")
    }

    pub fn report(&mut self, millis: u64, report: Report) -> &mut Self {
        let run = self.run();
        self.at(millis, &[InputKind::Report { run, report }])
    }

    fn now(&self) -> Now {
        let millis = i64::try_from(self.mono.as_nanos() / 1_000_000).expect("a short script");
        Now { mono: self.mono, wall: self.start.wall.plus_millis(millis) }
    }

    fn hear(&mut self, tick: sametick_core::Tick) {
        self.effects.extend(tick.effects());
        if let Some(commit) = tick.commit() {
            self.commits.push(commit.clone());
            self.mono = self.mono.tick_after();
            let kind = InputKind::Answer { commit: commit.number, answer: Answer::Applied };
            let tick = self.machine.handle(self.now(), &[Input { at: self.mono, kind }]).clone();
            self.hear(tick);
        }
    }
}

/// A disk that makes nothing durable: for tests that start a hundred gateways.
#[derive(Debug)]
pub struct Quick;

impl Disk for Quick {
    fn write(&mut self, path: &Path, _like: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(path, bytes)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn append(&mut self, path: &Path, keep: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
        if file.metadata()?.len() > keep {
            file.set_len(keep)?;
        }
        file.write_all(bytes)
    }

    fn sync_dir(&mut self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A gateway starts on the directory, ends what it finds and stops; says how many commits it made.
pub fn start_once(dir: &Path) -> usize {
    let mut store = JsonStore::open_on(Quick, dir, SharedNames::new()).expect("files");
    let rows = store.load().expect("rows");
    let script = Script::start(&rows, store.epoch(), NOW_MS);
    for commit in &script.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    while store.do_put_off() {}
    script.commits.len()
}

/// Changes a document on the disk.
pub fn edit(path: &Path, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut document = object(path);
    change(&mut document);
    fs::write(path, serde_json::to_string_pretty(&document).expect("text")).expect("a write");
}
