//! Values of header fields: lists of tokens, and numbers.

use http::{HeaderMap, HeaderName};

/// The largest length of a body or a chunk: 2⁶³ - 1.
pub(super) const LARGEST_LENGTH: u64 = i64::MAX as u64;

/// Whether a comma-separated list field contains `token`, in any of its lines, regardless of case.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| elements(value.as_bytes()).any(|e| is_token(e, token)))
}

pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

pub(super) fn is_token(element: &[u8], token: &str) -> bool {
    element.eq_ignore_ascii_case(token.as_bytes())
}

/// A length that consists of decimal digits only. (The parser of the standard library accepts `+5`.)
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })?;
    (number <= LARGEST_LENGTH).then_some(number)
}

pub(super) fn write_decimal(number: u64, out: &mut Vec<u8>) {
    const LONGEST_DECIMAL: usize = 20;
    write_digits::<LONGEST_DECIMAL>(number, 10, out);
}

/// The most digits that [`write_hex`] writes.
pub(super) const LONGEST_HEX: usize = 16;

pub(super) fn write_hex(number: u64, out: &mut Vec<u8>) {
    write_digits::<LONGEST_HEX>(number, 16, out);
}

/// The division yields the digits from the right, so the array is filled from its end.
fn write_digits<const LONGEST: usize>(mut number: u64, base: u64, out: &mut Vec<u8>) {
    let mut digits = [0; LONGEST];
    let mut first = LONGEST;
    loop {
        first -= 1;
        digits[first] = b"0123456789abcdef"[(number % base) as usize];
        number /= base;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}
