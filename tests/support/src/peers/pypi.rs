//! PyPI's httpbin under gunicorn: the original of [`Httpbin`](crate::Httpbin).
//!
//! It needs a Python that has the packages `httpbin` and `gunicorn`. `CURIO_TEST_PYTHON` names one; without it a
//! virtual environment is made under `target/` once and kept (`python3 -m venv`, then `pip install`).

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use super::process::{Process, free_port};
use super::scratch::Scratch;
use super::unavailable;

/// PyPI's httpbin on a loopback port. Dropping it stops it.
pub struct PypiHttpbin {
    base_url: String,
    _process: Process,
    _scratch: Scratch,
}

impl PypiHttpbin {
    /// Starts it, and installs it first if need be; that takes some seconds.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn start() -> io::Result<Option<PypiHttpbin>> {
        match start() {
            Ok(httpbin) => Ok(Some(httpbin)),
            Err(error) => unavailable("PyPI's httpbin", &error),
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

fn start() -> io::Result<PypiHttpbin> {
    let python = python()?;
    let scratch = Scratch::new()?;
    let port = free_port()?;
    let address = format!("127.0.0.1:{port}");
    let python = python.to_string_lossy();
    // Threads, so that it keeps connections open and serves several at a time.
    let serve = ["-m", "gunicorn", "-k", "gthread", "--threads", "8", "--keep-alive", "30"];
    let bind = ["--graceful-timeout", "1", "-b", &address, "httpbin:app"];
    let command = [&[&*python][..], &serve, &bind].concat();
    let process = Process::start(&scratch, &command, &[port])?;
    Ok(PypiHttpbin { base_url: format!("http://{address}"), _process: process, _scratch: scratch })
}

/// A Python that can import what is needed.
pub(super) fn python() -> io::Result<PathBuf> {
    if let Some(python) = std::env::var_os("CURIO_TEST_PYTHON") {
        let python = PathBuf::from(python);
        run(Command::new(&python).args(["-c", "import httpbin, gunicorn"]))?;
        return Ok(python);
    }
    // One test of this process makes the environment, the others wait for it. A test of another process may
    // make it at the same time: so it is made under another name and put in its place when it is whole.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let place = target_directory()?.join("peers-venv");
    let python = place.join("bin").join("python3");
    if !python.exists() {
        // Left from a Python that has been removed since.
        if place.exists() {
            std::fs::remove_dir_all(&place)?;
        }
        let unfinished = place.with_extension(std::process::id().to_string());
        make_environment(&unfinished)?;
        if let Err(error) = std::fs::rename(&unfinished, &place) {
            std::fs::remove_dir_all(&unfinished)?;
            if !python.exists() {
                return Err(error);
            }
        }
    }
    Ok(python)
}

fn make_environment(path: &Path) -> io::Result<()> {
    run(Command::new("python3").args(["-m", "venv"]).arg(path))?;
    // Through the module: the scripts in bin/ hold the path that they were made at.
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let packages = ["httpbin", "gunicorn", "h11", "hypercorn"];
    run(Command::new(path.join("bin").join("python3")).args(pip).args(packages))
}

pub(super) fn run(command: &mut Command) -> io::Result<()> {
    let Output { status, stderr, .. } = command.output()?;
    if status.success() {
        return Ok(());
    }
    let program = command.get_program().to_string_lossy();
    Err(io::Error::other(format!("{program}: {status}: {}", String::from_utf8_lossy(&stderr).trim())))
}

/// Cargo's `target` directory: tests run from `target/PROFILE/deps`.
fn target_directory() -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let deps = test.ancestors().find(|path| path.ends_with("deps"));
    let target = deps.and_then(Path::parent).and_then(Path::parent);
    target
        .map(Path::to_owned)
        .ok_or_else(|| io::Error::other(format!("{} is not under target/", test.display())))
}
