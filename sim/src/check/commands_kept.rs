//! What somebody asks for is what is done. `refusals.rs` judges what is refused, `statuses.rs` what a job is paused, disabled or
//! resumed to and whether it is added while it is there, `cancelled.rs` who is cancelled, and `sequel.rs` who waits for a job that was disabled.

pub(super) const SENTENCE: &str = "what somebody asks for is done, and what nobody asked for is not: nobody is refused or cancelled \
     without cause; a cancel counts before a deadline of that instant, and not after an answer or an end; a job is paused, \
     disabled or active as it was asked to be, also after a crash, and not added while it is there";
pub(super) const FIELD: &[&str] = &["#13992", "#18917", "#131490", "#44805"];
