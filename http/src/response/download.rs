//! Writing a body to a file, or to any writer.
//!
//! Writing to a file blocks, so the body is handed to a thread, in large batches; while one is written, the next is read. The two
//! take turns with two pieces of memory: copying into them costs less than one write for each chunk, and as the chunks are dropped
//! at once, the connection reads into the same block again. The file
//! appears under its name only when it is complete (`atomic_file.rs`). `session/download.rs` keeps unfinished files, to go on
//! with them later.

use crate::atomic_file::{Access, NewFile, in_thread};
use crate::error::{Error, ErrorKind};
use crate::response::Response;
use crate::response::content::Content;
use crate::response::file_name;
use futures_io::AsyncWrite;
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Poll, ready};

/// How many bytes are collected for one job in a thread.
const BATCH: usize = 1024 * 1024;

impl Response {
    /// A name for a file with this body: the one that the server suggests (`Content-Disposition`), or else the last part of
    /// the URL's path; `None` if neither is of use. It is a name and never a path: folders, `..`, dots at the beginning, and
    /// what is special on any system are removed, so it can be joined to a folder.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let mut response = session.get("https://example.org/latest").await?;
    /// let name = response.file_name().unwrap_or("download".into());
    /// response.download(std::path::Path::new("downloads").join(name)).await?;
    /// # Ok(()) }
    /// ```
    pub fn file_name(&self) -> Option<String> {
        file_name::of(self.headers(), self.url())
    }

    /// Writes the body to a new file in this folder, under its [name](Response::file_name); returns the path. A file that is
    /// there already is not replaced.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io) if there is no name, or if a file has it already; nothing of the body has been read then.
    /// Otherwise as [`download`](Response::download).
    ///
    /// # Cancellation
    /// The unfinished file is removed.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), curio_http::Error> {
    /// let mut response = session.get("https://example.org/report").await?;
    /// response.on_progress(|read, total| println!("{read} of {total:?} bytes"));
    /// let path = response.download_into("reports").await?;
    /// println!("saved as {}", path.display());
    /// # Ok(()) }
    /// ```
    pub async fn download_into(&mut self, folder: impl AsRef<Path>) -> Result<PathBuf, Error> {
        let refused = |why: String| self.located(Error::new(ErrorKind::Io, why));
        let Some(name) = self.file_name() else {
            let what = "saving the body: neither the response nor its URL names a file: use download with a path of your own";
            return Err(refused(what.into()));
        };
        let path = folder.as_ref().join(name);
        let target = path.clone();
        if in_thread(move || Ok(target.symlink_metadata().is_ok())).await.unwrap_or(false) {
            let what =
                format!("saving the body: {} is there already: remove it, or use download", path.display());
            return Err(refused(what));
        }
        self.download(&path).await?;
        Ok(path)
    }

    /// Writes the body to a writer and returns its length in bytes. The writer is flushed at the end, and not closed. While a
    /// chunk is written, the next one is read.
    ///
    /// # Errors
    /// Of kind [`Io`](ErrorKind::Io) if the writer fails. Otherwise as [`download`](Response::download).
    ///
    /// # Cancellation
    /// What has been written stays written, and up to two chunks of the body are lost.
    ///
    /// ```no_run
    /// # async fn example(session: curio_http::ClientSession) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut other = curio::TcpStream::connect("127.0.0.1:25000").await?;
    /// session.get("https://example.org/large").await?.download_to(&mut other).await?;
    /// # Ok(()) }
    /// ```
    pub async fn download_to(&mut self, mut writer: impl AsyncWrite + Unpin) -> Result<u64, Error> {
        let written = to_writer(&mut self.inner.content, &mut writer).await;
        written.map_err(|error| self.located(error))
    }

    /// Appends the body to an open file. What has arrived is written also if the body fails.
    pub(crate) async fn append_to(
        &mut self,
        file: File,
        failed: impl Fn(io::Error) -> Error,
    ) -> Result<(), Error> {
        let content = &mut self.inner.content;
        content.begin_all_chunks()?;
        let poured = pour(content, file, |file, bytes| file.write_all(bytes), failed).await;
        poured.map(drop).map_err(|error| self.located(error))
    }

