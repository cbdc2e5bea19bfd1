//! Timelines: the picture of a run.
//!
//! ```text
//! record.rs         the last events of a run, as plain data
//! model.rs          a lane for each task, with the stretches of its life, and arrows between lanes
//! critical_path.rs  what main waited for, followed backwards over the causes of wakes
//! page.rs, page/    the picture as an HTML page
//! svg.rs, svg.css   the picture as an image
//! trace_events.rs   the picture as a trace for Perfetto
//! words.rs          how states, causes and times are called
//! escape.rs         text inside of JSON, HTML and SVG
//! ```
//!
//! A [`Timeline`] is an activation like any other. While the program runs it only remembers events; all else happens when the
//! kernel has shut down, so the picture costs a running program as little as a trace.

mod critical_path;
mod escape;
mod model;
mod page;
mod record;
mod svg;
mod trace_events;
mod words;

use super::activation::{Activation, Event};
use super::standard_error::write_line;
use model::Model;
use record::Recording;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How many events are kept if nothing else is asked for: about 20 MB.
const EVENTS: usize = 200_000;

/// Records a kernel's schedule and writes its picture to a file when the kernel has shut down.
///
/// The name of the file says in which form: `.html` is a page for a browser, with zoom, search and details; `.svg` an image;
/// `.json` a trace for Perfetto. All show a lane for each task with its states and regions, which task woke, spawned, joined
/// and cancelled which, and the critical path of `main`.
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// let timeline = curio::debug::Timeline::to_file("run.html")?.keep(10_000);
/// curio::Kernel::builder().activation(timeline).run(async {
///     curio::schedule().await;
/// });
/// # Ok(())
/// # }
/// ```
///
/// `CURIO_TRACE=run.html` does the same in any program, without compiling it again. If the program makes several kernels, each
/// gets a file of its own: `run.html`, `run-2.html` and so on, in the order in which they are made.
///
/// Only the last 200 000 events are kept; the picture says how many there were before.
pub struct Timeline {
    recording: Recording,
    path: PathBuf,
    file: File,
    form: Form,
}

/// In which form a picture is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Page,
    Image,
    TraceEvents,
}

impl Timeline {
    /// A timeline that will be written to `path`. The file is created now, and replaces one that is there.
    ///
    /// # Errors
    /// `InvalidInput` if the name does not end in `.html`, `.svg` or `.json`; and if the file cannot be created. An error while
    /// it is written, such as a full disk, is reported on standard error.
    pub fn to_file(path: impl AsRef<Path>) -> io::Result<Timeline> {
        let path = path.as_ref();
        let form = Form::of(path)?;
        let file = File::create(path)
            .map_err(|error| io::Error::new(error.kind(), format!("writing {}: {error}", path.display())))?;
        Ok(Timeline { recording: Recording::new(EVENTS), path: path.to_path_buf(), file, form })
    }

    /// Keeps the last `events` events instead of the last 200 000. One takes about 100 bytes.
    pub fn keep(mut self, events: usize) -> Timeline {
        self.recording.set_limit(events);
        self
    }

    fn write(&mut self) -> io::Result<()> {
        let model = Model::of(&self.recording);
        let title = title();
        let mut text = String::new();
        let written = match self.form {
            Form::Page => page::write(&model, &title, &mut text),
            Form::Image => svg::write(&model, &title, &mut text),
            Form::TraceEvents => trace_events::write(&model, &mut text),
        };
        written.map_err(io::Error::other)?;
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()
    }
}

impl Form {
    fn of(path: &Path) -> io::Result<Form> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "htm") => Ok(Form::Page),
            Some("svg") => Ok(Form::Image),
            Some("json") => Ok(Form::TraceEvents),
            _ => {
                let text = format!(
                    "{} names no form of a timeline: it must end in .html, .svg or .json",
                    path.display()
                );
                Err(io::Error::new(io::ErrorKind::InvalidInput, text))
            }
        }
    }
}

/// The name of the program.
fn title() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_stem).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "a program".into())
}

impl Activation for Timeline {
    fn event(&mut self, event: &Event) {
        self.recording.add(event);
    }
}

/// The kernel is gone: the picture is complete.
impl Drop for Timeline {
    fn drop(&mut self) {
        if let Err(error) = self.write() {
            write_line(&format!("curio: the timeline {} is incomplete: {error}", self.path.display()));
        }
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeline").field("path", &self.path).finish_non_exhaustive()
    }
}
