//! Reads that end before the buffer is full although there is more: nothing that comes behind is forgotten.
//!
//! In each test everything has been sent, and the kernel has been told so by an event, before the first read. No other
//! event follows: a read that waits for one waits for ever.
#![forbid(unsafe_code)]

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use curio::{TcpStream, sleep, timeout_after};
use curio_support::Failure;
use socket2::SockRef;

const PATIENCE: Duration = Duration::from_secs(10);

/// Lets the kernel hear of what has happened so far.
async fn events() {
    sleep(Duration::from_millis(1)).await;
}

#[test]
fn what_follows_urgent_data_is_read() -> Result<(), Failure> {
    curio::run(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut sender = std::net::TcpStream::connect(listener.local_addr()?)?;
        let receiver = TcpStream::from_std(listener.accept()?.0)?;
        sender.set_nodelay(true)?;
        sender.write_all(b"before")?;
        SockRef::from(&sender).send_out_of_band(b"!")?;
        sender.write_all(b"behind")?;
        events().await;
        assert_eq!(timeout_after(PATIENCE, receiver.read_exactly(12)).await??, b"beforebehind");

        // The same in an answer to what was read from the same stream before.
        sender.write_all(b"a")?;
        assert_eq!(receiver.recv(&mut [0; 8]).await?, 1);
        SockRef::from(&sender).send_out_of_band(b"b!")?;
        sender.write_all(b"c")?;
        events().await;
        let mut buf = [0; 8];
        assert_eq!(
            (receiver.recv(&mut buf).await?, buf[0]),
            (1, b'b'),
            "a read stops in front of urgent data"
        );
        assert_eq!((timeout_after(PATIENCE, receiver.recv(&mut buf)).await??, buf[0]), (1, b'c'));
        Ok(())
    })
}

#[cfg(unix)]
mod unix {
    use super::{PATIENCE, events};
    use std::io::{BufRead, BufReader};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::Stdio;

    use curio::timeout_after;
    use curio_support::Failure;
    use curio_support::peers::python_script;

    /// Python has `SCM_RIGHTS` in its standard library, Rust does not.
    const SEND_A_DESCRIPTOR: &str = r#"
import socket
stream = socket.socket(fileno=0)
socket.send_fds(stream, [b"with a descriptor"], [1])
stream.sendall(b"without")
print("sent", flush=True)
stream.recv(1)
"#;

    #[test]
    fn what_follows_a_control_message_on_a_unix_stream_is_read() -> Result<(), Failure> {
        let Some(mut python) = python_script(SEND_A_DESCRIPTOR)? else { return Ok(()) };
        let (ours, childs) = UnixStream::pair()?;
        let mut child = python.stdin(OwnedFd::from(childs)).stdout(Stdio::piped()).spawn()?;
        drop(python); // and with it the child's end of the pair, which only the child may hold
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line)?;
        assert_eq!(line, "sent\n");
        curio::run(async {
            let stream = curio::UnixStream::from_std(ours)?;
            events().await;
            let mut buf = [0; 64];
            let n = stream.recv(&mut buf).await?;
            assert_eq!(&buf[..n], b"with a descriptor", "the control message has ended the read");
            let n = timeout_after(PATIENCE, stream.recv(&mut buf)).await??;
            assert_eq!(&buf[..n], b"without");
            Ok::<_, Failure>(())
        })?;
        assert!(child.wait()?.success());
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::PATIENCE;
    use std::process::Stdio;

    use curio::subprocess::Popen;
    use curio::timeout_after;
    use curio_support::Failure;
    use curio_support::peers::python_script;

    /// A pipe in packet mode keeps the bounds of what was written (pipe(2), `O_DIRECT`).
    const PACKETS: &str = r#"
import fcntl, os
fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_DIRECT)
os.write(1, b"one")
os.write(1, b"two")
os.write(2, b"sent")
os.read(0, 1)
"#;

    #[test]
    fn what_follows_a_packet_in_a_pipe_is_read() -> Result<(), Failure> {
        let Some(mut python) = python_script(PACKETS)? else { return Ok(()) };
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        curio::run(async {
            let mut child = Popen::new(python)?;
            let (output, errors) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
            assert_eq!(errors.read_exactly(4).await?, b"sent");
            let mut buf = [0; 64];
            let n = output.recv(&mut buf).await?;
            assert_eq!(&buf[..n], b"one", "the packet has ended the read");
            let n = timeout_after(PATIENCE, output.recv(&mut buf)).await??;
            assert_eq!(&buf[..n], b"two");
            child.stdin.take();
            assert!(child.wait().await?.success());
            Ok(())
        })
    }
}
