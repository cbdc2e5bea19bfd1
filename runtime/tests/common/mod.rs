//! What the tests share: a kernel on a virtual clock whose reports are kept, a log with times, futures polled by
//! hand, and a bound for what might hang.
#![allow(dead_code, reason = "each test program uses a part of this")]

use curio::{Kernel, KernelBuilder, clock};
use std::any::Any;
use std::cell::RefCell;
use std::fmt::Display;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

// ---- kernels

/// Runs on a virtual clock. A line that the kernel writes fails the test.
#[track_caller]
pub(crate) fn run_virtual<F: IntoFuture>(main: F) -> F::Output {
    let (output, reports) = run_reporting(main);
    assert!(reports.is_empty(), "the kernel had something to report: {reports:#?}");
    output
}

/// Runs on a virtual clock and returns, with the output, what the kernel had to report until it was gone.
#[track_caller]
pub(crate) fn run_reporting<F: IntoFuture>(main: F) -> (F::Output, Vec<String>) {
    let (builder, reports) = with_reports(Kernel::builder().virtual_clock(true));
    let output = builder.run(main);
    (output, reports.take())
}

/// Runs on the real clock. A line that the kernel writes fails the test.
#[track_caller]
pub(crate) fn run_real<F: IntoFuture>(main: F) -> F::Output {
    let (builder, reports) = with_reports(Kernel::builder());
    let output = builder.run(main);
    let reports = reports.take();
    assert!(reports.is_empty(), "the kernel had something to report: {reports:#?}");
    output
}

pub(crate) type Reports = Rc<RefCell<Vec<String>>>;

/// A kernel that writes its lines into a vector.
pub(crate) fn with_reports(builder: KernelBuilder) -> (KernelBuilder, Reports) {
    let reports = Reports::default();
    let sink = Rc::clone(&reports);
    (builder.on_report(move |line| sink.borrow_mut().push(line.to_string())), reports)
}

/// A kernel on a virtual clock, in hand.
pub(crate) fn virtual_kernel() -> Kernel {
    Kernel::builder().virtual_clock(true).build().expect("an event queue can be made")
}

// ---- what happened, and when

/// Lines with the milliseconds of kernel time since the log was made: `150 inner done`.
#[derive(Clone)]
pub(crate) struct Log {
    start: Instant,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Log {
    /// Inside a kernel.
    pub(crate) fn new() -> Log {
        Log { start: clock(), lines: Rc::default() }
    }

    pub(crate) fn note(&self, what: impl Display) {
        let line = format!("{} {what}", self.now());
        self.lines.borrow_mut().push(line);
    }

    /// Milliseconds since the start.
    pub(crate) fn now(&self) -> f64 {
        (clock() - self.start).as_nanos() as f64 / 1e6
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.lines.take()
    }

    /// Something that notes when it is dropped.
    pub(crate) fn on_drop(&self, what: &'static str) -> OnDrop {
        OnDrop { log: self.clone(), what }
    }
}

pub(crate) struct OnDrop {
    log: Log,
    what: &'static str,
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.log.note(self.what);
    }
}

// ---- futures by hand

/// Polls a future once, with the waker of the task that awaits this, and says what came of it.
pub(crate) async fn poll_once<F: Future + ?Sized>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A waker that counts how often it was called.
#[derive(Default)]
pub(crate) struct Calls(AtomicUsize);

impl Calls {
    pub(crate) fn new() -> (Arc<Calls>, Waker) {
        let calls = Arc::new(Calls::default());
        (Arc::clone(&calls), Waker::from(calls))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A flag that other threads see, and a waker for it.
#[derive(Default)]
pub(crate) struct Signal {
    state: Mutex<(bool, Vec<Waker>)>,
}

impl Signal {
    /// Sets it, and wakes the waiting task, from any thread.
    pub(crate) fn set(&self) {
        let wakers = {
            let mut state = self.state.lock().unwrap();
            state.0 = true;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A future that is none of the runtime's own.
    pub(crate) async fn wait(&self) {
        poll_fn(|cx| {
            let mut state = self.state.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

// ---- panics, hangs, chance

/// What `f` panics with.
#[track_caller]
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it was expected to panic and did not"),
        Err(payload) => message(payload.as_ref()),
    }
}

pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "not a message".into())
}

/// Runs `f` on a thread of its own and fails, instead of waiting for ever, if it does not end.
pub(crate) fn must_end<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = channel();
    let thread = std::thread::spawn(move || {
        let _ = sender.send(f());
    });
    match receiver.recv_timeout(secs(60)) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("it did not end within a minute"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(payload) => resume_unwind(payload),
            Ok(()) => unreachable!("a thread that returns has sent its value"),
        },
    }
}

/// A reproducible source of numbers (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }

    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}
