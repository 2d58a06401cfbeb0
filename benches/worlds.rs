//! Worlds a second: the simulator beside a loop written by hand for one scenario.
fn main() {}
