//! The test server of the other examples, by itself: `cargo run --example httpbin [PORT [HTTPS-PORT [CERTIFICATE-FILE]]]`.
//!
//! Without ports it takes free ones, and prints their URLs. Its certificate is signed by an authority that is made at the
//! start; the certificate of the authority is written to the file, so that other programs can trust it:
//! `curl --cacert CERTIFICATE-FILE https://127.0.0.1:HTTPS-PORT/get`. It runs until it is stopped.
use std::time::Duration;

use curio_support::{Failure, Httpbin, TestAuthority, raise_open_files};

async fn main_task(arguments: Vec<String>) -> Result<(), Failure> {
    let port = |index: usize| match arguments.get(index) {
        Some(text) => text.parse().map_err(|_| format!("{text:?} is not a port")),
        None => Ok(0),
    };
    // Each connection is an open file.
    raise_open_files(100_000)?;
    let authority = TestAuthority::new()?;
    let http = Httpbin::builder().port(port(0)?).start().await?;
    let https = Httpbin::builder().port(port(1)?).tls(&authority.localhost()?)?.start().await?;
    if let Some(file) = arguments.get(2) {
        std::fs::write(file, authority.ca_pem())?;
    }
    println!("{}\n{}", http.base_url(), https.base_url());
    loop {
        curio::sleep(Duration::from_secs(3600)).await;
    }
}

fn main() -> Result<(), Failure> {
    curio::run(main_task(std::env::args().skip(1).collect()))
}
