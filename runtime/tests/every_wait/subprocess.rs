//! Child processes.

use crate::{Moment, Row, check, row};
use curio::subprocess::{PipeWriter, Popen, check_output, run};
use std::process::{Command, Stdio};

fn cat() -> Command {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// A write of more than a pipe holds.
async fn writing(m: Moment, write: impl AsyncFn(&mut PipeWriter, &[u8])) -> bool {
    let mut command = cat();
    let mut child = Popen::new({
        command.stdout(Stdio::null());
        command
    })
    .unwrap();
    let mut input = child.stdin.take().expect("it is piped");
    let data = vec![7; 300_000];
    let finished = m.of(async || write(&mut input, &data).await, async {}).await;
    drop(input);
    assert!(child.wait().await.unwrap().success());
    finished
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("subprocess/run.rs: run", async |m| {
            m.of(async || assert!(run(Command::new("true")).await.unwrap().status.success()), async {}).await
        }),
        row("subprocess/run.rs: check_output", async |m| {
            let echo = || {
                let mut echo = Command::new("echo");
                echo.arg("hello");
                echo
            };
            m.of(async || assert_eq!(check_output(echo()).await.unwrap(), b"hello\n"), async {}).await
        }),
        row("subprocess/popen.rs: wait", async |m| {
            let mut child = Popen::new(Command::new("true")).unwrap();
            m.of(async || assert!(child.wait().await.unwrap().success()), async {}).await
        }),
        row("subprocess/popen.rs: communicate", async |m| {
            let talk = async || {
                let (output, _) = Popen::new(cat()).unwrap().communicate(b"hello").await.unwrap();
                assert_eq!(output, b"hello");
            };
            m.of(talk, async {}).await
        }),
        row("subprocess/pipes.rs: sendall", async |m| {
            writing(m, async |input, data| input.sendall(data).await.unwrap()).await
        }),
        row("subprocess/pipes.rs: write_all", async |m| {
            writing(m, async |input, data| input.write_all(data).await.unwrap()).await
        }),
    ]
}

#[test]
fn waits_for_children_can_be_dropped_at_any_poll() {
    check(&rows());
}
