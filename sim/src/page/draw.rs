//! Makes a page of a world, and of the core's beside it.

use std::collections::BTreeMap;

use sametick_core::run::Shape;
use sametick_core::schedule::{Schedule, tzdb_version};
use sametick_core::time::{Mono, Wall};

use super::layout::{self, Thread};
use super::model::{Broken, Column, Mark, Page, Side, Strand, Stretch, Twin};
use super::strand::{Course, Happened, Key, Stood};
use super::watch::Watched;
use crate::fields::KINDS;
use crate::label::instant;
use crate::machines::Subject;
use crate::parting::Parting;
use crate::scenario::{FaultAt, Scenario};
use crate::story::{Line, LineKind};

impl Page {
    /// Draws the world of a seed; of what is not the core, with the core's world on the same plan beside it.
    #[must_use]
    pub fn draw(scenario: &Scenario, subject: Subject, seed: u64, partings: &[Parting]) -> Self {
        let world = Watched::of(scenario, subject, seed);
        let core = match subject {
            Subject::Mutant(_) | Subject::Own(_) => {
                Some(Watched::of(scenario, Subject::Core(Shape::default()), seed))
            }
            Subject::Core(_) => None,
        };
        let axis = Axis::of(&world, core.as_ref());
        let ends = axis.last_of(&world);
        let (rows, strands, places) = strands(&axis, &world, core.as_ref());
        let columns = columns(&axis, &places, &world, core.as_ref());
        let failures = &world.verdict.failures;
        let counts = |place: &usize| failures.is_empty() || *place <= ends;
        // What is told comes first: a field that nobody tells of may differ from the beginning.
        let told = columns.iter().position(|column| column.core.is_some()).filter(counts);
        let rows_part = || columns.iter().position(|column| column.core_marks.is_some()).filter(counts);
        let parts = told.or_else(rows_part);
        let broken = failures.iter().map(|failure| Broken {
            check: failure.check.name(),
            sentence: failure.check.sentence(),
            message: failure.message.clone(),
            column: axis.place(failure.at),
            strand: failure.run.and_then(|run| places.get(&Key::Run(run)).copied()),
        });
        Self {
            scenario: scenario.name.clone(),
            sentence: scenario.sentence.clone(),
            seed: scenario.is_family.then_some(seed),
            faults: scenario
                .faults
                .iter()
                .filter(|fault| is_exact(fault.at))
                .map(ToString::to_string)
                .collect(),
            time_zones: by_calendar(scenario).then(tzdb_version),
            begins: date(scenario.begins),
            machine: machine(subject),
            holds: failures.is_empty() && partings.is_empty(),
            ticks: world.verdict.ticks,
            broken: broken.collect(),
            twins: partings.iter().map(|parting| twin(parting, &axis)).collect(),
            ends,
            parts,
            kinds: KINDS.to_vec(),
            rows,
            strands,
            columns,
        }
    }
}

/// Whether due times of this world depend on the database of time zones.
#[must_use]
pub fn by_calendar(scenario: &Scenario) -> bool {
    scenario.jobs.iter().any(|job| matches!(job.job.schedule, Schedule::Cron(_)))
}

/// Whether a fault strikes at one tick and no other, as those do that a user adds.
#[must_use]
pub const fn is_exact(at: FaultAt) -> bool {
    matches!(at, FaultAt::Tick { first, last } if first == last)
}

fn machine(subject: Subject) -> Option<[&'static str; 2]> {
    match subject {
        Subject::Core(Shape::Emit) => None,
        Subject::Core(Shape::Synthesize) => Some(["", "ends are published by result handling"]),
        Subject::Mutant(mutant) => Some([mutant.name, mutant.sentence]),
        Subject::Own(own) => Some([own.name, "a machine of its own, beside the core"]),
    }
}

fn date(wall: Wall) -> String {
    jiff::Timestamp::from_millisecond(wall.as_millis()).map(|at| at.to_string()).unwrap_or_default()
}

fn twin(parting: &Parting, axis: &Axis) -> Twin {
    let side = |who, line: &Option<Line>| Side {
        who,
        at: line.as_ref().map_or(String::new(), |line| instant(line.at)),
        text: line.as_ref().map_or("nothing more".to_owned(), |line| line.text.clone()),
        column: line.as_ref().and_then(|line| axis.exactly(line.at)),
    };
    let sides = match &parting.sides {
        Some([world, twin]) => vec![side("this world", world), side("its twin", twin)],
        None => Vec::new(),
    };
    Twin {
        check: parting.check.name(),
        sentence: parting.check.sentence(),
        message: parting.message.clone(),
        sides,
    }
}

