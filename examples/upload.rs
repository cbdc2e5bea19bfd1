//! Uploads a file: as the body itself, then as part of a form.
//!
//! The file is never in memory as a whole: a `Body::from_file` is opened when the request is sent and read in chunks, and
//! so are the files of a form. The lengths are known beforehand and sent in `Content-Length`.
//!
//! Run it: `cargo run --example upload` (a temporary file, and a server in this process) or
//! `cargo run --example upload -- URL FILE`.
//!
//! Then try: a server that responds with 413 before it has read everything (`nc -l`, and type the response). How much had
//! been sent when the program printed it?
use std::env::temp_dir;
use std::fs::{File, remove_file};
use std::io::Write;
use std::path::{Path, PathBuf};

use curio_http::{Body, ClientSession, Error, Form, RequestBuilder};
use curio_support::{Failure, with_urls};

/// Prints a line for each quarter that has been sent.
fn with_progress(request: RequestBuilder) -> RequestBuilder {
    let mut quarters = 0;
    request.on_progress(move |sent, length| {
        let Some(length) = length.filter(|length| *length > 0) else { return };
        while quarters < sent * 4 / length {
            quarters += 1;
            println!("{} % sent", quarters * 25);
        }
    })
}

async fn upload(session: &ClientSession, url: &str, file: &Path) -> Result<(), Error> {
    println!("As it is:");
    let mut response = with_progress(session.post(url).body(Body::from_file(file))).await?;
    println!("{}, with {} bytes", response.status(), response.binary().await?.len());

    println!("In a form:");
    let form = Form::new().text("title", "A file of numbers").file("numbers", file);
    let mut response = with_progress(session.post(url).multipart(form)).await?;
    println!("{}, with {} bytes", response.status(), response.binary().await?.len());
    Ok(())
}

/// A temporary file.
struct Sample(PathBuf);

impl Sample {
    fn new() -> std::io::Result<Sample> {
        let sample = Sample(temp_dir().join(format!("curio-upload-{}.txt", std::process::id())));
        let mut file = File::create(&sample.0)?;
        for number in 0..100_000 {
            writeln!(file, "{number:09}")?;
        }
        Ok(sample)
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        if let Err(error) = remove_file(&self.0) {
            eprintln!("{} is still there: {error}", self.0.display());
        }
    }
}

async fn main_task(arguments: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    let session = ClientSession::new();
    match &arguments[..] {
        [url, file, ..] => upload(&session, url, file.as_ref()).await?,
        [url] => upload(&session, url, &Sample::new()?.0).await?,
        [] => {}
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    curio::run(with_urls(&["/post"], main_task))
}
