//! What the README shows is what the commands print.

use std::path::Path;
use std::process::Command;

#[test]
fn every_console_block_is_real_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let mut shown = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap_or_default();
        let (command, expected) = block.split_once('\n').expect("a command and its output");
        let words: Vec<&str> = command.trim_start_matches("$ sametick ").split(' ').collect();
        let output = Command::new(env!("CARGO_BIN_EXE_sametick"))
            .args(&words)
            .current_dir(root)
            .env_remove("COLUMNS")
            .output()
            .expect("it runs");
        let told = String::from_utf8(output.stdout).expect("text");
        assert_eq!(
            without_time(&told),
            without_time(expected),
            "the README shows other output for `{command}`"
        );
        shown += 1;
    }
    assert!(shown >= 2, "the README shows a failing seed from start to finish");
}

#[test]
fn every_block_ends_where_it_is_meant_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let fences = readme.lines().zip(1..).filter(|(line, _)| line.starts_with("```"));
    assert!(fences.clone().count().is_multiple_of(2), "README.md: the last block does not end");
    for ((line, at), begins) in fences.zip([true, false].into_iter().cycle()) {
        // What begins says what it is.
        assert_eq!(
            line.len() > 3,
            begins,
            "README.md, line {at}: a block begins in another one, or ends twice"
        );
    }
}

/// The rows it shows, and the line of all: how many worlds and events, and the digest over everything that is shipped.
#[test]
fn the_table_of_the_first_command_is_real_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let block =
        readme.split("```text\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("a table");
    let (rows, all) = block.split_once("\n…\n").expect("rows, what is left out, and the line of all");
    let output =
        Command::new(env!("CARGO_BIN_EXE_sametick")).env_remove("COLUMNS").output().expect("it runs");
    let told = String::from_utf8(output.stdout).expect("text");
    let told: Vec<&str> = told.lines().map(str::trim_end).collect();
    for (shown, told) in rows.lines().zip(&told) {
        assert_eq!(shown, *told);
    }
    assert_eq!(without_time(all), without_time(told.last().expect("the line of all")));
}

#[test]
fn every_check_and_every_law_is_listed_with_its_sentence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    for check in sametick_sim::check::CheckName::ALL {
        let row = format!("| `{}` | {} |", check.name(), check.sentence());
        assert!(readme.contains(&row), "the README lacks this row:\n{row}");
    }
    for law in sametick_sim::laws::Law::ALL {
        let row = format!("| {} | {} |", law.name(), law.sentence());
        assert!(readme.contains(&row), "the README lacks this row:\n{row}");
    }
    let mutants = format!("tries {} broken machines", sametick_sim::MUTANTS.len());
    assert!(readme.contains(&mutants), "the README does not say that it {mutants}");
}

/// How long a command took is not the same twice.
fn without_time(text: &str) -> String {
    let cut = |line: &str, mark: &str| {
        let (before, after) = line.split_once(mark)?;
        Some(format!("{before}{mark}{}", after.split_once(" s").map_or("", |(_, rest)| rest)))
    };
    let lines = text.trim().lines().map(|line| {
        let told = cut(line, " events in ").or_else(|| cut(line, " orders in "));
        told.unwrap_or_else(|| line.trim_end().to_owned())
    });
    lines.collect::<Vec<_>>().join("\n")
}
