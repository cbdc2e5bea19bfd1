//! One request: its status code and its JSON.
//!
//! `cargo run --example fetch` requests an httpbin in this process, over HTTPS, and trusts the certificate authority that was
//! made for it at the start. `cargo run --example fetch -- URL` requests that URL.
use std::time::Instant;

use curio_http::ClientSession;
use curio_support::{Failure, with_https_urls};
use serde_json::Value;

async fn main_task(urls: Vec<String>, authority: Option<String>) -> Result<(), Box<dyn std::error::Error>> {
    let session = match authority {
        Some(pem) => ClientSession::builder().add_root_certificate(&pem).build()?,
        None => ClientSession::new(),
    };
    for url in urls {
        let mut response = session.get(url).await?;
        println!("Status code: {}", response.status_code());
        let content: Value = response.json().await?;
        println!("Content: {content:#}");
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let start = Instant::now();
    curio::run(with_https_urls(&["/get"], main_task))?;
    println!("Elapsed: {:.2} s", start.elapsed().as_secs_f64());
    Ok(())
}
