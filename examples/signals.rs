//! Signals as something to await.
//!
//! - SIGHUP and SIGTERM are received from a `SignalQueue`, one by one, like messages: "reload your settings" and
//!   "please end".
//! - Ctrl-C (SIGINT) needs no code. The first cancels `main` where it waits, so that `finally` runs, and the program
//!   ends with the status that a shell expects. A second one ends it at once.
//!
//! Run it: `cargo run --example signals` (it sends itself a few) or `cargo run --example signals -- wait`, and send
//! them yourself.
//!
//! Then break it: remove SIGTERM from the list, and read what your shell reports. Or make the cleanup take ten seconds, and
//! press Ctrl-C twice.
#[cfg(unix)]
mod program {
    use std::process::{Command, id};
    use std::time::Duration;

    use curio::signals::{SIGHUP, SIGTERM};
    use curio::subprocess::check_output;
    use curio::{SignalQueue, finally, sleep};
    use curio_support::Failure;

    async fn service(signals: SignalQueue) {
        loop {
            match signals.get().await {
                SIGHUP => println!("SIGHUP: I read my settings again"),
                _ => return println!("SIGTERM: I close down"),
            }
        }
    }

    async fn send_some() -> Result<(), Failure> {
        for name in ["HUP", "HUP", "TERM"] {
            check_output(Command::new("kill").args(["-s", name, &id().to_string()])).await?;
        }
        Ok(())
    }

    pub async fn main_task(wait: bool) -> Result<(), Failure> {
        // From here on these signals do not end the process.
        let signals = SignalQueue::new(&[SIGHUP, SIGTERM])?;
        println!("I run as process {}", id());
        let service = finally(service(signals), async |outcome| {
            println!("Cleaning up ({outcome:?})");
            sleep(Duration::from_millis(50)).await;
            println!("All is clean");
        });
        if wait {
            service.await;
            return Ok(());
        }
        curio::join!(service, send_some()).1
    }
}

#[cfg(unix)]
fn main() -> Result<(), curio_support::Failure> {
    curio::run(program::main_task(std::env::args().nth(1).is_some_and(|word| word == "wait")))
}

#[cfg(not(unix))]
fn main() {
    println!("There are no Unix signals here.");
}
