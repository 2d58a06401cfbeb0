//! Worlds in virtual time that try to make a session lie.
//!
//! `seed -> plan -> trace`: a [`Scenario`] and a seed decide everything that happens in a [`World`];
//! the same two give the same ticks, byte for byte, on every machine.

mod agenda;
pub mod books;
mod bystander;
pub mod campaign;
mod chacha;
pub mod changes;
pub mod check;
mod compared;
mod difference;
pub mod digest;
pub mod draw;
pub mod explore;
mod fields;
pub mod fuzz;
pub mod harness;
pub mod judge;
pub mod label;
pub mod laws;
mod lines;
pub mod machines;
pub mod matrix;
pub mod oracle;
pub mod page;
pub mod parting;
pub mod plan;
mod progress;
pub mod record;
pub mod scenario;
pub mod script;
pub mod shipped;
pub mod sometimes;
pub mod story;
pub mod sweep;
pub mod table;
pub mod world;

pub use machines::{MUTANTS, Mutant, Subject};
pub use scenario::{Scenario, ScenarioError};
pub use world::{Verdict, World};
