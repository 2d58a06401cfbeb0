//! A world told in lines: the transcript of a scenario, and the body of `explain`.

use std::collections::BTreeMap;

use sametick_core::Machine;
use sametick_core::commit::{Commit, JobStatus, LateWord};
use sametick_core::effect::{Accepted, Command, Effect, Input, InputKind, Report};
use sametick_core::id::{AgentId, JobId, SessionKey};
use sametick_core::lifecycle::EventPhase;
use sametick_core::run::{Drain, Finish, RunRow, RunState};
use sametick_core::session::{SessionChange, Status};
use sametick_core::time::Mono;

use crate::check::{Failure, told};
use crate::explore::Pick;
use crate::explore::chooser::Chooser;
use crate::label::{Labels, instant};
use crate::machines::{Subject, Visit};
use crate::record::{Beat, Befell, Fate};
use crate::scenario::Scenario;
use crate::world::{Verdict, World};

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Mono,
    /// What kind of thing it tells.
    pub kind: LineKind,
    /// The words.
    pub text: String,
}

/// The kinds of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The machine was told something.
    Heard,
    /// A commit.
    Commit,
    /// An effect that left.
    Effect,
    /// The gateway died or came back.
    Crash,
    /// A check broke.
    Broken,
}

impl LineKind {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Commit => "commit",
            Self::Effect => "effect",
            Self::Crash => "crash",
            Self::Broken => "broken",
        }
    }
}

/// A world's story.
#[derive(Clone, Debug)]
pub struct Story {
    /// What the world came to.
    pub verdict: Verdict,
    /// Its lines, in order.
    pub lines: Vec<Line>,
}

/// Tells the world of a seed.
#[must_use]
pub fn tell(scenario: &Scenario, subject: Subject, seed: u64) -> Story {
    subject.visit(
        scenario.config.clone(),
        Telling { scenario, seed, is_meant_to_hold: subject.is_meant_to_hold() },
    )
}

/// Tells the world of these choices, with so many faults to choose.
#[must_use]
pub fn tell_choices(scenario: &Scenario, subject: Subject, picks: &[Pick], faults: u32) -> Story {
    let judges_claims = matches!(subject, Subject::Core(_));
    subject.visit(scenario.config.clone(), TellingChoices { scenario, picks, faults, judges_claims })
}

struct TellingChoices<'s, 'p> {
    scenario: &'s Scenario,
    picks: &'p [Pick],
    faults: u32,
    judges_claims: bool,
}

impl Visit for TellingChoices<'_, '_> {
    type Out = Story;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Story {
        let mut world = World::new(self.scenario, machine);
        world.judge_claims(self.judges_claims);
        let (verdict, beats) = world.record_choices(Chooser::with_faults(self.faults), self.picks);
        let lines = lines_of(&beats, &world.labels());
        Story { verdict, lines }
    }
}

/// The transcript that a scenario without ranges expects.
#[must_use]
pub fn transcript(scenario: &Scenario, subject: Subject, seed: u64) -> String {
    let story = tell(scenario, subject, seed);
    let wide = story.lines.iter().map(|line| instant(line.at).len()).max().unwrap_or(0);
    let kept = story.lines.iter().filter(|line| line.kind != LineKind::Broken);
    kept.map(|line| format!("{:>wide$}  {}\n", instant(line.at), line.text)).collect()
}

/// A scenario's text with what happened in its world below it, as comments.
#[must_use]
pub fn written_below(text: &str, told: &str) -> String {
    let happened: String = told.lines().map(|line| format!("# {line}\n")).collect();
    format!("{text}\n# What happened:\n#\n{happened}")
}

/// Where two transcripts part, in words.
#[must_use]
pub fn first_difference(expect: &str, told: &str) -> String {
    let lines = |text: &str| text.trim().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (expect, told) = (lines(expect), lines(told));
    let place = expect.iter().zip(&told).take_while(|(one, two)| one == two).count();
    let show = |lines: &[String]| lines.get(place).cloned().unwrap_or_else(|| "(the end)".to_owned());
    format!(
        "the transcript differs at its line {}: expected `{}`, got `{}`; if the new one is right, `run --bless`",
        place + 1,
        show(&expect),
        show(&told)
    )
}

