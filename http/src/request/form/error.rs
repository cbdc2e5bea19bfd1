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
    /// A name.
    NotText(&'static str),
    /// The value of this field.
    NotTextIn(String, &'static str),
    /// An element of this field's list.
    NotTextInList(String, &'static str),
    NoName,
    /// From the value's own `Serialize`.
    Own(String),
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
                write!(f, "names must be text or numbers, and one is {what}")
            }
            FormError::NotTextIn(name, what) => {
                write!(f, "the value of {name:?} is {what}, but must be text, a number, or a list of these")
            }
            FormError::NotTextInList(name, what) => {
                write!(f, "each element of the list {name:?} must be text or a number, and one is {what}")
            }
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
