//! A program from its start to its end, in one call.

use super::error::CalledProcessError;
use super::popen::Popen;
use crate::located::located;
use std::io;
use std::panic::Location;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end and says how it went: its status, and all it wrote to its standard output and
/// standard error. Its standard input is what the command says.
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
/// let mut echo = Command::new("echo");
/// echo.arg("hello");
/// let output = curio::run(curio::subprocess::run(echo))?;
/// assert!(output.status.success());
/// assert_eq!(output.stdout, b"hello\n");
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn run(command: Command) -> impl Future<Output = io::Result<Output>> + use<> {
    let at = Location::caller();
    let program = command.get_program().to_string_lossy().into_owned();
    let running = async move {
        let naming = |error: io::Error| io::Error::new(error.kind(), format!("running `{program}`: {error}"));
        start_and_talk(command, at).await.map_err(naming)
    };
    located(at, Box::pin(running))
}

/// Runs a program to its end and returns what it wrote to its standard output.
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
///     let mut fails = Command::new("sh");
///     fails.args(["-c", "echo so far; echo 'no further' >&2; exit 3"]);
///     let error = check_output(fails).await.unwrap_err();
///     assert_eq!(error.status().and_then(|status| status.code()), Some(3));
///     assert_eq!((error.output(), error.stderr()), (&b"so far\n"[..], &b"no further\n"[..]));
/// });
/// ```
#[track_caller]
pub fn check_output(command: Command) -> impl Future<Output = Result<Vec<u8>, CalledProcessError>> + use<> {
    let program = command.get_program().to_string_lossy().into_owned();
    let at = Location::caller();
    let running = located(at, Box::pin(start_and_talk(command, at)));
    async move {
        match running.await {
            Ok(output) if output.status.success() => Ok(output.stdout),
            Ok(output) => Err(CalledProcessError::failed(program, output)),
            Err(error) => Err(CalledProcessError::not_run(program, error)),
        }
    }
}

async fn start_and_talk(mut command: Command, at: &'static Location<'static>) -> io::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Popen::start(command)?;
    match child.talk(&[], at).await {
        Ok((status, stdout, stderr)) => Ok(Output { status, stdout, stderr }),
        Err(error) => {
            // Nobody else knows of it. What is left of it is collected when the handle is dropped.
            let _ = child.kill();
            Err(error)
        }
    }
}
