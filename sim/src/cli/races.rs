//! `sametick explore --races`.

use std::io::Write;

use sametick_sim::explore::races::{self, Cell};
use sametick_sim::explore::{Cuts, DISTANCES};
use sametick_sim::scenario::Offset;
use serde::Serialize;

use super::Stop;
use super::explore::{Args, Broken, Clock, Telling, cut_words, show_broken};
use super::look::{self, BAD, GOOD, QUIET, grouped, styled};

#[derive(Debug, Serialize)]
struct Summary {
    command: &'static str,
    states: u64,
    orders: u64,
    cut: u64,
    holds: bool,
    failures: Vec<Broken>,
    races: Vec<Race>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Race {
    one: &'static str,
    other: &'static str,
    /// How much later the other is.
    distance_ns: i64,
    holds: bool,
}

pub(super) fn main(args: &Args) -> Result<bool, Stop> {
    let subject = args.machine.subject();
    let clock = Clock::start()?;
    let mut cells = Vec::new();
    let all = races::meetings().count();
    for meeting in races::meetings() {
        let (one, other) = (meeting.one.name(), meeting.other.name());
        look::progress(&format!("{}/{all} {one} and {other}", cells.len() + 1));
        cells.push(races::meet(meeting, subject).map_err(|error| Stop::BadInput(error.to_string()))?);
        if clock.is_over() {
            break;
        }
    }
    look::progress("");
    let mut failures = Vec::new();
    for (place, cell) in cells.iter().enumerate() {
        if let Some((scenario, broken)) = &cell.broken {
            let telling =
                Telling { scenario, subject, limits: races::LIMITS, out: &args.out, number: place + 1 };
            failures.extend(telling.broken(broken)?);
        }
    }
    let mut cuts = Cuts::default();
    cells.iter().for_each(|cell| cuts.add_all(cell.cuts));
    let race = |cell: &Cell| Race {
        one: cell.meeting.one.name(),
        other: cell.meeting.other.name(),
        distance_ns: cell.meeting.distance,
        holds: cell.holds(),
    };
    let summary = Summary {
        command: "explore",
        states: cells.iter().map(|cell| cell.states).sum(),
        orders: cells.iter().map(|cell| cell.orders).sum(),
        cut: cuts.total(),
        holds: cells.iter().all(Cell::holds),
        failures,
        races: cells.iter().map(race).collect(),
    };
    if args.json {
        let text = serde_json::to_string(&summary).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        show(&summary, cuts, all, clock.elapsed_ms())?;
    }
    Ok(summary.holds)
}

/// How far apart two are, as the heading of a column.
fn apart(Offset(nanos): Offset) -> String {
    let sign = if nanos > 0 { "+" } else { "" };
    match nanos {
        0 => "0".to_owned(),
        _ if nanos % 1_000_000 == 0 => format!("{sign}{}ms", nanos / 1_000_000),
        _ => format!("{sign}{nanos}ns"),
    }
}

fn show(summary: &Summary, cuts: Cuts, all: usize, elapsed_ms: u64) -> Result<(), Stop> {
    let mut out = look::out();
    let headings: String = DISTANCES.iter().map(|nanos| format!("{:>5}", apart(Offset(*nanos)))).collect();
    writeln!(out, "{}", styled(QUIET, &format!("{:22}{headings}", "the second is later by")))?;
    for row in summary.races.chunks(DISTANCES.len()) {
        let Some(first) = row.first() else { continue };
        write!(out, "{:22}", format!("{}, {}", first.one, first.other))?;
        for race in row {
            let (style, word) = if race.holds { (GOOD, "·") } else { (BAD, "✗") };
            write!(out, "    {}", styled(style, word))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", styled(QUIET, "· holds in every order, ✗ is broken in one"))?;
    writeln!(out)?;
    show_broken(&mut out, &summary.failures)?;
    let broken = summary.races.iter().filter(|race| !race.holds).count();
    let verdict = if broken == 0 {
        styled(GOOD, "holds")
    } else {
        styled(BAD, &format!("broken in {broken} of {} cells", summary.races.len()))
    };
    let left = if summary.races.len() < all {
        format!(", {} not reached", all - summary.races.len())
    } else {
        String::new()
    };
    let counts = format!(
        "{} cells{left}, {} states, {} orders in {}.{:03} s; {}",
        summary.races.len(),
        grouped(summary.states),
        grouped(summary.orders),
        elapsed_ms / 1_000,
        elapsed_ms % 1_000,
        cut_words(cuts)
    );
    writeln!(out, "{}", look::paragraph(&format!("{verdict}: "), &counts))?;
    Ok(())
}
