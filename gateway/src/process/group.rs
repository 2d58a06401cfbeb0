//! A process group: whether anything of it is alive, and how it is ended.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::Child;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

/// How often a group that was asked to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The group of a turn. Its id is its leader's process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    leader: Pid,
}

impl Group {
    /// The group a child leads; `None` when it was waited for already.
    pub(crate) fn of(child: &Child) -> Option<Self> {
        child.id().and_then(Self::from_id)
    }

    pub(crate) fn from_id(id: u32) -> Option<Self> {
        Pid::from_raw(i32::try_from(id).ok()?).map(|leader| Self { leader })
    }

    pub(crate) fn id(self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// Asks the group of one's own child to end, then makes it; back when nothing of it is alive.
    pub(crate) async fn stop_child(self, child: &mut Child, kill_after: Duration) {
        self.signal(Signal::TERM);
        let until = Instant::now() + kill_after;
        // Most turns end when asked to, and their exit is heard at once.
        let _status = timeout(kill_after, child.wait()).await;
        self.wait_until_gone(until).await;
        self.kill_rest().await;
        let _status = child.wait().await;
    }

    /// The same for a group that is nobody's child any more.
    pub(crate) async fn stop(self, kill_after: Duration) {
        self.signal(Signal::TERM);
        self.wait_until_gone(Instant::now() + kill_after).await;
        self.kill_rest().await;
    }

    /// Kills what is left of the group; back when nothing of it is alive.
    pub(crate) async fn kill_rest(self) {
        while self.lives().await {
            self.signal(Signal::KILL);
            sleep(LOOK_EVERY).await;
        }
    }

    async fn wait_until_gone(self, until: Instant) {
        while self.lives().await && Instant::now() < until {
            sleep(LOOK_EVERY).await;
        }
    }

    /// [`Self::is_alive`], off the runtime's own threads: there may be many processes to look at.
    async fn lives(self) -> bool {
        self.has_members() && spawn_blocking(move || self.is_alive()).await.unwrap_or(true)
    }

    fn has_members(self) -> bool {
        test_kill_process_group(self.leader).is_ok()
    }

    fn signal(self, signal: Signal) {
        // The one error there can be is that the group is gone, which is what is wanted.
        let _gone = kill_process_group(self.leader, signal);
    }

    /// Whether a process of the group can still do anything. Those that are dead and not waited for
    /// cannot, and whose children they are may never wait for them.
    pub(crate) fn is_alive(self) -> bool {
        if !self.has_members() {
            return false;
        }
        match fs::read_dir("/proc") {
            Ok(processes) => processes
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
                .filter_map(Process::read)
                .any(|process| process.group == self.id() && !process.is_dead()),
            // No such place on this system: the signal's word has to do.
            Err(_) => true,
        }
    }
}

/// What the system says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    state: char,
    pub(crate) group: u32,
    /// In clock ticks since the system started: with the id, this names a process for good.
    pub(crate) started: u64,
}

impl Process {
    pub(crate) fn read(id: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    /// The fields behind the program's name, which may itself hold spaces and brackets.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    pub(crate) const fn is_dead(self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reads_whatever_its_name() {
        let stat = "7 (a) b (c) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 9876 1 2 3";
        assert_eq!(Process::parse(stat), Some(Process { state: 'S', group: 42, started: 9_876 }));
        assert_eq!(Process::parse("7 (cut"), None);
    }
}
