//! `sametick fuzz`.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use sametick_sim::fuzz::{self, Campaign, Found, Progress, Tally, Watch};
use sametick_sim::plan::draw;
use sametick_sim::sometimes::Counts;
use sametick_sim::{Subject, campaign};
use serde::Serialize;

use super::broke::{Broke, write_down};
use super::interrupt::{self, Interrupt};
use super::look::{self, BAD, STRONG, grouped, styled};
use super::run::{shell_word, use_threads};
use super::waiting::{LOOK, Waiting};
use super::{Machine, Stop};

/// What `sametick fuzz` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which seeds are drawn, as A..B; on and on from 0 with --for or --until-failure, 0..10000 otherwise
    #[arg(long, value_name = "A..B", value_parser = campaign::parse_seeds)]
    seeds: Option<Range<u64>>,
    /// Stops after this time, such as 60s or 10m. Worlds that are under way then are waited for; a seed whose world has not
    /// come to its end ten seconds later, when no other is left, is named as not finished
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
    /// Stops at the first seeds that break
    #[arg(long)]
    until_failure: bool,
    /// Copies each world at every tick and tries one thing there, once each: a crash at every point of the tick, each
    /// answer the store can give, a cancel, a completion, and a step of the wall clock. None may break what holds
    /// without it. Many hundred worlds a seed
    #[arg(long)]
    forks: bool,
    /// How many threads work; as many as there are cores by default. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Where each failure is written, made small, as a scenario with what happened in it; made when there is one
    #[arg(long, value_name = "DIR", default_value = "fuzz-failures")]
    out: PathBuf,
    /// Shows in how many worlds each situation was met
    #[arg(long, conflicts_with = "json")]
    situations: bool,
    #[command(flatten)]
    machine: Machine,
    /// One JSON object on stdout instead of the summary
    #[arg(long)]
    json: bool,
}

/// How many seeds are drawn when nothing else says when to stop; a campaign of so many worlds that never met one of the
/// situations it should meet has failed.
const SEEDS: u64 = 10_000;

fn time(text: &str) -> Result<Duration, String> {
    let span = sametick_sim::scenario::parse_span(text).filter(|span| span.as_nanos() > 0);
    let span = span.ok_or("write a length of time, such as 60s or 10m")?;
    Ok(Duration::from_nanos(span.as_nanos()))
}

pub(crate) fn main(args: &Args) -> Result<bool, Stop> {
    use_threads(args.jobs)?;
    let subject = args.machine.subject();
    let seeds = args.seeds.clone().unwrap_or_else(|| {
        let endless = args.time.is_some() || args.until_failure;
        0..if endless { u64::MAX } else { SEEDS }
    });
    let from = seeds.start;
    let campaign = Campaign { subject, forks: args.forks, until_failure: args.until_failure };
    let clock = Clock::start(args.time, &seeds)?;
    let begun = clock.begun;
    let (tally, unfinished) = run(campaign, seeds, clock);
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let found = if unfinished.is_empty() {
        look::progress(if tally.holds() { "" } else { "making what breaks small" });
        fuzz::shrink_all(&tally, subject)
    } else {
        fuzz::as_drawn(&tally, subject)
    };
    look::progress("");
    let mut failures = Vec::new();
    for found in &found {
        let mut broken = Broken::of(found, subject, &args.out)?;
        broken.is_small = unfinished.is_empty();
        failures.push(broken);
    }
    let unfinished: Vec<Unfinished> =
        unfinished.into_iter().map(|seed| Unfinished { seed, replay: alone(seed, campaign) }).collect();
    let is_core = matches!(subject, Subject::Core(_));
    let met_all = tally.worlds < SEEDS || !is_core || tally.sometimes.never().next().is_none();
    let summary = Summary {
        command: "fuzz",
        holds: tally.holds() && met_all && unfinished.is_empty(),
        from,
        to: tally.to,
        worlds: tally.worlds,
        unread: tally.first_unread.and_then(|seed| Unread::of(tally.unread, seed)),
        events: tally.events,
        forks: args.forks.then_some(tally.forks),
        digest: tally.digest(),
        elapsed_ms,
        failed: tally.failed,
        met_all,
        counts: tally.sometimes.clone(),
        failures,
        unfinished,
        sometimes: tally.sometimes.iter().collect(),
        never_reached: tally.sometimes.never().collect(),
    };
    if args.json {
        let text = serde_json::to_string(&summary).map_err(std::io::Error::other)?;
        writeln!(std::io::stdout(), "{text}")?;
    } else {
        show(&summary, args.situations)?;
    }
    Ok(summary.holds)
}

