//! One world as a page: swim lanes over its instants, the story of each, and the rows behind every mark.
//!
//! [`Page::draw`] makes the data, [`Page::html`] a file that needs nothing beside it. The same plan gives the same
//! page, byte for byte.

mod draw;
mod html;
mod layout;
mod looks;
mod model;
mod occupancy;
mod strand;
mod watch;

pub use crate::fields::Record;
pub use draw::{by_calendar, is_exact};
pub use model::{Broken, Column, Mark, Page, Row, Side, Strand, Stretch, Twin};
