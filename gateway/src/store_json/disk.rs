//! Every way in which the store changes a directory, one system call or two at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The steps a store writes in. A test stands in for the disk to stop between any two of them.
pub trait Disk {
    /// Writes a file of its own name from the start and makes its content durable. It gets the
    /// permissions of `like`, or those of a private file.
    ///
    /// # Errors
    /// As the file system's; the file may hold anything then.
    fn write(&mut self, path: &Path, like: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Puts a file in another's place, atomically.
    ///
    /// # Errors
    /// As the file system's.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Cuts a file to `keep` bytes if it is longer, adds to its end, and makes that durable.
    ///
    /// # Errors
    /// As the file system's; the file may have got a part of the bytes then.
    fn append(&mut self, path: &Path, keep: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes a directory's entries durable.
    ///
    /// # Errors
    /// As the file system's.
    fn sync_dir(&mut self, path: &Path) -> io::Result<()>;

    /// Replaces a file: whoever reads sees the old content or the new, and never a part.
    ///
    /// # Errors
    /// As the file system's; the file has its old content then.
    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let written = beside(path);
        self.write(&written, path, bytes)?;
        self.rename(&written, path)
    }
}

/// The file that is written before it takes `path`'s place: in the same directory, so that the
/// rename is atomic.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

/// The disk there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn write(&mut self, path: &Path, like: &Path, bytes: &[u8]) -> io::Result<()> {
        // Session rows can hold what a user said: nobody else's to read.
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        if let Ok(there) = fs::metadata(like) {
            file.set_permissions(fs::Permissions::from_mode(there.permissions().mode()))?;
        }
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // On a full disk a part of a file is only in the way.
            let _is_in_the_way = fs::remove_file(path);
        }
        written
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn append(&mut self, path: &Path, keep: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if file.metadata()?.len() > keep {
            file.set_len(keep)?;
        }
        // One call, so that who reads meanwhile sees whole lines.
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
