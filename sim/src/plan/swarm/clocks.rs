//! A time of day that the clocks jump over, or show twice, a few seconds after the world begins; and a day that
//! ends its month.

use super::super::Table;
use super::Swarm;
use super::plots::due;

/// The clocks of Berlin go from 02:00 to 03:00, and from 03:00 to 02:00, ten seconds after these; worlds last a minute at
/// least. What is due before, at, and after that is due at times of day that are jumped over or shown twice.
const JUST_BEFORE: [&str; 2] = ["2026-03-29T00:59:50Z", "2026-10-25T00:59:50Z"];

/// Appointments: none of them is for every hour, so that both policies have a say. Jumped over are 02:00:05 and the like, which
/// are due as 03:00:05 if they are shifted; the last two name that, too, and are due once. Shown twice are 02:59:55, whose
/// first time is before the clocks go back, and 02:00:05, whose last time is after it.
const APPOINTMENTS: [&str; 6] = [
    "5 0 2 * * *",
    "0 0 2 * * *",
    "5,20,55 0,59 2 * * *",
    "*/10 * 2 * * *",
    "5,20 0 2,3 * * *",
    "*/15 * 1-3 * * *",
];

/// Days that end their months, or the weekdays of those, each a few seconds before it begins in Berlin, or while it lasts, with
/// an expression that means it: the last of its weekday, the last weekday, the fifth of its weekday, the last day.
const LAST_DAYS: [(&str, &str); 8] = [
    ("2026-01-30T22:59:50Z", "*/15 * * * * 6L"),
    ("2026-01-30T22:59:50Z", "*/15 * * * * 6#5"),
    ("2026-02-28T09:00:00Z", "*/10 * * * * SATL"),
    ("2026-05-30T21:59:50Z", "*/15 * * * * 7L"),
    ("2026-05-28T21:59:50Z", "*/15 * * LW * *"),
    ("2026-05-29T09:00:00Z", "*/15 * * LW * *"),
    ("2026-04-30T09:00:00Z", "*/10 * * * * 4L"),
    ("2028-02-28T22:59:50Z", "*/15 * * L * *"),
];

impl Swarm {
    /// A job is due on the last day of a month, or on its last weekday, by an expression that says which.
    pub(super) fn month_ends(&mut self, tables: &mut Vec<Table>) {
        let (begins, expression) = self.dice.pick(&LAST_DAYS);
        if let Some(top) = tables.first_mut() {
            top.set("begins", begins);
        }
        let job = due(tables, 0);
        job.set("cron", expression);
        job.set("zone", "Europe/Berlin");
    }

    /// A job is due at a time of day that there is not, or twice.
    pub(super) fn clocks_change(&mut self, tables: &mut Vec<Table>) {
        let begins = self.dice.pick(&JUST_BEFORE);
        if let Some(top) = tables.first_mut() {
            top.set("begins", begins);
        }
        let job = due(tables, 0);
        job.set("cron", self.dice.pick(&APPOINTMENTS));
        job.set("zone", "Europe/Berlin");
        // What an expression says by itself is drawn as well.
        if let Some(gap) = self.dice.pick(&[None, Some("shifted"), Some("skipped"), Some("skipped")]) {
            job.set("gap", gap);
        }
        if let Some(repeated) = self.dice.pick(&[None, Some("first"), Some("last"), Some("both")]) {
            job.set("repeated", repeated);
        }
    }
}
