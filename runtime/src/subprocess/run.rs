//! A program from its start to its end, in one call.

use super::error::CalledProcessError;
use super::popen::{Popen, name_of};
use crate::error::while_doing;
use crate::traps::at_caller::at_caller;
use std::borrow::BorrowMut;
use std::io;
use std::panic::Location;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end and says how it went: its status, and all it wrote to its standard output and
/// standard error. Its standard input is what the command says.
///
/// It takes a `Command` or a `&mut Command`: what `Command::new("ls").arg("-l")` is. The two outputs of the command are
/// set to be piped.
///
/// If it is cancelled, the child is killed and waited for.
///
/// # Errors
/// The program cannot be started; the error names it. A status that means failure is no error here.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use std::process::Command;
///
/// let output = curio::run(curio::subprocess::run(Command::new("echo").arg("hello")))?;
/// assert!(output.status.success());
/// assert_eq!(output.stdout, b"hello\n");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn run<C: BorrowMut<Command>>(command: C) -> impl Future<Output = io::Result<Output>> + use<C> {
    let at = Location::caller();
    let program = name_of(&command);
    let running = async move {
        let naming = |error| while_doing(format_args!("running `{program}`"), error);
        start_and_talk(command, at).await.map_err(naming)
    };
    at_caller(at, Box::pin(running))
}

/// Runs a program to its end and returns what it wrote to its standard output. It takes what [`run`] takes.
///
/// If it is cancelled, the child is killed and waited for.
///
/// # Errors
/// [`CalledProcessError`] if it cannot be started, or does not end with success: with its status, its output and
/// what it wrote to standard error.
///
/// ```
/// use curio::subprocess::check_output;
/// use std::process::Command;
///
/// curio::run(async {
///     let script = "echo so far; echo 'no further' >&2; exit 3";
///     let error = check_output(Command::new("sh").args(["-c", script])).await.unwrap_err();
///     assert_eq!(error.status().and_then(|status| status.code()), Some(3));
///     assert_eq!((error.output(), error.stderr()), (&b"so far\n"[..], &b"no further\n"[..]));
/// });
/// ```
#[track_caller]
pub fn check_output<C>(command: C) -> impl Future<Output = Result<Vec<u8>, CalledProcessError>> + use<C>
where
    C: BorrowMut<Command>,
{
    let program = name_of(&command);
    let at = Location::caller();
    let running = at_caller(at, Box::pin(start_and_talk(command, at)));
    async move {
        match running.await {
            Ok(output) if output.status.success() => Ok(output.stdout),
            Ok(output) => Err(CalledProcessError::failed(program, output)),
            Err(error) => Err(CalledProcessError::not_run(program, error)),
        }
    }
}

async fn start_and_talk(
    mut command: impl BorrowMut<Command>,
    at: &'static Location<'static>,
) -> io::Result<Output> {
    let mut child = Popen::start(command.borrow_mut().stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    match child.talk(&[], at).await {
        Ok((status, stdout, stderr)) => Ok(Output { status, stdout, stderr }),
        Err(error) => {
            // There is no other handle to it. It is collected when this one is dropped.
            let _ = child.kill();
            Err(error)
        }
    }
}
