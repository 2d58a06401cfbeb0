//! What a scenario claims of its runs, judged at the world's end.

use sametick_core::Machine;

use super::World;
use crate::check::{CheckName, Failure};

impl<M: Machine> World<'_, M> {
    pub(super) fn claims(&mut self) {
        let mut broken = Vec::new();
        let labels = self.judge.labels();
        for (claim, hits) in self.scenario.claims.iter().zip(&mut self.claim_hits) {
            if !claim.counts.is_empty() {
                *hits += 1;
                let books = self.judge.books();
                if let Some(message) = crate::check::count_broken(claim, books, &self.delivered, &labels) {
                    broken.push(Failure { check: CheckName::Claim, at: self.now, run: None, message });
                }
                continue;
            }
            let rows = self.judge.books().runs.values().map(|book| &book.row);
            for row in rows.filter(|row| labels.fits(claim.runs, row.id)) {
                let off = self.turns.get(&row.id).and_then(|turn| turn.off);
                let near = |(low, high)| off.is_some_and(|off| (low..=high).contains(&off));
                if !claim.when.is_none_or(near) {
                    continue;
                }
                *hits += 1;
                if let Some(message) = crate::check::claim_broken(claim, row, self.judge.books(), &labels) {
                    broken.push(Failure {
                        check: CheckName::Claim,
                        at: self.now,
                        run: Some(row.id),
                        message,
                    });
                }
            }
        }
        for failure in broken {
            self.judge.fail(failure);
        }
    }
}
