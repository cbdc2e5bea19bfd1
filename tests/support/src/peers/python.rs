//! A few lines of Python, for what a test cannot do without `unsafe`.

use std::io;
use std::process::Command;

use super::unavailable;

/// A command that runs `script` with the Python named by `CURIO_TEST_PYTHON`, or with `python3`.
///
/// # Errors
/// When there is none and `CURIO_TEST_PEERS=required`. Else it is `None`, and says so.
pub fn python_script(script: &str) -> io::Result<Option<Command>> {
    let python = std::env::var_os("CURIO_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    match Command::new(&python).arg("--version").output() {
        Ok(_) => {
            let mut command = Command::new(python);
            command.args(["-c", script]);
            Ok(Some(command))
        }
        Err(error) => unavailable("Python", &error),
    }
}
