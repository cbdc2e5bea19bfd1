//! Downloads files, with a progress bar for each.
//!
//! `Response::download` never has more than a chunk of a file in memory, and never leaves an incomplete file under the final
//! name: it writes to a temporary file and renames it at the end. All files are downloaded at once, as the tasks of a group;
//! the first failure cancels the others, and their temporary files are removed.
//!
//! Run it: `cargo run --example download` (three files from a slow server in this process, kept until the program ends) or
//! `cargo run --example download -- URL…` (into the current directory).
//!
//! Then try: press Ctrl-C in the middle, and look for incomplete files. What happens if two URLs end in the same name?
use std::env::{args, current_dir, temp_dir};
use std::fs::{create_dir_all, remove_dir_all};
use std::path::PathBuf;

use curio::{TaskGroup, finally};
use curio_http::{ClientSession, Error};
use curio_support::{Failure, with_urls};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

async fn download(
    session: ClientSession,
    url: String,
    to: PathBuf,
    bar: ProgressBar,
) -> Result<String, Error> {
    let mut response = session.get(url).await?;
    response.raise_for_status()?;
    let name = response.url().path().rsplit('/').next().filter(|name| !name.is_empty());
    let name = name.unwrap_or("index.html").to_owned();
    bar.set_message(name.clone());
    let shown = bar.clone();
    response.on_progress(move |received, length| {
        if let Some(length) = length {
            shown.set_length(length);
        }
        shown.set_position(received);
    });
    let length = response.download(to.join(&name)).await?;
    bar.finish();
    Ok(format!("{name}: {length} bytes"))
}

async fn download_all(urls: Vec<String>, to: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let session = ClientSession::new();
    let style = ProgressStyle::with_template("{msg:20} {wide_bar} {bytes}/{total_bytes} {eta}")?;
    let (bars, files) = (MultiProgress::new(), TaskGroup::new());
    for url in urls {
        let bar = bars.add(ProgressBar::no_length().with_style(style.clone()));
        files.spawn(download(session.clone(), url, to.clone(), bar));
    }
    for line in files.try_join().await? {
        println!("{line}");
    }
    Ok(())
}

async fn main_task(urls: Vec<String>) -> Result<(), Box<dyn std::error::Error>> {
    if args().len() > 1 {
        return download_all(urls, current_dir()?).await;
    }
    let directory = temp_dir().join(format!("curio-download-{}", std::process::id()));
    create_dir_all(&directory)?;
    finally(download_all(urls, directory.clone()), async move |_| {
        if let Err(error) = remove_dir_all(&directory) {
            eprintln!("{} is still there: {error}", directory.display());
        }
    })
    .await
}

fn main() -> Result<(), Failure> {
    let paths = ["/range/100000?duration=1&chunk_size=2000", "/bytes/3000000", "/stream-bytes/70000"];
    curio::run(with_urls(&paths, main_task))
}
