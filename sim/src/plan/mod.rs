//! Plans: scenarios as they are drawn and shrunk, table by table and key by key.
//!
//! A plan is worth what its text says: it is read as every other scenario is.

mod dice;
mod known;
mod layout;
mod reason;
mod shape;
mod shrink;
mod steps;
mod swarm;
mod together;
mod trial;

pub use known::known;
pub use reason::Reason;
pub use shape::{Kind, Table, Word};
pub use shrink::shrink;
pub use steps::steps;
pub use swarm::draw;
pub use trial::Trial;

use crate::scenario::{Scenario, ScenarioError};

/// A scenario in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it shows.
    pub sentence: String,
    /// Its tables, in the order in which a file has them.
    pub tables: Vec<Table>,
}

impl Plan {
    /// Its text, as a file has it.
    #[must_use]
    pub fn text(&self) -> String {
        layout::text(self)
    }

    /// The scenario that its text is.
    ///
    /// # Errors
    /// [`ScenarioError`] when it is none: a table is missing that another speaks of.
    pub fn scenario(&self, path: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse(path, &self.text())
    }
}
