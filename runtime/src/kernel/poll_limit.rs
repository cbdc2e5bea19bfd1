//! A limit on how often the tasks of a kernel are polled, for tests of programs that may never end.

use super::Kernel;
use crate::kernel::task_record::Record;
use std::cmp::Reverse;
use std::fmt::Write;

/// So many tasks are named in the report.
const NAMED: usize = 3;

impl Kernel {
    /// A cycle has polled so many tasks. Ends the run if that were too many.
    #[inline]
    pub(super) fn count_polls(&mut self, ran: usize) {
        if let Some(most) = self.most_polls {
            self.count_polls_up_to(most, ran);
        }
    }

    fn count_polls_up_to(&mut self, most: u64, ran: usize) {
        self.polls += ran as u64;
        if self.polls >= most && self.deadlock.is_none() {
            self.deadlock = Some(self.poll_report(most));
        }
    }

    fn poll_report(&self, most: u64) -> String {
        let mut report = format!(
            "after {most} polls the program has not ended: a task is polled again and again instead of waiting until it \
             is woken"
        );
        let mut tasks = self.state.tasks.borrow().by_id();
        tasks.sort_by_key(|task| Reverse(task.cycles.get()));
        let again = tasks.iter().filter(|record| record.cycles.get() > 1);
        for record in again.take(NAMED) {
            let Record { cycles, parked, .. } = &**record;
            let at = parked.get().at.map(|at| format!(" at {at}")).unwrap_or_default();
            let _ = write!(
                report,
                "\n  {record} was polled {} times, now {}{at}",
                cycles.get(),
                parked.get().state()
            );
        }
        report
    }
}
