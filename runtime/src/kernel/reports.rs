//! The lines that the kernel writes about failures which the program does not see otherwise: a task that panicked, one
//! that was never joined, a cleanup that could not run, a task that had to be dropped at exit.
//!
//! By default they go to [standard error](crate::debug::standard_error), one line each. A program may take them over with
//! [`KernelBuilder::on_report`](crate::KernelBuilder::on_report).

use crate::debug::standard_error;
use crate::error::panic_message;
use crate::kernel::task_record::Record;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

/// Where the lines go.
pub(crate) type Sink = Box<dyn Fn(&str)>;

pub(crate) struct Reports {
    /// Out of its place while it is called.
    sink: Cell<Option<Sink>>,
    never_joined: RefCell<BTreeMap<Site, Unjoined>>,
}

/// File, line and column: `Location` itself does not order by place.
type Site = (&'static str, u32, u32);

struct Unjoined {
    first: String,
    more: u64,
}

fn write(line: &str) {
    standard_error::write_line(&format!("curio: {line}"));
}

impl Reports {
    pub(crate) fn new(sink: Option<Sink>) -> Reports {
        Reports { sink: Cell::new(sink), never_joined: RefCell::default() }
    }

    /// Neither panics nor waits for ever. To be called with nothing borrowed: the sink is foreign code. What it causes
    /// to be reported itself goes to standard error, and so do all lines once it has panicked.
    pub(crate) fn say(&self, line: &str) {
        let Some(sink) = self.sink.take() else { return write(line) };
        match catch_unwind(AssertUnwindSafe(|| sink(line))) {
            Ok(()) => self.sink.set(Some(sink)),
            Err(payload) => {
                write(line);
                let message = panic_message(payload.as_ref());
                write(&format!("`on_report` panicked and gets no more lines: {message}"));
                // Its destructor may panic as well; the panic hook has reported that.
                let _ = catch_unwind(AssertUnwindSafe(|| drop((sink, payload))));
            }
        }
    }

    /// Counted by spawn site and reported at the end, because a server would write a line for every client.
    pub(crate) fn never_joined(&self, task: &Record) {
        let at: &Location<'static> = task.spawned_at;
        self.never_joined
            .borrow_mut()
            .entry((at.file(), at.line(), at.column()))
            .and_modify(|unjoined| unjoined.more += 1)
            .or_insert_with(|| Unjoined { first: task.to_string(), more: 0 });
    }

    pub(crate) fn say_never_joined(&self) {
        for Unjoined { first, more } in self.never_joined.take().into_values() {
            let others = match more {
                0 => String::new(),
                more => format!(", nor were {more} more from the same line"),
            };
            self.say(&format!("{first} was never joined{others}; join it, cancel it, or detach it"));
        }
    }
}
