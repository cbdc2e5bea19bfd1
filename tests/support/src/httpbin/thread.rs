//! An httpbin in its own thread and kernel.
//!
//! For a test that must not share its kernel with its server: one that measures, one that blocks its thread,
//! or one that has no kernel at all.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use curio::Event;

use super::{Counters, Httpbin};

/// A running httpbin in another thread. Dropping it stops the server and waits for the thread.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let httpbin = curio_support::HttpbinThread::start()?;
/// assert!(httpbin.url("/get").starts_with("http://127.0.0.1:"));
/// # Ok(()) }
/// ```
pub struct HttpbinThread {
    base_url: String,
    counters: Counters,
    stop: Arc<Event>,
    thread: Option<JoinHandle<()>>,
}

impl HttpbinThread {
    /// Starts one over plain HTTP, on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no thread or no port can be had.
    pub fn start() -> io::Result<HttpbinThread> {
        let (report, started) = mpsc::channel();
        let stop = Arc::new(Event::new());
        let stopped = stop.clone();
        let serve = move || {
            curio::run(async move {
                match Httpbin::start().await {
                    Ok(httpbin) => {
                        let about = (httpbin.base_url().to_owned(), httpbin.counters().clone());
                        // `start` waits for this message.
                        if report.send(Ok(about)).is_ok() {
                            stopped.wait().await;
                        }
                        httpbin.close().await;
                    }
                    // If `start` has ended already, the error cannot be reported.
                    Err(error) => drop(report.send(Err(error))),
                }
            });
        };
        let thread = std::thread::Builder::new().name("httpbin".into()).spawn(serve)?;
        let (base_url, counters) =
            started.recv().map_err(|_| io::Error::other("the server's thread ended before it began"))??;
        Ok(HttpbinThread { base_url, counters, stop, thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// What it has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Drop for HttpbinThread {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("httpbin: its thread panicked");
        }
    }
}
