//! The key log: the secrets of TLS connections, written to a file on purpose.
//!
//! Whoever has such a file can read the connections, recorded ones included. That is what it is for: Wireshark reads it and
//! shows what was encrypted. The format is NSS's, one secret a line. Many libraries write it when the environment has a
//! variable `SSLKEYLOGFILE`; here it takes a call, because what a program does with its secrets is not for its environment
//! to decide.

use rustls::KeyLog;
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub(super) struct KeyFile {
    path: PathBuf,
    /// `None` once writing has failed.
    file: Mutex<Option<File>>,
}

impl KeyFile {
    /// Opens the file, to add to it. On Unix a new one is for its owner only.
    pub(super) fn open(path: &Path) -> io::Result<KeyFile> {
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.append(true).create(true).open(path)?;
        Ok(KeyFile { path: path.to_owned(), file: Mutex::new(Some(file)) })
    }
}

impl KeyLog for KeyFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = line(label, client_random, secret);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // In one write, so that the lines of several sessions or programs do not mix.
        if let Some(open) = file.as_mut()
            && let Err(error) = open.write_all(line.as_bytes())
        {
            // A handshake cannot fail over this, and nobody returns it to anybody: it is said once.
            *file = None;
            eprintln!("curio_http: the key log {} ends here: {error}", self.path.display());
        }
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyFile").field(&self.path).finish()
    }
}

fn line(label: &str, client_random: &[u8], secret: &[u8]) -> String {
    let mut line = String::from(label);
    for bytes in [client_random, secret] {
        line.push(' ');
        for byte in bytes {
            // Writing to a String does not fail.
            let _ = write!(line, "{byte:02x}");
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_label_and_two_numbers() {
        assert_eq!(line("CLIENT_RANDOM", &[0, 0xab], &[1]), "CLIENT_RANDOM 00ab 01\n");
    }
}
