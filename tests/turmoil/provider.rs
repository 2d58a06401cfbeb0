//! The model provider: opens a session for each run it is asked to work on, answers when the
//! scenario says so, and perhaps never.
//!
//! ```text
//! gateway:   run <job> <generation> <due> <attempt>    stop           stop <job> … (of a run before a crash)
//! provider:  session <number>                          done ok        stopped
//! ```

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use sametick_core::id::{JobId, RunId};
use sametick_core::run::Finish;
use sametick_core::time::{Span, Wall};
use sametick_sim::script::{PlannedEnd, TurnScript};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until};
use turmoil::net::TcpListener;

use crate::clock;
use crate::history::Witness;
use crate::line::Line;

/// Its name, and where it listens.
pub(crate) const HOST: &str = "provider";
pub(crate) const PORT: u16 = 7001;

/// A request about a run, as a line.
pub(crate) fn request(verb: &str, run: RunId) -> String {
    format!("{verb} {} {} {} {}", run.job.0, run.generation, run.due.as_millis(), run.attempt)
}

fn read_request(line: &str) -> Option<(&str, RunId)> {
    let mut words = line.split(' ');
    let verb = words.next()?;
    let (job, generation) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (due, attempt) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((verb, RunId { attempt, ..RunId::scheduled(JobId(job), generation, Wall::from_millis(due)) }))
}

/// The host's software.
pub(crate) async fn serve(witness: Witness) -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let sessions = Rc::new(Cell::new(0));
    loop {
        let (stream, _) = listener.accept().await?;
        spawn_local(answer(Line::over(stream), witness.clone(), Rc::clone(&sessions)));
    }
}

async fn answer(mut line: Line, witness: Witness, sessions: Rc<Cell<u32>>) {
    let Some(first) = line.hear().await else { return };
    let Some((verb, run)) = read_request(&first) else { return };
    let turn = witness.history().turn(run);
    // A line that breaks has nobody at its other end: there is nothing left to say.
    let _ = match verb {
        "run" => work(&mut line, &turn, &sessions).await,
        // The line of its turn broke with the gateway, and nobody works for nobody.
        _ => stop(&mut line, &turn).await,
    };
}

/// Works on a turn, until its gateway hangs up.
async fn work(line: &mut Line, turn: &TurnScript, sessions: &Cell<u32>) -> std::io::Result<()> {
    let begun = Instant::now();
    let at = |span: Option<Span>| span.map(|span| begun + clock::duration(span));
    let takes = match turn.end {
        PlannedEnd::After(takes) => Some(takes),
        PlannedEnd::Never | PlannedEnd::NearTimeout(_) | PlannedEnd::NearTotal(_) => None,
    };
    let (ready, mut is_open) = (at(turn.ready), false);
    let done = ready.and_then(|ready| takes.map(|takes| ready + clock::duration(takes)));
    loop {
        tokio::select! {
            biased;
            () = at_last(ready), if !is_open => {
                is_open = true;
                sessions.set(sessions.get() + 1);
                line.say(&format!("session {}", sessions.get())).await?;
            }
            () = at_last(done), if is_open => {
                let word = if turn.finish == Finish::Ok { "done ok" } else { "done failed" };
                return line.say(word).await;
            }
            heard = line.hear() => match heard.as_deref() {
                Some("stop") if turn.stops.is_some() => return stop(line, turn).await,
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}

async fn stop(line: &mut Line, turn: &TurnScript) -> std::io::Result<()> {
    match turn.stops {
        Some(span) => {
            sleep(clock::duration(span)).await;
            line.say("stopped").await
        }
        None => pending().await,
    }
}

async fn at_last(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
