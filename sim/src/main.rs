//! `sametick`: runs scenarios, tells worlds, and shows which bug each check catches.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
