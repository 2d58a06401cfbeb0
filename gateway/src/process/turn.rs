//! One turn, from its process's start to its last report, on a task of its own.
//!
//! Starting a process and writing its mark touch the disk, so they happen on a thread for such work:
//! the driver's task never waits for them.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use sametick_core::effect::Report;
use sametick_core::id::{RunId, SessionId};
use sametick_core::retry::FailureKind;
use sametick_core::run::{Failure, Finish};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::group::Group;
use super::mark::{Marks, RUN_VARIABLE};
use super::output;
use crate::mailbox::Handle;
use crate::names::SharedNames;

/// What it takes to start a turn's process.
pub(super) struct Launch {
    pub(super) argv: Vec<String>,
    /// The names of the turn, as its process is told them.
    pub(super) run: String,
    pub(super) session: String,
    pub(super) key: String,
    pub(super) log: PathBuf,
    pub(super) keep_output: u64,
    pub(super) marks: Marks,
}

impl Launch {
    fn go(self) -> Result<(Child, Group), String> {
        let [name, arguments @ ..] = self.argv.as_slice() else {
            return Err("the job's command is empty".to_owned());
        };
        let piped = || if self.keep_output == 0 { Stdio::null() } else { Stdio::piped() };
        let mut child = Command::new(name)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(piped())
            .stderr(piped())
            .env(RUN_VARIABLE, &self.run)
            .env("SAMETICK_SESSION_ID", &self.session)
            .env("SAMETICK_SESSION_KEY", &self.key)
            .spawn()
            .map_err(|error| format!("could not start {name}: {error}"))?;
        let group = Group::of(&child).ok_or("the program ended before it could be watched")?;
        self.marks.set(&self.run, group);
        output::keep(&mut child, &self.log, self.keep_output);
        Ok((child, group))
    }
}

/// A turn, and whom it reports to.
pub(super) struct Turn {
    pub(super) run: RunId,
    pub(super) text: String,
    pub(super) session: SessionId,
    pub(super) kill_after: Duration,
    pub(super) handle: Handle,
    pub(super) names: SharedNames,
    pub(super) marks: Marks,
}

impl Turn {
    pub(super) async fn live(self, launch: Launch, mut aborted: oneshot::Receiver<()>) {
        if aborted.try_recv().is_ok() {
            return self.say(Report::Stopped).await;
        }
        let launched = spawn_blocking(|| launch.go()).await;
        match launched.unwrap_or_else(|error| Err(format!("could not start the turn: {error}"))) {
            Ok((child, group)) => self.watch(child, group, aborted).await,
            Err(why) => self.say(Report::Completed(self.failed(&why))).await,
        }
    }

    async fn watch(self, mut child: Child, group: Group, aborted: oneshot::Receiver<()>) {
        self.say(Report::Ready { session: self.session }).await;
        let report = tokio::select! {
            biased;
            // A turn that ended has ended, even if its abort is on the way.
            status = child.wait() => {
                group.kill_rest().await;
                Report::Completed(self.finish(status))
            }
            asked = aborted => {
                if asked.is_err() {
                    // The runner is gone with its gateway: the turn is left to the next one.
                    return;
                }
                group.stop_child(&mut child, self.kill_after).await;
                Report::Stopped
            }
        };
        self.clear_mark().await;
        self.say(report).await;
    }

    fn finish(&self, status: std::io::Result<ExitStatus>) -> Finish {
        match status {
            Ok(status) if status.success() => Finish::Ok,
            Ok(status) => self.failed(&status.to_string()),
            Err(error) => self.failed(&format!("could not wait for the turn: {error}")),
        }
    }

    fn failed(&self, why: &str) -> Finish {
        let text = Some(self.names.with(|names| names.texts.intern(why)));
        Finish::Failed(Failure { kind: FailureKind::Unknown, text })
    }

    async fn clear_mark(&self) {
        let (marks, run) = (self.marks.clone(), self.text.clone());
        let _stays_as_a_dead_mark = spawn_blocking(move || marks.clear(&run)).await;
    }

    async fn say(&self, report: Report) {
        let _gateway_gone = self.handle.report(self.run, report).await;
    }
}

/// The session id of a run's turn: derived, so that the same run under the same owner has the same
/// one, and shaped like the field's (a UUID of version 8, which is free for such uses).
pub(super) fn session_name(run: &str, epoch: u64) -> String {
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
