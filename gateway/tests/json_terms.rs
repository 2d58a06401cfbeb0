//! What a run goes by is in the directory as long as the run is needed, whatever becomes of its job.

use std::fs;
use std::path::Path;

use sametick_core::commit::{Answer, Commit, Rows, TermsRow};
use sametick_core::id::{AgentId, JobId, LaneId, RunId};
use sametick_core::job::{Budgets, OnAbandon, Target, Terms};
use sametick_core::ports::Store;
use sametick_core::retry::{Backoff, Endings, FailureKind, Retry};
use sametick_core::run::{Drain, Outcome, RunRow, RunState};
use sametick_core::time::{Span, Wall};
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::JsonStore;
use serde_json::Value;

/// Names with a job, an agent and two lanes.
fn names() -> SharedNames {
    let names = SharedNames::new();
    names.with(|names| {
        names.jobs.intern("digest");
        names.agents.intern("main");
        for lane in ["main", "slow"] {
            names.lanes.intern(lane);
        }
    });
    names
}

/// Terms that have no default anywhere.
fn terms() -> Terms {
    let nanos = |nanos| Some(Span::from_nanos(nanos));
    Terms {
        target: Target::Main,
        lane: LaneId(1),
        alone: false,
        budgets: Budgets {
            queue_timeout: nanos(0),
            start_timeout: nanos(1),
            stall_timeout: nanos(1_500_000_001),
            timeout: nanos(u64::MAX - 1),
            total_timeout: nanos(7),
            abort_grace: Span::ZERO,
        },
        on_abandon: OnAbandon::Hold,
        retry: Retry {
            attempts: 4,
            on: Endings::failed(FailureKind::Network).and(Endings::INTERRUPTED),
            backoff: Backoff([1, 2, 3, 4, 5].map(Span::from_nanos)),
        },
        deliver: true,
    }
}

fn run(asked: u32) -> RunId {
    RunId { job: JobId(0), generation: 1, due: Wall::from_millis(1_000), asked, attempt: 1 }
}

fn row(asked: u32, parent: Option<u32>, state: RunState, drain: Drain) -> RunRow {
    let queued = RunRow::queued(run(asked), AgentId(0), Target::Main, Wall::from_millis(1_000));
    RunRow { parent: parent.map(run), state, drain, ..queued }
}

fn commit(store: &mut JsonStore, number: u64, runs: Vec<RunRow>, terms: Vec<TermsRow>) {
    let epoch = store.epoch();
    let commit = Commit { number, epoch, generations: 1, runs, terms, ..Commit::default() };
    assert_eq!(store.commit(&commit), Answer::Applied);
}

fn reopened(dir: &Path, names: &SharedNames) -> Rows {
    JsonStore::open(dir, names.clone()).expect("files").load().expect("rows")
}

#[test]
fn the_terms_of_a_run_come_back_as_they_were_though_nobody_declares_its_job() {
    let (dir, names) = (tempfile::tempdir().expect("a directory"), names());
    let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
    let plain = Terms { target: Target::Main, ..Terms::default() };
    let all = [TermsRow { run: run(1), terms: terms() }, TermsRow { run: run(2), terms: plain }];
    let rows = [1, 2].map(|asked| row(asked, None, RunState::Queued, Drain::None));
    commit(&mut store, 1, rows.to_vec(), all.to_vec());
    commit(&mut store, 2, vec![row(1, None, RunState::Running, Drain::None)], Vec::new());
    drop(store);
    let back = reopened(dir.path(), &names);
    assert_eq!(back.terms, all);
    assert_eq!(back.runs.len(), 2);
}

#[test]
fn lanes_that_changed_places_are_known_by_their_names() {
    let (dir, names) = (tempfile::tempdir().expect("a directory"), names());
    let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
    let all = vec![TermsRow { run: run(1), terms: terms() }];
    commit(&mut store, 1, vec![row(1, None, RunState::Queued, Drain::None)], all);
    drop(store);
    let others = SharedNames::new();
    others.with(|names| {
        for lane in ["slow", "main"] {
            names.lanes.intern(lane);
        }
    });
    assert_eq!(reopened(dir.path(), &others).terms[0].terms.lane, LaneId(0));
}

#[test]
fn a_directory_without_terms_is_read_as_before() {
    let (dir, names) = (tempfile::tempdir().expect("a directory"), names());
    let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
    let all = vec![TermsRow { run: run(1), terms: terms() }];
    commit(&mut store, 1, vec![row(1, None, RunState::Queued, Drain::None)], all);
    drop(store);
    let path = dir.path().join("sametick.json");
    let mut books: Value = serde_json::from_slice(&fs::read(&path).expect("books")).expect("JSON");
    let run = books["runs"].as_object_mut().and_then(|runs| runs.values_mut().next()).expect("a run");
    assert!(run.as_object_mut().expect("an object").remove("terms").is_some());
    fs::write(&path, books.to_string()).expect("a write");
    let back = reopened(dir.path(), &names);
    assert_eq!((back.runs.len(), back.terms), (1, Vec::new()));
}

#[test]
fn a_closed_run_is_kept_until_the_last_of_its_family_has_closed() {
    let (dir, names) = (tempfile::tempdir().expect("a directory"), names());
    let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
    let all = (1..=3).map(|asked| TermsRow { run: run(asked), terms: terms() }).collect::<Vec<_>>();
    let settled = RunState::Settled(Outcome::Cancelled);
    let family = |drains: [Drain; 3]| {
        let parents = [None, Some(1), Some(2)];
        let rows = (1..).zip(parents).zip(drains);
        rows.map(|((asked, parent), drain)| row(asked, parent, settled, drain)).collect::<Vec<_>>()
    };
    commit(&mut store, 1, family([Drain::Open; 3]), all.clone());
    let closing = family([Drain::Confirmed, Drain::Confirmed, Drain::Open]);
    commit(&mut store, 2, closing[..1].to_vec(), Vec::new());
    commit(&mut store, 3, closing[1..2].to_vec(), Vec::new());
    drop(store);
    let back = reopened(dir.path(), &names);
    assert_eq!((&back.runs, &back.terms), (&closing, &all));
    let mut store = JsonStore::open(dir.path(), names.clone()).expect("files");
    commit(&mut store, 4, family([Drain::Confirmed; 3])[2..].to_vec(), Vec::new());
    drop(store);
    let back = reopened(dir.path(), &names);
    assert_eq!((back.runs, back.terms), (Vec::new(), Vec::new()));
}
