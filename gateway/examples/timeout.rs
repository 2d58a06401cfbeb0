//! A job whose program sleeps for a minute, with a timeout of one second: runs the gateway until the
//! run is over and its process is gone, then shows what the files say.
//!
//! ```text
//! cargo run -p sametick-gateway --example timeout [DIRECTORY]
//! ```

#![allow(clippy::print_stdout, reason = "an example shows what it did")]

use std::error::Error;
use std::path::{Path, PathBuf};

use sametick_gateway::clock::{HostClock, SystemClock};
use sametick_gateway::subscribers::Channel;
use sametick_gateway::{Host, Settings};
use serde_json::json;
use tokio::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args_os().nth(1) {
        Some(dir) => show(&PathBuf::from(dir)),
        None => show(tempfile::tempdir()?.path()),
    }
}

fn show(dir: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(dir)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        declare_a_job(dir)?;
        println!("a job runs `sleep 60` and has 1 s\n");
        let from = Instant::now();
        run_until_it_rests(dir, from).await?;
        println!("\n{} ms until the run was over and its process gone", from.elapsed().as_millis());
        show_files(dir)
    })
}

fn declare_a_job(dir: &Path) -> std::io::Result<()> {
    let now = SystemClock::start().wall().as_millis();
    let jobs = json!({ "version": 1, "jobs": [{
        "id": "sleeper", "name": "Sleeps too long", "enabled": true, "createdAtMs": now,
        "schedule": { "kind": "at", "at": now },
        "sessionTarget": "isolated", "wakeMode": "now",
        "payload": { "kind": "agentTurn", "message": "sleep", "timeoutSeconds": 1, "command": ["sleep", "60"] },
        "delivery": { "mode": "none" },
    }]});
    std::fs::write(dir.join("jobs.json"), serde_json::to_vec_pretty(&jobs)?)
}

async fn run_until_it_rests(dir: &Path, from: Instant) -> Result<(), Box<dyn Error>> {
    let (subscriber, mut events) = Channel::new(16);
    let host = Host::open(Settings::for_dir(dir))?.subscriber(subscriber);
    let (handle, names) = (host.handle(), host.names());
    let running = tokio::spawn(host.run());
    while let Some((_, event)) = events.recv().await {
        let key = names.with(|names| event.key.render(names));
        println!("{:>5} ms  {}  {key}", from.elapsed().as_millis(), event.phase.name());
        if event.ended_at.is_some() {
            break;
        }
    }
    handle.at_rest().await?;
    handle.stop().await?;
    running.await??;
    Ok(())
}

fn show_files(dir: &Path) -> Result<(), Box<dyn Error>> {
    for file in ["sessions.json", "runs/sleeper.jsonl", "jobs-state.json"] {
        println!("\n== {file}\n{}", std::fs::read_to_string(dir.join(file))?.trim_end());
    }
    Ok(())
}
