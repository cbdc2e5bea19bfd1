//! Why a value cannot be written as a form.

use serde_core::ser;
use std::fmt;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// The value as a whole.
    NotFields(&'static str),
    /// An element of a sequence.
    NotPair(&'static str),
    /// A sequence of this length instead of a pair.
    Length(usize),
    /// A name, or a value without a known name.
    NotText(&'static str),
    /// The value of this field.
    NotTextIn(String, &'static str),
    NoName,
    /// From the value's own `Serialize`.
    Own(String),
}

impl FormError {
    /// Adds the name of the field whose value was the problem.
    pub(super) fn of(self, name: Option<&str>) -> FormError {
        match (self, name) {
            (FormError::NotText(what), Some(name)) => FormError::NotTextIn(name.into(), what),
            (error, _) => error,
        }
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormError::NotFields(what) => {
                write!(f, "fields are expected (a struct, a map, a sequence of pairs), and this is {what}")
            }
            FormError::NotPair(what) => {
                write!(f, "each element of the sequence must be a pair of name and value, and one is {what}")
            }
            FormError::Length(count) => {
                write!(f, "each element of the sequence must be a pair, and one has the length {count}")
            }
            FormError::NotText(what) => {
                write!(f, "names and values must be text or numbers, and one is {what}")
            }
            FormError::NotTextIn(name, what) => write!(
                f,
                "the value of {name:?} is {what}, but must be text or a number (in a sequence of pairs, a name may occur several times)"
            ),
            FormError::NoName => f.write_str("a field has no name"),
            FormError::Own(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for FormError {}

impl ser::Error for FormError {
    fn custom<T: fmt::Display>(text: T) -> FormError {
        FormError::Own(text.to_string())
    }
}
