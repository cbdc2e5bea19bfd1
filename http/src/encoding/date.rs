//! Dates: parsing them in header fields, and formatting a day. All of them are UTC, in the Gregorian calendar.
//!
//! [`parse`] parses the date of an `Expires` attribute (RFC 6265 §5.1.1), or of a `Retry-After` field, whose three formats
//! (RFC 9110 §5.6.7) are a subset.
//!
//! Servers write such dates in every order and with every separator, so they are not parsed by a format but token by token:
//! a token that looks like a time is the time, the first number of one or two digits is the day, three letters of an
//! English month are the month, and a number of two to four digits is the year. Days of the week and time zones are
//! ignored: it is always UTC.

use std::time::{Duration, SystemTime};

const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// The time that `text` names; `None` if something is missing or out of range.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.as_bytes().split(|&byte| is_delimiter(byte)).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = time_of_day(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = leading_number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = leading_number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    let seconds = seconds_since_1970((year, month, day), (hour, minute, second)).filter(|_| year >= 1601)?;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        // Not every system can represent times before 1970; that it has passed is all that matters.
        Some(SystemTime::UNIX_EPOCH.checked_sub(distance).unwrap_or(SystemTime::UNIX_EPOCH))
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

/// Year, month and day with hour, minute and second, in seconds; `None` if there is no such moment.
pub(crate) fn seconds_since_1970(
    (year, month, day): (u32, u32, u32),
    (hour, minute, second): (u32, u32, u32),
) -> Option<i64> {
    let possible = year > 0
        && (1..=12).contains(&month)
        && (1..=days_in(month, year)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    possible
        .then(|| days_since_1970(year, month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second))
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'/' | b';'..=b'@' | b'['..=b'`' | b'{'..=b'~')
}

/// `h:m:s`, each of one or two digits, followed by nothing or by a non-digit.
fn time_of_day(token: &[u8]) -> Option<(u32, u32, u32)> {
    let mut fields = token.splitn(3, |&byte| byte == b':');
    let mut whole = || {
        let field = fields.next()?;
        leading_number(field, 1, 2).filter(|_| field.iter().all(u8::is_ascii_digit))
    };
    let (hour, minute) = (whole()?, whole()?);
    Some((hour, minute, leading_number(fields.next()?, 1, 2)?))
}

/// The number at the start of a token, if it has `least` to `most` digits.
fn leading_number(token: &[u8], least: usize, most: usize) -> Option<u32> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number =
        token[..digits].iter().take(most).fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    (least..=most).contains(&digits).then_some(number)
}

/// 1 to 12, by the first three letters.
fn month_of(token: &[u8]) -> Option<u32> {
    let name = token.get(..3)?.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| **month == *name)?;
    u32::try_from(index + 1).ok()
}

fn days_in(month: u32, year: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1 January 1970 to this one in the Gregorian calendar. Counted from a 1 March, so that the leap day is the
/// last of its year.
fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1;
    // 1 March of the year 0 was 719 468 days before.
    i64::from(days) - 719_468
}

/// The day of a time, as `year-month-day` (ISO 8601).
pub(crate) fn day(since_1970: Duration) -> String {
    let days = since_1970.as_secs() / 86_400 + 719_468;
    // Counted as above, from 1 March of the year 0: first the cycles of 400 years, then the year in one of them.
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let day = day - (month * 153 + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    format!("{}-{month:02}-{day:02}", cycle * 400 + year)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        let at = parse(text)?;
        Some(match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => after.as_secs() as i64,
            Err(before) => -(before.duration().as_secs() as i64),
        })
    }

    #[test]
    fn the_three_formats_of_http_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(seconds(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn order_separators_and_the_rest_do_not_matter() {
        for text in [
            "1994 November 06 08:49:37",
            "6/NOV/1994/8:49:37",
            "08:49:37 06 nov 1994 PST",
            "xx 06th nov 1994AD 08:49:37Z",
            "Sun,06-Nov-94,08:49:37,GMT",
        ] {
            assert_eq!(seconds(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn two_digits_of_a_year_mean_1970_to_2069() {
        assert_eq!(seconds("01 Jan 70 00:00:00"), Some(0));
        assert_eq!(seconds("01 Jan 69 00:00:00"), Some(3_124_224_000));
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = days_since_1970(1601, 1, 1);
        assert_eq!(expected * 86_400, -11_644_473_600);
        for year in 1601..2400 {
            for month in 1..=12 {
                for day in 1..=days_in(month, year) {
                    assert_eq!(days_since_1970(year, month, day), expected, "{year}-{month}-{day}");
                    if let Ok(days) = u64::try_from(expected) {
                        let shown = super::day(Duration::from_secs(days * 86_400 + 86_399));
                        assert_eq!(shown, format!("{year}-{month:02}-{day:02}"));
                    }
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn the_impossible_and_the_incomplete_are_refused() {
        for text in [
            "",
            "tomorrow",
            "06 Nov 1994",
            "06 Nov 08:49:37",
            "Nov 1994 08:49:37",
            "06 1994 08:49:37",
            "31 Feb 1994 08:49:37",
            "29 Feb 1900 08:49:37",
            "00 Nov 1994 08:49:37",
            "32 Nov 1994 08:49:37",
            "06 Nov 1600 08:49:37",
            "06 Nov 1994 24:49:37",
            "06 Nov 1994 08:60:37",
            "06 Nov 1994 08:49:60",
            "06 Nov 1994 08:49",
            "06 Nov 19940 08:49:37",
            "06 Nov 1994 008:49:37",
            "06 Nov 1994 08:49:370",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_before_1970_is_before_it() {
        assert_eq!(seconds("31 Dec 1969 23:59:59"), Some(-1));
        assert_eq!(seconds("01 Jan 1601 00:00:00"), Some(-11_644_473_600));
    }
}
