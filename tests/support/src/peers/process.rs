//! A server process that cannot outlive its test.
//!
//! A destructor is not enough, because a test that is killed runs none. So the server is the child of a small shell, which
//! waits for the end of its standard input. The test holds the other end of that pipe, and never writes to it. When it is
//! dropped, or when the system closes it at the end of the test process, the shell stops the server.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::scratch::Scratch;

/// A server process that listens on a port of 127.0.0.1.
pub(super) struct Process {
    shell: Child,
}

impl Process {
    /// Starts a program and waits until it accepts connections on `ports`.
    ///
    /// # Errors
    /// When it is not there, or does not listen within twenty seconds; with what it wrote, if anything.
    pub(super) fn start(scratch: &Scratch, command: &[&str], ports: &[u16]) -> io::Result<Process> {
        let log = scratch.path().join("log");
        let output = File::create(&log)?;
        let shell = Command::new("sh")
            .args(["-c", SHELL, "sh"])
            .args(command)
            .current_dir(scratch.path())
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let process = Process { shell };
        let end = Instant::now() + START;
        for &port in ports {
            while TcpStream::connect(address(port)).is_err() {
                if Instant::now() > end {
                    let log = std::fs::read_to_string(log).unwrap_or_default();
                    return Err(io::Error::other(format!(
                        "it does not listen on port {port}: {}",
                        log.trim()
                    )));
                }
                sleep(Duration::from_millis(20));
            }
        }
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let end = Instant::now() + STOP;
        while matches!(self.shell.try_wait(), Ok(None)) {
            if Instant::now() > end {
                eprintln!("a server process does not stop: killed");
                // It may have ended in this very moment.
                let _ = self.shell.kill();
                let _ = self.shell.wait();
                return;
            }
            sleep(Duration::from_millis(5));
        }
    }
}

/// A free port of 127.0.0.1. Another process may take it before the server does, but the system assigns ports in turn, so
/// this is unlikely.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(address(0))?.local_addr()?.port())
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Runs its arguments until standard input ends.
const SHELL: &str = r#"
"$@" </dev/null &
server=$!
read -r _
kill "$server" && wait "$server"
"#;

const START: Duration = Duration::from_secs(20);
const STOP: Duration = Duration::from_secs(10);
