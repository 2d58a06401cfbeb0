//! A commit over several files is one: whatever step it stops at, and whoever looks meanwhile.

mod support;

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::Path;
use std::rc::Rc;

use sametick_core::commit::{Answer, Commit, Rows};
use sametick_core::effect::Report;
use sametick_core::ports::Store;
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::{self, Disk, JsonStore, RealDisk};
use serde_json::Value;
use support::{DUE_MS, RECURRING, Script, TIMEOUT_MS, copy, field_files, lines, object};

/// A disk that counts its steps, lets somebody look before each, and fails at one of them.
#[derive(Clone, Default)]
struct StepDisk(Rc<RefCell<Steps>>);

#[derive(Default)]
struct Steps {
    taken: usize,
    fails_at: Option<usize>,
    /// Whether the disk stays dead after that.
    dead: bool,
    look: Option<Box<dyn FnMut()>>,
}

impl StepDisk {
    /// Whether the next step works; one that does not leaves what it can of the damage behind.
    fn step(&self) -> bool {
        let mut steps = self.0.borrow_mut();
        if let Some(look) = &mut steps.look {
            look();
        }
        let works =
            steps.fails_at.is_none_or(|at| if steps.dead { steps.taken < at } else { steps.taken != at });
        steps.taken += 1;
        works
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk is broken")
}

impl Disk for StepDisk {
    fn write(&mut self, path: &Path, like: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.step() {
            return RealDisk.write(path, like, bytes);
        }
        RealDisk.write(path, like, &bytes[..bytes.len() / 2])?;
        Err(broken())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if self.step() { RealDisk.rename(from, to) } else { Err(broken()) }
    }

    fn append(&mut self, path: &Path, keep: u64, bytes: &[u8]) -> io::Result<()> {
        if self.step() {
            return RealDisk.append(path, keep, bytes);
        }
        if !bytes.is_empty() {
            RealDisk.append(path, keep, &bytes[..bytes.len() / 2])?;
        }
        Err(broken())
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        if self.step() { RealDisk.sync_dir(path) } else { Err(broken()) }
    }
}

/// The commits of a run that times out, from its grant to the proof that its turn stopped, on a copy
/// of the field's files.
struct Scene {
    dir: tempfile::TempDir,
    names: SharedNames,
    commits: Vec<Commit>,
}

impl Scene {
    fn new() -> Self {
        let (dir, names) = (field_files(), SharedNames::new());
        let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
        let rows = store.load().expect("rows");
        // Every copy is opened once more, and so has the next epoch.
        let mut script = Script::start(&rows, store.epoch() + 1, DUE_MS - 1_000);
        let session = names.with(|names| names.sessions.intern("new-session"));
        script.at(1_000, &[]).report(1_020, Report::Ready { session });
        script.at(1_000 + TIMEOUT_MS, &[]).report(1_000 + TIMEOUT_MS + 5, Report::Stopped);
        // The first two end what another gateway left behind.
        assert_eq!(script.commits.len(), 6);
        Self { dir, names, commits: script.commits }
    }

    /// Makes the documents so large that they are not rewritten at once.
    fn grow(&mut self) {
        let path = self.dir.path().join("sessions.json");
        let mut rows = object(&path);
        rows.insert("large".to_owned(), serde_json::json!({ "padding": "x".repeat(300_000) }));
        fs::write(path, serde_json::to_string_pretty(&rows).expect("text")).expect("a write");
    }

    /// A copy of the directory and its store, with the first `done` commits applied.
    fn with_commits(&self, done: usize) -> (tempfile::TempDir, JsonStore<StepDisk>, StepDisk) {
        let (dir, disk) = (tempfile::tempdir().expect("a directory"), StepDisk::default());
        copy(self.dir.path(), dir.path());
        let mut store = JsonStore::open_on(disk.clone(), dir.path(), self.names.clone()).expect("files");
        for commit in &self.commits[..done] {
            assert_eq!(store.commit(commit), Answer::Applied);
        }
        (dir, store, disk)
    }

    fn steps_of(&self, commit: usize) -> usize {
        let (_dir, mut store, disk) = self.with_commits(commit);
        let before = disk.0.borrow().taken;
        assert_eq!(store.commit(&self.commits[commit]), Answer::Applied);
        disk.0.borrow().taken - before
    }

