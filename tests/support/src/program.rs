//! The example programs: where they get their URLs and addresses from, and where tests find them.
//!
//! An example must work on a machine without a network, so given no URL it starts an [`Httpbin`] on a loopback
//! port, in its own kernel, and uses that. Given URLs, it uses those. An example that is a server comes with its
//! own clients, unless it is told where to listen. This file handles both, so that an example shows its subject only.

use std::error::Error;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use std::{fmt, io};

use curio::TcpListener;

use crate::{Httpbin, TestAuthority};

/// Runs `main` with the URLs given on the command line or, when there are none, with those of `paths` on an
/// httpbin that lives as long as `main` does.
///
/// # Errors
/// What `main` returns; or that the server could not be started.
pub async fn with_urls(
    paths: &[&str],
    main: impl AsyncFnOnce(Vec<String>) -> Outcome,
) -> Result<(), Failure> {
    let urls = urls_of_command_line();
    if !urls.is_empty() {
        return main(urls).await.map_err(Failure);
    }
    let httpbin = Httpbin::start().await?;
    let outcome = main(paths.iter().map(|path| httpbin.url(path)).collect()).await;
    httpbin.close().await;
    outcome.map_err(Failure)
}

/// The same over HTTPS. The httpbin has a certificate of a new authority; `main` also gets the certificate of that
/// authority (PEM), to trust it. With URLs from the command line it gets `None`: the usual roots apply.
///
/// # Errors
/// What `main` returns; or that the authority or the server could not be started.
pub async fn with_https_urls(
    paths: &[&str],
    main: impl AsyncFnOnce(Vec<String>, Option<String>) -> Outcome,
) -> Result<(), Failure> {
    let urls = urls_of_command_line();
    if !urls.is_empty() {
        return main(urls, None).await.map_err(Failure);
    }
    let authority = TestAuthority::new()?;
    let httpbin = Httpbin::start_tls(&authority.localhost()?).await?;
    let urls = paths.iter().map(|path| httpbin.url(path)).collect();
    let outcome = main(urls, Some(authority.ca_pem().to_owned())).await;
    httpbin.close().await;
    outcome.map_err(Failure)
}

/// Runs a server and says where it listens. Without an address on the command line that is a free loopback port,
/// and the server ends when `talk`, which is given the address, is done. With one it is there, and the server runs
/// until Ctrl-C.
///
/// # Errors
/// What the server or `talk` returns; or that the address cannot be listened on.
pub async fn with_server<S>(
    serve: impl FnOnce(TcpListener) -> S,
    talk: impl AsyncFnOnce(SocketAddr) -> Result<(), Failure>,
) -> Result<(), Failure>
where
    S: Future<Output = io::Result<()>> + 'static,
{
    let given = std::env::args().nth(1);
    let listener = TcpListener::bind(given.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let address = listener.local_addr()?;
    println!("Listening on {address}");
    if given.is_some() {
        return Ok(serve(listener).await?);
    }
    let server = curio::spawn(serve(listener));
    let outcome = talk(address).await;
    server.cancel().await;
    outcome
}

/// The program that Cargo has built from `examples/NAME.rs`: it does so before it runs the tests, and puts it into
/// `target/PROFILE/examples`, beside the `deps` that tests run from.
///
/// # Errors
/// When it is not there: `cargo test --test NAME` alone builds no examples.
pub fn example(name: &str) -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let deps = test.ancestors().find(|path| path.ends_with("deps"));
    let program = deps
        .and_then(Path::parent)
        .map(|profile| profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION));
    match program {
        Some(program) if program.exists() => Ok(program),
        _ => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "the example {name} has not been built beside {}: run `cargo build --examples`",
                test.display()
            ),
        )),
    }
}

/// Runs an example to its end.
///
/// # Errors
/// When it has not been built or cannot be run, or prints what is no text.
pub fn run_example(name: &str, arguments: &[&str]) -> Result<Ran, Failure> {
    run_example_with(name, arguments, &[])
}

/// [`run_example`] with environment variables.
///
/// # Errors
/// As [`run_example`].
pub fn run_example_with(
    name: &str,
    arguments: &[&str],
    environment: &[(&str, &OsStr)],
) -> Result<Ran, Failure> {
    let start = Instant::now();
    let output = Command::new(example(name)?).args(arguments).envs(environment.iter().copied()).output()?;
    let took = start.elapsed();
    let (printed, errors) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(Ran { success: output.status.success(), printed, errors, took })
}

/// What an example prints when it is run to its end, with `N` for [what the system has chosen](without_numbers).
///
/// # Errors
/// As [`run_example`], and when the example fails or has anything to complain about.
pub fn story(name: &str, arguments: &[&str]) -> Result<String, Failure> {
    let Ran { success, printed, errors, .. } = run_example(name, arguments)?;
    if !success || !errors.is_empty() {
        return Err(format!("{name} has printed:\n{printed}\nand complained:\n{errors}").into());
    }
    Ok(without_numbers(&printed))
}

/// `N` for the port of every loopback address and for every process number.
pub fn without_numbers(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    let after = |rest: &str, word: &str| rest.find(word).map(|start| start + word.len());
    while let Some(start) = ["127.0.0.1:", "process "].iter().filter_map(|before| after(rest, before)).min() {
        result += &rest[..start];
        let number = rest[start..].chars().take_while(char::is_ascii_digit).count();
        result += if number > 0 { "N" } else { "" };
        rest = &rest[start + number..];
    }
    result + rest
}

/// A program that is killed when this is dropped, at the latest at the end of a test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How an example went.
pub struct Ran {
    /// Whether it ended with success.
    pub success: bool,
    /// Its standard output.
    pub printed: String,
    /// Its standard error.
    pub errors: String,
    /// How long it took.
    pub took: Duration,
}

/// What a program fails with. A `fn main` that returns an error prints it with `Debug`, which is made for
/// programmers; this one's `Debug` is the sentence for people.
pub struct Failure(Box<dyn Error>);

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl<E: Into<Box<dyn Error>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.into())
    }
}

/// What an example's main task ends with.
type Outcome = Result<(), Box<dyn Error>>;

fn urls_of_command_line() -> Vec<String> {
    std::env::args().skip(1).collect()
}
