//! The maps for those who come from elsewhere, `docs/from-….md`: every name of ours in them exists, and every name of Curio and of
//! the HTTP clients is among those that are translated.
//!
//! The names are handed to rustdoc as links, which finds functions, methods, variants and macros alike. The newest build of the
//! library that lies beside this test counts; it may be one without Cargo features, so names that need one are looked up in the
//! sources.
#![cfg(unix)] // The maps name what only Unix has.
#![forbid(unsafe_code)]

use curio_support::{Failure, compiler};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 6] =
    ["from-curio.md", "from-tokio.md", "from-smol.md", "from-trio.md", "from-asyncio.md", CLIENTS];

/// The page on HTTP clients, whose types stand without their crate.
const CLIENTS: &str = "from-other-clients.md";

/// Words in backquotes that stand on the right of a table and are no names of ours.
const OTHER_WORDS: [&str; 4] = ["await", "static", "std", "futures_io"];

/// Names that are there with a Cargo feature only: the name, the feature, and the source.
const BEHIND_FEATURES: [(&str, &str, &str); 10] = [
    ("curio_http::ClientSessionBuilder::proxy_digest_auth", "digest", "session/builder/transport.rs"),
    ("curio_http::RequestBuilder::digest_auth", "digest", "session/request_builder.rs"),
    ("curio_http::ClientSessionBuilder::http2", "http2", "session/builder/http2.rs"),
    ("curio_http::ClientSessionBuilder::http2_prior_knowledge", "http2", "session/builder/http2.rs"),
    ("curio_http::ClientSessionBuilder::local_address", "socket-options", "session/builder/sockets.rs"),
    ("curio_http::ClientSessionBuilder::interface", "socket-options", "session/builder/sockets.rs"),
    ("curio_http::ClientSessionBuilder::tcp_keepalive", "socket-options", "session/builder/sockets.rs"),
    (
        "curio_http::ClientSessionBuilder::tcp_keepalive_interval",
        "socket-options",
        "session/builder/sockets.rs",
    ),
    (
        "curio_http::ClientSessionBuilder::tcp_keepalive_retries",
        "socket-options",
        "session/builder/sockets.rs",
    ),
    ("curio_http::ClientSessionBuilder::system_roots", "system-roots", "session/builder/trust.rs"),
];

/// The public names of other HTTP clients, for each section of their page.
const NAMES_OF_CLIENTS: [(&str, &str); 3] = [
    ("reqwest", include_str!("maps/reqwest.txt")),
    ("httpx", include_str!("maps/httpx.txt")),
    ("requests", include_str!("maps/requests.txt")),
];

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

fn http() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("http")
}

fn read(page: &str) -> Result<String, Failure> {
    Ok(fs::read_to_string(docs().join(page)).map_err(|error| format!("docs/{page}: {error}"))?)
}

/// A row of a table, with what stands at the head of its columns. The head is a row, too.
struct Row<'a> {
    left: &'a str,
    right: &'a str,
    left_head: &'a str,
    right_head: &'a str,
}

/// The rows of all tables.
fn rows(page: &str) -> Vec<Row<'_>> {
    let (mut rows, mut head) = (Vec::new(), None);
    for line in page.lines() {
        let cells = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")?.split_once(" | "));
        match cells {
            Some((left, right)) => {
                let (left_head, right_head) = *head.get_or_insert((left, right));
                rows.push(Row { left, right, left_head, right_head });
            }
            None if line.starts_with("|---") => {}
            None => head = None,
        }
    }
    rows
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

/// The name in `name` or `name(…)`; of nothing else.
fn plain_name(word: &str) -> Option<&str> {
    let name = word.split('(').next()?;
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
    (is_name && !OTHER_WORDS.contains(&name)).then_some(name)
}

/// `Response::text` is `curio_http::Response::text`. Names in capitals are variables of the environment.
fn path_of_client(word: &str) -> Option<String> {
    let is_type = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
    };
    let name = plain_name(word).filter(is_type);
    name.map_or_else(|| path_in(word), |name| Some(format!("curio_http::{name}")))
}

/// The names in a cell on the right: whole paths, and methods of the type of the path before them. If the head of the column
/// names a type or the crate of the client, it is the path before the first one, and types need no crate before them.
fn names_of(row: &Row<'_>) -> Result<Vec<String>, Failure> {
    let of_client = words(row.right_head).next().filter(|head| head.starts_with("curio_http"));
    let (mut names, mut parent) = (Vec::new(), of_client.map(str::to_owned));
    let parts: Vec<&str> = row.right.split('`').collect();
    for pair in parts.chunks_exact(2) {
        let (before, word) = (pair[0], pair[1]);
        if before.ends_with("feature ") || Some(word) == of_client {
            continue;
        }
        let path = if of_client.is_some() { path_of_client(word) } else { path_in(word) };
        if let Some(path) = path {
            let (before, last) = path.rsplit_once("::").unwrap_or_default();
            let is_type = last.starts_with(|c: char| c.is_ascii_uppercase());
            parent = Some(if is_type { path.clone() } else { before.to_owned() });
            names.push(path);
        } else if let Some(name) = plain_name(word).filter(|name| is_method(name))
            && (of_client.is_some() || name == word)
        {
            let parent = parent.as_ref().ok_or_else(|| format!("whose is `{word}`, in: {}", row.right))?;
            names.push(format!("{parent}::{name}"));
        }
    }
    Ok(names)
}

