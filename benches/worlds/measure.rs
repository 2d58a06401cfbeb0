//! How long something takes, and how much memory it needs at most.

use std::time::{Duration, Instant};

/// The shortest of some rounds.
pub(crate) fn best(rounds: usize, mut round: impl FnMut()) -> Duration {
    let time = |_| {
        let begun = Instant::now();
        round();
        begun.elapsed()
    };
    (0..rounds).map(time).min().unwrap_or_default()
}

/// Forgets how much memory the process has ever held. Works on Linux, and does nothing elsewhere.
pub(crate) fn forget_peak() {
    _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory the process has held since, in MiB, where the system tells.
pub(crate) fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? / 1_024)
}
