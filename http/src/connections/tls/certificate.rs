//! Reading the fields of a certificate that the verification does not expose (RFC 5280 §4.1).

use crate::encoding::date;
use rustls::pki_types::UnixTime;

/// Whether issuer and subject are the same. It is used for error messages only: nothing is trusted because of it.
pub(super) fn is_self_signed(der: &[u8]) -> bool {
    Fields::of(der).is_some_and(|fields| fields.issuer == fields.subject)
}

/// Whether a certificate is valid at a given time, by its dates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Validity {
    NotYet,
    Now,
    Expired,
}

/// `None` if the dates cannot be parsed.
pub(super) fn validity(der: &[u8], now: UnixTime) -> Option<Validity> {
    let (not_before, rest) = value(Fields::of(der)?.validity)?;
    let (not_after, _) = value(rest)?;
    let now = i64::try_from(now.as_secs()).ok()?;
    Some(match () {
        () if now < time(not_before)? => Validity::NotYet,
        () if now > time(not_after)? => Validity::Expired,
        () => Validity::Now,
    })
}

struct Fields<'a> {
    issuer: &'a [u8],
    validity: &'a [u8],
    subject: &'a [u8],
}

impl Fields<'_> {
    fn of(der: &[u8]) -> Option<Fields<'_>> {
        let (outer, _) = value(der)?;
        let (body, _) = value(outer)?;
        // [0] version is optional; then serial number and signature algorithm.
        let rest = if body.first() == Some(&0xa0) { value(body)?.1 } else { body };
        let (_, rest) = value(rest)?;
        let (_, rest) = value(rest)?;
        let (issuer, rest) = value(rest)?;
        let (validity, rest) = value(rest)?;
        let (subject, _) = value(rest)?;
        Some(Fields { issuer, validity, subject })
    }
}

/// Splits DER into the content of its first value and what follows it (X.690 §8.1).
fn value(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.get(1..)?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// Seconds since 1970 of `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ` (RFC 5280 §4.1.2.5).
fn time(text: &[u8]) -> Option<i64> {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let (year, rest) = match digits.len() {
        12 => (number(&digits[..2]) + if digits[0] >= b'5' { 1900 } else { 2000 }, &digits[2..]),
        14 => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let two = |at: usize| number(&rest[at..at + 2]);
    date::seconds_since_1970((year, two(0), two(2)), (two(4), two(6), two(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_time_are_read() {
        assert_eq!(time(b"700101000000Z"), Some(0));
        assert_eq!(time(b"491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(b"500101000000Z"), Some(-631_152_000));
        assert_eq!(time(b"20231114221320Z"), Some(1_700_000_000));
        for bad in
            [&b""[..], b"Z", b"20231114221320", b"231332221320Z", b"2023111422132xZ", b"231114221320+0100"]
        {
            assert_eq!(time(bad), None);
        }
    }
}