    fn rows_after(&self, done: usize) -> Rows {
        let (_dir, mut store, _disk) = self.with_commits(done);
        store.load().expect("rows")
    }
}

fn fail_at(disk: &StepDisk, step: usize, dead: bool) {
    let mut steps = disk.0.borrow_mut();
    steps.fails_at = Some(steps.taken + step);
    steps.dead = dead;
}

#[test]
fn a_crash_at_any_step_of_a_commit_leaves_the_old_state_or_the_new() {
    let scene = Scene::new();
    for number in 0..scene.commits.len() {
        let (old, new) = (scene.rows_after(number), scene.rows_after(number + 1));
        assert_ne!(old, new);
        let mut seen_new = false;
        for step in 0..scene.steps_of(number) {
            let (dir, mut store, disk) = scene.with_commits(number);
            fail_at(&disk, step, true);
            // One that is durable is applied, though not all files show it.
            let answer = store.commit(&scene.commits[number]);
            drop(store);
            let mut store = JsonStore::open(dir.path(), scene.names.clone()).expect("files");
            let rows = store.load().expect("rows");
            assert!(rows == old || rows == new, "commit {number}, step {step}: {rows:#?}");
            assert!(!(answer == Answer::NotApplied && rows == new), "commit {number}, step {step}");
            assert!(!(answer == Answer::Applied && rows == old), "commit {number}, step {step}");
            assert!(!(seen_new && rows == old), "commit {number}, step {step} comes after it was durable");
            seen_new = rows == new;
            check_one_line(dir.path(), &rows, &new, number);
        }
        assert!(seen_new, "commit {number} is durable before its last step");
    }
}

/// A finished run has one line, however often its commit was finished.
fn check_one_line(dir: &Path, rows: &Rows, new: &Rows, number: usize) {
    let log = lines(&dir.join("runs").join(format!("{RECURRING}.jsonl")));
    let ours = log.iter().filter(|line| line.get("runId").is_some()).count();
    let settled = number > 4 || (number == 4 && rows == new);
    assert_eq!(ours, usize::from(settled), "{log:#?}");
}

#[test]
fn a_commit_that_fails_once_at_any_step_is_taken_when_it_is_sent_again() {
    let scene = Scene::new();
    for number in 0..scene.commits.len() {
        let new = scene.rows_after(number + 1);
        for step in 0..scene.steps_of(number) {
            let (dir, mut store, disk) = scene.with_commits(number);
            fail_at(&disk, step, false);
            let answer = store.commit(&scene.commits[number]);
            assert_eq!(answer == Answer::Applied, step > 0, "only the journal decides: {number}, {step}");
            assert_eq!(store.commit(&scene.commits[number]), Answer::Applied, "commit {number}, step {step}");
            let rows = store.load().expect("rows");
            assert_eq!(rows, new, "commit {number}, step {step}");
            while store.do_put_off() {}
            assert!(!store.has_put_off(), "commit {number}, step {step}");
            check_one_line(dir.path(), &rows, &new, number);
        }
    }
}

#[test]
fn nobody_who_looks_between_the_steps_sees_a_run_over_beside_a_session_at_work() {
    let scene = Scene::new();
    let (dir, mut store, disk) = scene.with_commits(0);
    let looks = Rc::new(RefCell::new(Looks::default()));
    let (root, seen) = (dir.path().to_owned(), Rc::clone(&looks));
    disk.0.borrow_mut().look = Some(Box::new(move || look(&root, &mut seen.borrow_mut())));
    for commit in &scene.commits {
        assert_eq!(store.commit(commit), Answer::Applied);
    }
    look(dir.path(), &mut looks.borrow_mut());
    let looks = looks.borrow();
    assert!(looks.at_work > 5 && looks.over > 5, "{looks:?}");
}

#[test]
fn who_looks_between_any_two_steps_sees_the_state_before_a_commit_or_after_it() {
    for large in [false, true] {
        let mut scene = Scene::new();
        if large {
            scene.grow();
        }
        let states: Vec<Rows> = (0..=scene.commits.len()).map(|done| scene.rows_after(done)).collect();
        let (dir, mut store, disk) = scene.with_commits(0);
        let done = Rc::new(RefCell::new(0));
        let seen = Rc::new(RefCell::new(0));
        let (root, names) = (dir.path().to_owned(), scene.names.clone());
        let (at, count, known) = (Rc::clone(&done), Rc::clone(&seen), states.clone());
        disk.0.borrow_mut().look = Some(Box::new(move || {
            let rows = store_json::look(&root, &names).expect("a directory").rows;
            let now = *at.borrow();
            assert!(known[now..].iter().take(2).any(|state| *state == rows), "{large} {now}: {rows:#?}");
            *count.borrow_mut() += 1;
        }));
        for (place, commit) in scene.commits.iter().enumerate() {
            *done.borrow_mut() = place;
            assert_eq!(store.commit(commit), Answer::Applied);
        }
        *done.borrow_mut() = scene.commits.len();
        while store.do_put_off() {}
        assert!(*seen.borrow() > 12, "{}", seen.borrow());
    }
}

#[derive(Debug, Default)]
struct Looks {
    at_work: usize,
    over: usize,
}

/// Reads outcomes first and sessions after them, as a reader does who follows a finished run.
fn look(root: &Path, looks: &mut Looks) {
    let log = lines(&root.join("runs").join(format!("{RECURRING}.jsonl")));
    let state = object(&root.join("jobs-state.json"))["jobs"][RECURRING]["state"].clone();
    let over: Vec<Value> =
        log.iter().map(|line| line["runId"].clone()).chain([state["lastRunId"].clone()]).collect();
    for (key, row) in object(&root.join("sessions.json")) {
        if row.get("runId").is_none() {
            continue;
        }
        let at_work = row["status"] == "running";
        let said_over = over.contains(&row["runId"]);
        assert!(!(at_work && said_over), "{key} is at work and over: {row}");
        looks.at_work += usize::from(at_work);
        looks.over += usize::from(said_over);
    }
}

#[test]
fn commits_that_are_in_every_file_and_in_the_journal_still_are_taken_once() {
    let scene = Scene::new();
    for number in 0..scene.commits.len() {
        let (dir, mut store, disk) = scene.with_commits(number);
        // The last step empties the journal.
        fail_at(&disk, scene.steps_of(number) - 1, true);
        assert_eq!(store.commit(&scene.commits[number]), Answer::Applied);
        drop(store);
        assert_ne!(fs::read(dir.path().join("sametick-journal.jsonl")).expect("a file"), b"");
        let mut store = JsonStore::open(dir.path(), scene.names.clone()).expect("files");
        let rows = store.load().expect("rows");
        assert_eq!(rows, scene.rows_after(number + 1), "commit {number}");
        check_one_line(dir.path(), &rows, &scene.rows_after(number + 1), number);
        assert_eq!(fs::read(dir.path().join("sametick-journal.jsonl")).expect("a file"), b"");
    }
}

#[test]
fn a_crash_at_any_step_of_what_was_put_off_loses_nothing_and_writes_nothing_twice() {
    let mut scene = Scene::new();
    scene.grow();
    let all = scene.commits.len();
    let (small, wanted) = (Scene::new(), scene.rows_after(all));
    assert_eq!(wanted.runs, small.rows_after(all).runs);
    let steps = {
        let (_dir, mut store, disk) = scene.with_commits(all);
        assert!(store.has_put_off());
        let before = disk.0.borrow().taken;
        while store.do_put_off() {}
        assert!(!store.has_put_off());
        disk.0.borrow().taken - before
    };
    assert!(steps > 6, "{steps}");
    for step in 0..steps {
        for dead in [false, true] {
            let (dir, mut store, disk) = scene.with_commits(all);
            fail_at(&disk, step, dead);
            while store.do_put_off() {}
            assert!(store.has_put_off(), "step {step}");
            assert_eq!(store.load().expect("rows"), wanted, "step {step}");
            drop(store);
            let mut store = JsonStore::open(dir.path(), scene.names.clone()).expect("files");
            assert_eq!(store.load().expect("rows"), wanted, "step {step}");
            check_one_line(dir.path(), &wanted, &wanted, all - 1);
            let row = &object(&dir.path().join("sessions.json"))[&format!("agent:main:cron:{RECURRING}")];
            assert_eq!(row["status"], "timeout", "step {step}");
        }
    }
}

#[test]
fn a_commit_that_comes_between_two_parts_of_a_rewrite_is_in_the_next_one() {
    let mut scene = Scene::new();
    scene.grow();
    let all = scene.commits.len();
    let wanted = scene.rows_after(all);
    for first in 1..all {
        for parts in [0, 1, 2, 3, 5, 8] {
            for crashes in [false, true] {
                let (dir, mut store, _disk) = scene.with_commits(first);
                let goes_on = (0..parts).all(|_| store.do_put_off());
                for commit in &scene.commits[first..] {
                    assert_eq!(store.commit(commit), Answer::Applied);
                }
                let place = format!("{first} commits, {parts} parts, {crashes}");
                assert_eq!(look_at(&dir, &scene), wanted, "{place}");
                if !crashes {
                    // What is under way is finished, and then what came meanwhile.
                    while store.do_put_off() || store.has_put_off() {}
                    let row =
                        &object(&dir.path().join("sessions.json"))[&format!("agent:main:cron:{RECURRING}")];
                    assert_eq!(row["status"], "timeout", "{place}");
                }
                drop(store);
                let mut store = JsonStore::open(dir.path(), scene.names.clone()).expect("files");
                assert_eq!(store.load().expect("rows"), wanted, "{place} {goes_on}");
                check_one_line(dir.path(), &wanted, &wanted, all - 1);
            }
        }
    }
}

#[test]
fn what_others_write_between_two_parts_of_a_rewrite_is_kept() {
    let mut scene = Scene::new();
    scene.grow();
    let (dir, mut store, _disk) = scene.with_commits(scene.commits.len());
    let paths = ["sessions.json", "jobs-state.json"].map(|name| dir.path().join(name));
    let mut wrote = 0;
    while store.do_put_off() {
        for path in &paths {
            let mut document = object(path);
            document.insert(format!("other{wrote}"), serde_json::json!({ "by": "another" }));
            fs::write(path, serde_json::to_string_pretty(&document).expect("text")).expect("a write");
        }
        wrote += 1;
    }
    assert!(wrote > 3, "{wrote}");
    for path in &paths {
        let document = object(path);
        assert!(
            (0..wrote).all(|number| document.contains_key(&format!("other{number}"))),
            "{}",
            path.display()
        );
    }
    let row = &object(&paths[0])[&format!("agent:main:cron:{RECURRING}")];
    assert_eq!(row["status"], "timeout");
}

fn look_at(dir: &tempfile::TempDir, scene: &Scene) -> Rows {
    store_json::look(dir.path(), &scene.names).expect("a directory").rows
}

#[test]
fn a_journal_cut_at_any_byte_holds_the_commits_before_the_cut() {
    let mut scene = Scene::new();
    scene.grow();
    let all = scene.commits.len();
    let (dir, store, _disk) = scene.with_commits(all);
    drop(store);
    let path = dir.path().join("sametick-journal.jsonl");
    let whole = fs::read(&path).expect("a journal");
    assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), all);
    let after: Vec<Rows> = (0..=all).map(|done| scene.rows_after(done)).collect();
    for at in (0..whole.len()).step_by(1_009).chain([whole.len() - 1, whole.len()]) {
        let copied = tempfile::tempdir().expect("a directory");
        copy(dir.path(), copied.path());
        fs::write(copied.path().join("sametick-journal.jsonl"), &whole[..at]).expect("a write");
        let mut store = JsonStore::open(copied.path(), scene.names.clone()).expect("files");
        let lines = whole[..at].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(store.load().expect("rows"), after[lines], "{at} bytes");
    }
}