struct Telling<'s> {
    scenario: &'s Scenario,
    seed: u64,
    /// Claims and laws are not for what is broken on purpose.
    is_meant_to_hold: bool,
}

impl Visit for Telling<'_> {
    type Out = Story;

    fn visit<M: Machine + Send + Sync + 'static>(self, machine: M) -> Story {
        let mut world = World::new(self.scenario, machine);
        world.judge_claims(self.is_meant_to_hold);
        // A world that breaks by itself is told as it breaks: laws may break before that, and say less.
        let tries_laws = self.is_meant_to_hold && world.run(self.seed).failures.is_empty();
        world.try_laws(tries_laws);
        let (verdict, beats) = world.record(self.seed);
        let mut lines = lines_of(&beats, &world.labels());
        // What a law says of a tick is known once that is recorded.
        let at = lines.last().map_or(Mono::default(), |line| line.at);
        let mut untold = Vec::new();
        tell_failures(at, &verdict.failures, &mut untold);
        let is_told = |line: &Line| lines.iter().any(|told| told.kind == line.kind && told.text == line.text);
        untold.retain(|line| !is_told(line));
        lines.append(&mut untold);
        Story { verdict, lines }
    }
}

/// What happened, in lines.
pub(crate) fn lines_of(beats: &[Beat], labels: &Labels<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut seen = Seen { hosts: labels.scenario().hosts, lives: 1, statuses: BTreeMap::new() };
    for beat in beats {
        tell_beat(beat, labels, &mut seen, &mut lines);
    }
    lines
}

/// What the story has told already.
struct Seen {
    /// How many hosts there are.
    hosts: usize,
    /// How many lives of the gateway.
    lives: u32,
    /// The jobs whose schedules are not followed.
    statuses: BTreeMap<JobId, JobStatus>,
}

fn tell_beat(beat: &Beat, labels: &Labels<'_>, seen: &mut Seen, lines: &mut Vec<Line>) {
    match beat {
        Beat::Tick { at, host, life, inputs, tick, fate, failures } => {
            let whose =
                if seen.hosts > 1 { format!("{}: ", Scenario::host_name(*host)) } else { String::new() };
            let mut say =
                |kind, text: String| lines.push(Line { at: *at, kind, text: format!("{whose}{text}") });
            if *life > seen.lives {
                seen.lives = *life;
                say(LineKind::Crash, "the gateway is back and recovers".to_owned());
            }
            for heard in inputs.iter().filter_map(|input| told_input(input, labels)) {
                say(LineKind::Heard, heard);
            }
            if let Some(commit) = tick.commit() {
                let told = told_commit(commit, inputs, labels, &mut seen.statuses);
                say(
                    LineKind::Commit,
                    if *fate == Fate::AllLost { format!("never stored: {told}") } else { told },
                );
            }
            let left = if *fate == Fate::CarriedOut { tick.effects() } else { &[] };
            for effect in left.iter().filter_map(|effect| told_effect(effect, labels)) {
                say(LineKind::Effect, effect);
            }
            tell_failures(*at, failures, lines);
        }
        Beat::Host { at, host, what } => {
            let whose =
                if seen.hosts > 1 { format!("{}: ", Scenario::host_name(*host)) } else { String::new() };
            if *what == Befell::TakesOver {
                // It says so itself.
                seen.lives += 1;
            }
            let text = match what {
                Befell::OthersEnd { key, .. } => {
                    let text = format!(
                        "{whose}a turn of somebody else ends in {}, and nobody is told",
                        labels.key(*key)
                    );
                    lines.push(Line { at: *at, kind: LineKind::Heard, text });
                    return;
                }
                Befell::Died => "the gateway dies",
                Befell::Back => "the gateway is back and stands by",
                Befell::TakesOver => "the gateway takes the store over and recovers",
                Befell::Freezes => "the gateway stands still, and its turns with it",
                Befell::GoesOn => "the gateway goes on",
                Befell::CutOff => "the gateway reaches the store no more",
                Befell::Reaches => "the gateway reaches the store again",
            };
            lines.push(Line { at: *at, kind: LineKind::Crash, text: format!("{whose}{text}") });
        }
        Beat::Rest { at, failures } => tell_failures(*at, failures, lines),
        Beat::Applied { .. } => {}
    }
}

