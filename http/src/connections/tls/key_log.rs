//! The key log: a file with the secrets of TLS connections.
//!
//! With such a file, connections can be decrypted, recorded ones included; Wireshark reads it for debugging. The format is
//! NSS's, one secret a line. Many libraries write it if the environment variable `SSLKEYLOGFILE` is set; this client writes
//! it only if the program calls for it, so that the environment cannot disclose its secrets.

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
    /// Opens the file for appending. On Unix a new one is readable by its owner only.
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
        // In one write, so that lines of several sessions or programs are not interleaved.
        if let Some(open) = file.as_mut()
            && let Err(error) = open.write_all(line.as_bytes())
        {
            // A handshake cannot return this error, so it is printed, once.
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
