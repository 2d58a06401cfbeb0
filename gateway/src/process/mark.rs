//! Marks of running turns on disk, so that a gateway can end what one before it left behind.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::group::{Group, Process};
use crate::store_json::file_name;

/// The variable that names the run in its processes' environment.
pub(crate) const RUN_VARIABLE: &str = "SAMETICK_RUN_ID";

/// One file for each running turn. Not synced: a turn does not outlive the system either.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    dir: PathBuf,
}

/// Which group a turn has, and what tells it from a later one with the same id.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    run_id: String,
    group: u32,
    leader_started: Option<u64>,
    boot: Option<String>,
}

impl Marks {
    pub(crate) const fn in_dir(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn path(&self, run: &str) -> PathBuf {
        self.dir.join(format!("{}.json", file_name(run)))
    }

    /// Where the output of a job's latest turn goes.
    pub(crate) fn log(&self, job: &str) -> PathBuf {
        self.dir.join(format!("{}.log", file_name(job)))
    }

    pub(crate) fn set(&self, run: &str, group: Group) {
        let leader_started = Process::read(group.id()).map(|process| process.started);
        let mark = Mark { run_id: run.to_owned(), group: group.id(), leader_started, boot: boot() };
        let written = fs::create_dir_all(&self.dir)
            .and_then(|()| fs::write(self.path(run), serde_json::to_vec(&mark).unwrap_or_default()));
        if let Err(error) = written {
            // The turn can still be found by its environment.
            tracing::warn!(run, %error, "a running turn has no mark on disk");
        }
    }

    pub(crate) fn clear(&self, run: &str) {
        let _not_there = fs::remove_file(self.path(run));
    }

    /// The group of a turn somebody before us started, if anything of it is alive. A crash between
    /// the start and its mark leaves no mark, but every process has its run in its environment.
    pub(crate) fn find(&self, run: &str) -> Option<Group> {
        self.marked(run).or_else(|| by_environment(run)).filter(|group| group.is_alive())
    }

    fn marked(&self, run: &str) -> Option<Group> {
        let mark: Mark = serde_json::from_slice(&fs::read(self.path(run)).ok()?).ok()?;
        let same_boot = mark.boot == boot();
        // An id whose leader is gone is not given to another process while the group has members.
        let same_leader =
            Process::read(mark.group).is_none_or(|process| Some(process.started) == mark.leader_started);
        (same_boot && same_leader).then(|| Group::from_id(mark.group)).flatten()
    }
}

/// Which start of the system this is; process ids begin anew with it.
fn boot() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

fn by_environment(run: &str) -> Option<Group> {
    let wanted = format!("{RUN_VARIABLE}={run}").into_bytes();
    let processes = fs::read_dir("/proc").ok()?;
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| *id != std::process::id())
        .find(|id| {
            let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
        })
        .and_then(Process::read)
        .and_then(|process| Group::from_id(process.group))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use super::*;

    /// A process in a group of its own, which ends with the test.
    struct Sleeper(Child);

    impl Sleeper {
        fn new(run: Option<&str>) -> Self {
            let mut command = Command::new("sleep");
            command.arg("60").process_group(0);
            if let Some(run) = run {
                command.env(RUN_VARIABLE, run);
            }
            let child = command.spawn().expect("a process");
            // A spawn is back as soon as the new program is taken, a moment before its environment can
            // be read.
            while fs::read(format!("/proc/{}/environ", child.id())).expect("a living process").is_empty() {
                std::thread::yield_now();
            }
            Self(child)
        }

        fn group(&self) -> Group {
            Group::from_id(self.0.id()).expect("an id")
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _gone = self.0.kill();
            let _gone = self.0.wait();
        }
    }

    #[test]
    fn a_marked_group_is_found_while_it_lives() {
        let dir = tempfile::tempdir().expect("a directory");
        let (marks, sleeper) = (Marks::in_dir(dir.path().join("turns")), Sleeper::new(None));
        let group = sleeper.group();
        marks.set("job:1:2:1", group);
        assert_eq!(marks.find("job:1:2:1"), Some(group));
        assert_eq!(marks.find("job:1:2:2"), None);
        drop(sleeper);
        assert_eq!(marks.find("job:1:2:1"), None);
    }

    #[test]
    fn an_id_that_was_used_again_is_not_taken_for_the_turn() {
        let dir = tempfile::tempdir().expect("a directory");
        let (marks, sleeper) = (Marks::in_dir(dir.path().to_owned()), Sleeper::new(None));
        marks.set("job:1:2:1", sleeper.group());
        let mut mark: Mark =
            serde_json::from_slice(&fs::read(marks.path("job:1:2:1")).expect("a mark")).expect("JSON");
        mark.leader_started = mark.leader_started.map(|started| started - 1);
        fs::write(marks.path("job:1:2:1"), serde_json::to_vec(&mark).expect("JSON")).expect("a write");
        assert_eq!(marks.find("job:1:2:1"), None);
        mark.leader_started = mark.leader_started.map(|started| started + 1);
        mark.boot = Some("another start of the system".to_owned());
        fs::write(marks.path("job:1:2:1"), serde_json::to_vec(&mark).expect("JSON")).expect("a write");
        assert_eq!(marks.find("job:1:2:1"), None);
    }

    #[test]
    fn a_turn_without_a_mark_is_found_by_its_environment() {
        let dir = tempfile::tempdir().expect("a directory");
        let run = format!("unmarked-{}:1:2:1", std::process::id());
        let (marks, sleeper) = (Marks::in_dir(dir.path().to_owned()), Sleeper::new(Some(&run)));
        assert_eq!(marks.find(&run), Some(sleeper.group()));
    }
}
