//! How a file is opened, in Python's letters.

use std::fmt;
use std::fs::OpenOptions;
use std::io;

/// One of `r`, `w`, `a`, `x`; whether there is a `+`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mode {
    pub(super) kind: Kind,
    pub(super) update: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// `r`: the file exists.
    Read,
    /// `w`: made, or emptied.
    Write,
    /// `a`: made if it is not there; every write goes to its end.
    Append,
    /// `x`: made, and it must not have been there.
    Create,
}

impl Mode {
    /// The letters may come in any order, as in Python. `b` changes nothing: a file gives and takes bytes.
    ///
    /// # Errors
    /// `InvalidInput` that names the mode.
    pub(super) fn parse(text: &str) -> io::Result<Mode> {
        let (mut kind, mut update, mut binary) = (None, false, false);
        for letter in text.chars() {
            let repeated = match letter {
                '+' => std::mem::replace(&mut update, true),
                'b' => std::mem::replace(&mut binary, true),
                'r' => kind.replace(Kind::Read).is_some(),
                'w' => kind.replace(Kind::Write).is_some(),
                'a' => kind.replace(Kind::Append).is_some(),
                'x' => kind.replace(Kind::Create).is_some(),
                _ => return Err(invalid(text)),
            };
            if repeated {
                return Err(invalid(text));
            }
        }
        kind.map(|kind| Mode { kind, update }).ok_or_else(|| invalid(text))
    }

    pub(super) fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(self.reads());
        match self.kind {
            Kind::Read => options.write(self.update),
            Kind::Write => options.write(true).create(true).truncate(true),
            Kind::Append => options.append(true).create(true),
            Kind::Create => options.write(true).create_new(true),
        };
        options
    }

    pub(super) fn reads(self) -> bool {
        self.kind == Kind::Read || self.update
    }

    pub(super) fn writes(self) -> bool {
        self.kind != Kind::Read || self.update
    }
}

/// As it would be written in Python.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            Kind::Read => "r",
            Kind::Write => "w",
            Kind::Append => "a",
            Kind::Create => "x",
        };
        write!(f, "`{letter}{}`", if self.update { "+" } else { "" })
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "`{text}` is not a mode to open a file with; it is one of r, w, a, x, with + or b if need be"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_any_order_make_a_mode() {
        for (text, kind, update) in [
            ("r", Kind::Read, false),
            ("rb", Kind::Read, false),
            ("br", Kind::Read, false),
            ("r+b", Kind::Read, true),
            ("+br", Kind::Read, true),
            ("w", Kind::Write, false),
            ("wb+", Kind::Write, true),
            ("ab", Kind::Append, false),
            ("a+", Kind::Append, true),
            ("x+", Kind::Create, true),
        ] {
            assert_eq!(Mode::parse(text).unwrap(), Mode { kind, update }, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in ["", "b", "+", "rw", "rr", "r++", "bbr", "t", "rt", "R", "r b", "rü"] {
            let error = Mode::parse(text).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }
}
