//! Async stacks: where a task is, from the innermost wait out to the function that was spawned.
//!
//! A parked future holds no stack. But while it is polled, its `async fn`s call each other like ordinary functions, and a
//! trap at the bottom can look up: so the kernel polls a parked task once more and lets each trap take a backtrace. Of that
//! only the frames of `async` blocks and functions are kept, which have the source lines of the awaits. The runtime's own
//! frames are left out.
//!
//! Lines need debug information, which the `dev` profile has. Without it, a wait has the one line that its trap publishes.

use super::region::Region;
use crate::task::info::{TaskId, TaskState};
use std::fmt;
use std::panic::Location;

/// What a task waits for, and how it came there. Made by [`TaskInfo::stack`](crate::TaskInfo::stack).
///
/// A task that polls several futures at once, in `join!` for example, has a wait for each.
#[derive(Clone, Debug)]
pub struct AsyncStack {
    pub(crate) task: TaskId,
    pub(crate) waits: Vec<AsyncWait>,
}

/// One of the waits of a task, from an [`AsyncStack`].
///
/// ```
/// async fn fetch() {
///     curio::sleep(std::time::Duration::from_secs(60)).await;
/// }
///
/// curio::testing::run(async {
///     let task = curio::spawn(fetch());
///     curio::schedule().await;
///     let stack = task.info().stack().expect("the task is there");
///     let [wait] = stack.waits() else { panic!("it waits for one thing") };
///     assert_eq!(wait.state().to_string(), "TIME_SLEEP");
///     println!("at {}", wait.location().expect("a sleep says where"));
///     for frame in wait.frames() {
///         println!("in {} at {}", frame.function(), frame.line());
///     }
///     task.cancel().await;
/// });
/// ```
#[derive(Clone, Debug)]
pub struct AsyncWait {
    pub(crate) state: TaskState,
    pub(crate) location: Option<&'static Location<'static>>,
    pub(crate) region: Option<Region>,
    pub(crate) frames: Vec<Frame>,
}

/// An `async` function or block on the way from a wait to the task's own future: see [`AsyncWait`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    function: String,
    line: String,
}

impl AsyncStack {
    /// The task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// Its waits; that which is shown as its state is the last.
    pub fn waits(&self) -> &[AsyncWait] {
        &self.waits
    }
}

impl AsyncWait {
    /// What it waits for.
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// The line that its trap has published.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }

    /// The innermost region that it is in.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_ref()
    }

    /// The functions that await it, innermost first. Empty if there is no debug information, or if it waits in a future of
    /// another crate.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }
}

impl Frame {
    /// Whether this is the line `location`. Paths may begin in different folders.
    pub(crate) fn is_at(&self, location: &Location<'_>) -> bool {
        let mut parts = self.line.rsplitn(3, ':');
        let (line, file) = (parts.nth(1), parts.next());
        let Some(file) = file.filter(|_| line == Some(&location.line().to_string())) else { return false };
        file.ends_with(location.file()) || location.file().ends_with(file)
    }

    /// Its path, such as `program::fetch_one`.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// File, line and column of the await.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The frames of `async` code in a backtrace, as the standard library prints it, up to the one that polls the task.
    pub(crate) fn of(backtrace: &str) -> Vec<Frame> {
        let here = std::env::current_dir().map(|path| format!("{}/", path.display())).unwrap_or_default();
        let mut frames = Vec::new();
        let mut function = None;
        for line in backtrace.lines() {
            let line = line.trim_start();
            if let Some(place) = line.strip_prefix("at ") {
                let place = place.strip_prefix("./").or(place.strip_prefix(&here)).unwrap_or(place);
                frames.extend(function.take().map(|function| Frame { function, line: place.to_string() }));
            } else if let Some((_, name)) = line.split_once(": ") {
                if polls_a_task(name.trim_end()) {
                    break;
                }
                function = async_function(name);
            }
        }
        frames
    }
}

/// The functions of this crate that poll a task: what is beyond them belongs to other tasks and to the kernel.
const POLLS_A_TASK: [&str; 2] = ["run_task", "poll_child"];

/// Where such a function is inlined, a backtrace has its name without the path.
fn polls_a_task(name: &str) -> bool {
    let last = without_arguments(name).rsplit("::").next();
    last.is_some_and(|last| POLLS_A_TASK.contains(&last))
}

