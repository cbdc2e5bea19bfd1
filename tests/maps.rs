//! The maps for those who come from elsewhere, `docs/from-….md`: every name of ours in them exists, and every name of Curio is
//! among those that are translated.
//!
//! The names are handed to rustdoc as links, which finds functions, methods, variants and macros alike. The newest build of the
//! library that lies beside this test counts.
#![cfg(unix)] // The maps name what only Unix has.
#![forbid(unsafe_code)]

use curio_support::{Failure, compiler};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 5] =
    ["from-curio.md", "from-tokio.md", "from-smol.md", "from-trio.md", "from-asyncio.md"];

/// Words in backquotes that stand on the right of a table and are no names of ours.
const OTHER_WORDS: [&str; 4] = ["await", "static", "std", "futures_io"];

/// What Curio 1.6 exports, and the classes and functions of its reference that its submodules export.
const NAMES_OF_CURIO: &str = "\
    CurioError CancelledError TaskTimeout TaskError SyncIOError ResourceBusy ReadResourceBusy WriteResourceBusy \
    TimeoutCancellationError UncaughtTimeoutError TaskCancelled AsyncOnlyError Queue PriorityQueue LifoQueue \
    UniversalQueue Task TaskGroup current_task spawn disable_cancellation check_cancellation set_cancellation clock \
    sleep timeout_after ignore_after Kernel run Event UniversalEvent Lock RLock Semaphore Condition Result \
    UniversalResult run_in_thread run_in_process open_connection tcp_server tcp_server_socket open_unix_connection \
    unix_server unix_server_socket run_server aopen anext Channel Connection AWAIT spawn_thread block_in_thread \
    run_in_executor MAX_WORKER_THREADS MAX_WORKER_PROCESSES Socket FileStream SocketStream AsyncFile socketpair fromfd \
    create_connection getaddrinfo getfqdn gethostbyname gethostbyname_ex gethostname gethostbyaddr getnameinfo \
    wrap_socket get_server_certificate create_default_context SSLContext Popen check_output Activation curio_running \
    iscoroutinefunction instantiate_coroutine from_coroutine awaitable asyncioable finalize SchedFIFO SchedBarrier \
    schedtrace traptrace logcrash longblock _read_wait _write_wait _future_wait _sleep _spawn _cancel_task \
    _scheduler_wait _scheduler_wake _get_kernel _get_current _set_timeout _unset_timeout _clock _io_waiting _io_release \
    t.join t.wait t.cancel t.traceback t.where t.id t.coro t.daemon t.state t.cycles t.result t.exception t.cancelled \
    t.terminated g.spawn g.add_task g.join g.next_done g.next_result g.cancel_remaining g.completed g.exception \
    g.exceptions g.result g.results g.tasks s.recv s.recv_into s.recvfrom s.recvfrom_into s.recvmsg s.recvmsg_into \
    s.send s.sendall s.sendto s.sendmsg s.accept s.connect s.connect_ex s.close s.shutdown s.do_handshake s.makefile \
    s.as_stream s.blocking";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn read(page: &str) -> Result<String, Failure> {
    Ok(fs::read_to_string(docs().join(page)).map_err(|error| format!("docs/{page}: {error}"))?)
}

/// The rows of all tables: what stands left and right.
fn rows(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let cells =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    cells.filter(|(left, _)| !left.starts_with("---"))
}

/// What stands in backquotes.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `curio::spawn(f)` is `curio::spawn`. Empty parentheses say that the function is meant, not the module of this name.
fn path_in(word: &str) -> Option<String> {
    if !["curio::", "curio_http::", "std::"].iter().any(|root| word.starts_with(root)) {
        return None;
    }
    let end = word.find(|c: char| !c.is_ascii_alphanumeric() && !"_:!".contains(c)).unwrap_or(word.len());
    let parentheses = if word[end..].starts_with("()") { "()" } else { "" };
    Some(word[..end].to_owned() + parentheses)
}

/// The names in a cell on the right: whole paths, and methods of the type of the path before them.
fn names_in(cell: &str) -> Result<Vec<String>, Failure> {
    let (mut names, mut parent) = (Vec::new(), None::<String>);
    for word in words(cell) {
        let is_method =
            word.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !OTHER_WORDS.contains(&word);
        if let Some(path) = path_in(word) {
            let (before, last) = path.rsplit_once("::").unwrap_or_default();
            let is_type = last.starts_with(|c: char| c.is_ascii_uppercase());
            parent = Some(if is_type { path.clone() } else { before.to_owned() });
            names.push(path);
        } else if is_method {
            let parent = parent.as_ref().ok_or_else(|| format!("whose is `{word}`, in: {cell}"))?;
            names.push(format!("{parent}::{word}"));
        }
    }
    Ok(names)
}

/// What rustdoc complains about in a crate with these links.
fn broken_links(file: &str, links: &str) -> Result<String, Failure> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = out.join(file);
    fs::write(&source, links)?;
    compiler::rustdoc_says(&source, out)
}

#[test]
fn every_name_of_ours_in_the_maps_exists() -> Result<(), Failure> {
    let mut names = BTreeSet::new();
    for page in PAGES {
        let text = read(page)?;
        let mut names_of_page: BTreeSet<String> = words(&text).filter_map(path_in).collect();
        for (_, right) in rows(&text) {
            names_of_page.extend(names_in(right)?);
        }
        assert!(names_of_page.len() > 30, "{page} names only {names_of_page:?}");
        names.append(&mut names_of_page);
    }
    let links: Vec<String> = names.iter().map(|name| format!("//! [`{name}`]\n")).collect();
    let complaints = broken_links("maps.rs", &links.concat())?;
    assert_eq!(complaints, "", "names that the maps give and that do not exist");
    Ok(())
}

#[test]
fn a_name_that_does_not_exist_is_found() -> Result<(), Failure> {
    let links = "//! [`curio::Task::join`] and [`gone`](curio::Task::join_me)\n";
    let complaints = broken_links("no_such_name.rs", links)?;
    assert!(complaints.contains("`Task` has no") && complaints.contains("named `join_me`"), "{complaints}");
    Ok(())
}

#[test]
fn every_name_of_curio_is_translated() -> Result<(), Failure> {
    let text = read("from-curio.md")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let names = rows(&text).flat_map(|(left, _)| words(left)).flat_map(|word| word.split(|c| !is_part(c)));
    // `subprocess.Popen` is `Popen`, too.
    let names: BTreeSet<&str> =
        names.flat_map(|name| [Some(name), name.rsplit('.').next()]).flatten().collect();
    let missing: Vec<&str> = NAMES_OF_CURIO.split_whitespace().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "docs/from-curio.md has no row for {missing:?}");
    Ok(())
}

#[test]
fn files_that_the_maps_name_exist() -> Result<(), Failure> {
    for page in PAGES {
        let text = read(page)?;
        let examples =
            words(&text).filter(|word| word.starts_with("examples/")).map(|path| format!("../{path}"));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for path in examples.chain(links.map(str::to_owned)) {
            assert!(docs().join(&path).exists(), "{page} names {path}");
        }
    }
    Ok(())
}
