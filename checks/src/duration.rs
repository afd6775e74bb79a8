//! Durations as people write them (`90s`, `10m`, `1h30m`) and as they read them (`1 m 30 s`).
//!
//! Only whole numbers with a unit are accepted: a bare `30` would be seconds to one reader and
//! minutes to another.

use std::fmt;
use std::time::Duration;

/// The units, longest first, each with its milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Above this a tenth of a second tells the reader nothing.
const TENTHS_BELOW: Duration = Duration::from_secs(10);

/// Reads `250ms`, `90s`, `10m`, `2h`, `1h30m`: whole numbers with units, the longest unit first,
/// each unit once.
///
/// The error is one sentence without a full stop that names the text and shows how it is written.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse_milliseconds(text.trim())
        .map(Duration::from_millis)
        .ok_or_else(|| {
            format!("`{text}` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`")
        })
}

fn parse_milliseconds(text: &str) -> Option<u64> {
    let (mut rest, mut total, mut units) = (text, 0u64, UNITS.as_slice());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_while(rest, |character| character.is_ascii_digit());
        let (unit, after) = split_while(after, |character| character.is_ascii_alphabetic());
        let position = units.iter().position(|(name, _)| *name == unit)?;
        total = number
            .parse::<u64>()
            .ok()?
            .checked_mul(units[position].1)?
            .checked_add(total)?;
        (rest, units) = (after, &units[position + 1..]);
    }
    Some(total)
}

fn split_while(text: &str, predicate: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(
        text.find(|character| !predicate(character))
            .unwrap_or(text.len()),
    )
}

/// A duration in words for people: `850 ms`, `2.4 s`, `42 s`, `1 m 30 s`, `2 h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HumanDuration(pub Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(1) {
            return write!(out, "{} ms", self.0.as_millis());
        }
        let tenths = (self.0.as_millis() + 50) / 100;
        if self.0 < TENTHS_BELOW && !tenths.is_multiple_of(10) {
            return write!(out, "{}.{} s", tenths / 10, tenths % 10);
        }
        write_seconds(out, (self.0.as_millis() + 500) / 1000)
    }
}

fn write_seconds(out: &mut fmt::Formatter<'_>, seconds: u128) -> fmt::Result {
    let parts = [
        (seconds / 3600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let words: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    out.write_str(&words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_with_units_longest_first() {
        let table = [
            ("250ms", 250),
            ("0s", 0),
            ("90s", 90_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            (" 1m5s250ms ", 65_250),
        ];
        for (text, expected) in table {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(expected)),
                "{text}"
            );
        }
    }

    #[test]
    fn everything_else_is_refused_with_an_example() {
        for text in [
            "",
            "30",
            "s",
            "1.5s",
            "-1s",
            "1d",
            "1m1h",
            "1s1s",
            "5 s",
            "99999999999999999999h",
            "9999999999999999h",
            "1S",
            "٣s",
        ] {
            let error = parse_duration(text).unwrap_err();
            assert!(
                error.contains("90s") && error.starts_with(&format!("`{text}`")),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn people_read_rounded_words() {
        let table = [
            (0, "0 ms"),
            (850, "850 ms"),
            (1_000, "1 s"),
            (2_400, "2.4 s"),
            (9_970, "10 s"),
            (42_300, "42 s"),
            (59_700, "1 m"),
            (90_000, "1 m 30 s"),
            (3_600_000, "1 h"),
            (7_230_000, "2 h 30 s"),
        ];
        for (milliseconds, expected) in table {
            assert_eq!(
                HumanDuration(Duration::from_millis(milliseconds)).to_string(),
                expected
            );
        }
    }
}