fn is_method(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.contains(':')
        && !name.contains(|c: char| c.is_ascii_uppercase())
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
        let prose = text.lines().filter(|line| !line.starts_with('|')).flat_map(words);
        let mut names_of_page: BTreeSet<String> = match page {
            CLIENTS => prose.filter_map(path_of_client).collect(),
            _ => prose.filter_map(path_in).collect(),
        };
        for row in rows(&text) {
            names_of_page.extend(names_of(&row)?);
        }
        assert!(names_of_page.len() > 30, "{page} names only {names_of_page:?}");
        names.append(&mut names_of_page);
    }
    names.retain(|name| !BEHIND_FEATURES.iter().any(|(known, ..)| name == known));
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
fn names_that_need_a_feature_are_in_the_sources() -> Result<(), Failure> {
    for (name, feature, file) in BEHIND_FEATURES {
        let source =
            fs::read_to_string(http().join("src").join(file)).map_err(|error| format!("{file}: {error}"))?;
        let method = name.rsplit("::").next().unwrap_or_default();
        assert!(source.contains(&format!("pub fn {method}(")), "{file} has no {method}");
        assert!(read(CLIENTS)?.contains(&format!("feature `{feature}`")), "{feature} is not named");
    }
    Ok(())
}

#[test]
fn features_that_the_maps_name_exist() -> Result<(), Failure> {
    let manifest = fs::read_to_string(http().join("Cargo.toml"))?;
    for page in PAGES {
        let text = read(page)?;
        let parts: Vec<&str> = text.split('`').collect();
        for pair in parts.windows(2).filter(|pair| pair[0].ends_with("feature ")) {
            assert!(
                manifest.contains(&format!("\n{} = [", pair[1])),
                "{page}: there is no feature {}",
                pair[1]
            );
        }
    }
    Ok(())
}

#[test]
fn every_name_of_curio_is_translated() -> Result<(), Failure> {
    let text = read("from-curio.md")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let rows = rows(&text);
    let names = rows.iter().flat_map(|row| words(row.left)).flat_map(|word| word.split(|c| !is_part(c)));
    // `subprocess.Popen` is `Popen`, too.
    let names: BTreeSet<&str> =
        names.flat_map(|name| [Some(name), name.rsplit('.').next()]).flatten().collect();
    let missing: Vec<&str> = NAMES_OF_CURIO.split_whitespace().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty(), "docs/from-curio.md has no row for {missing:?}");
    Ok(())
}

/// `Client.get` for `get` in a table of the type `Client`; `::` is written as a dot.
fn name_of_client(word: &str, parent: &str) -> String {
    let name = word.split('(').next().unwrap_or_default().replace("::", ".");
    let is_member = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('.');
    if is_member && !parent.is_empty() { format!("{parent}.{name}") } else { name }
}

/// The names in a list of `tests/maps`: `Type: member member`, longer lines indented, and lines without a type.
fn listed(list: &str) -> BTreeSet<String> {
    let (mut names, mut parent) = (BTreeSet::new(), String::new());
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (of, members) = match line.split_once(": ") {
            Some((of, members)) => (Some(of.replace("::", ".")), members),
            None if line.starts_with(' ') => (Some(parent), line),
            None => (None, line),
        };
        parent = of.unwrap_or_default();
        names.extend(members.split_whitespace().map(|member| name_of_client(member, &parent)));
    }
    names
}

#[test]
fn every_name_of_other_clients_is_translated_and_no_other() -> Result<(), Failure> {
    let text = read(CLIENTS)?;
    let (mut missing, mut unknown) = (Vec::new(), Vec::new());
    for (client, list) in NAMES_OF_CLIENTS {
        let section = text.split("\n## ").find(|section| section.starts_with(&format!("{client}\n")));
        let section = section.ok_or_else(|| format!("there is no section {client}"))?;
        let mut translated = BTreeSet::new();
        for row in rows(section).iter().filter(|row| row.left != row.left_head) {
            let parent = name_of_client(words(row.left_head).next().unwrap_or_default(), "");
            translated.extend(words(row.left).map(|word| name_of_client(word, &parent)));
        }
        let listed = listed(list);
        assert!(listed.len() > 100, "{client}: {listed:?}");
        missing.extend(listed.difference(&translated).map(|name| format!("{client}: {name}")));
        unknown.extend(translated.difference(&listed).map(|name| format!("{client}: {name}")));
    }
    assert!(missing.is_empty(), "docs/{CLIENTS} has no rows for {missing:#?}");
    assert!(
        unknown.is_empty(),
        "docs/{CLIENTS} has rows for names that tests/maps does not list: {unknown:#?}"
    );
    Ok(())
}

#[test]
fn more_than_fifty_options_of_curl_are_translated() -> Result<(), Failure> {
    let text = read(CLIENTS)?;
    let section = text
        .split("\n## ")
        .find(|section| section.starts_with("curl\n"))
        .ok_or("there is no section curl")?;
    let options: BTreeSet<&str> =
        rows(section).iter().flat_map(|row| words(row.left)).filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 50, "{}: {options:?}", options.len());
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
