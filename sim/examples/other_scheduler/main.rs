//! A scheduler that somebody else wrote, under the harness: as it was meant to be, and with a bug in it.
//!
//! `cargo run --example other_scheduler -p sametick-sim`

mod scheduler;

use std::io::{self, Write};

use sametick_sim::harness::Harness;
use scheduler::{MEANT, SLIPPED};

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    for machine in [MEANT, SLIPPED] {
        writeln!(out, "{}:", machine.name)?;
        match Harness::new(machine).seeds(0..20_000).drawn() {
            Ok(held) => writeln!(out, "  holds in {} worlds, digest {}\n", held.worlds, held.digest)?,
            Err(broken) => writeln!(out, "{broken}")?,
        }
    }
    Ok(())
}
