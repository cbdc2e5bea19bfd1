//! Files.

use crate::{Moment, Row, check, row};
use curio::{AsyncFile, aopen};
use std::io::SeekFrom;
use std::path::PathBuf;

const TEXT: &str = "first\nsecond\n";

/// One operation on a file of two lines; its content afterwards.
async fn on_file(m: Moment, operation: impl AsyncFn(&mut AsyncFile)) -> (bool, String) {
    let path = path();
    std::fs::write(&path, TEXT).unwrap();
    let mut file = aopen(&path, "r+").await.unwrap();
    let finished = m.of(async || operation(&mut file).await, async {}).await;
    file.close().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    (finished, text)
}

fn path() -> PathBuf {
    std::env::temp_dir().join(format!("curio-waits-{}", std::process::id()))
}

async fn reading(m: Moment, operation: impl AsyncFn(&mut AsyncFile)) -> bool {
    let (finished, text) = on_file(m, operation).await;
    assert_eq!(text, TEXT);
    finished
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("files/async_file.rs: aopen", async |m| {
            m.of(async || aopen("/dev/null", "r").await.unwrap(), async {}).await
        }),
        row("files/async_file.rs: read", async |m| {
            reading(m, async |file| assert_eq!(file.read(3).await.unwrap(), b"fir")).await
        }),
        row("files/async_file.rs: readline", async |m| {
            reading(m, async |file| assert_eq!(file.readline().await.unwrap(), b"first\n")).await
        }),
        row("files/async_file.rs: readlines", async |m| {
            reading(m, async |file| assert_eq!(file.readlines().await.unwrap().len(), 2)).await
        }),
        row("files/async_file.rs: readall", async |m| {
            reading(m, async |file| assert_eq!(file.readall().await.unwrap(), TEXT.as_bytes())).await
        }),
        row("files/async_file.rs: seek", async |m| {
            reading(m, async |file| assert_eq!(file.seek(SeekFrom::Start(3)).await.unwrap(), 3)).await
        }),
        row("files/async_file.rs: tell", async |m| {
            reading(m, async |file| assert_eq!(file.tell().await.unwrap(), 0)).await
        }),
        row("files/async_file.rs: flush", async |m| {
            reading(m, async |file| file.flush().await.unwrap()).await
        }),
        row("files/async_file.rs: write", async |m| {
            let (finished, text) = on_file(m, async |file| file.write(b"FIRST").await.unwrap()).await;
            // A write that was dropped after it began happens as a whole, and then there are two of them.
            let (once, twice) = ("FIRST\nsecond\n", "FIRSTFIRSTnd\n");
            assert!(text == once || text == twice, "{text}");
            finished
        }),
        row("files/async_file.rs: truncate", async |m| {
            let (finished, text) = on_file(m, async |file| file.truncate(6).await.unwrap()).await;
            assert_eq!(text, "first\n");
            finished
        }),
        row("files/async_file.rs: close", async |m| {
            m.once(async { aopen("/dev/null", "w").await.unwrap().close().await.unwrap() }).await
        }),
    ]
}

#[test]
fn waits_for_files_can_be_dropped_at_any_poll() {
    check(&rows());
}
