//! Lanes, hosts, and who else there is.

use sametick_core::time::Span;

use super::super::{Kind, Table};
use super::{F, Swarm, UNITS};

impl Swarm {
    pub(super) fn top(&mut self) -> Table {
        let mut top = Table::new(Kind::Top);
        let until = Span::from_millis(UNITS * self.unit).to_string();
        top.say("until", until);
        if self.has(F::Calendar) && self.dice.percent(50) {
            // Minutes before the clocks of the zone in `calendar` change, and before a month's last day there, a Saturday.
            let changes = ["2026-03-29T00:59:00Z", "2026-10-25T00:59:00Z", "2026-01-30T22:59:00Z"];
            top.say("begins", self.dice.pick(&changes));
        }
        if self.has(F::Running) {
            top.say("running", self.dice.between(1, 3));
        }
        if self.has(F::OpenCommits) {
            top.say("open_commits", self.dice.between(1, 3));
        }
        top
    }

    /// Lanes, hosts, and who else there is.
    pub(super) fn hosts(&mut self, tables: &mut Vec<Table>) {
        let mut lane = Table::one("lane");
        lane.say("limit", self.dice.pick(&[1, 1, 1, 2, 3]));
        if self.has(F::Queues) {
            lane.say("queue", self.dice.between(0, 3));
        }
        tables.push(lane);
        if self.has(F::Lanes) {
            let mut slow = Table::one("lanes.slow");
            slow.say("limit", self.dice.between(1, 2));
            tables.push(slow);
        }
        if self.has(F::LateHost) {
            let mut host = Table::one("host");
            host.say("lag", self.dice.length(&[1, 500, 1_000, 5_000]));
            tables.push(host);
        }
        if self.has(F::Owners) {
            let mut owners = Table::one("owners");
            owners.say("lease", self.time(1, 10));
            if self.dice.percent(30) {
                owners.say("hosts", 3);
            }
            tables.push(owners);
        }
        if self.has(F::SlowStore) {
            let mut store = Table::one("store");
            store.say("answers", self.dice.length(&[0, 5, 700, 3_000]));
            tables.push(store);
        }
        if self.has(F::ReportsDelayed) || self.has(F::ReportsAgain) {
            let mut reports = Table::one("reports");
            if self.has(F::ReportsDelayed) {
                // Of a range each report draws for itself, so that later ones may come first.
                reports.say("delayed", self.dice.pick(&["10ms", "1s", "2s", "0s..2s", "0s..10s"]));
            }
            if self.has(F::ReportsAgain) {
                reports.say("again", self.dice.length(&[0, 10, 2_000]));
            }
            tables.push(reports);
        }
        if self.has(F::Subscribers) {
            let mut subscribers = Table::one("subscribers");
            subscribers.say("acknowledge", self.dice.length(&[0, 100, 1_000]));
            tables.push(subscribers);
        }
    }
}