/// The instants that have a column.
struct Axis(Vec<Mono>);

impl Axis {
    fn of(world: &Watched, core: Option<&Watched>) -> Self {
        let mut instants: Vec<Mono> = [Some(world), core].into_iter().flatten().flat_map(instants).collect();
        instants.sort_unstable();
        instants.dedup();
        if instants.is_empty() {
            instants.push(Mono::default());
        }
        Self(instants)
    }

    /// The column of an instant, or the next one after it.
    fn place(&self, at: Mono) -> usize {
        self.0.partition_point(|known| *known < at).min(self.0.len() - 1)
    }

    fn exactly(&self, at: Mono) -> Option<usize> {
        self.0.binary_search(&at).ok()
    }

    /// The last column that a world has anything in.
    fn last_of(&self, world: &Watched) -> usize {
        instants(world).max().map_or(0, |at| self.place(at))
    }
}

fn instants(world: &Watched) -> impl Iterator<Item = Mono> {
    let happened =
        world.courses.values().flat_map(|course| course.happened.iter().map(|happened| happened.at));
    world.lines.iter().map(|line| line.at).chain(happened)
}

fn strands(
    axis: &Axis,
    world: &Watched,
    core: Option<&Watched>,
) -> (Vec<super::model::Row>, Vec<Strand>, BTreeMap<Key, usize>) {
    let none = BTreeMap::new();
    let core_courses = core.map_or(&none, |core| &core.courses);
    let (ends, core_ends) = (axis.last_of(world), core.map_or(0, |core| axis.last_of(core)));
    let mut keys: Vec<Key> = world.courses.keys().chain(core_courses.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let threads: Vec<Thread> = keys
        .iter()
        .map(|key| {
            let both = [world.courses.get(key), core_courses.get(key)].into_iter().flatten();
            let name = both.clone().map(|course| course.name.clone()).next().unwrap_or_default();
            let (first, last) = reach(axis, *key, both);
            Thread { key: *key, name, first, last }
        })
        .collect();
    let (rows, row_of) = layout::lay_out(&threads);
    let strands = threads.iter().map(|thread| {
        let row = row_of.get(&thread.key).copied().unwrap_or(0);
        let shares = rows.get(row).is_some_and(|row| row.shared);
        let stretches = |course: Option<&Course>, ends| {
            let stood = course.map_or(&[][..], |course| &course.stood);
            let drawn = stood.iter().filter_map(|stood| {
                // In a row that it shares it makes room once nothing more is said of it.
                let makes_room = shares && has_said_all(thread.key, stood);
                let until = if makes_room { Some(stood.from) } else { stood.until };
                stretch(axis, &Stood { until, ..stood.clone() }, ends)
            });
            drawn.collect::<Vec<_>>()
        };
        let ours = stretches(world.courses.get(&thread.key), ends);
        let theirs = core.map(|_| stretches(core_courses.get(&thread.key), core_ends));
        let differs = theirs.as_ref().is_some_and(|theirs| clipped(theirs, ends) != clipped(&ours, ends));
        Strand {
            row,
            kind: thread.key.kind(),
            name: thread.name.clone(),
            differs,
            core: theirs.filter(|theirs| *theirs != ours),
            stretches: ours,
        }
    });
    let strands = strands.collect();
    let places = keys.into_iter().enumerate().map(|(place, key)| (key, place)).collect();
    (rows, strands, places)
}

/// Whether it stands as it will for ever: a session row goes on saying how its last run ended.
fn has_said_all(key: Key, stood: &Stood) -> bool {
    matches!(key, Key::Session(_)) && stood.until.is_none() && !matches!(stood.look, "running" | "idle")
}

/// The first and the last column that has anything of a strand.
fn reach<'c>(axis: &Axis, key: Key, courses: impl Iterator<Item = &'c Course>) -> (usize, usize) {
    let (mut first, mut last) = (axis.0.len() - 1, 0);
    for course in courses {
        let goes_on = |stood: &Stood| stood.until.is_none() && !has_said_all(key, stood);
        let to_the_end = course.stood.iter().any(goes_on).then(|| axis.0.len() - 1);
        let stood = course.stood.iter().flat_map(|stood| [Some(stood.from), stood.until]).flatten();
        let instants = stood.chain(course.happened.iter().map(|happened| happened.at));
        for place in instants.map(|at| axis.place(at)).chain(to_the_end) {
            (first, last) = (first.min(place), last.max(place));
        }
    }
    (first, last)
}

