//! What we claim about speed, side by side in one run: worlds of the first scenario a second, one world that
//! grows, and a burst. What is compared is the ratio; the absolute figures are one machine's.
//!
//! `cargo bench --bench worlds -- growth` runs one part of it.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod by_hand;
mod first;
mod growth;
mod measure;
mod others;
mod pending;
mod search;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` runs benches once, to see that they work.
    let whole = args.iter().any(|arg| arg == "--bench");
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let part = |name: &str, compare: fn(bool)| {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            compare(whole);
            println!();
        }
    };
    part("first", first::compare);
    part("growth", growth::compare);
    part("pending", pending::compare);
    part("search", search::compare);
}
