//! Hexadecimal digits.

#[cfg(feature = "digest")]
use std::fmt::Write;

/// Two lower-case digits for each byte.
#[cfg(feature = "digest")]
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The value of a digit in either case; `None` for any other byte.
pub(crate) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|value| value as u8)
}
