//! When jobs are due, from definitions: slow, obvious, and with nothing of the core's reckoning in it.
//!
//! For `at` and `every` that is a line of arithmetic. For cron a zone's clock is read minute by minute over the time
//! of the worlds, once a scenario, and each reading is held against the fields of the expression.

mod grid;
mod memo;
mod reading;
mod times;

pub use grid::{DueByPolicy, Grid, POLICIES};
pub use reading::Reading;
pub(crate) use times::{Dues, Next, Times};
