//! Why an expression or a zone is refused.

use std::fmt;

/// Why an expression or a zone is refused: where, what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    /// Where the mistake is.
    pub part: CronPart,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// What a mistake is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CronPart {
    /// The expression as a whole.
    Expression,
    /// The seconds, the first of six fields.
    Second,
    /// The minutes.
    Minute,
    /// The hours.
    Hour,
    /// The days of the month.
    DayOfMonth,
    /// The months.
    Month,
    /// The days of the week.
    DayOfWeek,
    /// The zone.
    Zone,
}

impl CronError {
    pub(super) fn new(part: CronPart, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { part, what: what.into(), fix: fix.into() }
    }

    pub(super) fn unknown_zone(name: &str, near: &[&str]) -> Self {
        let fix = match near {
            [] => "write a name of the IANA database, such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
            near => format!("did you mean {}?", near.join(" or ")),
        };
        Self::new(CronPart::Zone, format!("there is no time zone {name:?}"), fix)
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            CronPart::Expression | CronPart::Zone => write!(out, "{}; {}", self.what, self.fix),
            CronPart::Second
            | CronPart::Minute
            | CronPart::Hour
            | CronPart::DayOfMonth
            | CronPart::Month
            | CronPart::DayOfWeek => write!(out, "{}: {}; {}", self.part, self.what, self.fix),
        }
    }
}

impl fmt::Display for CronPart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Expression => "expression",
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
            Self::Zone => "zone",
        })
    }
}

impl std::error::Error for CronError {}
