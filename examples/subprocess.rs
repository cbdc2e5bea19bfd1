//! Child processes: their output, their failures, communication with them, and stopping them.
//!
//! The commands are those of the standard library. What this adds: nothing blocks, and no child process is left behind; a
//! call that is cancelled kills its child and waits until it has ended.
//!
//! Run it: `cargo run --example subprocess`.
//!
//! Then try: run the two slow children at once, with `curio::join!`. Which of the parts would still work if `sort`
//! wrote more than a pipe holds (64 KiB) before it has read all of its input?
#[cfg(unix)]
mod program {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use curio::io::Stream;
    use curio::subprocess::{Popen, check_output};
    use curio::timeout_after;
    use curio_support::Failure;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// From start to end in one call.
    async fn all_at_once() -> Result<(), Failure> {
        let output = check_output(shell("echo one; echo two")).await?;
        println!("It wrote {:?}", String::from_utf8(output)?);
        if let Err(error) = check_output(shell("echo 'no such luck' >&2; exit 3")).await {
            println!("{error}");
        }
        if let Err(error) = check_output(Command::new("no-such-program")).await {
            println!("{error}");
        }
        Ok(())
    }

    /// Writing to a child and reading from it: `sort` writes nothing before it has read everything.
    async fn talking() -> Result<(), Failure> {
        let mut sort = Popen::new(Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (sorted, _) = sort.communicate(b"pear\napple\ncherry\n").await?;
        println!("Sorted: {:?}", String::from_utf8(sorted)?);
        Ok(())
    }

    /// The lines of a child, while it still runs.
    async fn line_by_line() -> Result<(), Failure> {
        let script = "for i in 1 2 3; do echo tick $i; sleep 0.05; done";
        let mut child = Popen::new(shell(script).stdout(Stdio::piped()))?;
        let mut output = Stream::new(child.stdout.take().expect("it is piped"));
        let mut lines = output.lines();
        while let Some(line) = lines.next().await {
            println!("{}", line?);
        }
        println!("It ended with {}", child.wait().await?);
        Ok(())
    }

    /// A timeout: the child does not outlive it.
    async fn with_a_limit() -> Result<(), Failure> {
        let mut child = Popen::new(shell("exec sleep 1000"))?;
        let id = child.id();
        if let Err(limit) = timeout_after(Duration::from_millis(100), child.communicate(b"")).await {
            println!("Sleeping: {limit}");
        }
        let is_there = check_output(shell(&format!("kill -0 {id} 2>/dev/null"))).await.is_ok();
        println!("Is it still there? {is_there}");
        Ok(())
    }

    pub async fn main_task() -> Result<(), Failure> {
        all_at_once().await?;
        talking().await?;
        line_by_line().await?;
        with_a_limit().await
    }
}

#[cfg(unix)]
fn main() -> Result<(), curio_support::Failure> {
    curio::run(program::main_task())
}

#[cfg(not(unix))]
fn main() {
    println!("Subprocesses need Unix.");
}
