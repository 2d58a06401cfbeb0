//! A turn's output: the first part of it goes to its job's file, over what the turn before it said; the
//! rest is read and dropped. So a turn that talks a lot neither fills the disk nor waits for a reader.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::task::spawn_blocking;

/// Where both streams go, and how much room is left there.
struct Log {
    file: File,
    room: u64,
}

/// Copies up to `limit` bytes of what the child says into the file.
pub(crate) fn keep(child: &mut Child, path: &Path, limit: u64) {
    if limit == 0 {
        return;
    }
    let log = open(path, limit);
    if let Err(error) = &log {
        tracing::warn!(path = %path.display(), %error, "a turn's output is not kept");
    }
    let log = log.ok().map(|log| Arc::new(Mutex::new(log)));
    if let Some(stdout) = child.stdout.take() {
        tokio::spawn(copy(stdout, log.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(copy(stderr, log));
    }
}

fn open(path: &Path, limit: u64) -> std::io::Result<Log> {
    let mut options = OpenOptions::new();
    Ok(Log { file: options.write(true).create(true).truncate(true).mode(0o600).open(path)?, room: limit })
}

async fn copy(mut from: impl AsyncRead + Unpin, log: Option<Arc<Mutex<Log>>>) {
    let mut buffer = [0; 4_096];
    while let Ok(read) = from.read(&mut buffer).await
        && read > 0
    {
        if let Some(log) = log.clone().filter(|log| lock(log).room > 0) {
            let bytes = buffer[..read].to_vec();
            // Writing may block, and the runtime's threads have deadlines to meet.
            let _written = spawn_blocking(move || lock(&log).take(&bytes)).await;
        }
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn take(&mut self, bytes: &[u8]) {
        let fits = usize::try_from(self.room).unwrap_or(usize::MAX).min(bytes.len());
        self.room -= fits as u64;
        // A full disk costs the output, not the turn.
        let _lost = self.file.write_all(&bytes[..fits]);
    }
}
