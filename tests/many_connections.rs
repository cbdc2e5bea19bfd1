//! Ten thousand requests at the same time, from one process and one thread.
//!
//! The server is a process of its own, because each side needs ten thousand open files. A system that allows fewer
//! gets a smaller test, and a line that says so.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use curio_http::ClientSession;
use curio_support::peers::HttpbinProcess;
use curio_support::{Failure, raise_open_files};
use serde_json::Value;

#[test]
fn ten_thousand_requests_wait_together() -> Result<(), Failure> {
    // A few files are open for other purposes.
    const OTHERS: u64 = 100;
    let wanted = 10_000;
    let limit = raise_open_files(wanted + OTHERS)?;
    let n = wanted.min(limit.saturating_sub(OTHERS)).max(1);
    if n < wanted {
        eprintln!("SCALED DOWN: only {n} requests at a time, since this system allows {limit} open files");
    }
    let httpbin = HttpbinProcess::start()?;
    let url = httpbin.url("/delay/2");

    let start = Instant::now();
    let failures = curio::run(async {
        // They all connect at once, and the system's queue for the server holds some thousands. TCP tries the others
        // again after a second, three, seven…: on a busy machine that may take longer than the usual ten seconds.
        let patience = Duration::from_secs(60);
        let session = ClientSession::builder().connect_timeout(patience).read_timeout(patience).build()?;
        let tasks: Vec<_> = (0..n)
            .map(|_| {
                let (session, url) = (session.clone(), url.clone());
                curio::spawn(async move {
                    let mut response = session.get(url).await?;
                    response.raise_for_status()?;
                    response.json::<Value>().await
                })
            })
            .collect();
        let mut failures = Vec::new();
        for task in tasks {
            match task.join().await {
                Ok(Ok(content)) if content["url"] == url.as_str() => {}
                Ok(Ok(content)) => failures.push(content.to_string()),
                Ok(Err(error)) => failures.push(error.to_string()),
                Err(error) => failures.push(error.to_string()),
            }
        }
        Ok::<_, curio_http::Error>(failures)
    })?;
    let took = start.elapsed();
    assert!(failures.is_empty(), "{} of {n} failed; the first: {}", failures.len(), failures[0]);
    assert!(took >= Duration::from_secs(2), "{took:?}");
    // One after the other they would take five and a half hours.
    assert!(took < Duration::from_secs(120), "{took:?}");
    println!("{n} requests in {took:?}");
    Ok(())
}
