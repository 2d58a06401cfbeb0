//! Lengths of time as scenarios write them: `30s`, `-2ms`, `1s..40s`.

use sametick_core::time::Span;

/// A signed distance in time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(pub i64);

/// A length of time, or the two ends of what a seed draws from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanRange {
    /// The shortest.
    pub low: Span,
    /// The longest.
    pub high: Span,
}

impl SpanRange {
    /// Exactly this long.
    #[must_use]
    pub const fn exactly(span: Span) -> Self {
        Self { low: span, high: span }
    }

    /// Whether there is anything to draw.
    #[must_use]
    pub fn is_range(&self) -> bool {
        self.low != self.high
    }
}

/// A signed length of time: a sum of whole numbers with units, such as `1m30s`, `-2ms`, `0s`.
#[must_use]
pub fn parse_offset(text: &str) -> Option<Offset> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() {
        return None;
    }
    let (mut rest, mut total) = (digits, 0i64);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).len();
        total = total.checked_add(number.checked_mul(unit(&rest[..letters])?)?)?;
        rest = &rest[letters..];
    }
    Some(Offset(sign * total))
}

/// A length of time that is not negative.
#[must_use]
pub fn parse_span(text: &str) -> Option<Span> {
    let Offset(nanos) = parse_offset(text)?;
    u64::try_from(nanos).ok().map(Span::from_nanos)
}

/// Whether a text is a length of time that no [`Span`] of a scenario holds.
pub(super) fn is_too_long(text: &str) -> bool {
    let one_digit = |digits: &str| if digits.is_empty() { "" } else { "1" };
    let mut short = String::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        short.push_str(one_digit(&rest[..digits]));
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|letter: char| !letter.is_ascii_digit()).len();
        short.push_str(&rest[..letters]);
        rest = &rest[letters..];
    }
    parse_span(text).is_none() && parse_span(&short).is_some()
}

fn unit(name: &str) -> Option<i64> {
    Some(match name {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_sums_of_whole_numbers_with_units() {
        assert_eq!(parse_span("1m30s"), Some(Span::from_secs(90)));
        assert_eq!(parse_offset("-2ms"), Some(Offset(-2_000_000)));
        for wrong in ["", "30", "s", "1.5s", "-", "9999999999999d", "1 s", "-1x"] {
            assert_eq!(parse_offset(wrong), None, "{wrong}");
        }
        assert_eq!(parse_span("-1s"), None);
    }

    #[test]
    fn too_long_is_not_no_length() {
        let long = ["200000d", "1h99999999999999999999s", "106752d"];
        assert_eq!(long.map(is_too_long), [true; 3]);
        assert_eq!(["106751d", "", "soon", "1.5s", "-200000d", "9"].map(is_too_long), [false; 6]);
    }
}
