//! Runs that wait, and what is done about them and their jobs meanwhile.

use super::super::Table;
use super::plots::{declare_other, due, the};
use super::{JOBS, OTHER, Swarm, UNITS};

impl Swarm {
    /// A run of a job waits for one before it while the job is edited: to work in another lane, which is full, or to leave the
    /// session that others want as well. Then the next one is due.
    pub(super) fn edited_while_it_waits(&mut self, tables: &mut Vec<Table>) {
        let (from, every) = (self.dice.between(1, 3), self.dice.between(2, 4));
        let by_lane = self.dice.percent(50);
        // There is room to wait in the lane that it leaves, and none where it goes.
        for (name, queue) in [("lane", 0u64), ("lanes.slow", 1)] {
            let lane = the(tables, name);
            lane.set("limit", if by_lane { 1u64 } else { 3 });
            if by_lane {
                lane.set("queue", queue);
            } else {
                lane.leave_out(&["queue"]);
            }
        }
        let overlap = if by_lane { "cancel other" } else { "buffer all" };
        let (grace, rarely) = (self.so_many(4, 8), self.so_many(4, 6));
        for (place, (begins, often)) in
            [(from, self.units(every)), (from + 1, rarely)].into_iter().enumerate()
        {
            let job = due(tables, place);
            job.set("every", often);
            job.set("from", self.units(begins));
            job.leave_out(&["lane", "session", "buffer"]);
            if place == 0 {
                job.set("overlap", overlap);
                job.set("abort_grace", grace.clone());
                job.leave_out(&["on_abandon"]);
                self.let_wait(job);
                let other = job.clone();
                if by_lane {
                    job.set("lane", "slow");
                } else {
                    job.set("session", "main");
                }
                declare_other(tables, other);
            } else if !by_lane {
                job.set("session", "main");
            }
        }
        let first = if by_lane { "never".to_owned() } else { self.so_many(every, 2 * every + 1) };
        let lasts = [first, self.so_many(3, 6)];
        for (place, takes) in lasts.into_iter().enumerate().rev() {
            let mut turn = Table::each("turn");
            turn.say("of", JOBS[place]);
            turn.say("takes", takes);
            turn.say("stops", self.so_many(3, 6));
            tables.insert(Self::after_jobs(tables), turn);
        }
        let mut edit = self.after(from + every, 0, every - 1);
        edit.say("edit", JOBS[0]);
        edit.say("like", OTHER);
        tables.push(edit);
    }

    /// Children that a run of one job asks another for have to wait for a run of that, and are cancelled, time out or end with
    /// their parent; afterwards the job is due, and takes one in as long as there is room.
    pub(super) fn children_end_as_they_wait(&mut self, tables: &mut Vec<Table>) {
        let (from, every) = (self.dice.between(1, 3), self.dice.between(2, 4));
        let children = self.dice.between(1, 2);
        let most = self.dice.between(1, 2);
        let job = due(tables, 0);
        job.set("every", self.units(every));
        job.set("from", self.units(from));
        job.leave_out(&["lane", "session", "attempts", "retry_on", "backoff"]);
        job.set("overlap", "buffer all");
        job.set("buffer", most);
        let ends = self.dice.below(3);
        if ends == 0 {
            job.set("queue_timeout", self.so_many(0, 2));
        } else {
            self.let_wait(job);
        }
        let parent = due(tables, 1);
        // Once, though what else there is may speak of its next times.
        parent.set("every", self.units(UNITS));
        parent.set("from", self.units(from));
        parent.leave_out(&["lane", "session", "delete_after_run"]);
        self.let_wait(parent);
        the(tables, "lane").set("limit", self.dice.between(2, 3));
        let lasts = [self.so_many(every + 1, 3 * every), self.so_many(3, 8)];
        for (place, takes) in lasts.into_iter().enumerate().rev() {
            let mut turn = Table::each("turn");
            turn.say("of", JOBS[place]);
            turn.say("takes", takes);
            tables.insert(Self::after_jobs(tables), turn);
        }
        for _ in 0..children {
            let mut event = self.after(from, 1, 2);
            event.say("spawn", JOBS[0]);
            event.say("by", JOBS[1]);
            tables.push(event);
        }
        if ends == 1 {
            let mut cancel = self.after(from, 2, 4);
            cancel.say("cancel", format!("{}!1", JOBS[0]));
            tables.push(cancel);
        }
    }

    /// No `queue_timeout` ends what waits for a job. The budget stays, as rules for turns may speak of it.
    fn let_wait(&self, job: &mut Table) {
        if job.word("queue_timeout").is_some() {
            job.set("queue_timeout", self.units(UNITS));
        }
    }
}
