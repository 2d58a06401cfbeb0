//! A simulation: four hosts, a network between them, and what goes wrong, all from one seed.

use std::time::Duration;

use sametick_core::run::Shape;
use sametick_core::time::{Mono, Span};
use sametick_core::{Config, Machine, StandardGateway};
use sametick_sim::draw::{Choice, Draw};
use sametick_sim::scenario::{EventKind, SpanRange, parse_span};
use turmoil::{Builder, Sim};

use crate::history::{History, Witness};
use crate::{clock, gateway, monitor, provider, subscriber};

/// A simulation that is not at rest by then is left alone; the judge says what waits.
const LONGEST: Duration = Duration::from_secs(120);

/// How long nothing may have been open or disturbed before a simulation is at rest: longer than
/// anything is on its way.
const QUIET: Span = Span::from_millis(100);

/// What is done to the network or the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Messages between the gateway and this host are lost from now on.
    Partition(&'static str),
    /// They arrive again.
    Repair(&'static str),
    /// Messages between the gateway and this host are held back from now on.
    Hold(&'static str),
    /// They arrive, and so does everything that was held back.
    Release(&'static str),
    /// The gateway dies, for so long.
    Crash(Span),
}

/// A simulation to be.
#[derive(Debug)]
pub(crate) struct Simulation {
    seed: u64,
    shape: Shape,
    witness: Witness,
    acts: Vec<(Mono, Act)>,
}

impl Simulation {
    /// A simulation of this scenario, with the choices of `seed`.
    pub(crate) fn of(text: &str, seed: u64) -> Self {
        let witness = Witness::new(text, seed);
        let (scenario, script) = witness.history().plan();
        let mut acts = Vec::new();
        for (place, event) in scenario.timeline.iter().enumerate() {
            match event.kind {
                EventKind::Crash { down, .. } => {
                    let at = script.event_at(place, event.at);
                    acts.push((at, Act::Crash(script.event_down(place, down, at))))
                }
                EventKind::Cancel(_)
                | EventKind::Freeze { .. }
                | EventKind::Cut { .. }
                | EventKind::Takeover { .. }
                | EventKind::SubscribersDie { .. }
                | EventKind::Clock { .. }
                | EventKind::Foreign { .. }
                | EventKind::Job(..)
                | EventKind::Edit { .. }
                | EventKind::Spawn { .. } => panic!("nobody asks for anything over this network yet"),
            }
        }
        Self { seed, shape: Shape::Emit, witness, acts }
    }

    /// Settles runs in the other shape.
    pub(crate) const fn synthesizing(mut self) -> Self {
        self.shape = Shape::Synthesize;
        self
    }

    /// Does something at a time: `5s`, or `5s..20s` for the seed to choose.
    pub(crate) fn at(mut self, when: &str, act: Act) -> Self {
        let (low, high) = when.split_once("..").unwrap_or((when, when));
        let span = |text| parse_span(text).expect("a length of time, such as 5s");
        let range = SpanRange { low: span(low), high: span(high) };
        // The places before are those of the scenario's own timeline.
        let key = 1_000 + self.acts.len() as u64;
        let at = Mono::default() + Draw::new(self.seed).span(range, Choice::Event, key);
        self.acts.push((at, act));
        self
    }

    /// Plays it with the core.
    pub(crate) fn play(self) -> History {
        let shape = self.shape;
        self.play_with(|config| StandardGateway::new(config, shape))
    }

    /// Plays it with another machine, until nothing is left to happen.
    pub(crate) fn play_with<M: Machine + 'static>(mut self, machine: impl Fn(Config) -> M) -> History {
        self.acts.sort_by_key(|(at, _)| *at);
        let machine = machine(self.witness.history().config());
        let mut sim = self.build(&machine);
        let mut up_at = None;
        let mut busy_at = Mono::default();
        let mut acts = self.acts.iter().copied().peekable();
        while sim.elapsed() < LONGEST {
            let now = clock::instant(sim.elapsed());
            while let Some((_, act)) = acts.next_if(|(at, _)| *at <= now) {
                if let Act::Crash(down) = act {
                    crash(&mut sim, &mut up_at, now + down);
                } else {
                    disturb(&sim, act);
                }
            }
            if let Some(down) = self.witness.history().take_death(now) {
                crash(&mut sim, &mut up_at, now + down);
            }
            if up_at.take_if(|at| *at <= now).is_some() {
                sim.bounce(gateway::HOST);
            }
            if acts.peek().is_some() || up_at.is_some() || !self.witness.history().is_at_rest() {
                busy_at = now;
            } else if now.since(busy_at) >= QUIET {
                break;
            }
            sim.step().expect("no host fails by itself");
        }
        self.witness.history().rest(clock::instant(sim.elapsed()));
        drop(sim);
        self.witness.into_history()
    }

    fn build<M: Machine + 'static>(&self, machine: &M) -> Sim<'static> {
        let mut sim = Builder::new()
            .rng_seed(self.seed)
            .epoch(clock::epoch())
            .tick_duration(Duration::from_millis(1))
            .simulation_duration(LONGEST)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(8))
            .build();
        let host = |witness: &Witness| witness.clone();
        let (provider, subscriber) = (host(&self.witness), host(&self.witness));
        let (gateway, monitor) = (host(&self.witness), host(&self.witness));
        let machine = machine.clone();
        sim.host(provider::HOST, move || provider::serve(provider.clone()));
        sim.host(subscriber::HOST, move || subscriber::serve(subscriber.clone()));
        sim.host(gateway::HOST, move || gateway::drive(machine.clone(), gateway.clone()));
        sim.host(monitor::HOST, move || monitor::watch(monitor.clone()));
        sim
    }
}

/// Kills the gateway, unless it is dead already.
fn crash(sim: &mut Sim<'_>, up_at: &mut Option<Mono>, until: Mono) {
    if up_at.is_none() {
        sim.crash(gateway::HOST);
    }
    *up_at = Some(up_at.map_or(until, |at| at.max(until)));
}

fn disturb(sim: &Sim<'_>, act: Act) {
    match act {
        Act::Partition(host) => sim.partition(gateway::HOST, host),
        Act::Repair(host) => sim.repair(gateway::HOST, host),
        Act::Hold(host) => sim.hold(gateway::HOST, host),
        Act::Release(host) => sim.release(gateway::HOST, host),
        Act::Crash(_) => {}
    }
}
