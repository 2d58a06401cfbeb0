//! Every order and distance of what meets in one scenario, and every single fault at every tick of it.
//!
//! A search goes through the world step by step. Where a seed would decide, or the world could go wrong, it takes one
//! alternative after the other, and comes back for the next. A state that it has been in before it does not go through
//! again: what follows is the same.

pub(crate) mod chooser;
pub mod cut;
mod forks;
mod frozen;
mod ink;
pub mod races;
mod search;

pub use chooser::{DISTANCES, Pick};
pub use cut::{Cut, Cuts};
pub use forks::{Fork, Forks, fork, with_fork};
pub use frozen::{freeze, freeze_seed};
pub use search::{Broken, Limits, Progress, Report, Watch, explore};
