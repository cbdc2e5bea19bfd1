//! Many requests at once: a task for each, joined in order. Delays of ten seconds in total take four.
//! Without arguments it requests an httpbin in this process; with URLs, it requests those.
use std::time::Instant;

use curio_http::{ClientSession, Error, Response};
use curio_support::{Failure, with_urls};
use serde_json::Value;

async fn fetch_one(url: String) -> Result<(Response, Value), Error> {
    let session = ClientSession::new();
    let mut response = session.get(url).await?;
    let content = response.json().await?;
    Ok((response, content))
}

async fn main_task(urls: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let mut tasks = Vec::new();
    for url in urls {
        tasks.push(curio::spawn(fetch_one(url)));
    }
    for task in tasks {
        let (response, content) = task.join().await??;
        println!("GET {}", response.url());
        println!("{content}\n");
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let start = Instant::now();
    curio::run(with_urls(&["/delay/1", "/delay/2", "/delay/3", "/delay/4"], main_task))?;
    println!("Elapsed: {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
