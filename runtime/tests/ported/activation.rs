//! After Curio's `test_activation.py`.

use crate::common::{panic_of, secs};
use curio::debug::{Activation, Event, EventKind, schedtrace, traptrace};
use curio::{Kernel, schedule, sleep};
use std::cell::RefCell;
use std::rc::Rc;

/// Keeps, of every event, its kind in a word and the name of its task.
#[derive(Clone, Default)]
struct Heard(Rc<RefCell<Vec<(&'static str, String)>>>);

impl Activation for Heard {
    fn event(&mut self, event: &Event) {
        let kind = match event.kind {
            EventKind::Created => "created",
            EventKind::Running => "running",
            EventKind::Suspended { .. } => "suspended",
            EventKind::Terminated => "terminated",
            _ => return,
        };
        let name = event.task.as_ref().map(|task| task.name().to_string()).unwrap_or_default();
        self.0.borrow_mut().push((kind, name));
    }
}

#[test]
fn a_main_that_panics_is_told_to_the_end() {
    let heard = Heard::default();
    let kernel = Kernel::builder().virtual_clock(true).on_report(|_| ()).activation(heard.clone());
    let message = panic_of(|| {
        kernel.run(async {
            sleep(secs(1)).await;
            panic!("dead");
        })
    });
    assert_eq!(message, "dead");
    let kinds: Vec<_> = heard.0.take().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["created", "running", "suspended", "running", "suspended", "terminated"]);
}

#[test]
fn no_task_but_the_programs_own_is_created() {
    let heard = Heard::default();
    Kernel::builder().virtual_clock(true).activation(heard.clone()).run(sleep(secs(1)));
    let created: Vec<_> = heard.0.take().into_iter().filter(|(kind, _)| *kind == "created").collect();
    assert_eq!(created.len(), 1, "{created:?}");
    assert_eq!(created[0].1, "main");
}

#[test]
fn a_kernel_with_traces_runs_like_any_other() {
    assert_eq!(
        Kernel::builder().activation(schedtrace()).activation(traptrace()).run(async {
            schedule().await;
            5
        }),
        5
    );
}
