//! Words to set scenes with: a directory with a job that runs a real process.

#![allow(dead_code, unreachable_pub, reason = "every test takes what it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use sametick_gateway::clock::{HostClock, SystemClock};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Longer than anything here should take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Whether any process of the group is alive (dead ones nobody waited for are not).
pub fn group_is_alive(group: &str) -> bool {
    fs::read_dir("/proc").expect("a directory").flatten().any(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.len() > 2 && fields[2] == group && !["Z", "X"].contains(&fields[0])
    })
}

pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

pub fn declare(dir: &Path, timeout_seconds: u64, argv: &[&str]) {
    let now = SystemClock::start().wall().as_millis();
    let jobs = json!({ "version": 1, "jobs": [{
        "id": "job", "enabled": true, "createdAtMs": now, "schedule": { "kind": "at", "at": now },
        "sessionTarget": "isolated", "wakeMode": "now",
        "payload": { "kind": "agentTurn", "message": "", "timeoutSeconds": timeout_seconds, "command": argv },
    }]});
    fs::write(dir.join("jobs.json"), jobs.to_string()).expect("a write");
}

pub fn statuses(dir: &Path) -> Vec<(Value, Value)> {
    let text = fs::read_to_string(dir.join("sessions.json")).unwrap_or_else(|_| "{}".to_owned());
    let rows: BTreeMap<String, Value> = serde_json::from_str(&text).expect("an object");
    rows.into_values().map(|row| (row["status"].clone(), row["stopReason"].clone())).collect()
}

pub fn group_in_log(dir: &Path) -> Option<String> {
    let mut entries = fs::read_dir(dir.join("turns")).ok()?.flatten().map(|entry| entry.path());
    let log = entries.find(|path| path.extension().is_some_and(|extension| extension == "log"))?;
    fs::read_to_string(log).ok().filter(|text| text.ends_with('\n')).map(|text| text.trim().to_owned())
}
