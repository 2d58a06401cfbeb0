//! What a turn says when its run is over is noted: that it was said, once for each time, and when it was heard, which is
//! not when the store had room for it.
//!
//! What is heard is kept until a commit of that tick, or of a later one, is durable: whatever is to be noted of it is in
//! that.

use educe::Educe;
use sametick_core::commit::{LateNote, LateWord};
use sametick_core::effect::{Input, InputKind, Report};
use sametick_core::id::RunId;
use sametick_core::run::{RunRow, RunState};
use sametick_core::time::{Mono, Now, Wall};

use super::{CheckName, Ending, Failure, Rest, Scene};
use crate::books::Books;
use crate::label::Labels;
use crate::lines::ROUNDING_MS;

/// A store that is behind has as many notes waiting for it at most; what comes beyond is not noted.
const MOST: usize = 1_024;

/// What the owner heard of its turns since the latest commit that is durable.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct LateNotes {
    heard: Vec<Heard>,
    /// The owner's latest tick: what reaches it later comes after that, whenever it was.
    closed: Mono,
    /// The latest commit that was judged: one that is sent again says nothing new.
    judged: u64,
    /// Whether anybody shows what the gateway hears.
    hears: bool,
    /// Whether the gateway hears all that is shown twice.
    pub(super) twice: bool,
}

/// Something that a turn said.
#[derive(Clone, Copy, Debug)]
struct Heard {
    run: RunId,
    said: LateWord,
    at: Wall,
    /// The tick that heard it.
    tick: Mono,
    /// Whether its run was over by then, by what was durable. The word that ends a drain is no news.
    is_late: bool,
}

impl LateNotes {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.restarted(Mono::default());
        self.judged = 0;
        self.hears = false;
    }

    /// A gateway begins, and knows nothing of what another heard.
    pub(super) fn restarted(&mut self, at: Mono) {
        self.heard.clear();
        self.closed = at;
    }

    /// What the owner hears in a tick that takes its clocks for this.
    pub(super) fn hear(&mut self, now: Now, inputs: &[Input], books: &Books) {
        self.hears = true;
        for input in inputs {
            let InputKind::Report { run, report } = input.kind else { continue };
            let said = match report {
                Report::Ready { .. } => LateWord::Ready,
                Report::Completed(finish) => LateWord::Completed(finish),
                Report::Stopped => LateWord::Stopped,
                Report::Progress => continue,
            };
            let stamp = input.at.max(self.closed.tick_after()).min(now.mono);
            let before = now.mono.since(stamp).as_millis();
            let at = now.wall.plus_millis(i64::try_from(before).map_or(i64::MIN, |before| -before));
            let is_over = |row: &RunRow| match row.state {
                RunState::Queued | RunState::Starting | RunState::Running => false,
                RunState::Settled(_) => said != LateWord::Stopped || row.is_closed(),
            };
            let is_late = books.run(run).is_some_and(is_over);
            // A gateway that comes back may hear of something at the instant of its first tick, and after that.
            let heard = Heard { run, said, at, tick: now.mono.max(self.closed.tick_after()), is_late };
            self.heard.push(heard);
            if self.twice {
                self.heard.push(Heard { is_late: false, ..heard });
            }
        }
        self.closed = now.mono;
    }

    /// What becomes durable.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        if scene.commit.number <= self.judged || !self.hears {
            return;
        }
        self.judged = scene.commit.number;
        let said = scene.said.mono;
        let mut fail = |run: RunId, message: String| {
            let run = Some(run);
            failures.push(Failure { check: CheckName::RecordsAgree, at: scene.at, run, message });
        };
        let crowded = self.heard.len() > MOST;
        for note in &scene.commit.late {
            if let Some(message) = self.strike_off(note, said, &scene.labels) {
                fail(note.run, message);
            }
        }
        let unsaid = |heard: &&Heard| heard.tick <= said && heard.is_late && !crowded;
        if let Some(heard) = self.heard.iter().find(unsaid) {
            fail(heard.run, unnoted(heard, &scene.labels));
        }
        self.heard.retain(|heard| heard.tick > said);
    }

    /// Takes what a note is of off the list. Says what is wrong with it. Of what a turn says twice while the store is behind
    /// one note is enough.
    fn strike_off(&mut self, note: &LateNote, said: Mono, labels: &Labels<'_>) -> Option<String> {
        let name = || labels.run(note.run);
        let of_it = |heard: &Heard| (heard.run, heard.said) == (note.run, note.said) && heard.tick <= said;
        let told = |heard: &Heard| (heard.at - note.at).abs() <= ROUNDING_MS;
        let Some(first) = self.heard.iter().copied().find(|heard| of_it(heard)) else {
            return Some(format!(
                "the commit notes what {} is to have said when it was over, and nobody said that, or it is noted \
                 already: whoever reads it takes a turn for alive that was not",
                name()
            ));
        };
        let Some(place) = self.heard.iter().position(|heard| of_it(heard) && told(heard)) else {
            return Some(format!(
                "what {} said when it was over is noted as of {}, and was heard at {}: whoever reads it takes a turn \
                 for alive that was not",
                name(),
                labels.wall(note.at),
                labels.wall(first.at)
            ));
        };
        self.heard.remove(place);
        self.heard.iter_mut().filter(|heard| of_it(heard)).for_each(|heard| heard.is_late = false);
        None
    }

    /// A world came to rest: the store has room for all that is to be noted.
    pub(super) fn judge_rest(&self, failures: &mut Vec<Failure>, rest: &Rest<'_>) {
        let late = self.heard.iter().find(|heard| heard.is_late);
        if let Some(heard) = late.filter(|_| rest.ending == Ending::Rested && self.heard.len() <= MOST) {
            let (run, message) = (Some(heard.run), unnoted(heard, rest.labels));
            failures.push(Failure { check: CheckName::RecordsAgree, at: rest.at, run, message });
        }
    }
}

fn unnoted(heard: &Heard, labels: &Labels<'_>) -> String {
    format!(
        "{} was over when its turn spoke at {}, and no commit notes that: nobody can tell any more that the turn was alive \
         by then",
        labels.run(heard.run),
        labels.wall(heard.at)
    )
}
