//! The example programs: where they get their URLs from, and where tests find them.
//!
//! An example must work on a machine without a network, so given no URL it starts an [`Httpbin`] on a loopback
//! port, in its own kernel, and uses that. Given URLs, it uses those. Which of the two, and the server's life,
//! is settled here, so that an example shows its subject only.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, io};

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

/// The same over HTTPS. The httpbin shows a certificate that was made a moment ago and is signed by an
/// authority that nobody knows; `main` also gets that authority's certificate (PEM), to be trusted for this
/// once. With URLs from the command line it gets `None`: the usual roots apply.
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

/// What a program fails with. A `fn main` that returns an error prints it with `Debug`, which is made for
/// programmers; this one's `Debug` is the sentence for people.
pub struct Failure(Box<dyn Error>);

impl fmt::Debug for Failure {
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
