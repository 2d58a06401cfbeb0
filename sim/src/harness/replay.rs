//! What a test is told from outside, and how a failure says that it can be had again.

use std::ops::Range;

use super::Broken;

/// Takes the place of a test's own seeds.
const SEEDS: &str = "SAMETICK_SEEDS";

/// Has transcripts rewritten.
const BLESS: &str = "SAMETICK_BLESS";

/// The seeds that somebody asks for.
pub(super) fn seeds() -> Result<Option<Range<u64>>, Broken> {
    std::env::var(SEEDS).ok().map(|text| parse(&text)).transpose()
}

/// Whether somebody wants transcripts rewritten.
pub(super) fn blesses() -> bool {
    std::env::var(BLESS).is_ok_and(|word| word == "1")
}

fn parse(text: &str) -> Result<Range<u64>, Broken> {
    crate::campaign::parse_seeds(text)
        .map_err(|what| Broken::Unreadable(format!("{SEEDS} is `{text}`: {what}")))
}

/// What brings the world of a seed back, as far as a test can know: tests run in threads that have their names.
pub(super) fn command(seed: u64) -> String {
    let package = std::env::var("CARGO_PKG_NAME").map_or(String::new(), |name| format!(" -p {name}"));
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").map_or(String::new(), |name| format!(" {name}"));
    format!("{SEEDS}={seed}..{} cargo test{package}{test}", seed + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_test_it_is_of() {
        assert_eq!(
            command(17),
            "SAMETICK_SEEDS=17..18 cargo test -p sametick-sim harness::replay::tests::a_failure_names_the_test_it_is_of"
        );
    }

    #[test]
    fn what_is_no_range_is_said_to_be_none() {
        assert_eq!(parse("17..18").ok(), Some(17..18));
        for text in ["", "17", "18..17", "a..b", "0..99999999999999999999"] {
            let told = parse(text).expect_err("no range").to_string();
            assert!(told.contains("SAMETICK_SEEDS") && told.contains("0..1000"), "{told}");
        }
    }
}
