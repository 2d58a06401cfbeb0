//! How long something takes, and how much memory it needs at most.

use std::time::{Duration, Instant};

/// The least that each of several things took, in rounds that take turns: what else the machine does meets all
/// of them alike.
pub(crate) fn least<const N: usize>(rounds: usize, mut things: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut least = [Duration::MAX; N];
    for _ in 0..rounds {
        for (least, thing) in least.iter_mut().zip(&mut things) {
            let begun = Instant::now();
            thing();
            *least = begun.elapsed().min(*least);
        }
    }
    least
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
