//! A browser without a window, for pages that the runtime writes.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::scratch::Scratch;
use super::unavailable;

/// Chromium, with a profile of its own for each start.
pub struct Chromium {
    program: PathBuf,
}

/// What a page has become when its scripts have run.
pub struct Loaded {
    /// The document, as it is then.
    pub dom: String,
    /// What was written to the console, errors that were not caught included.
    pub console: Vec<String>,
}

impl Chromium {
    /// Looks for it.
    ///
    /// # Errors
    /// When it cannot be started and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
    pub fn find() -> io::Result<Option<Chromium>> {
        let mut why = io::Error::from(io::ErrorKind::NotFound);
        for program in ["chromium", "chromium-browser", "google-chrome"] {
            match Command::new(program).arg("--version").output() {
                Ok(_) => return Ok(Some(Chromium { program: program.into() })),
                Err(error) => why = error,
            }
        }
        unavailable("Chromium", &why)
    }

    /// Loads a page and waits until its scripts have run.
    ///
    /// # Errors
    /// The browser fails, or takes longer than a minute.
    pub fn load(&self, page: &Path) -> io::Result<Loaded> {
        let output =
            self.run(["--dump-dom".as_ref(), "--enable-logging=stderr".as_ref(), page.as_os_str()])?;
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_string).collect();
        Ok(Loaded { dom: String::from_utf8_lossy(&output.stdout).into_owned(), console })
    }

    /// Draws a page into a PNG file, light or dark.
    ///
    /// # Errors
    /// As [`load`](Chromium::load).
    pub fn screenshot(&self, page: &Path, dark: bool, to: &Path) -> io::Result<()> {
        let mut target = std::ffi::OsString::from("--screenshot=");
        target.push(to);
        let scheme = format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 });
        self.run([target.as_ref(), scheme.as_ref(), "--window-size=1200,900".as_ref(), page.as_os_str()])?;
        Ok(())
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> io::Result<std::process::Output> {
        let profile = Scratch::new()?;
        let mut directory = std::ffi::OsString::from("--user-data-dir=");
        directory.push(profile.path());
        // `timeout` ends it, too, if the test is killed while it waits.
        let mut command = Command::new("timeout");
        command.arg("60").arg(&self.program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.args(["--no-first-run", "--disable-background-networking"]);
        let output = command.arg(directory).args(arguments).output()?;
        if !output.status.success() {
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(format!("chromium: {}: {log}", output.status)));
        }
        Ok(output)
    }
}
