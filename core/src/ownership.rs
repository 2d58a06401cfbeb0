//! Who owns the store: an epoch, and a lease on it where more than one machine may want the store.
//!
//! **Epoch.** Whoever takes a store over gets the next epoch, at any time; from then on the store answers
//! every older owner *fenced*. So no two owners write one history. It does not say what the turns of an
//! older owner do, which may not have heard of it yet.
//!
//! **Lease.** An owner may call turns until its lease ends, and asks for more of it three times a lease.
//! A renewal counts from the instant it was asked for and not from its answer, since a successor may have
//! come in between. At its end the owner asks every turn to stop and steps down, whether or not anybody
//! has come: in that tick no turn is called any more, late as it may be.
//!
//! A successor gives the turns it inherits a whole lease beside their abort grace before it takes them
//! for abandoned: the older owner may have renewed just before it came, and asks its turns to stop when
//! that lease ends. Until then their slots and fences are held. What waited for a slot may begin at once,
//! for no grant of it was ever durable and so no turn of it was ever called.
//!
//! What this rests on: monotonic clocks run at the same rate everywhere, and a start that a host has in
//! its hands is carried out before the lease ends. A host that can be paused in between has to look at
//! its clock once more, or to let the turn look.

use crate::commit::Answer;
use crate::effect::{Effect, Input, InputKind, Refusal};
use crate::gateway::Gateway;
use crate::id::RunId;
use crate::ports::Bus;
use crate::run::Race;
use crate::session::Persister;
use crate::time::{Mono, Now, Span};

/// How often a lease is renewed in the time it lasts.
const RENEWALS: u64 = 3;

/// What a machine knows of its claim to the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ownership {
    epoch: u64,
    owns: bool,
    lease: Option<Lease>,
    /// How long another owner may still be at work: a lease, while the machine takes over.
    others: Span,
}

/// A right that ends unless it is renewed.
#[derive(Clone, Copy, Debug)]
struct Lease {
    span: Span,
    ends: Mono,
    /// When the next renewal is asked for.
    asks: Mono,
}

impl Ownership {
    /// The store is this machine's from `now` on, as the owner with this epoch.
    pub(crate) fn begin(&mut self, epoch: u64, lease: Option<Span>, now: Now) {
        let lease = lease.map(|span| Lease { span, ends: now.mono + span, asks: now.mono + step(span) });
        let others = lease.map_or(Span::default(), |lease| lease.span);
        *self = Self { epoch, owns: true, lease, others };
    }

    /// Everything was taken over.
    pub(crate) fn has_taken_over(&mut self) {
        self.others = Span::default();
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) const fn owns(&self) -> bool {
        self.owns
    }

    pub(crate) const fn others(&self) -> Span {
        self.others
    }

    /// When the lease wants something.
    pub(crate) fn next(&self) -> Option<Mono> {
        self.lease.map(|lease| lease.ends.min(lease.asks))
    }
}

/// How long from one renewal to the next.
fn step(span: Span) -> Span {
    Span::from_nanos((span.as_nanos() / RENEWALS).max(1))
}

impl<R: Race, P: Persister, B: Bus> Gateway<R, P, B> {
    /// The lease ends, or is to be renewed.
    pub(crate) fn tend_lease(&mut self) {
        let at = self.at.mono;
        let Some(lease) = &mut self.ownership.lease else { return };
        if lease.ends <= at {
            self.step_down();
            return;
        }
        lease.asks = at + step(lease.span);
        self.tick.push(Effect::Renew { sent: at });
    }

    /// The store answered a renewal that was asked for at `sent`.
    pub(crate) fn hear_renewal(&mut self, sent: Mono, answer: Answer) {
        match answer {
            Answer::Applied => {
                if let Some(lease) = &mut self.ownership.lease {
                    lease.ends = lease.ends.max(sent + lease.span);
                }
            }
            // The next one is asked for in time.
            Answer::NotApplied | Answer::Unknown => {}
            Answer::Fenced => self.step_down(),
        }
    }

    /// Another owner holds the store, or may: calls no turn any more, asks every one to stop, and does
    /// nothing from here on. What had become durable before still leaves; what this tick changed does
    /// not.
    pub(crate) fn step_down(&mut self) {
        self.ownership.owns = false;
        self.tick.draft().clear();
        self.changed.clear();
        // Nothing of what was accepted in this tick becomes durable.
        for ticket in self.outbox.withdraw() {
            self.tick.push(Effect::Reply { ticket, reply: Err(Refusal::NotOwner) });
        }
        // A turn whose start does not leave is not called, and there is nothing to stop.
        let starts = |effect: &Effect| if let Effect::Start { run } = effect { Some(*run) } else { None };
        let uncalled: Vec<RunId> = self.tick.effects().iter().filter_map(starts).collect();
        let concerns = |effect: &Effect| starts(effect).or(aborted(effect));
        let effects = self.tick.effects_mut();
        effects.retain(|effect| concerns(effect).is_none_or(|run| !uncalled.contains(&run)));
        let asked: Vec<RunId> = effects.iter().filter_map(aborted).collect();
        for live in self.runs.iter().filter(|live| live.row.is_alive() && live.start_released) {
            if !asked.contains(&live.row.id) && !uncalled.contains(&live.row.id) {
                self.tick.push(Effect::Abort { run: live.row.id });
            }
        }
        self.tick.push(Effect::StepDown);
    }

    /// A machine that owns nothing refuses what it is asked.
    pub(crate) fn refuse_all<'a>(&mut self, inputs: impl IntoIterator<Item = &'a Input>) {
        for input in inputs {
            if let InputKind::Command { ticket, .. } = input.kind {
                self.tick.push(Effect::Reply { ticket, reply: Err(Refusal::NotOwner) });
            }
        }
    }
}

const fn aborted(effect: &Effect) -> Option<RunId> {
    if let Effect::Abort { run } = effect { Some(*run) } else { None }
}
