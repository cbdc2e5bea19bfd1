//! Answering the monitor, between two polls.

use super::Kernel;
use super::run::Main;
use crate::debug::{Direction, Inquiry, Question};
use crate::kernel::state::State;
use crate::kernel::task_record::Resource;
use crate::task::info::TaskId;
use crate::traps;
use std::fmt::Write;

impl Kernel {
    /// Answers what the monitor has asked since the last cycle.
    pub(super) fn answer_questions(&self, mut main: Option<&mut Main<'_>>) {
        for question in self.state.inbox.take_questions() {
            question.answer(self.state.answer_to(&question, main.as_deref_mut()));
        }
    }
}

impl State {
    fn answer_to(&self, question: &Question, main: Option<&mut Main<'_>>) -> String {
        let gone = |id: TaskId| format!("there is no task {id}\n");
        match question.inquiry {
            Inquiry::Tasks => String::new(),
            Inquiry::Where(id) => {
                self.async_stack(id, main).map_or_else(|| gone(id), |stack| stack.to_string())
            }
            Inquiry::Why(id) => self.why(id, main).map_or_else(|| gone(id), |why| why.to_string()),
            Inquiry::Locks => self.locks(),
            Inquiry::Sockets => self.sockets(main),
            Inquiry::Counts => {
                let counts = self.counts();
                let set = self.timers.borrow().len();
                format!(
                    "timers: {set} are set; {} were set so far, and {} fired\n\
                     system calls: {} for events, {} on sockets; {} sockets are open\n",
                    counts.timers_set,
                    counts.timers_fired,
                    counts.polls_for_events,
                    counts.socket_calls,
                    self.reactor.borrow().sockets(),
                )
            }
            Inquiry::Cancel(id) => {
                let task = self.tasks.borrow().find(id).cloned();
                let Some(task) = task else { return gone(id) };
                traps::request_cancel(&task);
                format!("{} is asked to stop\n", task)
            }
        }
    }

    fn locks(&self) -> String {
        let mut text = String::new();
        for record in self.tasks.borrow().by_id() {
            let parked = record.parked.get();
            if let Resource::HeldBy(..) = parked.resource() {
                let name = record.name();
                let _ = writeln!(
                    text,
                    "task {} `{}`: {}",
                    record.id,
                    name.as_str(),
                    parked.describe(self.clock.now())
                );
            }
        }
        if text.is_empty() { "no task waits for a lock that another task holds\n".into() } else { text }
    }

    fn sockets(&self, mut main: Option<&mut Main<'_>>) -> String {
        let waits = self.reactor.borrow().waits();
        let mut text = format!("{} sockets, {} waits\n", self.reactor.borrow().sockets(), waits.len());
        for (task, direction, at) in waits {
            let about = task.and_then(|id| {
                let waits = self.waits_of(id, main.as_deref_mut(), false)?;
                waits.into_iter().find(|wait| wait.parked.at == Some(at))?.about
            });
            let about = about.unwrap_or_else(|| match direction {
                Direction::Read => "a socket, read".into(),
                Direction::Write => "a socket, write".into(),
            });
            let task = task.map_or("a task".into(), |id| format!("task {id}"));
            let _ = writeln!(text, "{task} waits for {about}, at {at}");
        }
        text
    }
}