fn tell_failures(at: Mono, failures: &[Failure], lines: &mut Vec<Line>) {
    for failure in failures {
        let text = format!("{}: {}", failure.check.name(), failure.message);
        lines.push(Line { at, kind: LineKind::Broken, text });
    }
}

/// What the machine heard; nothing of what is heard all the time.
pub(crate) fn told_input(input: &Input, labels: &Labels<'_>) -> Option<String> {
    use sametick_core::commit::Answer;
    Some(match input.kind {
        InputKind::Answer { answer: Answer::Applied, .. } | InputKind::Heard { .. } => return None,
        InputKind::Answer { commit, answer } => {
            let word = match answer {
                Answer::NotApplied => "was not applied",
                Answer::Unknown => "has no answer",
                Answer::Fenced => "is fenced off: another owner has the store",
                Answer::Applied => "is durable",
            };
            format!("commit {commit} {word}")
        }
        InputKind::Report { run, report } => {
            let run = labels.run(run);
            match report {
                Report::Ready { session } => format!("{run} reports session s{} ready", session.0),
                Report::Progress => format!("{run} reports progress"),
                Report::Completed(Finish::Ok) => format!("{run} reports that it is done"),
                Report::Completed(Finish::Failed(_)) => format!("{run} reports that it failed"),
                Report::Stopped => format!("{run} reports that it stopped"),
            }
        }
        InputKind::Command { ref command, .. } => told_command(command, labels),
        InputKind::Foreign { key, began, .. } => {
            // A host that takes the store back tells of those that are at work there once more.
            let word = if began { "is at work" } else { "ends" };
            format!("a turn of somebody else {word} in {}", labels.key(key))
        }
        InputKind::Renewal { answer: Answer::Fenced, .. } => {
            "the lease is not renewed: another owner has the store".to_owned()
        }
        InputKind::Renewal { .. } => return None,
        InputKind::ClockStepped => "the wall clock steps".to_owned(),
    })
}

fn told_command(command: &Command, labels: &Labels<'_>) -> String {
    let job = |job: JobId| labels.scenario().job_name(job.0);
    match command {
        Command::Add(new) => format!("somebody adds {}", job(new.id)),
        Command::Edit(new) => format!("somebody edits {}", job(new.id)),
        Command::Remove(id) => format!("somebody removes {}", job(*id)),
        Command::Pause(id) => format!("somebody pauses {}", job(*id)),
        Command::Disable(id) => format!("somebody disables {}", job(*id)),
        Command::Resume(id) => format!("somebody resumes {}", job(*id)),
        Command::RunNow(id) => format!("somebody runs {} now", job(*id)),
        Command::Spawn { parent, job: id } => format!("{} asks for {}", labels.run(*parent), job(*id)),
        Command::Cancel(run) => format!("somebody cancels {}", labels.run(*run)),
    }
}

/// A commit in one line: runs, sessions, events, jobs' ledger, late notes.
fn told_commit(
    commit: &Commit,
    inputs: &[Input],
    labels: &Labels<'_>,
    statuses: &mut BTreeMap<JobId, JobStatus>,
) -> String {
    let mut parts: Vec<String> = commit.runs.iter().map(|row| told_run(row, labels)).collect();
    for patch in &commit.sessions {
        let status = match patch.change {
            SessionChange::Start { .. } => Status::Running.name(),
            SessionChange::End { status, .. } => status.name(),
            SessionChange::Replace(row) => crate::check::shown(row.status),
        };
        parts.push(format!("{} = {status}", short_key(patch.key, labels)));
    }
    for event in &commit.events {
        let reason = event.cause.map_or(String::new(), |cause| format!("/{}", cause.kind.name()));
        parts.push(format!("event {}{reason}", event.phase.name()));
    }
    for row in &commit.ledger {
        let job = labels.scenario().job_name(row.job.0);
        let (first, last) = (labels.wall(row.first), labels.wall(row.last));
        let when = if first == last { format!("at {first}") } else { format!("from {first} to {last}") };
        parts.push(format!("{job}: {} due {when} {}", row.count, row.end.name()));
    }
    for note in &commit.late {
        let said = match note.said {
            LateWord::Ready => "was ready",
            LateWord::Completed(Finish::Ok) => "was done",
            LateWord::Completed(Finish::Failed(_)) => "failed",
            LateWord::Stopped => "stopped",
        };
        let heard = |input: &Input| matches!(input.kind, InputKind::Report { run, .. } if run == note.run);
        // What the store had no room for when it was heard.
        let kept = !inputs.iter().any(heard);
        let when = if kept { format!(" at {}", labels.wall(note.at)) } else { String::new() };
        parts.push(format!("noted as late: {} {said}{when}", labels.run(note.run)));
    }
    for job in &commit.declared {
        parts.push(format!("{} declared", labels.scenario().job_name(job.id.0)));
    }
    for job in &commit.removed {
        parts.push(format!("{} removed", labels.scenario().job_name(job.0)));
    }
    for row in &commit.jobs {
        if statuses.insert(row.id, row.status).unwrap_or_default() != row.status {
            parts.push(format!("{} {}", labels.scenario().job_name(row.id.0), row.status.name()));
        }
    }
    if parts.is_empty() {
        parts.push("job state".to_owned());
    }
    format!("commit {}: {}", commit.number, parts.join(" · "))
}

