//! Writing a body to a file.
//!
//! Writing to a file blocks, so the body is handed to a thread, in large batches. The file appears under its name only when
//! it is complete (`atomic_file.rs`).

use crate::atomic_file::{Access, NewFile, in_thread};
use crate::error::{Error, ErrorKind};
use crate::response::content::Content;
use bytes::Bytes;
use std::future::poll_fn;
use std::io;
use std::path::Path;

/// How many bytes are collected for one job in a thread.
const BATCH: usize = 1024 * 1024;

/// Writes the body to `path` and returns its length.
pub(crate) async fn to_file(content: &mut Content, path: &Path) -> Result<u64, Error> {
    let failed = |cause: io::Error| {
        Error::new(ErrorKind::Io, format!("saving the body to {}", path.display())).because(cause)
    };
    content.begin_all_chunks()?;
    let target = path.to_owned();
    let mut file = in_thread(move || NewFile::create(&target, Access::Default)).await.map_err(failed)?;
    let mut written = 0;
    loop {
        let (batch, ended) = next_batch(content).await?;
        if !batch.is_empty() {
            written += batch.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
            let writing = move || {
                batch.iter().try_for_each(|chunk| file.write(chunk))?;
                Ok(file)
            };
            file = in_thread(writing).await.map_err(failed)?;
        }
        if ended {
            in_thread(move || file.complete()).await.map_err(failed)?;
            return Ok(written);
        }
    }
}

/// The next chunks, about `BATCH` bytes of them, and whether the body has ended.
async fn next_batch(content: &mut Content) -> Result<(Vec<Bytes>, bool), Error> {
    let mut batch = Vec::new();
    let mut size = 0;
    while size < BATCH {
        match poll_fn(|cx| content.poll_chunk(cx, BATCH)).await {
            Some(chunk) => {
                let chunk = chunk?;
                size += chunk.len();
                batch.push(chunk);
            }
            None => return Ok((batch, true)),
        }
    }
    Ok((batch, false))
}
