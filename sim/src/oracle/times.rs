//! The due times of a scenario's jobs.

use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use sametick_core::schedule::{Gap, Repeated, Schedule};
use sametick_core::time::Wall;

use super::grid::{Grid, POLICIES};
use super::memo::{self, Key, Readings};
use super::reading::Reading;

const DAY_MS: i64 = 86_400_000;

/// How many days beyond the end of a world its clocks are read: by the minute, and by the second.
const BEYOND: (i64, i64) = (40, 2);

/// How many readings of a clock are kept at most: one by the minute for eleven years, one by the second for ten weeks. What
/// is due after them, in a world whose clock is put further ahead, nobody judges.
const MOST_READINGS: i64 = 6_000_000;

/// What a scenario says of the cron schedule of a job, in its own words, with the times that means in its worlds.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) expression: String,
    pub(crate) zone: String,
    pub(crate) gap: Option<Gap>,
    pub(crate) repeated: Option<Repeated>,
    /// The name of the job and the window that it is moved in.
    pub(crate) stagger: Option<(String, u64)>,
    /// Due times in milliseconds, through the horizon; none when the expression is beyond the oracle.
    pub(crate) listed: OnceLock<Option<Arc<[i64]>>>,
}

/// The due times of one schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dues<'a> {
    Once(i64),
    Every {
        every: i64,
        anchor: i64,
    },
    /// These, and what comes after the horizon.
    Listed(&'a [i64], i64),
}

/// When something is due next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    At(Wall),
    /// After this.
    Beyond(Wall),
    Never,
}

impl Times {
    /// The times in worlds that begin and end then.
    pub(crate) fn through(&self, begins: Wall, ends: Wall) -> Option<Dues<'_>> {
        let (unit_ms, beyond) = if self.by_the_second() { (1_000, BEYOND.1) } else { (60_000, BEYOND.0) };
        let most = begins.as_millis().saturating_add(MOST_READINGS * unit_ms);
        // To the end of a day, so that worlds that end at other times read the same.
        let horizon =
            ends.as_millis().div_euclid(DAY_MS).saturating_add(beyond + 1).saturating_mul(DAY_MS).min(most);
        let listed = self.listed.get_or_init(|| self.list(begins.as_millis(), horizon));
        listed.as_deref().map(|listed| Dues::Listed(listed, horizon))
    }

    /// Whether the expression has a field for seconds.
    fn by_the_second(&self) -> bool {
        self.expression.split_whitespace().count() == 6
    }

    fn list(&self, begins: i64, horizon: i64) -> Option<Arc<[i64]>> {
        let expression = self.expression.to_ascii_uppercase();
        let expression = match expression.trim() {
            "@YEARLY" | "@ANNUALLY" => "0 0 1 1 *",
            "@MONTHLY" => "0 0 1 * *",
            "@WEEKLY" => "0 0 * * 0",
            "@DAILY" | "@MIDNIGHT" => "0 0 * * *",
            "@HOURLY" => "0 * * * *",
            fields => fields,
        };
        let reading = Reading::known(expression)?;
        TimeZone::get(&self.zone).ok()?;
        let unit = if self.by_the_second() { 1 } else { 60 };
        let rhythm = reading.is_hourly();
        let usual = if rhythm { (Gap::Skipped, Repeated::Both) } else { (Gap::Shifted, Repeated::First) };
        let policy = (self.gap.unwrap_or(usual.0), self.repeated.unwrap_or(usual.1));
        let policy = POLICIES.iter().position(|known| *known == policy)?;
        let moved = self.stagger.as_ref().map_or(0, |(name, window)| stagger(name, *window));
        // A day before, so that what a zone's clock shows twice is seen twice.
        let minute = |millis: i64| millis.div_euclid(60_000) * 60;
        let (from, to) = (minute(begins) - 86_400, minute(horizon) + 60);
        let readings = Readings { expression: expression.to_owned(), zone: self.zone.clone(), from, to };
        let key = Key { readings, policy, through: horizon, moved };
        Some(memo::LISTS.or_make(key, |key| {
            let due = memo::DUE.or_make(key.readings.clone(), |readings| {
                Arc::new(Grid::read(&readings.zone, from, to, unit).due(&readings.expression))
            });
            due[policy].iter().map(|second| second * 1_000 + moved).filter(|due| *due <= horizon).collect()
        }))
    }
}

/// FNV-1a of the name, within the window.
fn stagger(name: &str, window: u64) -> i64 {
    let mut hash: u64 = 14_695_981_039_346_656_037;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211);
    }
    hash.checked_rem(window).and_then(|moved| i64::try_from(moved).ok()).unwrap_or(0)
}

impl<'a> Dues<'a> {
    /// Those of a schedule that is not told by a calendar.
    pub(crate) fn of(schedule: &Schedule) -> Option<Self> {
        match *schedule {
            Schedule::At(at) => Some(Self::Once(at.as_millis())),
            Schedule::Every { every_ms, anchor } => {
                let every = i64::try_from(every_ms.max(1)).unwrap_or(i64::MAX);
                Some(Self::Every { every, anchor: anchor.as_millis() })
            }
            Schedule::Cron(_) => None,
        }
    }

    /// The first one after an instant.
    pub(crate) fn after(&self, after: Wall) -> Next {
        let after = after.as_millis();
        let next = match *self {
            Self::Once(at) => (at > after).then_some(at),
            Self::Every { anchor, .. } if after < anchor => Some(anchor),
            Self::Every { every, anchor } => {
                ((after - anchor) / every + 1).checked_mul(every).and_then(|far| anchor.checked_add(far))
            }
            Self::Listed(listed, horizon) => match listed.get(listed.partition_point(|due| *due <= after)) {
                Some(due) => Some(*due),
                None => return Next::Beyond(Wall::from_millis(horizon)),
            },
        };
        next.map_or(Next::Never, |due| Next::At(Wall::from_millis(due)))
    }

    /// Whether something is due at an instant; what is beyond the horizon may be.
    pub(crate) fn has(&self, at: Wall) -> bool {
        match self.after(at.plus_millis(-1)) {
            Next::At(due) => due == at,
            Next::Beyond(horizon) => at > horizon,
            Next::Never => false,
        }
    }

    /// How many there are from one of them through another; nobody knows beyond the horizon.
    pub(crate) fn count(&self, first: Wall, last: Wall) -> Option<u64> {
        let (first, last) = (first.as_millis(), last.as_millis());
        match *self {
            Self::Once(_) => Some(1),
            Self::Every { every, .. } => u64::try_from((last - first) / every + 1).ok(),
            Self::Listed(_, horizon) if last > horizon => None,
            Self::Listed(listed, _) => {
                let through = listed.partition_point(|due| *due <= last);
                Some((through - listed.partition_point(|due| *due < first)) as u64)
            }
        }
    }
}