/// A session row, as short as a story has it.
pub(crate) fn short_key(key: SessionKey, labels: &Labels<'_>) -> String {
    let agent = key.agent();
    // Most worlds have one agent.
    let of = if agent == AgentId(0) { String::new() } else { format!(" of {}", labels.agent(agent)) };
    match key {
        SessionKey::Run { session, .. } => format!("session s{}", session.0),
        SessionKey::Base { job, .. } => format!("{}'s row{of}", labels.scenario().job_name(job.0)),
        SessionKey::Main { .. } => format!("main's row{of}"),
    }
}

fn told_run(row: &RunRow, labels: &Labels<'_>) -> String {
    let name = labels.run(row.id);
    match (row.state, row.drain) {
        (RunState::Queued, _) if row.not_before.is_some() => {
            let until = row.not_before.map(|until| labels.wall(until)).unwrap_or_default();
            format!("{name} waits until {until}")
        }
        (RunState::Queued, _) => format!("{name} queued"),
        (RunState::Starting, _) => format!("{name} starting"),
        (RunState::Running, _) => format!("{name} running"),
        (RunState::Settled(outcome), Drain::None | Drain::Open) => format!("{name} {}", told(outcome)),
        (RunState::Settled(outcome), Drain::Confirmed) => format!("{name} {}, stopped", outcome.name()),
        (RunState::Settled(outcome), Drain::Held) => {
            format!("{name} {}, held: nobody knows that it stopped", outcome.name())
        }
        (RunState::Settled(outcome), Drain::Abandoned) => {
            format!("{name} {}, abandoned: nobody knows that it stopped", outcome.name())
        }
    }
}

/// What left; nothing of what leaves all the time.
pub(crate) fn told_effect(effect: &Effect, labels: &Labels<'_>) -> Option<String> {
    // As often as a clock ticks, and nothing comes of it but that nothing happens.
    let is_usual = matches!(effect, Effect::Renew { .. });
    (!is_usual).then(|| format!("-> {}", words_of(effect, labels)))
}

/// What an effect does.
pub(crate) fn words_of(effect: &Effect, labels: &Labels<'_>) -> String {
    match effect {
        Effect::Start { run } => format!("start the turn of {}", labels.run(*run)),
        Effect::Abort { run } => format!("ask the turn of {} to stop", labels.run(*run)),
        Effect::Publish { event, .. } => {
            let word = if event.phase == EventPhase::Start { "start" } else { "end" };
            format!("tell subscribers of the {word} of {}", labels.run(event.run))
        }
        Effect::Deliver { run, outcome } => {
            format!("deliver the result of {}: {}", labels.run(*run), outcome.name())
        }
        Effect::Reply { reply: Ok(Accepted::Done), .. } => "reply: accepted".to_owned(),
        Effect::Reply { reply: Ok(Accepted::Run(run)), .. } => {
            format!("reply: accepted as {}", labels.run(*run))
        }
        Effect::Reply { reply: Err(refusal), .. } => format!("reply: refused, {refusal}"),
        Effect::StoreAgain { commit } => format!("send commit {commit} again"),
        Effect::Renew { .. } => "ask for the lease again".to_owned(),
        Effect::StepDown => "step down".to_owned(),
    }
}