/// Nothing of what was over before there was a column for it.
fn stretch(axis: &Axis, stood: &Stood, ends: usize) -> Option<Stretch> {
    let from = axis.place(stood.from);
    let until = stood.until.map_or(ends + 1, |until| axis.place(until));
    let is_seen = until > from || stood.until == Some(stood.from);
    is_seen.then(|| Stretch(from, until, stood.look, stood.label.clone()))
}

/// What of it is before the end of a world.
fn clipped(stretches: &[Stretch], ends: usize) -> Vec<Stretch> {
    let before = stretches.iter().filter(|Stretch(from, ..)| *from <= ends);
    before
        .map(|Stretch(from, until, look, label)| Stretch(*from, *until.min(&(ends + 1)), look, label.clone()))
        .collect()
}

/// What one world has in each column.
struct Told {
    lines: Vec<Vec<(&'static str, String)>>,
    marks: Vec<Vec<Mark>>,
}

impl Told {
    fn of(world: &Watched, axis: &Axis, places: &BTreeMap<Key, usize>) -> Self {
        let count = axis.0.len();
        let (mut lines, mut marks) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for line in &world.lines {
            lines[axis.place(line.at)].push((line.kind.name(), line.text.clone()));
        }
        for (key, course) in &world.courses {
            let Some(strand) = places.get(key) else { continue };
            for happened in &course.happened {
                marks[axis.place(happened.at)].push(mark(*strand, happened));
            }
        }
        Self { lines, marks }
    }
}

fn mark(strand: usize, happened: &Happened) -> Mark {
    Mark {
        strand,
        made_of: happened.made_of(),
        look: happened.look,
        label: happened.label.clone(),
        said: happened.said.clone(),
        records: happened.records.clone(),
        note: happened.note.clone(),
    }
}

fn columns(
    axis: &Axis,
    places: &BTreeMap<Key, usize>,
    world: &Watched,
    core: Option<&Watched>,
) -> Vec<Column> {
    let mut told = Told::of(world, axis, places);
    let mut core = core.map(|core| Told::of(core, axis, places));
    let mut quiet = vec![0; axis.0.len() + 1];
    for at in &world.quiet {
        quiet[axis.0.partition_point(|known| known < at)] += usize::from(axis.exactly(*at).is_none());
    }
    let column = |(place, at): (usize, &Mono)| {
        let lines = std::mem::take(&mut told.lines[place]);
        let marks = std::mem::take(&mut told.marks[place]);
        let theirs = core
            .as_mut()
            .map(|core| (std::mem::take(&mut core.lines[place]), std::mem::take(&mut core.marks[place])));
        let (core, core_marks) = theirs.unzip();
        Column {
            at: instant(*at),
            gap: place
                .checked_sub(1)
                .map_or(String::new(), |before| gap(at.since(axis.0[before]).as_nanos())),
            quiet: quiet[place],
            core: core.filter(|core| {
                !core.iter().eq(lines.iter().filter(|(kind, _)| *kind != LineKind::Broken.name()))
            }),
            core_marks: core_marks.filter(|core| *core != marks),
            lines,
            marks,
        }
    };
    axis.0.iter().enumerate().map(column).collect()
}

/// A distance in at most four digits: it tells how far, the instants tell exactly when.
fn gap(nanos: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let seconds = nanos / SECOND;
    match seconds {
        0 if nanos < 1_000 => format!("{nanos} ns"),
        0 if nanos < 1_000_000 => format!("{} µs", digits(nanos, 1_000)),
        0 => format!("{} ms", digits(nanos, 1_000_000)),
        1..60 => format!("{} s", digits(nanos, SECOND)),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// `nanos` in a unit, cut after four digits.
fn digits(nanos: u64, unit: u64) -> String {
    let (whole, rest) = (nanos / unit, nanos % unit);
    let places = 4_usize.saturating_sub(whole.to_string().len());
    let fraction = format!("{:0>1$}", rest, unit.ilog10() as usize);
    let fraction = fraction[..places.min(fraction.len())].trim_end_matches('0');
    if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_read_at_every_scale() {
        let told =
            [1, 999, 200_000, 42_999_800, 200_000_000, 29_956_800_000, 60_000_000_000, 3_723_000_000_000];
        let shown = told.map(gap);
        assert_eq!(shown, ["1 ns", "999 ns", "200 µs", "42.99 ms", "200 ms", "29.95 s", "1m 00s", "1h 02m"]);
        assert_eq!(gap(50 * 86_400 * 1_000_000_000), "50d 00h");
    }
}
