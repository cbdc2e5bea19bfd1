//! Talks to the monitor of a running program: `cargo run --example monitor_client [address]`.
//!
//! Start a program with `CURIO_MONITOR=1`, for example `CURIO_MONITOR=1 cargo run --example stuck`. When the program ends, this
//! waits for the next one. `nc 127.0.0.1 48802` does nearly the same.
use std::cell::Cell;
use std::future::pending;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use curio::sync::{channel, channel::Receiver};
use curio::{TcpStream, race, run_in_thread, sleep, spawn};

const DEFAULT: &str = "127.0.0.1:48802";
/// The second screen of a terminal, so that `watch` leaves the first one as it was.
const SECOND_SCREEN: &str = "\x1b[?1049h";
const FIRST_SCREEN: &str = "\x1b[?1049l";

fn show(text: &str) {
    print!("{text}");
    // Nothing is lost if a terminal is gone.
    let _ = io::stdout().flush();
}

/// Waits until a program listens.
async fn connect(address: &str) -> TcpStream {
    let mut said = false;
    loop {
        match TcpStream::connect(address).await {
            Ok(stream) => return stream,
            Err(error) if !said => {
                println!("no program listens on {address} ({error}); waiting for one");
                said = true;
            }
            Err(_) => {}
        }
        sleep(Duration::from_millis(200)).await;
    }
}

/// Until the connection is closed.
async fn show_answers(stream: &TcpStream) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        show(&String::from_utf8_lossy(&bytes[..count]));
    }
}

/// Sends what is typed. `leaving` says that the user has had enough: the monitor then closes the connection.
async fn send_commands(stream: &TcpStream, lines: &Receiver<String>, leaving: &Cell<bool>) -> io::Result<()> {
    let mut watching = false;
    while !leaving.get() {
        let line = lines.recv().await.unwrap_or_else(|| "exit\n".into());
        leaving.set(line.trim() == "exit");
        // The line that ends `watch` is no command.
        if std::mem::take(&mut watching) {
            show(FIRST_SCREEN);
        } else if line.trim() == "watch" {
            watching = true;
            show(SECOND_SCREEN);
        }
        stream.sendall(line.as_bytes()).await?;
    }
    // The last answers are still on their way.
    pending().await
}

async fn talk(address: String) -> io::Result<()> {
    let (sender, lines) = channel(16);
    let reader = spawn(async move {
        loop {
            let read = run_in_thread(|| {
                let mut line = String::new();
                io::stdin().lock().read_line(&mut line).map(|count| (count > 0).then_some(line))
            });
            // At the end of the input, and if it cannot be read.
            let Ok(Ok(Some(line))) = read.await else { return };
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    let leaving = Cell::new(false);
    while !leaving.get() {
        let stream = connect(&address).await;
        let talked = race((async { show_answers(&stream).await }, async {
            send_commands(&stream, &lines, &leaving).await
        }));
        match talked.await {
            Ok(()) if leaving.get() => {}
            Ok(()) => println!("\nthe program has ended"),
            Err(error) => println!("\nthe connection broke: {error}"),
        }
    }
    reader.cancel().await;
    Ok(())
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| DEFAULT.into());
    curio::run(talk(address))
}
