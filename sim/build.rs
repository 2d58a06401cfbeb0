//! Embeds the shipped scenarios, so that the binary needs no files beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let root = here.parent().unwrap_or(&here).join("scenarios");
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    files.sort_by_key(|file| place(&root, file));
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?.display().to_string();
        writeln!(
            list,
            "    ({:?}, include_str!({:?})),",
            format!("scenarios/{name}"),
            file.display().to_string()
        )
        .map_err(io::Error::other)?;
    }
    list.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("shipped.rs"), list)
}

/// The chapters in the order to read them; any other comes after them, by name.
const CHAPTERS: [&str; 11] = [
    "timeouts",
    "races",
    "queues",
    "schedules",
    "retries",
    "lanes",
    "requests",
    "store",
    "crashes",
    "owners",
    "regressions",
];

/// Where a file stands in reading order: the very first scenario, then chapter by chapter.
fn place(root: &Path, file: &Path) -> (usize, bool, PathBuf) {
    let name = file.strip_prefix(root).unwrap_or(file);
    let chapter = name.components().next().and_then(|folder| folder.as_os_str().to_str());
    let chapter = CHAPTERS.iter().position(|known| Some(*known) == chapter).unwrap_or(CHAPTERS.len());
    (chapter, !name.ends_with("after_session_start.toml"), name.to_owned())
}

/// Every scenario below a folder. The folders are watched, so that a new file is noticed.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
