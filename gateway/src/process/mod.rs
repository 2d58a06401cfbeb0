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

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sametick_core::effect::{Effect, Report};
use sametick_core::id::{AgentId, JobId, RunId, SessionId, SessionKey};
use sametick_core::ports::Turns;
use sametick_core::run::Finish;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::mailbox::Handle;
use crate::names::SharedNames;
use crate::store_json::run_text;
use group::Group;
use mark::Marks;

/// How many aborted runs are remembered, so that a start that comes after its abort starts nothing.
const TOMBSTONES: usize = 4_096;

/// What a job's turns run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The agent whose session it is.
    pub agent: AgentId,
    /// The program and its arguments. No shell reads them.
    pub argv: Vec<String>,
}

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
    programs: BTreeMap<JobId, Program>,
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
        programs: BTreeMap<JobId, Program>,
        epoch: u64,
        settings: ProcessSettings,
    ) -> Self {
        let marks = Marks::in_dir(settings.turns_dir.clone());
        let (live, tombstones) = (BTreeMap::new(), Tombstones::default());
        Self { handle, names, programs, epoch, settings, marks, live, tombstones }
    }

    fn start(&mut self, run: RunId) {
        if self.tombstones.set.contains(&run) {
            self.say(run, Report::Stopped);
            return;
        }
        // A machine asks once; a second start of a turn at work would be a second turn.
        if self.live.contains_key(&run) {
            return;
        }
        match self.spawn(run) {
            Ok(live) => {
                self.live.insert(run, live);
            }
            Err(why) => {
                let text = self.names.with(|names| names.texts.intern(&why));
                self.say(run, Report::Completed(Finish::Failed(Some(text))));
            }
        }
    }

    fn spawn(&self, run: RunId) -> Result<Live, String> {
        let program = self.programs.get(&run.job).ok_or("the job names no program to run")?;
        let [name, arguments @ ..] = program.argv.as_slice() else {
            return Err("the job's command is empty".to_owned());
        };
        let (session, about) = self.session(run, program.agent);
        let piped = || if self.settings.keep_output == 0 { Stdio::null() } else { Stdio::piped() };
        let mut child = Command::new(name)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(piped())
            .stderr(piped())
            .env(mark::RUN_VARIABLE, &about.run)
            .env("SAMETICK_SESSION_ID", &about.session)
            .env("SAMETICK_SESSION_KEY", &about.key)
            .spawn()
            .map_err(|error| format!("could not start {name}: {error}"))?;
        let group = Group::of(&child).ok_or("the program ended before it could be watched")?;
        self.marks.set(&about.run, group);
        output::keep(&mut child, self.marks.log(&about.job), self.settings.keep_output);
        let (abort, aborted) = oneshot::channel();
        let turn = Turn {
            run,
            text: about.run,
            session,
            group,
            kill_after: self.settings.kill_after,
            handle: self.handle.clone(),
            names: self.names.clone(),
            marks: self.marks.clone(),
        };
        Ok(Live { abort: Some(abort), task: tokio::spawn(turn.watch(child, aborted)) })
    }

    fn session(&self, run: RunId, agent: AgentId) -> (SessionId, About) {
        self.names.with(|names| {
            let text = run_text(run, names);
            let name = session_name(&text, self.epoch);
            let session = names.sessions.intern(&name);
            let key = SessionKey::Run { agent, job: run.job, session }.render(names);
            let job = names.jobs.name(run.job.0).to_owned();
            (session, About { run: text, job, session: name, key })
        })
    }

    fn abort(&mut self, run: RunId) {
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
            if let Some(group) = marks.find(&text) {
                tracing::warn!(run = text, ?group, "a turn outlived its gateway; it is ended");
                group.stop(kill_after).await;
            }
            marks.clear(&text);
            let _gateway_gone = handle.report(run, Report::Stopped).await;
        });
    }

    fn say(&self, run: RunId, report: Report) {
        let handle = self.handle.clone();
        tokio::spawn(async move { handle.report(run, report).await });
    }
}

impl Turns for ProcessTurns {
    fn effect(&mut self, effect: &Effect) {
        self.live.retain(|_, live| !live.task.is_finished());
        match *effect {
            Effect::Start { run } => self.start(run),
            Effect::Abort { run } => self.abort(run),
            Effect::Publish { .. }
            | Effect::Deliver { .. }
            | Effect::Reply { .. }
            | Effect::StoreAgain { .. }
            | Effect::StepDown => {}
        }
    }
}

/// The names of a run's turn, as its process is told them.
struct About {
    run: String,
    job: String,
    session: String,
    key: String,
}

/// One turn, watched by a task of its own.
struct Turn {
    run: RunId,
    text: String,
    session: SessionId,
    group: Group,
    kill_after: Duration,
    handle: Handle,
    names: SharedNames,
    marks: Marks,
}

impl Turn {
    async fn watch(self, mut child: Child, aborted: oneshot::Receiver<()>) {
        let ready = Report::Ready { session: self.session };
        let _gateway_gone = self.handle.report(self.run, ready).await;
        let report = tokio::select! {
            biased;
            // A turn that ended has ended, even if its abort is on the way.
            status = child.wait() => {
                self.group.kill_rest().await;
                Report::Completed(self.finish(status))
            }
            asked = aborted => {
                if asked.is_err() {
                    // The runner is gone with its gateway: the turn is left to the next one.
                    return;
                }
                self.group.stop_child(&mut child, self.kill_after).await;
                Report::Stopped
            }
        };
        self.marks.clear(&self.text);
        let _gateway_gone = self.handle.report(self.run, report).await;
    }

    fn finish(&self, status: std::io::Result<ExitStatus>) -> Finish {
        let why = match status {
            Ok(status) if status.success() => return Finish::Ok,
            Ok(status) => status.to_string(),
            Err(error) => format!("could not wait for the turn: {error}"),
        };
        Finish::Failed(Some(self.names.with(|names| names.texts.intern(&why))))
    }
}

/// The session id of a run's turn: derived, so that the same run under the same owner has the same
/// one, and shaped like the field's (a UUID of version 8, which is free for such uses).
fn session_name(run: &str, epoch: u64) -> String {
    // FNV-1a over 128 bits: names need no secrecy, only to differ.
    let bytes = run.bytes().chain(epoch.to_be_bytes());
    let hash = bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    let hash = hash & !(0xf << 76) & !(0b11 << 62) | (0x8 << 76) | (0b10 << 62);
    let hex = format!("{hash:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_is_a_uuid_and_differs_by_run_and_owner() {
        let name = session_name("j:1:1000:1", 1);
        assert_eq!(name.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&name[14..15], "8");
        assert_eq!(name, session_name("j:1:1000:1", 1));
        assert_ne!(name, session_name("j:1:1000:2", 1));
        assert_ne!(name, session_name("j:1:1000:1", 2));
    }
}
