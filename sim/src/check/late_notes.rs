//! A late note tells when the answer came, and not when the store had room for it.
//!
//! What is heard is kept until a commit of that tick, or of a later one, is durable: whatever was to be noted of it is in
//! that.

use educe::Educe;
use sametick_core::commit::LateWord;
use sametick_core::effect::{Input, InputKind, Report};
use sametick_core::id::RunId;
use sametick_core::time::{Mono, Now, Wall};

use super::{CheckName, Failure, Scene};

/// Wall times are whole milliseconds.
const ROUNDING_MS: u64 = 1;

/// What the owner heard of its turns since the latest commit that is durable.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(super) struct LateNotes {
    heard: Vec<Heard>,
    /// The owner's latest tick: what reaches it later comes after that, whenever it was.
    closed: Mono,
    /// The latest commit that was judged: one that is sent again says nothing new.
    judged: u64,
}

/// Something that a turn said.
#[derive(Clone, Copy, Debug)]
struct Heard {
    run: RunId,
    said: LateWord,
    at: Wall,
    /// The tick that heard it.
    tick: Mono,
}

impl LateNotes {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.restarted(Mono::default());
        self.judged = 0;
    }

    /// A gateway begins, and knows nothing of what another heard.
    pub(super) fn restarted(&mut self, at: Mono) {
        self.heard.clear();
        self.closed = at;
    }

    /// What the owner hears in a tick that takes its clocks for this.
    pub(super) fn hear(&mut self, now: Now, inputs: &[Input]) {
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
            self.heard.push(Heard { run, said, at, tick: now.mono });
        }
        self.closed = now.mono;
    }

    /// What becomes durable.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        if scene.commit.number <= self.judged {
            return;
        }
        self.judged = scene.commit.number;
        for note in &scene.commit.late {
            let of_it = |heard: &&Heard| (heard.run, heard.said) == (note.run, note.said);
            let told = |heard: &Heard| (heard.at - note.at).unsigned_abs() <= ROUNDING_MS;
            let mut heard = self.heard.iter().filter(of_it);
            let Some(first) = heard.clone().next() else { continue };
            if !heard.any(told) {
                let message = format!(
                    "what {} said when it was over is noted as of {}, and was heard at {}: whoever reads it takes a turn for \
                     alive that was not",
                    scene.labels.run(note.run),
                    scene.labels.wall(note.at),
                    scene.labels.wall(first.at)
                );
                let run = Some(note.run);
                failures.push(Failure { check: CheckName::RecordsAgree, at: scene.at, run, message });
            }
        }
        let said = scene.said.mono;
        self.heard.retain(|heard| heard.tick > said);
    }
}
