//! A store that is behind is not given ever more.
//!
//! What was durable at a tick is known from the answers that were stamped by then, what was open from the numbers of
//! commits. A command and an answer in one tick get the benefit of the doubt.

use std::collections::{BTreeSet, VecDeque};

use educe::Educe;
use sametick_core::commit::Answer;
use sametick_core::effect::{Effect, Input, InputKind};
use sametick_core::time::Mono;

use super::{CheckName, Departure, Ending, Failure, Rest, Scene};
use crate::books::Books;
use crate::label::Labels;

pub(super) const SENTENCE: &str =
    "with as many commits open as there may be, no command is accepted and no run begins";
pub(super) const FIELD: &[&str] = &["#15507"];

/// What the gateway knows to be durable, and who asked for something meanwhile.
#[derive(Educe, Debug, Default)]
#[educe(Clone)]
pub(crate) struct OpenCommits {
    /// Every commit up to this one was answered as applied.
    durable: u64,
    /// Later ones that were.
    early: BTreeSet<u64>,
    /// What was durable from when on; of what is before the latest durable commit, the last.
    answers: VecDeque<(Mono, u64)>,
    asked: Vec<Asked>,
    /// The last commit that the gateway said.
    said: u64,
    /// Whether anybody shows what the gateway hears.
    hears: bool,
}

/// A command that has no reply yet.
#[derive(Clone, Copy, Debug)]
struct Asked {
    ticket: u64,
    at: Mono,
    /// What was durable at most.
    durable: u64,
    /// How many commits were open at least, once the tick that heard of it is known.
    open: Option<u64>,
    /// The last commit that was said by the end of the tick that heard of it, where that is shown.
    said: Option<u64>,
}

impl OpenCommits {
    /// Forgets everything, keeping the memory.
    pub(super) fn clear(&mut self) {
        self.restarted(0);
        self.hears = false;
    }

    /// A gateway begins on what is durable.
    pub(super) fn restarted(&mut self, durable: u64) {
        self.durable = durable;
        self.early.clear();
        self.answers.clear();
        self.answers.push_back((Mono::default(), durable));
        self.asked.clear();
        self.said = durable;
    }

    /// Whether fewer commits are open than may be.
    pub(super) fn has_room(&self, most: u32) -> bool {
        self.said.saturating_sub(self.durable) < u64::from(most.max(1))
    }

    /// What the gateway says in the tick at hand. Says which commit is the latest.
    pub(super) fn said(&mut self, commit: Option<u64>) -> u64 {
        self.said = commit.unwrap_or(self.said);
        let new = self.asked.iter_mut().rev().take_while(|asked| asked.said.is_none());
        new.for_each(|asked| asked.said = Some(self.said));
        self.said
    }

    /// What the gateway hears.
    pub(super) fn hear(&mut self, inputs: &[Input]) {
        self.hears = true;
        for input in inputs {
            if let InputKind::Answer { commit, answer: Answer::Applied } = input.kind {
                self.applied(input.at, commit);
            }
        }
    }

    /// Somebody asks for something, once it is known what is durable by then.
    pub(super) fn hear_commands(&mut self, inputs: &[Input]) {
        for input in inputs {
            if let InputKind::Command { ticket, .. } = input.kind {
                self.asked.push(Asked {
                    ticket,
                    at: input.at,
                    durable: self.durable,
                    open: None,
                    said: None,
                });
            }
        }
    }

    /// Whether a run may have begun in the tick that is over, with this commit or none, when all commits are in the books.
    pub(super) fn had_room(&self, commit: Option<u64>, books: &Books, labels: &Labels<'_>) -> bool {
        let before = commit.map_or(books.last_commit, |commit| commit.saturating_sub(1));
        before.saturating_sub(self.durable) < bound(labels)
    }

    fn applied(&mut self, at: Mono, commit: u64) {
        if commit > self.durable + 1 {
            self.early.insert(commit);
        } else if commit == self.durable + 1 {
            self.durable = commit;
            while self.early.remove(&(self.durable + 1)) {
                self.durable += 1;
            }
            self.answers.push_back((at, self.durable));
        }
    }

    /// What became durable: who asked before it was said, and whether a run begins in it.
    pub(super) fn judge(&mut self, failures: &mut Vec<Failure>, scene: &Scene<'_>) {
        let (said, before) = (scene.said.mono, scene.commit.number - 1);
        for asked in self.asked.iter_mut().filter(|asked| asked.open.is_none() && asked.at <= said) {
            asked.open = Some(before.saturating_sub(asked.durable));
        }
        let Some(change) = scene.changes.granted().next() else { return };
        // Later commits were said later.
        while self.answers.get(1).is_some_and(|(at, _)| *at <= said) {
            self.answers.pop_front();
        }
        let durable = self.answers.front().map_or(before, |(_, durable)| *durable);
        let open = before.saturating_sub(durable);
        if self.hears && open >= bound(&scene.labels) {
            let run = change.after.id;
            let message = format!(
                "{} begins while the store has {open} commits to answer, and {} may be open: the slower the store, the \
                 more it is given",
                scene.labels.run(run),
                bound(&scene.labels)
            );
            failures.push(Failure { check: CheckName::OpenCommits, at: scene.at, run: Some(run), message });
        }
    }

    /// A reply leaves.
    pub(super) fn judge_reply(&mut self, failures: &mut Vec<Failure>, departure: &Departure<'_>) {
        let Departure { at, effect, books, labels } = *departure;
        let Effect::Reply { ticket, reply } = *effect else { return };
        let Some(place) = self.asked.iter().position(|asked| asked.ticket == ticket) else { return };
        let asked = self.asked.swap_remove(place);
        if let Some(said) = asked.said.filter(|said| reply.is_ok() && self.hears && *said > self.durable) {
            let message = format!(
                "a command is accepted before commit {said}, which was said by then, is known to be durable: a crash now \
                 takes back what whoever asked already believes"
            );
            failures.push(Failure { check: CheckName::EventFirst, at, run: None, message });
        }
        // Without a commit since it was asked for, all that are durable were open then or answered.
        let open = asked.open.unwrap_or_else(|| books.last_commit.saturating_sub(asked.durable));
        if reply.is_ok() && open >= bound(labels) {
            let message = format!(
                "a command is accepted while the store has {open} commits to answer, and {} may be open: whoever asks \
                 is not told to wait, and the store falls ever further behind",
                bound(labels)
            );
            failures.push(Failure { check: CheckName::OpenCommits, at, run: None, message });
        }
    }

    /// A world came to rest: whoever asked for something has been told.
    pub(super) fn judge_rest(&self, failures: &mut Vec<Failure>, rest: &Rest<'_>) {
        if rest.ending == Ending::Rested && !self.asked.is_empty() {
            let message =
                "a command has no reply, and nothing happens any more that could bring one: whoever asked waits for ever"
                    .to_owned();
            failures.push(Failure { check: CheckName::ComesToRest, at: rest.at, run: None, message });
        }
    }
}

/// How many commits may be open.
fn bound(labels: &Labels<'_>) -> u64 {
    u64::from(labels.scenario().config.open_commits.max(1))
}
