//! Files.

mod common;

use common::{panic_of, poll_once, run_real, run_virtual, secs};
use curio::{Kernel, aopen, clock, sleep, spawn, timeout_after};
use std::io::{self, ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::Poll;
#[cfg(unix)]
use {common::ms, curio::AsyncFile, curio::ignore_after};

/// A folder for one test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("curio-files-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a folder can be made");
        Folder(path)
    }

    fn file(&self, content: &str) -> PathBuf {
        let path = self.0.join("file");
        std::fs::write(&path, content).expect("a file can be written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn bounded<T>(test: impl Future<Output = io::Result<T>>) -> T {
    run_real(timeout_after(secs(10), test)).expect("it ends in time").expect("no step fails")
}

fn content(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file can be read")
}

#[test]
fn r_reads_and_does_not_write() {
    let folder = Folder::new("r");
    let path = folder.file("one\ntwo\nthree");
    bounded(async {
        let mut file = aopen(&path, "r").await?;
        assert_eq!(file.read(2).await?, b"on");
        assert_eq!(file.readline().await?, b"e\n");
        assert_eq!(file.tell().await?, 4);
        assert_eq!(file.readlines().await?, [&b"two\n"[..], b"three"]);
        assert_eq!((file.read(5).await?, file.readline().await?, file.readall().await?), Default::default());
        let error = file.write(b"no").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("writing") && error.to_string().contains("`r`"), "{error}");
        assert_eq!(file.truncate(0).await.unwrap_err().kind(), ErrorKind::Unsupported);
        file.close().await
    });
    assert_eq!(content(&path), "one\ntwo\nthree");
}

#[test]
fn r_plus_reads_and_writes_where_the_reader_is() {
    let folder = Folder::new("r-plus");
    let path = folder.file("0123456789");
    bounded(async {
        let mut file = aopen(&path, "r+b").await?;
        assert_eq!(file.read(3).await?, b"012");
        file.write(b"abc").await?; // not at 10, though all of it was read ahead
        assert_eq!(file.tell().await?, 6);
        assert_eq!(file.readall().await?, b"6789");
        assert_eq!(file.seek(SeekFrom::Current(-2)).await?, 8);
        assert_eq!(file.read(1).await?, b"8");
        assert_eq!(
            file.seek(SeekFrom::Current(-1)).await?,
            8,
            "counted from what was read, not from what was fetched"
        );
        file.truncate(9).await?;
        assert_eq!(file.readall().await?, b"8");
        file.close().await
    });
    assert_eq!(content(&path), "012abc678");
}

#[test]
fn w_empties_and_a_appends_and_x_makes() {
    let folder = Folder::new("wax");
    let path = folder.file("old");
    bounded(async {
        let mut file = aopen(&path, "w").await?;
        file.write(b"new").await?;
        assert_eq!(file.read(1).await.unwrap_err().kind(), ErrorKind::Unsupported);
        file.close().await?;
        assert_eq!(content(&path), "new");

        let mut file = aopen(path.clone(), "a+").await?;
        assert_eq!(file.tell().await?, 3);
        file.seek(SeekFrom::Start(0)).await?;
        file.write(b"er").await?;
        file.seek(SeekFrom::Start(1)).await?;
        assert_eq!(file.readall().await?, b"ewer");
        file.close().await?;

        assert_eq!(aopen(&path, "x").await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        let fresh = folder.0.join("fresh");
        let mut file = aopen(&fresh, "xb").await?;
        file.write(b"made").await?;
        file.flush().await?;
        assert_eq!(content(&fresh), "made");
        file.close().await
    });
}

#[test]
fn a_file_or_a_mode_that_is_not_there_is_named() {
    let folder = Folder::new("errors");
    let path = folder.file("");
    bounded(async {
        let error = aopen(&path, "q").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("`q`"), "{error}");
        let missing = folder.0.join("missing");
        let error = aopen(&missing, "r").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("missing"), "{error}");
        assert_eq!(aopen(&missing, "r+").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!missing.exists());
        Ok(())
    });
}

#[test]
fn large_files_and_long_lines_come_whole() {
    let folder = Folder::new("large");
    let long = "x".repeat(300_000);
    let path = folder.file(&format!("{long}\nshort\n{long}"));
    bounded(async {
        let mut file = aopen(&path, "r").await?;
        assert_eq!(file.readline().await?.len(), 300_001);
        assert_eq!(file.readline().await?, b"short\n");
        assert_eq!(file.readall().await?.len(), 300_000);
        file.seek(SeekFrom::Start(300_001)).await?;
        assert_eq!(file.read(6).await?, b"short\n");
        Ok(())
    });
}

#[test]
fn a_dropped_read_takes_nothing() {
    let folder = Folder::new("dropped-read");
    let text: String = (0..500).map(|n| format!("line {n}\n")).collect();
    let path = folder.file(&text);
    bounded(async {
        let mut file = aopen(&path, "r").await?;
        for n in 0..500 {
            let mut line = Vec::new();
            // Begun in a thread, and given up at once or a little later. A quick thread may have it done by then.
            for turns in [0, n % 3] {
                let mut reading = pin!(file.read(2));
                if let Poll::Ready(bytes) = poll_once(reading.as_mut()).await {
                    line.extend(bytes?);
                }
                for _ in 0..turns {
                    curio::schedule().await;
                }
            }
            drop(file.readline());
            line.extend(file.readline().await?);
            assert_eq!(line, format!("line {n}\n").as_bytes());
        }
        assert_eq!(file.readall().await?, b"");
        Ok(())
    });
}

