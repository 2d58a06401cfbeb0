//! Turns as real processes. These tests take real time, since real processes do.

mod hosted;

use std::fs;
use std::time::Duration;

use hosted::{PATIENCE, eventually, group_is_alive};
use sametick_core::effect::Report;
use sametick_core::id::{AgentId, JobId, RunId};
use sametick_core::ports::Turns;
use sametick_core::run::{Failure, Finish};
use sametick_core::time::Wall;
use sametick_gateway::SharedNames;
use sametick_gateway::clock::SystemClock;
use sametick_gateway::process::{ProcessSettings, ProcessTurns, Program, Programs};
use tokio::time::Instant;

const RUN: RunId = RunId::scheduled(JobId(0), 1, Wall::from_millis(1_000));

/// A turn runner without a machine: what it says is what a driver would hear.
struct Runner {
    dir: tempfile::TempDir,
    turns: ProcessTurns,
    said: tokio::sync::mpsc::Receiver<Report>,
    names: SharedNames,
}

impl Runner {
    fn of(argv: &[&str], kill_after: Duration) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let names = SharedNames::new();
        names.with(|names| (names.jobs.intern("job"), names.agents.intern("main")));
        let (handle, said) = listener::listener();
        let argv = argv.iter().map(|part| (*part).to_owned()).collect();
        let programs = Programs::from_iter([(JobId(0), Program { agent: AgentId(0), argv })]);
        let settings = ProcessSettings { kill_after, ..ProcessSettings::in_dir(dir.path().join("turns")) };
        let turns = ProcessTurns::new(handle, names.clone(), programs, 1, settings);
        Self { dir, turns, said, names }
    }

    fn start(&mut self) {
        self.turns.start(RUN);
    }

    fn abort(&mut self) {
        self.turns.abort(RUN);
    }

    async fn hears(&mut self) -> Report {
        tokio::time::timeout(PATIENCE, self.said.recv()).await.expect("in time").expect("a report")
    }

    async fn hears_nothing_more(&mut self) {
        let more = tokio::time::timeout(Duration::from_millis(50), self.said.recv()).await;
        assert!(more.is_err(), "{more:?}");
    }

    fn log(&self) -> String {
        let turns = self.dir.path().join("turns");
        let mut logs = fs::read_dir(turns).expect("a directory").flatten().map(|entry| entry.path());
        let log = logs.find(|path| path.extension().is_some_and(|extension| extension == "log"));
        fs::read_to_string(log.expect("a log")).expect("a log")
    }

    fn marks(&self) -> usize {
        let turns = fs::read_dir(self.dir.path().join("turns")).into_iter().flatten().flatten();
        turns.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json")).count()
    }
}

mod listener {
    use super::*;
    use sametick_core::commit::Rows;
    use sametick_core::effect::{Input, InputKind};
    use sametick_core::time::{Mono, Now};
    use sametick_core::{Machine, Tick, Waiting};
    use sametick_gateway::store_memory::MemoryStore;
    use sametick_gateway::store_port::Inline;
    use sametick_gateway::{Driver, Handle, mailbox};
    use tokio::sync::mpsc;

    /// A machine that does nothing but pass on what it hears.
    #[derive(Clone, Debug)]
    struct Listener {
        heard: mpsc::Sender<Report>,
        tick: Tick,
    }

    impl Machine for Listener {
        fn restart(&mut self, _rows: &Rows, _epoch: u64, _now: Now) -> &Tick {
            &self.tick
        }

        fn handle(&mut self, _now: Now, inputs: &[Input]) -> &Tick {
            for input in inputs {
                if let InputKind::Report { report, .. } = input.kind {
                    self.heard.try_send(report).expect("room");
                }
            }
            &self.tick
        }

        fn next_wakeup(&self) -> Option<Mono> {
            None
        }

        fn waiting(&self) -> Vec<Waiting> {
            Vec::new()
        }
    }

    struct NoTurns;

    impl Turns for NoTurns {
        fn start(&mut self, _run: RunId) {}
        fn abort(&mut self, _run: RunId) {}
    }

    /// A handle, and what is said into it.
    pub(super) fn listener() -> (Handle, mpsc::Receiver<Report>) {
        let (heard, said) = mpsc::channel(64);
        let (handle, mailbox) = mailbox(64);
        let machine = Listener { heard, tick: Tick::default() };
        let store = MemoryStore::new();
        let driver = Driver::new(mailbox, machine, Inline::new(store.clone()), NoTurns, SystemClock::start());
        tokio::spawn(driver.run(store.rows(), 1));
        (handle, said)
    }
}

