//! The `Keep-Alive` field: how long a server keeps an idle connection.

use std::time::Duration;

/// A connection that the server is going to close within this time is not reused, because the request might be sent while
/// the FIN is on its way: one second, or half of the server's timeout if that is less.
const LONGEST_MARGIN: Duration = Duration::from_secs(1);

/// How long the server says it keeps an idle connection (`Keep-Alive: timeout=5`, RFC 2068 §19.7.1.1), less a margin.
pub(crate) fn hint(value: &str) -> Option<Duration> {
    let timeout = value.split(',').find_map(|item| {
        let (name, value) = item.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().trim_matches('"'))
    })?;
    let seconds: u32 = timeout.parse().ok()?;
    let allowed = Duration::from_secs(seconds.into());
    Some(allowed - LONGEST_MARGIN.min(allowed / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(value: &str) -> Option<u128> {
        hint(value).map(|time| time.as_millis())
    }

    #[test]
    fn the_servers_hint_is_taken_less_a_second_or_half_of_it() {
        assert_eq!(allowed("timeout=5"), Some(4000));
        assert_eq!(allowed("max=100, Timeout=20"), Some(19_000));
        assert_eq!(allowed("timeout=2"), Some(1000));
        assert_eq!(allowed("timeout=1"), Some(500));
        assert_eq!(allowed("timeout=0"), Some(0));
    }

    #[test]
    fn a_hint_that_makes_no_sense_is_ignored() {
        assert_eq!(allowed("timeout=soon"), None);
        assert_eq!(allowed("max=100"), None);
        assert_eq!(allowed("timeout=-5"), None);
    }
}