/// `program::fetch_one::{{closure}}` (an async function's body) to `program::fetch_one`. `None` for everything that is no
/// `async` code of a program or library.
fn async_function(name: &str) -> Option<String> {
    let mut path = name.trim_end();
    let outer = path;
    while let Some((inner, last)) = without_arguments(path).rsplit_once("::")
        && is_closure(last)
    {
        path = inner;
    }
    let crate_name = path.trim_start_matches('<').split("::").next().unwrap_or(path);
    let is_hidden = matches!(crate_name, "curio" | "core" | "std" | "alloc" | "futures_core");
    (path != outer && !is_hidden).then(|| path.to_string())
}

/// `program::inner::{closure#0}::<u32>` without `::<u32>`.
fn without_arguments(path: &str) -> &str {
    if !path.ends_with('>') {
        return path;
    }
    let mut depth = 0;
    let opens = |(at, byte): (usize, u8)| {
        match byte {
            b'>' if !path[..at].ends_with('-') => depth += 1,
            b'<' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    };
    let begin = path.bytes().enumerate().rev().find_map(opens);
    begin.and_then(|at| path[..at].strip_suffix("::")).unwrap_or(path)
}

/// How compilers name what has no name: `{{closure}}`; `{closure#0}` in the symbols of version 0; `async_fn$0` and
/// `async_block$0` in the debug information of Windows.
fn is_closure(segment: &str) -> bool {
    const NAMES: [&str; 4] = ["closure", "async_fn", "async_block", "async_closure"];
    let name = segment.trim_matches(['{', '}']);
    let (name, number) = name.split_once(['#', '$']).unwrap_or((name, ""));
    NAMES.contains(&name) && name.len() < segment.len() && number.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for AsyncWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        if let Some(at) = self.location {
            write!(f, " at {at}")?;
        }
        if let Some(region) = &self.region {
            write!(f, ", in {region}")?;
        }
        self.frames.iter().try_for_each(|frame| write!(f, "\n  in {} at {}", frame.function, frame.line))
    }
}

impl fmt::Display for AsyncStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} waits", self.task)?;
        for wait in &self.waits {
            write!(f, "\n{wait}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_frames_of_async_code_are_kept_with_their_lines() {
        let backtrace = "\
   0: curio::traps::publish::park
             at ./runtime/src/traps/publish.rs:14:5
   1: <curio::time::sleep::Sleep as core::future::future::Future>::poll
             at ./runtime/src/time/sleep.rs:120:9
   2: program::inner::{{closure}}
             at ./src/main.rs:11:34
   3: program::outer::{{closure}}::{{closure}}
             at ./src/main.rs:20:9
   4: <core::pin::Pin<P> as core::future::future::Future>::poll
             at /rustc/0/library/core/src/future/future.rs:133:9
   5: program::no_line::{{closure}}
   6: curio::kernel::poll::<impl curio::kernel::state::State>::run_task
             at ./runtime/src/kernel/poll.rs:47:22
   7: program::another_task::{{closure}}
             at ./src/main.rs:40:5
";
        let frame = |function: &str, line: &str| Frame { function: function.into(), line: line.into() };
        assert_eq!(
            Frame::of(backtrace),
            [frame("program::inner", "src/main.rs:11:34"), frame("program::outer", "src/main.rs:20:9")]
        );
        let short = backtrace.replace("curio::kernel::poll::<impl curio::kernel::state::State>::", "");
        assert_eq!(Frame::of(&short), Frame::of(backtrace));
        assert_eq!(Frame::of("disabled backtrace"), []);
    }

    #[test]
    fn async_code_is_known_by_the_names_that_each_compiler_gives_it() {
        let known = |name| async_function(name).as_deref() == Some("program::inner");
        assert!(known("program::inner::{{closure}}::{{closure}}"));
        assert!(known("program::inner::{closure#0}::{closure#12}"));
        assert!(known("program::inner::{closure#0}::{closure#0}::<u8, fn(a::B<u8>) -> <c::D as e::F>::G>"));
        assert!(known("program::inner::async_fn$0"));
        assert!(known("program::inner::async_block$0") && known("program::inner::closure$3"));
        for other in ["program::inner", "program::closure", "program::async_fn", "curio::run::{{closure}}"] {
            assert_eq!(async_function(other), None, "{other}");
        }
    }
}