#[tokio::test]
async fn a_turn_that_ends_well_says_ready_and_ok() {
    let mut runner = Runner::of(&["true"], PATIENCE);
    runner.start();
    assert!(matches!(runner.hears().await, Report::Ready { .. }));
    assert_eq!(runner.hears().await, Report::Completed(Finish::Ok));
    assert_eq!(runner.marks(), 0);
}

#[tokio::test]
async fn a_turn_that_fails_says_how() {
    let mut runner = Runner::of(&["sh", "-c", "exit 3"], PATIENCE);
    runner.start();
    assert!(matches!(runner.hears().await, Report::Ready { .. }));
    let Report::Completed(Finish::Failed(Failure { text: Some(text), .. })) = runner.hears().await else {
        panic!("a failure")
    };
    assert_eq!(runner.names.with(|names| names.texts.name(text.0).to_owned()), "exit status: 3");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_failure_and_no_session() {
    let mut runner = Runner::of(&["/no/such/program"], PATIENCE);
    runner.start();
    let Report::Completed(Finish::Failed(Failure { text: Some(text), .. })) = runner.hears().await else {
        panic!("a failure")
    };
    let text = runner.names.with(|names| names.texts.name(text.0).to_owned());
    assert!(text.starts_with("could not start /no/such/program"), "{text}");
}

#[tokio::test]
async fn no_shell_reads_the_arguments_and_the_turn_knows_its_session() {
    let script = "echo \"$0\" $SAMETICK_RUN_ID $SAMETICK_SESSION_ID $SAMETICK_SESSION_KEY";
    let mut runner = Runner::of(&["sh", "-c", script, "$(touch /tmp/oh-no); *"], PATIENCE);
    runner.start();
    let Report::Ready { session } = runner.hears().await else { panic!("ready") };
    assert_eq!(runner.hears().await, Report::Completed(Finish::Ok));
    let session = runner.names.with(|names| names.sessions.name(session.0).to_owned());
    let wanted = format!("$(touch /tmp/oh-no); * job:1:1000:1 {session} agent:main:cron:job:run:{session}\n");
    eventually("the output is kept", || runner.log() == wanted).await;
}

#[tokio::test]
async fn a_turn_that_talks_a_lot_is_cut_short_in_the_log_and_not_held_up() {
    let mut runner = Runner::of(&["sh", "-c", "yes | head -c 1000000"], PATIENCE);
    runner.start();
    assert!(matches!(runner.hears().await, Report::Ready { .. }));
    assert_eq!(runner.hears().await, Report::Completed(Finish::Ok));
    eventually("the first part is kept", || runner.log().len() == 64 * 1_024).await;
}

#[tokio::test]
async fn a_turn_that_ignores_sigterm_is_killed_with_its_whole_group() {
    let script = "trap '' TERM; echo $$; sleep 60 & sleep 60";
    let mut runner = Runner::of(&["sh", "-c", script], Duration::from_millis(100));
    runner.start();
    assert!(matches!(runner.hears().await, Report::Ready { .. }));
    eventually("the turn is at work", || runner.log().ends_with('\n')).await;
    let group = runner.log().trim().to_owned();
    assert!(group_is_alive(&group));
    let from = Instant::now();
    runner.abort();
    runner.abort();
    assert_eq!(runner.hears().await, Report::Stopped);
    assert!(from.elapsed() >= Duration::from_millis(100), "SIGTERM had its time");
    assert!(!group_is_alive(&group));
    assert_eq!(runner.marks(), 0);
    runner.hears_nothing_more().await;
}

#[tokio::test]
async fn a_turn_that_heeds_sigterm_is_not_waited_for_longer_than_it_takes() {
    let mut runner = Runner::of(&["sleep", "60"], PATIENCE);
    runner.start();
    assert!(matches!(runner.hears().await, Report::Ready { .. }));
    let from = Instant::now();
    runner.abort();
    assert_eq!(runner.hears().await, Report::Stopped);
    assert!(from.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn what_a_turn_leaves_behind_when_it_ends_is_killed() {
    let mut runner = Runner::of(&["sh", "-c", "echo $$; sleep 60 & exit 0"], PATIENCE);
    runner.start();
    assert!(matches!(runner.hears().await, Report::Ready { .. }));
    assert_eq!(runner.hears().await, Report::Completed(Finish::Ok));
    eventually("the turn has said its id", || runner.log().ends_with('\n')).await;
    assert!(!group_is_alive(runner.log().trim()));
}

#[tokio::test]
async fn a_start_that_comes_after_its_abort_starts_nothing() {
    let mut runner = Runner::of(&["sleep", "60"], PATIENCE);
    runner.abort();
    assert_eq!(runner.hears().await, Report::Stopped);
    runner.start();
    assert_eq!(runner.hears().await, Report::Stopped);
    runner.hears_nothing_more().await;
    assert_eq!(runner.marks(), 0);
}
