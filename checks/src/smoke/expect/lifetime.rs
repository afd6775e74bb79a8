//! How long a cookie lives: by `Max-Age`, else by `Expires` (RFC 6265, sections 5.1.1, 5.2.1 and
//! 5.2.2).

use std::time::Duration;

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// The first three letters of the months, as dates in HTTP have them.
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// What is left of a cookie's life; none for one that goes with the session. What cannot be read
/// does not count, as in a browser.
pub(super) fn from_attributes(
    max_age: Option<&str>,
    expires: Option<&str>,
    now: OffsetDateTime,
) -> Option<Duration> {
    let by_age = max_age
        .and_then(|text| text.parse::<i64>().ok())
        .map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    by_age.or_else(|| {
        let end = parse_date(expires?)?;
        Some(Duration::try_from(end - now).unwrap_or_default())
    })
}

/// A date as servers write it in cookies: its parts are recognized by their form, not by their
/// position.
fn parse_date(text: &str) -> Option<OffsetDateTime> {
    let (mut clock, mut day, mut month, mut year) = (None, None, None, None);
    for token in text
        .split(|character: char| !character.is_ascii_alphanumeric() && character != ':')
        .filter(|token| !token.is_empty())
    {
        if clock.is_none() && token.contains(':') {
            clock = Some(parse_time(token)?);
        } else if month.is_none()
            && token.starts_with(|character: char| character.is_ascii_alphabetic())
        {
            month = parse_month(token);
        } else if let Ok(number) = token.parse::<u16>() {
            if day.is_none() && token.len() <= 2 {
                day = u8::try_from(number).ok();
            } else if year.is_none() {
                year = Some(expand_year(number));
            }
        }
    }
    let date = Date::from_calendar_date(year?, month?, day?).ok()?;
    Some(PrimitiveDateTime::new(date, clock?).assume_utc())
}

fn parse_time(token: &str) -> Option<Time> {
    let parts: Vec<u8> = token
        .split(':')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [hour, minute, second] = parts.try_into().ok()?;
    Time::from_hms(hour, minute, second).ok()
}

fn parse_month(token: &str) -> Option<Month> {
    let start = token.get(..3)?.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| *month == start)?;
    Month::try_from(u8::try_from(index + 1).ok()?).ok()
}

/// Two digits are a year from 1970 to 2069.
fn expand_year(number: u16) -> i32 {
    i32::from(match number {
        0..=69 => number + 2000,
        70..=99 => number + 1900,
        _ => number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_read_from_max_age_else_from_expires_in_any_of_its_spellings() {
        let now = OffsetDateTime::from_unix_timestamp(1_795_262_400).unwrap();
        assert_eq!(now.to_string(), "2026-11-21 12:00:00.0 +00:00:00");
        let table = [
            (None, None, None),
            (
                Some("3600"),
                Some("Sat, 21 Nov 2026 12:00:05 GMT"),
                Some(3600),
            ),
            (Some("0"), None, Some(0)),
            (Some("-1"), None, Some(0)),
            (Some("soon"), None, None),
            (Some("soon"), Some("Sat, 21 Nov 2026 12:00:05 GMT"), Some(5)),
            (None, Some("Sat, 21 Nov 2026 12:00:05 GMT"), Some(5)),
            (None, Some("Saturday, 21-Nov-26 13:00:00 GMT"), Some(3600)),
            (None, Some("Sat Nov 21 12:00:01 2026"), Some(1)),
            (None, Some("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0)),
            (None, Some("tomorrow"), None),
            (None, Some("Sat, 31 Feb 2026 12:00:00 GMT"), None),
            (None, Some("Sat, 21 Nov 2026 25:00:00 GMT"), None),
        ];
        for (max_age, expires, expected) in table {
            assert_eq!(
                from_attributes(max_age, expires, now),
                expected.map(Duration::from_secs),
                "{max_age:?} {expires:?}"
            );
        }
    }

    #[test]
    fn two_digits_are_a_year_of_this_century_up_to_69_and_of_the_last_from_70() {
        assert_eq!(
            [0, 69, 70, 99, 100, 2026].map(expand_year),
            [2000, 2069, 1970, 1999, 100, 2026]
        );
    }
}