#[test]
fn a_journal_with_another_byte_in_its_last_line_is_refused() {
    let mut scene = Scene::new();
    scene.grow();
    let (dir, store, _disk) = scene.with_commits(3);
    drop(store);
    let path = dir.path().join("sametick-journal.jsonl");
    let whole = fs::read(&path).expect("a journal");
    let end = whole.len() - 1;
    let start = whole[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for at in (start..end).step_by(1 + (end - start) / 60).chain(end - 30..end) {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1;
        fs::write(&path, &spoilt).expect("a write");
        let error = JsonStore::open(dir.path(), scene.names.clone()).expect_err("a spoilt line").to_string();
        assert!(error.contains("sametick-journal.jsonl:3:"), "byte {at}: {error}");
        assert_eq!(fs::read(&path).expect("a journal"), spoilt, "nothing was overwritten");
    }
    fs::write(&path, &whole).expect("a write");
    JsonStore::open(dir.path(), scene.names.clone()).expect("what was written reads");
}

#[test]
fn a_journal_that_is_spoilt_in_the_middle_is_refused() {
    let mut scene = Scene::new();
    scene.grow();
    let (dir, store, _disk) = scene.with_commits(3);
    drop(store);
    let path = dir.path().join("sametick-journal.jsonl");
    let whole = fs::read_to_string(&path).expect("a journal");
    fs::write(&path, whole.replacen("{\"commit\":2", "{\"commit\":x", 1)).expect("a write");
    let error = JsonStore::open(dir.path(), scene.names.clone()).expect_err("a spoilt line").to_string();
    assert!(error.contains("sametick-journal.jsonl:2:11: expected value"), "{error}");
    let lines: Vec<&str> = whole.lines().collect();
    fs::write(&path, format!("{}\n{}\n", lines[0], lines[2])).expect("a write");
    let error = JsonStore::open(dir.path(), scene.names.clone()).expect_err("a gap").to_string();
    assert!(error.contains("holds commit 3, which does not follow commit 1"), "{error}");
}
