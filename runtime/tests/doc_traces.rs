//! The traces in the documentation are what happens.
//!
//! A code block of the documentation that a `text` block with a trace follows is one of the programs below, to the letter.
//! Each program is started again, alone and with `CURIO_DEBUG=schedtrace`, and what it prints is compared with the block:
//! source lines aside, and times too if it runs on the real clock. A line `…` stands for lines that are left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Not tests: the programs, as they are in the documentation.
mod programs {
    #[test]
    #[ignore = "run by the others"]
    fn crate_page() {
        use std::time::Duration;

        async fn countdown(from: u32) -> u32 {
            for left in (1..=from).rev() {
                println!("T-minus {left}");
                curio::sleep(Duration::from_millis(1)).await;
            }
            from
        }

        async fn parent() -> u32 {
            let kid = curio::spawn(countdown(3));
            kid.join().await.unwrap()
        }

        assert_eq!(curio::run(parent()), 3);
    }

    #[test]
    #[ignore = "run by the others"]
    fn task() {
        use std::time::Duration;

        curio::testing::run(async {
            let quick = curio::spawn_named("quick", async {
                curio::sleep(Duration::from_secs(1)).await;
                "done"
            });
            let slow = curio::spawn_named("slow", curio::sleep(Duration::from_secs(60)));
            assert_eq!(quick.join().await.unwrap(), "done");
            assert!(slow.cancel().await, "it had not ended by itself");
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn sleep() {
        use std::time::Duration;

        curio::testing::run(async {
            let start = curio::clock();
            curio::sleep(Duration::from_secs(3600)).await; // takes no real time: the clock is virtual
            assert_eq!(curio::clock() - start, Duration::from_secs(3600));
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn timeout_after() {
        use curio::{sleep, timeout_after};
        use std::time::Duration;

        curio::testing::run(async {
            let slow = async {
                sleep(Duration::from_secs(60)).await;
                "done"
            };
            assert!(timeout_after(Duration::from_secs(1), slow).await.is_err());
            assert_eq!(timeout_after(None, async { "at once" }).await, Ok("at once"));
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn task_group() {
        use std::time::Duration;

        async fn fetch(n: u64) -> u64 {
            curio::sleep(Duration::from_secs(10 - n)).await;
            n * n
        }

        curio::testing::run(async {
            let group = curio::TaskGroup::new();
            for n in 1..=3 {
                group.spawn(fetch(n));
            }
            assert_eq!(group.join().await.unwrap(), [1, 4, 9]); // in the order in which they were spawned
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn scope() {
        use std::time::Duration;

        async fn increment(x: &mut u32) {
            curio::sleep(Duration::from_secs(1)).await;
            *x += 1;
        }

        curio::testing::run(async {
            let mut data = vec![1, 2];
            curio::scope(async |s| {
                for x in data.iter_mut() {
                    s.spawn(increment(x));
                }
            })
            .await;
            assert_eq!(data, [2, 3]); // after one second, not two
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn event() {
        use std::time::Duration;

        static STARTED: curio::Event = curio::Event::new();

        async fn client() {
            STARTED.wait().await;
        }

        curio::testing::run(async {
            let clients = [curio::spawn(client()), curio::spawn(client())];
            curio::sleep(Duration::from_secs(2)).await; // starting takes two seconds
            STARTED.set();
            for client in clients {
                client.join().await.unwrap();
            }
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn lock() {
        use std::time::Duration;

        static BALANCE: curio::Lock<u32> = curio::Lock::new(100);

        async fn withdraw(amount: u32) -> bool {
            let mut balance = BALANCE.acquire().await;
            if *balance < amount {
                return false;
            }
            curio::sleep(Duration::from_secs(1)).await; // still ours
            *balance -= amount;
            true
        }

        curio::testing::run(async {
            let (first, second) = (curio::spawn(withdraw(70)), curio::spawn(withdraw(70)));
            assert!(first.join().await.unwrap());
            assert!(!second.join().await.unwrap(), "it saw what the first had left");
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn semaphore() {
        use std::time::Duration;

        static CONNECTIONS: curio::Semaphore = curio::Semaphore::new(2);

        async fn download() {
            let _permit = CONNECTIONS.acquire().await;
            curio::sleep(Duration::from_secs(1)).await;
        }

        curio::testing::run(async {
            let start = curio::clock();
            let group = curio::TaskGroup::new();
            for _ in 0..3 {
                group.spawn(download());
            }
            group.join().await.unwrap();
            assert_eq!(curio::clock() - start, Duration::from_secs(2)); // two at a time
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn queue() {
        use std::time::Duration;

        static JOBS: curio::Queue<&str> = curio::Queue::new(1);

        async fn worker() {
            loop {
                let job = JOBS.get().await;
                curio::sleep(Duration::from_secs(1)).await; // the work
                println!("{job}: done");
                JOBS.task_done();
            }
        }

        curio::testing::run(async {
            let worker = curio::spawn(worker());
            for job in ["sweep", "wash", "dry"] {
                JOBS.put(job).await; // waits while one is in the queue
            }
            JOBS.join().await; // until all three are done
            worker.cancel().await;
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn channel() {
        curio::testing::run(async {
            let (sender, receiver) = curio::channel(1);
            let counting = curio::spawn_named("counting", async move {
                for n in 1..=3 {
                    sender.send(n).await.unwrap();
                }
            }); // the sender is dropped here, and so the loop below ends
            let mut sum = 0;
            while let Some(n) = receiver.recv().await {
                sum += n;
            }
            assert_eq!(sum, 6);
            counting.join().await.unwrap();
        });
    }

    #[test]
    #[ignore = "run by the others"]
    fn schedtrace() {
        use curio::debug::schedtrace;
        use std::time::Duration;

        let kernel = curio::Kernel::builder().virtual_clock(true).activation(schedtrace());
        kernel.run(curio::sleep(Duration::from_secs(2)));
    }

    #[test]
    #[ignore = "run by the others"]
    fn tcp() -> std::io::Result<()> {
        use curio::{TcpListener, TcpStream};

        curio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let client = TcpStream::connect(listener.local_addr()?).await?;
            let (server, _peer) = listener.accept().await?;

            let echo = curio::spawn_named("echo", async move {
                let request = server.read_exactly(5).await?;
                server.sendall(&request).await
            });
            curio::schedule().await; // the server waits before there is anything to read
            client.sendall(b"hello").await?;
            assert_eq!(client.read_all().await?, b"hello");
            echo.join().await?
        })
    }
}

/// A trace in the documentation, and the example above it.
struct Documented {
    /// File and line of the trace.
    place: String,
    example: Vec<String>,
    trace: Vec<String>,
}

/// Every trace that follows an example, in all of the crate's source files.
fn documented() -> Vec<Documented> {
    let mut files = Vec::new();
    find_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files.iter().flat_map(|path| traces_in(path)).collect()
}

fn find_sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn traces_in(path: &Path) -> Vec<Documented> {
    let text = fs::read_to_string(path).unwrap();
    let (mut example, mut traces) = (Vec::new(), Vec::new());
    let mut lines = text.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        let Some(comment) = doc_comment(line) else {
            // What follows is the documentation of another item.
            example.clear();
            continue;
        };
        let Some(language) = comment.trim().strip_prefix("```") else { continue };
        let mut block = Vec::new();
        let mut first = 0;
        for (number, line) in lines.by_ref() {
            let line = doc_comment(line).expect("the block ends before its comment does").trim();
            if line == "```" {
                break;
            }
            first = if block.is_empty() { number + 1 } else { first };
            block.push(line.to_string());
        }
        let is_trace = language == "text" && block.iter().any(|line| line.starts_with("[t="));
        if language.is_empty() {
            example = block.into_iter().filter(|line| !is_hidden(line) && !line.is_empty()).collect();
        } else if is_trace && !example.is_empty() {
            let place = format!("{}:{first}", path.display());
            traces.push(Documented { place, example: example.clone(), trace: block });
        }
    }
    traces
}

fn doc_comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
}

/// Rustdoc does not show such a line.
fn is_hidden(line: &str) -> bool {
    line == "#" || line.starts_with("# ")
}

/// The program of this file that has these lines, one after the other.
fn program_with(example: &[String]) -> Option<&'static str> {
    let lines: Vec<_> = include_str!("doc_traces.rs").lines().map(str::trim).collect();
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let start = lines.windows(example.len()).position(|window| window == example)?;
    lines[..start]
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("fn ")?.split_once('('))
        .map(|(name, _)| name)
}

fn is_on_the_real_clock(example: &[String]) -> bool {
    example.iter().any(|line| line.contains("curio::run("))
}

/// What the program prints when it runs with `CURIO_DEBUG=schedtrace`, without source lines.
fn trace_of(program: &str) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--ignored", "--nocapture", &format!("programs::{program}")]);
    let output = command.env("CURIO_DEBUG", "schedtrace").env_remove("CURIO_SEED").output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().filter(|line| line.starts_with("[t=")).map(without_places).collect()
}

/// `TIME_SLEEP at tests/traces.rs:28:42` to `TIME_SLEEP`.
fn without_places(line: &str) -> String {
    let mut parts = line.split(" at ");
    let mut text = parts.next().unwrap().to_string();
    for part in parts {
        let end = part.find(',').unwrap_or(part.len());
        let is_place = part[..end].rsplit(':').take(2).all(|number| number.parse::<u32>().is_ok());
        text += &if is_place { part[end..].to_string() } else { format!(" at {part}") };
    }
    text.trim_end().to_string()
}

/// `[t=0.002s] #1 main  WAKE       by a timer due at t=0.001s` with `t=…` instead of each time.
fn without_times(line: &str) -> String {
    let mut parts = line.split("t=");
    let mut text = parts.next().unwrap().to_string();
    for part in parts {
        let after = part.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        text += "t=…";
        text += after;
    }
    text
}

/// Whether `shown` is `all`, with lines left out where it says so.
fn is_extract(shown: &[String], all: &[String]) -> bool {
    let Some((first, rest)) = shown.split_first() else { return all.is_empty() };
    if first == "…" {
        return (1..=all.len()).any(|left_out| is_extract(rest, &all[left_out..]));
    }
    all.split_first().is_some_and(|(line, after)| line == first && is_extract(rest, after))
}

#[test]
fn each_trace_in_the_documentation_is_that_of_the_example_above_it() {
    let documented = documented();
    assert!(documented.len() >= 10, "the ten most used types show theirs");
    for Documented { place, example, trace } in documented {
        let program = program_with(&example).unwrap_or_else(|| {
            panic!("{place}: its example is not among the programs of this test:\n{}", example.join("\n"))
        });
        if program == "tcp" && !cfg!(target_os = "linux") {
            // How often a socket has to be waited for depends on the system.
            continue;
        }
        let happens = trace_of(program);
        let (mut shown, mut compared) = (trace, happens.clone());
        if is_on_the_real_clock(&example) {
            shown.iter_mut().chain(&mut compared).for_each(|line| *line = without_times(line));
        }
        assert!(is_extract(&shown, &compared), "{place}: what happens is\n{}", happens.join("\n"));
    }
}

#[test]
fn an_extract_has_every_line_in_order_except_where_it_says_so() {
    let lines = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
    let all = lines("a b c d");
    for shown in ["a b c d", "… b c d", "a … d", "… c …", "a b …"] {
        assert!(is_extract(&lines(shown), &all), "{shown}");
    }
    for shown in ["a b c", "b c d", "a c d", "… d c …", "a b c d …", "… e"] {
        assert!(!is_extract(&lines(shown), &all), "{shown}");
    }
}
