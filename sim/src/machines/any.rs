//! A machine whose type nobody has to know: worlds of mutants are built once for all of them.

use std::fmt::Debug;

use sametick_core::commit::Rows;
use sametick_core::effect::{Input, Tick};
use sametick_core::time::{Mono, Now};
use sametick_core::{Machine, Waiting};

/// Any machine.
#[derive(Debug)]
pub struct AnyMachine(Box<dyn Erased>);

/// A machine without its type.
trait Erased: Debug + Send + Sync {
    fn copy(&self) -> Box<dyn Erased>;
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick;
    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick;
    fn next_wakeup(&self) -> Option<Mono>;
    fn waiting(&self) -> Vec<Waiting>;
}

impl AnyMachine {
    /// This machine.
    pub fn new(machine: impl Machine + Send + Sync + 'static) -> Self {
        Self(Box::new(machine))
    }
}

impl Clone for AnyMachine {
    fn clone(&self) -> Self {
        Self(self.0.copy())
    }
}

impl<M: Machine + Send + Sync + 'static> Erased for M {
    fn copy(&self) -> Box<dyn Erased> {
        Box::new(self.clone())
    }

    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        Machine::restart(self, rows, epoch, now)
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        Machine::handle(self, now, inputs)
    }

    fn next_wakeup(&self) -> Option<Mono> {
        Machine::next_wakeup(self)
    }

    fn waiting(&self) -> Vec<Waiting> {
        Machine::waiting(self)
    }
}

impl Machine for AnyMachine {
    fn restart(&mut self, rows: &Rows, epoch: u64, now: Now) -> &Tick {
        self.0.as_mut().restart(rows, epoch, now)
    }

    fn handle(&mut self, now: Now, inputs: &[Input]) -> &Tick {
        self.0.as_mut().handle(now, inputs)
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.0.as_ref().next_wakeup()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.0.as_ref().waiting()
    }
}
