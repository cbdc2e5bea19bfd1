//! The `Range` header, for one range of bytes (RFC 9110 §14.2).

/// What a request wants of something that is `length` bytes long.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Everything,
    /// From `first` to `last`, both included.
    Part {
        first: u64,
        last: u64,
    },
    /// A range that lies outside: 416.
    Nothing,
}

/// Reads the header. One that is malformed, or asks for several ranges, is ignored, as a server may.
pub(super) fn wanted(header: Option<&str>, length: u64) -> Wanted {
    let bounds =
        header.and_then(|value| value.trim().strip_prefix("bytes=")).and_then(|range| range.split_once('-'));
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match bounds {
        Some(("", suffix)) => match number(suffix) {
            Some(0) => Wanted::Nothing,
            Some(n) => Wanted::Part { first: length.saturating_sub(n), last: length - 1 },
            None => Wanted::Everything,
        },
        Some((first, last)) => match (number(first), last.trim().is_empty(), number(last)) {
            (Some(first), _, Some(last)) if last < first => Wanted::Everything,
            (Some(first), true, _) | (Some(first), _, Some(_)) if first >= length => Wanted::Nothing,
            (Some(first), true, _) => Wanted::Part { first, last: length - 1 },
            (Some(first), _, Some(last)) => Wanted::Part { first, last: last.min(length - 1) },
            _ => Wanted::Everything,
        },
        None => Wanted::Everything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_range() {
        let part = |first, last| Wanted::Part { first, last };
        for (header, expected) in [
            ("bytes=2-4", part(2, 4)),
            ("bytes=2-", part(2, 9)),
            ("bytes=-3", part(7, 9)),
            ("bytes=-30", part(0, 9)),
            ("bytes=9-99", part(9, 9)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=4-2", Wanted::Everything),
            ("bytes=a-b", Wanted::Everything),
            ("bytes=0-1,3-4", Wanted::Everything),
            ("lines=1-2", Wanted::Everything),
        ] {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::Everything);
    }
}
