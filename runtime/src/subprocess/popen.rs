//! One child process.

use super::pipes::{PipeReader, PipeWriter};
use super::process::{KillOnDrop, Process};
use crate::cancel::{Outcome, for_caller};
use crate::error::while_doing;
use crate::join;
use crate::traps::at_caller::at_caller;
use std::borrow::{Borrow, BorrowMut};
use std::fmt;
use std::io;
use std::panic::Location;
use std::process::{Command, ExitStatus};

/// A running program: Curio's `subprocess.Popen`.
///
/// Those of its standard streams that the command says are `Stdio::piped()` are there to be taken; the others are
/// `None`. Dropping it does not end the child.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::io::Stream;
/// use curio::subprocess::Popen;
/// use std::process::{Command, Stdio};
///
/// curio::run(async {
///     let mut cat = Popen::new(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()))?;
///     let mut input = Stream::new(cat.stdin.take().expect("it is piped"));
///     let mut output = Stream::new(cat.stdout.take().expect("it is piped"));
///
///     input.write(b"meow\n").await?;
///     assert_eq!(output.readline().await?, b"meow\n");
///     drop(input);
///     assert!(cat.wait().await?.success());
///     Ok(())
/// })
/// # }
/// ```
///
/// All of the input and all of the output at once, and a child that is ended:
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use curio::subprocess::Popen;
/// use std::process::{Command, Stdio};
///
/// curio::run(async {
///     let mut sort = Popen::new(Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()))?;
///     let (output, _errors) = sort.communicate(b"pear\napple\n").await?;
///     assert_eq!(output, b"apple\npear\n");
///
///     let mut sleep = Popen::new(Command::new("sleep").arg("60"))?;
///     println!("ending process {}", sleep.id());
///     sleep.kill()?;
///     assert!(!sleep.wait().await?.success());
///     Ok(())
/// })
/// # }
/// ```
pub struct Popen {
    /// The child's standard input.
    pub stdin: Option<PipeWriter>,
    /// The child's standard output.
    pub stdout: Option<PipeReader>,
    /// The child's standard error.
    pub stderr: Option<PipeReader>,
    process: Process,
}

impl Popen {
    /// Starts a program, from a `Command` or a `&mut Command`. This blocks until it has started, about a millisecond.
    ///
    /// # Errors
    /// `NotFound` if there is no such program; whatever else keeps it from starting. The error names the program.
    ///
    /// # Panics
    /// Outside of a kernel, if one of the streams is piped.
    #[track_caller]
    pub fn new(mut command: impl BorrowMut<Command>) -> io::Result<Popen> {
        let started = Popen::start(command.borrow_mut());
        started.map_err(|error| while_doing(format_args!("starting `{}`", name_of(&command)), error))
    }

    /// [`new`](Self::new), without the program's name in the error.
    #[track_caller]
    pub(super) fn start(command: &mut Command) -> io::Result<Popen> {
        let (process, streams) = Process::start(command)?;
        // If a stream cannot be watched, the caller gets no handle, so the child must not run on.
        let mut kill = KillOnDrop { process: Some(&process) };
        let stdin = streams.stdin.map(PipeWriter::of_input).transpose()?;
        let stdout = streams.stdout.map(PipeReader::of_output).transpose()?;
        let stderr = streams.stderr.map(PipeReader::of_errors).transpose()?;
        kill.process = None;
        drop(kill);
        Ok(Popen { stdin, stdout, stderr, process })
    }

    /// The child's process number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the child has ended. May be repeated. Cancel-safe: the child runs on.
    ///
    /// A child that writes more than its pipe holds does not end before that is read:
    /// [`communicate`](Self::communicate) does both.
    ///
    /// # Errors
    /// The operating system's: other code of this process has waited for the child already (ECHILD), the process has no
    /// file descriptors left, or no thread can be started.
    #[track_caller]
    pub fn wait(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + use<'_> {
        let at = Location::caller();
        at_caller(at, Box::pin(self.process.wait(at)))
    }

    /// Ends the child at once (SIGKILL). It still has to be waited for, or dropped. Does nothing to a child that is
    /// known to have ended.
    ///
    /// # Errors
    /// The operating system's: the child has taken another user's rights.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()
    }

    /// Sends `input` and ends the child's input, receives all it writes, and waits for its end: (standard output,
    /// standard error). What is not piped is empty. An input that the child does not read to its end is no error.
    ///
    /// If it is cancelled, the child is killed and waited for.
    ///
    /// # Errors
    /// The operating system's. The child may still be running then.
    #[track_caller]
    pub fn communicate<'a>(
        &'a mut self,
        input: &'a [u8],
    ) -> impl Future<Output = io::Result<(Vec<u8>, Vec<u8>)>> + use<'a> {
        let at = Location::caller();
        let talking = self.talk(input, at);
        let talking = async move { talking.await.map(|(_, output, errors)| (output, errors)) };
        at_caller(at, Box::pin(talking))
    }

    /// [`communicate`](Self::communicate), with how it ended.
    pub(super) fn talk<'a>(
        &'a mut self,
        input: &'a [u8],
        at: &'static Location<'static>,
    ) -> impl Future<Output = io::Result<(ExitStatus, Vec<u8>, Vec<u8>)>> + use<'a> {
        let Popen { stdin, stdout, stderr, process } = self;
        let process = &*process;
        let body = async move {
            let mut kill = KillOnDrop { process: Some(process) };
            let (sent, output, errors) = join!(send(stdin, input), receive(stdout), receive(stderr));
            let ended = match (sent, output, errors) {
                (Ok(()), Ok(output), Ok(errors)) => {
                    process.wait(at).await.map(|status| (status, output, errors))
                }
                (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => Err(error),
            };
            kill.process = None;
            ended
        };
        for_caller::finally(at, body, async move |outcome| {
            if outcome != Outcome::Done {
                // The body was dropped, and that killed the child.
                let _ = process.wait(at).await;
            }
        })
    }
}

impl fmt::Debug for Popen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Popen").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// The program's name, for messages.
pub(super) fn name_of(command: &impl Borrow<Command>) -> String {
    command.borrow().get_program().to_string_lossy().into_owned()
}

async fn send(stdin: &mut Option<PipeWriter>, input: &[u8]) -> io::Result<()> {
    let Some(stdin) = stdin else { return Ok(()) };
    let sent = stdin.sendall(input).await;
    stdin.close();
    match sent {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        sent => sent,
    }
}

async fn receive(pipe: &mut Option<PipeReader>) -> io::Result<Vec<u8>> {
    match pipe {
        Some(pipe) => pipe.read_all().await,
        None => Ok(Vec::new()),
    }
}
