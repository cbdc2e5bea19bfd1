//! After Curio's `test_subprocess.py`. What a child does takes real time.

use crate::common::{ms, run_real, secs};
use curio::io::{Stream, copy};
use curio::subprocess::{Popen, run};
use curio::{ignore_after, join, timeout_after};
use std::process::{Command, Stdio};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn bounded<T>(test: impl Future<Output = std::io::Result<T>>) -> T {
    run_real(timeout_after(secs(20), test)).expect("it ends in time").expect("no step fails")
}

#[test]
fn what_a_child_said_before_a_limit_passed_is_not_lost() {
    bounded(async {
        let mut child = Popen::new(shell("echo t-minus 4; exec sleep 100"))?;
        let mut lines = Stream::new(child.stdout.take().expect("it is piped"));
        assert_eq!(lines.readline().await?, b"t-minus 4\n");
        assert!(ignore_after(ms(5), lines.readall()).await.is_none());
        assert_eq!(lines.buffered(), b"");
        child.kill()?;
        child.wait().await.map(|status| assert!(!status.success()))
    });
}

#[test]
fn one_child_reads_what_another_writes() {
    bounded(async {
        let mut says = Popen::new(shell("printf '4\\n3\\n2\\n1\\n'"))?;
        let mut counts = Popen::new(shell("wc -l"))?;
        let (from, to) = (says.stdout.take().unwrap(), counts.stdin.take().unwrap());
        let mut answer = Stream::new(counts.stdout.take().unwrap());
        let (copied, answer) = join!(copy(from, to), answer.readall());
        assert_eq!(copied?, 8);
        assert_eq!(String::from_utf8_lossy(&answer?).trim(), "4");
        assert!(says.wait().await?.success() && counts.wait().await?.success());
        Ok(())
    });
}

#[test]
fn a_child_is_waited_for_until_it_ends_as_it_pleases() {
    bounded(async {
        let status = Popen::new(shell("read line; exit 3"))?.communicate(b"go\n").await?;
        assert_eq!(status, (Vec::new(), Vec::new()));
        let mut child = Popen::new(shell("exit 3"))?;
        assert_eq!(child.wait().await?.code(), Some(3));
        assert_eq!(child.wait().await?.code(), Some(3), "again");
        assert!(!run(shell("exit 4")).await?.status.success());
        Ok(())
    });
}