/// Runs a campaign beside somebody who looks at how far it is. What came of it, and the seeds it waited for in vain: no
/// thread can be stopped in a tick that it does not come back from, so it ends with the process.
fn run(campaign: Campaign, seeds: Range<u64>, mut clock: Clock) -> (Tally, Vec<u64>) {
    let (begun, time, interrupted) = (clock.begun, clock.time, clock.interrupted.clone());
    let progress = Arc::new(Progress::default());
    let (through, is_through) = mpsc::channel();
    let shown = Arc::clone(&progress);
    let worker = std::thread::spawn(move || {
        // Whoever waited for it may have given up.
        let _ = through.send(fuzz::run_in_sight(campaign, seeds, &mut clock, &shown));
    });
    let mut waiting = Waiting::default();
    let mut interrupted_at = None;
    loop {
        match is_through.recv_timeout(LOOK) {
            Ok(tally) => return (tally, Vec::new()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let panic = worker.join().err().unwrap_or_else(|| Box::new("a campaign came to nothing"));
                std::panic::resume_unwind(panic)
            }
        }
        let now = begun.elapsed();
        if interrupted.is_wanted() {
            interrupted_at = interrupted_at.or(Some(now));
        }
        let end = time.filter(|time| *time <= now).into_iter().chain(interrupted_at).min();
        let under_way = progress.under_way();
        let seen = waiting.look(now, end, under_way.clone());
        for (seed, span) in seen.long {
            look::progress("");
            look::complain(&format!(
                "the world of seed {seed} has been under way for {} s and is not through: it is a very large world, or \
                 the machine under test does not come back from a tick; `{}` runs it alone",
                span.as_secs(),
                alone(seed, campaign)
            ));
        }
        if seen.is_stuck {
            return (progress.so_far(), under_way.seeds);
        }
    }
}

/// The command that runs one seed alone, and ends if that does not.
fn alone(seed: u64, campaign: Campaign) -> String {
    let forks = if campaign.forks { " --forks" } else { "" };
    let (to, flags) = (seed.saturating_add(1), campaign.subject.flags());
    format!("sametick fuzz{forks} --seeds {seed}..{to} --for 60s{flags}")
}

/// Looks at the time, at whether somebody wants it to end, and shows how far it is.
struct Clock {
    begun: Instant,
    time: Option<Duration>,
    end: u64,
    from: u64,
    interrupted: Interrupt,
}

impl Clock {
    fn start(time: Option<Duration>, seeds: &Range<u64>) -> Result<Self, Stop> {
        let interrupted = interrupt::listen()?;
        #[allow(
            clippy::disallowed_methods,
            reason = "decides how many seeds there are, and nothing of any of them"
        )]
        let begun = Instant::now();
        Ok(Self { begun, time, end: seeds.end, from: seeds.start, interrupted })
    }

    fn left(&self, tally: &Tally) -> String {
        let elapsed = self.begun.elapsed();
        let left = match self.time {
            Some(time) => Some(time.saturating_sub(elapsed)),
            None if self.end == u64::MAX => None,
            None => {
                let (done, all) = (tally.to - self.from, self.end - self.from);
                Some(elapsed.mul_f64((all - done) as f64 / done.max(1) as f64))
            }
        };
        left.map_or(String::new(), |left| format!(" · {} s left", left.as_secs()))
    }
}