    /// Whether the body is handed out in another form than it is sent in.
    pub(crate) fn is_decoded(&self) -> bool {
        self.inner.content.is_decoded()
    }
}

/// The error of a file that could not be written.
pub(crate) fn not_saved(path: &Path, cause: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("saving the body to {}", path.display())).because(cause)
}

/// Writes the body to `path` and returns its length.
pub(crate) async fn to_file(content: &mut Content, path: &Path) -> Result<u64, Error> {
    let failed = |cause| not_saved(path, cause);
    content.begin_all_chunks()?;
    let target = path.to_owned();
    let file = in_thread(move || NewFile::create(&target, Access::Default)).await.map_err(failed)?;
    let (file, written) = pour(content, file, NewFile::write, failed).await?;
    in_thread(move || file.complete()).await.map_err(failed)?;
    Ok(written)
}

/// Writes the body to a file, in a thread, and returns it and the number of bytes.
async fn pour<F: Send + 'static>(
    content: &mut Content,
    mut file: F,
    write: fn(&mut F, &[u8]) -> io::Result<()>,
    failed: impl Fn(io::Error) -> Error,
) -> Result<(F, u64), Error> {
    let mut written = 0;
    let mut batch = Batch::read(content, Vec::new()).await;
    let mut memory = Vec::new();
    loop {
        let Batch { bytes, end } = batch;
        written += bytes.len() as u64;
        let writing = in_thread(move || {
            write(&mut file, &bytes)?;
            Ok((file, bytes))
        });
        if let Some(end) = end {
            (file, _) = writing.await.map_err(&failed)?;
            return end.map(|()| (file, written));
        }
        let (wrote, next) = curio::join!(writing, Batch::read(content, memory));
        (file, memory) = wrote.map_err(&failed)?;
        batch = next;
    }
}

/// What is written together.
struct Batch {
    bytes: Vec<u8>,
    /// How the body has ended, if it has.
    end: Option<Result<(), Error>>,
}

impl Batch {
    /// About the next `BATCH` bytes, in this memory.
    async fn read(content: &mut Content, memory: Vec<u8>) -> Batch {
        let mut bytes = memory;
        bytes.clear();
        while bytes.len() < BATCH {
            match poll_fn(|cx| content.poll_chunk(cx, BATCH)).await {
                Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
                Some(Err(error)) => return Batch { bytes, end: Some(Err(error)) },
                None => return Batch { bytes, end: Some(Ok(())) },
            }
        }
        Batch { bytes, end: None }
    }
}

async fn to_writer<W: AsyncWrite + Unpin>(content: &mut Content, writer: &mut W) -> Result<u64, Error> {
    content.begin_all_chunks()?;
    let failed = |cause| Error::new(ErrorKind::Io, "writing the body to the caller's writer").because(cause);
    let mut written = 0;
    let mut next = poll_fn(|cx| content.poll_chunk(cx, BATCH)).await;
    while let Some(chunk) = next {
        let chunk = chunk?;
        written += chunk.len() as u64;
        let reading = poll_fn(|cx| content.poll_chunk(cx, BATCH));
        let (wrote, read) = curio::join!(write_all(writer, &chunk), reading);
        wrote.map_err(failed)?;
        next = read;
    }
    poll_fn(|cx| Pin::new(&mut *writer).poll_flush(cx)).await.map_err(failed)?;
    Ok(written)
}

async fn write_all<W: AsyncWrite + Unpin>(writer: &mut W, mut bytes: &[u8]) -> io::Result<()> {
    poll_fn(|cx| {
        while !bytes.is_empty() {
            match ready!(Pin::new(&mut *writer).poll_write(cx, bytes))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => bytes = &bytes[n.min(bytes.len())..],
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}