#[test]
fn writes_happen_whole_and_in_order_even_if_some_are_dropped() {
    let folder = Folder::new("dropped-write");
    let path = folder.0.join("file");
    bounded(async {
        let mut file = aopen(&path, "w").await?;
        let mut kept = Vec::new();
        for n in 0..300 {
            let line = format!("{n}\n").repeat(50);
            if n % 2 == 0 {
                file.write(line.as_bytes()).await?;
                kept.push(n);
            } else {
                let _ = poll_once(pin!(file.write(line.as_bytes()))).await;
            }
        }
        file.close().await?;
        let numbers: Vec<u32> = content(&path).lines().map(|line| line.parse().unwrap()).collect();
        let runs: Vec<&[u32]> = numbers.chunk_by(|a, b| a == b).collect();
        assert!(runs.iter().all(|run| run.len() == 50), "each write as a whole");
        assert!(runs.windows(2).all(|two| two[0][0] < two[1][0]), "in order");
        for n in kept {
            assert!(runs.iter().any(|run| run[0] == n), "{n} was awaited");
        }
        Ok(())
    });
}

#[test]
fn one_worker_thread_is_enough_for_dropped_operations() {
    let folder = Folder::new("one-worker");
    let text = (0..20).map(|n| format!("line {n}\n")).collect::<String>();
    let path = folder.file(&text);
    let read = Kernel::builder().max_worker_threads(1).run(timeout_after(secs(10), async {
        let mut file = aopen(&path, "r").await?;
        let mut read = Vec::new();
        for _ in 0..10 {
            if let Poll::Ready(line) = poll_once(pin!(file.readline())).await {
                read.extend(line?);
            }
        }
        read.extend(file.readall().await?);
        io::Result::Ok(read)
    }));
    assert_eq!(read.unwrap().unwrap(), text.as_bytes());
}

/// A FIFO: a read blocks until something is written to it.
#[cfg(unix)]
fn fifo(folder: &Folder) -> PathBuf {
    let path = folder.0.join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo is there");
    assert!(made.success());
    path
}

#[test]
#[cfg(unix)]
fn a_slow_file_blocks_its_reader_only_and_can_be_given_up() {
    let folder = Folder::new("fifo");
    let path = fifo(&folder);
    bounded(async {
        let mut file = aopen(&path, "r+").await?;
        assert!(ignore_after(ms(20), file.readline()).await.is_none(), "nobody writes");
        let writer = spawn(async move {
            let mut writer = aopen(path, "a").await?;
            writer.write(b"at last\n").await
        });
        // Waits for the read that was given up, and finds what that one fetched.
        assert_eq!(file.readline().await?, b"at last\n");
        writer.join().await.unwrap()
    });
}

#[test]
fn a_virtual_clock_stands_still_meanwhile() {
    let folder = Folder::new("virtual");
    let path = folder.file("text");
    run_virtual(async {
        let sleeper = spawn(async {
            sleep(secs(1)).await;
        });
        let start = clock();
        let mut file = aopen(&path, "r").await.unwrap();
        assert_eq!(file.readall().await.unwrap(), b"text");
        file.close().await.unwrap();
        assert_eq!(clock(), start);
        sleeper.join().await.unwrap();
    });
}

#[cfg(unix)]
#[test]
fn a_wait_is_shown_at_the_line_that_asked_for_it() {
    let folder = Folder::new("line");
    let path = fifo(&folder);
    bounded(async {
        let mut file: AsyncFile = aopen(&path, "r+").await?;
        let reader = spawn(async move { file.read(1).await });
        let line = line!() - 1;
        curio::schedule().await;
        let info = reader.info();
        let at = info.waiting_at().expect("it waits for its thread");
        assert!(at.file().ends_with("files.rs") && at.line() == line, "{at}");
        assert_eq!(info.state().to_string(), "THREAD_WAIT");
        let mut writer = aopen(&path, "a").await?;
        writer.write(b"x").await?;
        assert_eq!(reader.join().await.unwrap()?, b"x");
        Ok(())
    });
}

#[test]
fn outside_of_a_kernel_it_says_what_to_do() {
    let text = panic_of(|| {
        let mut opening = pin!(aopen("anything", "r"));
        opening.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    });
    assert!(text.contains("curio::run"), "{text}");
}

#[test]
#[cfg(unix)]
fn no_operation_overtakes_one_that_was_asked_for_before_it() {
    let folder = Folder::new("overtaking");
    let path = fifo(&folder);
    // With both ends open here, opening blocks neither; what is written stays until it is read.
    let mut reader = std::fs::File::options().read(true).write(true).open(&path).expect("it can be opened");
    bounded(async {
        let mut file = aopen(&path, "w").await?;
        // More than a pipe holds: a thread is stuck in this one.
        let long = vec![b'A'; 300_000];
        assert!(ignore_after(ms(20), file.write(&long)).await.is_none());
        // A thread has begun this one, too, and waits for its turn.
        assert!(ignore_after(ms(20), file.write(b"B")).await.is_none());
        // No thread has heard of this one.
        drop(file.write(b"C"));
        let mut last = pin!(file.write(b"D"));
        assert!(ignore_after(ms(20), last.as_mut()).await.is_none());
        let read = curio::run_in_thread(move || {
            let mut all = vec![0; 300_002];
            io::Read::read_exact(&mut reader, &mut all).map(|()| all)
        });
        let all = read.await.expect("it does not panic")?;
        last.await?;
        assert!(all[..300_000].iter().all(|&byte| byte == b'A'));
        assert_eq!(&all[300_000..], b"BD");
        Ok(())
    });
}
