//! Where there are no signals, or the feature is off, Ctrl-C does what the system has it do.

use std::convert::Infallible;

/// Never made here.
pub(crate) struct CtrlC(Infallible);

impl CtrlC {
    pub(crate) fn listen_unless_ignored() -> Option<CtrlC> {
        None
    }

    pub(crate) fn listen() -> Option<CtrlC> {
        None
    }

    pub(crate) fn pressed(&mut self) -> bool {
        match self.0 {}
    }

    pub(crate) fn was_pressed(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn end_process(self) -> ! {
        match self.0 {}
    }
}
