//! Header fields: finding their ends, lists of tokens, and numbers.

/// The largest length of a body or a chunk: 2⁶³ - 1.
pub(super) const LARGEST_LENGTH: u64 = i64::MAX as u64;

/// Where `byte` is first. It looks at eight bytes in one step.
pub(super) fn position(bytes: &[u8], byte: u8) -> Option<usize> {
    const LOWEST_BITS: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHEST_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
    let (words, rest) = bytes.as_chunks();
    for (nth, word) in words.iter().enumerate() {
        // The bytes that are searched for become 0. Subtracting 1 from a 0 sets its highest bit; above the first 0 the borrow
        // may set others, which does not matter.
        let zero_if_found = u64::from_le_bytes(*word) ^ u64::from_ne_bytes([byte; 8]);
        let found = zero_if_found.wrapping_sub(LOWEST_BITS) & !zero_if_found & HIGHEST_BITS;
        if found != 0 {
            return Some(nth * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    Some(words.len() * 8 + rest.iter().position(|&other| other == byte)?)
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

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        // Bytes that differ from the one that is searched for in their lowest or highest bit.
        let bytes: Vec<u8> = (0..40).map(|n| [b';', b':' | 0x80, 0xff, 0, b'9'][n % 5]).collect();
        for length in 0..bytes.len() {
            assert_eq!(position(&bytes[..length], b':'), None);
            for at in 0..length {
                let mut bytes = bytes[..length].to_vec();
                bytes[at..].fill(b':');
                assert_eq!(position(&bytes, b':'), Some(at), "of {length} bytes");
                bytes[at + 1..].fill(b';');
                assert_eq!(position(&bytes, b':'), Some(at), "of {length} bytes");
            }
        }
    }
}