impl Watch for Clock {
    fn goes_on(&mut self, tally: &Tally) -> bool {
        let elapsed = self.begun.elapsed();
        let rate = tally.worlds as f64 / elapsed.as_secs_f64().max(0.001);
        look::progress(&format!(
            "{} worlds{} · {} a second · {} events · {} broken · {} of {} situations{}",
            grouped(tally.worlds),
            if tally.forks > 0 { format!(" · {} forks", grouped(tally.forks)) } else { String::new() },
            grouped(rate as u64),
            grouped(tally.events),
            grouped(tally.failed),
            tally.sometimes.reached().0,
            tally.sometimes.reached().1,
            self.left(tally)
        ));
        !self.interrupted.is_wanted() && self.time.is_none_or(|time| elapsed < time)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    command: &'static str,
    holds: bool,
    from: u64,
    to: u64,
    worlds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<Unread>,
    events: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    forks: Option<u64>,
    digest: String,
    elapsed_ms: u64,
    #[serde(skip)]
    failed: u64,
    #[serde(skip)]
    met_all: bool,
    #[serde(skip)]
    counts: Counts,
    failures: Vec<Broken>,
    unfinished: Vec<Unfinished>,
    sometimes: BTreeMap<&'static str, u64>,
    never_reached: Vec<&'static str>,
}

/// Drawn plans that do not read, so that their seeds had no world, and the first of them.
#[derive(Debug, Serialize)]
struct Unread {
    seeds: u64,
    first: u64,
    message: String,
}

impl Unread {
    fn of(seeds: u64, first: u64) -> Option<Self> {
        let error = draw(first).scenario("plan.toml").err()?;
        Some(Self { seeds, first, message: error.to_string() })
    }
}

/// A seed whose world did not come to its end.
#[derive(Debug, Serialize)]
struct Unfinished {
    seed: u64,
    replay: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Broken {
    seed: u64,
    #[serde(flatten)]
    what: Broke,
    run: Option<String>,
    replay: String,
    file: String,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    times: usize,
    #[serde(skip)]
    is_small: bool,
}

impl Broken {
    fn of(found: &Found, subject: Subject, out: &Path) -> Result<Self, Stop> {
        let failure = &found.failure;
        let text = found.plan.text();
        let file = write_down(out, &format!("{}-{}", failure.check.name(), found.seed), &text, subject)?;
        Ok(Self {
            seed: found.seed,
            what: Broke::of(failure),
            run: found.run.clone(),
            replay: if found.breaks {
                format!("sametick explain {}{}", shell_word(&file), subject.flags())
            } else {
                let (from, to) = (found.seed, found.seed + 1);
                format!("sametick fuzz --forks --seeds {from}..{to}{}", subject.flags())
            },
            file,
            text,
            times: found.times,
            is_small: true,
        })
    }
}

fn show(summary: &Summary, situations: bool) -> Result<(), Stop> {
    let mut out = look::out();
    for broken in &summary.failures {
        let times = match broken.times {
            1 => String::new(),
            times => format!(", and {} more like it", times - 1),
        };
        writeln!(
            out,
            "{} breaks at {}, seed {}{times}",
            styled(BAD, broken.what.check),
            broken.what.at,
            broken.seed
        )?;
        writeln!(out, "{}", look::held_and_found(broken.what.sentence, &broken.what.message))?;
        writeln!(out, "    {}:", if broken.is_small { "made small" } else { "as it was drawn" })?;
        for line in broken.text.lines() {
            writeln!(out, "      {line}")?;
        }
        writeln!(out, "    replay:        {}\n", styled(STRONG, &broken.replay))?;
    }
    if situations {
        let rows = summary.counts.iter().map(|(name, worlds)| vec![name.to_owned(), grouped(worlds)]);
        writeln!(out, "{}\n", look::table(&["situation", "worlds"], 1..2, rows.collect()))?;
    }
    let (reached, all) = summary.counts.reached();
    let rarest = summary.counts.rarest().map_or(String::new(), |(name, worlds)| {
        format!("; the rarest is {name}, in {} worlds", grouped(worlds))
    });
    writeln!(out, "{}", look::paragraph("situations: ", &format!("{reached} of {all} were met{rarest}")))?;
    if !summary.met_all {
        for name in &summary.never_reached {
            writeln!(out, "{}: no world met {name}; what breaks there is not found", styled(BAD, "never"))?;
        }
    }
    for unfinished in &summary.unfinished {
        let sentence = format!("the world of seed {} did not come to its end", unfinished.seed);
        writeln!(out, "{}: {sentence}", styled(BAD, "not finished"))?;
        writeln!(out, "    replay:        {}\n", styled(STRONG, &unfinished.replay))?;
    }
    if let Some(unread) = &summary.unread {
        let sentence = format!(
            "of {} of the seeds there was no world: what the search drew does not read, which is a fault of its own; the \
             first is {}: {}",
            grouped(unread.seeds),
            unread.first,
            unread.message
        );
        writeln!(out, "{}", look::paragraph(&format!("{}: ", styled(BAD, "not tried")), &sentence))?;
    }
    let verdict = if summary.failed > 0 {
        look::worlds_hold(false, summary.failed, summary.worlds)
    } else if !summary.unfinished.is_empty() {
        styled(BAD, "not finished")
    } else if summary.unread.is_some() {
        styled(BAD, "not all tried")
    } else if !summary.met_all {
        styled(BAD, "not all met")
    } else {
        look::worlds_hold(true, 0, summary.worlds)
    };
    let counts = format!(
        "seeds {}..{}, {} worlds{}, {} events in {}.{:03} s, digest {}",
        summary.from,
        summary.to,
        grouped(summary.worlds),
        summary.forks.map_or(String::new(), |forks| format!(" and {} forks of them", grouped(forks))),
        grouped(summary.events),
        summary.elapsed_ms / 1_000,
        summary.elapsed_ms % 1_000,
        summary.digest
    );
    writeln!(out, "{}", look::paragraph(&format!("{verdict}: "), &counts))?;
    Ok(())
}
