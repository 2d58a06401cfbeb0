//! `sametick explain --html`: writes the page.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Stop;

/// What stands for stdout.
pub(super) const STDOUT: &str = "-";

/// Writes a page, all of it or nothing: a file is there under its name once it is whole.
pub(super) fn write(path: &Path, page: &str) -> Result<(), Stop> {
    if path.as_os_str() == STDOUT {
        io::stdout().write_all(page.as_bytes())?;
        return Ok(());
    }
    put(path, page.as_bytes()).map_err(|error| unwritable(path, &error))
}

fn put(path: &Path, page: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // A pipe or a device is written to; a file put in its place would not be what was meant.
        Ok(found) if !found.is_file() => fs::write(path, page),
        // Through a link to what it names, which may lie elsewhere.
        Ok(_) => replace(&fs::canonicalize(path)?, page),
        Err(_) => replace(path, page),
    }
}

/// Writes beside the file and takes its name.
fn replace(path: &Path, page: &[u8]) -> io::Result<()> {
    let beside = beside(path)?;
    let written = fs::File::create_new(&beside)
        .and_then(|mut file| {
            file.write_all(page)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is left of it helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A name in the same folder that no other process takes.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(hidden))
}

fn unwritable(path: &Path, error: &io::Error) -> Stop {
    let (shown, kind) = (path.display(), error.kind());
    let why = if kind == io::ErrorKind::IsADirectory {
        format!("it is a directory; name a file in it, such as {}", path.join("world.html").display())
    } else if kind == io::ErrorKind::NotFound {
        "its directory does not exist; make it first, or name another".to_owned()
    } else {
        format!("{error}; name a file in a directory that you may write to, or - for stdout")
    };
    Stop::BadInput(format!("could not write {shown}: {why}"))
}
