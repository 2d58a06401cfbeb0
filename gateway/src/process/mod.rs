//! Turns as processes: one program a run, without a shell, in a process group of its own.
//!
//! ```text
//!  start ──▶ spawned: Ready ──▶ exited by itself: what is left of the group is killed, Completed
//!                 │
//!               abort ──▶ SIGTERM to the group ──▶ (after a while) SIGKILL ──▶ group is gone: Stopped
//! ```
//!
//! *Stopped* is said only when no process of the group is left. An abort of a run that was started
//! by a gateway that is gone finds the group by its mark on disk and ends it the same way.

mod group;
mod mark;
mod output;
mod programs;
mod turn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use sametick_core::effect::Report;
use sametick_core::id::{RunId, SessionId, SessionKey};
use sametick_core::ports::Turns;
use sametick_core::retry::FailureKind;
use sametick_core::run::{Failure, Finish};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::mailbox::Handle;
use crate::names::SharedNames;
use crate::store_json::run_text;
use mark::Marks;
pub use programs::{Program, Programs};
use turn::{Launch, Turn};

/// How many aborted runs are remembered, so that a start that comes after its abort starts nothing.
const TOMBSTONES: usize = 4_096;

/// How turns are run and stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSettings {
    /// How long a group has after SIGTERM before it gets SIGKILL.
    pub kill_after: Duration,
    /// Where marks of running turns and their output are kept; made if it is not there.
    pub turns_dir: PathBuf,
    /// How many bytes of a job's latest turn's output are kept, in `<turns_dir>/<job>.log`. Zero
    /// keeps none.
    pub keep_output: u64,
}

impl ProcessSettings {
    /// Two seconds from SIGTERM to SIGKILL, and the first 64 KiB of output kept.
    #[must_use]
    pub fn in_dir(turns_dir: impl Into<PathBuf>) -> Self {
        Self { kill_after: Duration::from_secs(2), turns_dir: turns_dir.into(), keep_output: 64 * 1_024 }
    }
}

/// Runs turns as processes. Needs a tokio runtime with time and I/O enabled.
#[derive(Debug)]
pub struct ProcessTurns {
    handle: Handle,
    names: SharedNames,
    programs: Programs,
    epoch: u64,
    settings: ProcessSettings,
    marks: Marks,
    live: BTreeMap<RunId, Live>,
    tombstones: Tombstones,
}

/// A turn at work.
#[derive(Debug)]
struct Live {
    abort: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Runs that were aborted, the latest of them.
#[derive(Debug, Default)]
struct Tombstones {
    set: BTreeSet<RunId>,
    order: VecDeque<RunId>,
}

impl Tombstones {
    fn add(&mut self, run: RunId) {
        if self.set.insert(run) {
            self.order.push_back(run);
        }
        if self.order.len() > TOMBSTONES
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
    }
}

impl ProcessTurns {
    /// A runner that reports through `handle`, for the owner with this epoch.
    #[must_use]
    pub fn new(
        handle: Handle,
        names: SharedNames,
        programs: Programs,
        epoch: u64,
        settings: ProcessSettings,
    ) -> Self {
        let marks = Marks::in_dir(settings.turns_dir.clone());
        let (live, tombstones) = (BTreeMap::new(), Tombstones::default());
        Self { handle, names, programs, epoch, settings, marks, live, tombstones }
    }

    fn forget_ended(&mut self) {
        self.live.retain(|_, live| !live.task.is_finished());
    }

    fn call(&mut self, run: RunId) {
        if self.tombstones.set.contains(&run) {
            self.say(run, Report::Stopped);
            return;
        }
        // A machine asks once; a second start of a turn at work would be a second turn.
        if self.live.contains_key(&run) {
            return;
        }
        let Some(program) = self.programs.get(run.job) else {
            let why = self.names.with(|names| names.texts.intern("the job names no program to run"));
            self.say(
                run,
                Report::Completed(Finish::Failed(Failure { kind: FailureKind::Permanent, text: Some(why) })),
            );
            return;
        };
        let (abort, aborted) = oneshot::channel();
        let (session, launch) = self.launch(run, &program);
        let turn = Turn {
            run,
            text: launch.run.clone(),
            session,
            kill_after: self.settings.kill_after,
            handle: self.handle.clone(),
            names: self.names.clone(),
            marks: self.marks.clone(),
        };
        self.live.insert(run, Live { abort: Some(abort), task: tokio::spawn(turn.live(launch, aborted)) });
    }

    fn launch(&self, run: RunId, program: &Program) -> (SessionId, Launch) {
        self.names.with(|names| {
            let text = run_text(run, names);
            let session_name = turn::session_name(&text, self.epoch);
            let session = names.sessions.intern(&session_name);
            let key = SessionKey::Run { agent: program.agent, job: run.job, session }.render(names);
            let launch = Launch {
                argv: program.argv.clone(),
                run: text,
                session: session_name,
                key,
                log: self.marks.log(names.jobs.name(run.job.0)),
                keep_output: self.settings.keep_output,
                marks: self.marks.clone(),
            };
            (session, launch)
        })
    }

    fn ask_to_stop(&mut self, run: RunId) {
        self.tombstones.add(run);
        match self.live.get_mut(&run) {
            // The turn's own task ends it and says so; a second abort finds it at work.
            Some(live) => {
                let _ended_meanwhile = live.abort.take().map(|abort| abort.send(()));
            }
            None => self.abort_orphan(run),
        }
    }

    /// A run this runner never started: what a gateway before us left is ended, if it left anything.
    fn abort_orphan(&self, run: RunId) {
        let text = self.names.with(|names| run_text(run, names));
        let (marks, handle, kill_after) = (self.marks.clone(), self.handle.clone(), self.settings.kill_after);
        tokio::spawn(async move {
            let (looked, wanted) = (marks.clone(), text.clone());
            let found = spawn_blocking(move || looked.find(&wanted)).await;
            if let Ok(Some(group)) = found {
                tracing::warn!(run = text, ?group, "a turn outlived its gateway; it is ended");
                group.stop(kill_after).await;
            }
            let _stays_as_a_dead_mark = spawn_blocking(move || marks.clear(&text)).await;
            let _gateway_gone = handle.report(run, Report::Stopped).await;
        });
    }

    fn say(&self, run: RunId, report: Report) {
        let handle = self.handle.clone();
        tokio::spawn(async move { handle.report(run, report).await });
    }
}

impl Turns for ProcessTurns {
    fn start(&mut self, run: RunId) {
        self.forget_ended();
        self.call(run);
    }

    fn abort(&mut self, run: RunId) {
        self.forget_ended();
        self.ask_to_stop(run);
    }
}
