//! A disk that is full: nothing that was durable is lost, nothing is half written, and it goes on once there is room.
//!
//! Needs a small file system, which only root can make:
//!
//! ```text
//! mount -t tmpfs -o size=1m none /mnt/small
//! SAMETICK_SMALL_DISK=/mnt/small cargo test -p sametick-gateway --test full_disk -- --ignored
//! ```

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sametick_core::commit::Answer;
use sametick_core::effect::Report;
use sametick_core::ports::Store;
use sametick_gateway::SharedNames;
use sametick_gateway::store_json::JsonStore;
use support::{DUE_MS, RECURRING, Script, TIMEOUT_MS, copy, edit, field_files, lines, object};

/// Fills a disk but for so many bytes, in pages as a tmpfs has them.
fn fill(path: &Path, but: usize) {
    let mut file = File::create(path).expect("a file");
    let page = [0_u8; 4_096];
    while file.write_all(&page).is_ok() {}
    let len = file.metadata().expect("a file").len();
    file.set_len(len.saturating_sub(but as u64)).expect("a shorter file");
}

fn small_disk() -> PathBuf {
    PathBuf::from(
        std::env::var_os("SAMETICK_SMALL_DISK").expect("SAMETICK_SMALL_DISK names a small file system"),
    )
}

#[test]
#[ignore = "needs a small file system, which only root can make"]
fn a_disk_that_is_full_at_any_point_loses_nothing_and_goes_on_when_there_is_room() {
    let disk = small_disk();
    let mut refused = 0;
    for padding in [0, 280_000] {
        for free in (0..160_000).step_by(4_096) {
            let dir = disk.join("state");
            let files = field_files();
            edit(&files.path().join("sessions.json"), |rows| {
                rows.insert("padding".to_owned(), serde_json::json!({ "x": "x".repeat(padding) }));
            });
            copy(files.path(), &dir);
            let names = SharedNames::new();
            let mut store = JsonStore::open(&dir, names.clone()).expect("files");
            let session = names.with(|names| names.sessions.intern("new-session"));
            let mut script = Script::start(&store.load().expect("rows"), store.epoch(), DUE_MS - 1_000);
            script.at(1_000, &[]).report(1_020, Report::Ready { session });
            script.at(1_000 + TIMEOUT_MS, &[]).report(1_000 + TIMEOUT_MS + 5, Report::Stopped);
            let filler = disk.join("filler");
            fill(&filler, free);
            for commit in &script.commits {
                if store.commit(commit) != Answer::Applied {
                    refused += 1;
                    // What others read is whole all the time.
                    for name in ["jobs.json", "jobs-state.json", "sessions.json"] {
                        object(&dir.join(name));
                    }
                    let _made_room = fs::remove_file(&filler);
                    assert_eq!(store.commit(commit), Answer::Applied, "{free} bytes were free");
                }
            }
            while store.do_put_off() {}
            let _made_room = fs::remove_file(&filler);
            drop(store);
            let mut store = JsonStore::open(&dir, names.clone()).expect("files");
            assert!(store.load().expect("rows").runs.is_empty());
            drop(store);
            let sessions = object(&dir.join("sessions.json"));
            assert!(sessions.values().all(|row| row["status"] != "running"), "{free} bytes were free");
            assert_eq!(sessions[&format!("agent:main:cron:{RECURRING}")]["status"], "timeout");
            let log = lines(&dir.join(format!("runs/{RECURRING}.jsonl")));
            assert_eq!(
                log.iter().filter(|line| line.get("runId").is_some()).count(),
                1,
                "{free} bytes were free"
            );
            fs::remove_dir_all(&dir).expect("a directory");
        }
    }
    assert!(refused > 4, "the disk was never full: {refused}");
}

#[test]
#[ignore = "needs a small file system, which only root can make"]
fn a_start_on_a_full_disk_says_so_and_changes_nothing() {
    let disk = small_disk();
    let dir = disk.join("start");
    copy(field_files().path(), &dir);
    fs::create_dir_all(dir.join("runs")).expect("a directory");
    File::create(dir.join("sametick.lock")).expect("a lock");
    let filler = disk.join("filler");
    fill(&filler, 0);
    let before = support::contents(&dir);
    let error = JsonStore::open(&dir, SharedNames::new()).expect_err("a full disk").to_string();
    assert!(error.contains("free some space on that disk; nothing was overwritten"), "{error}");
    assert_eq!(support::contents(&dir), before);
    fs::remove_file(&filler).expect("a file");
    JsonStore::open(&dir, SharedNames::new()).expect("room");
    fs::remove_dir_all(&dir).expect("a directory");
}
