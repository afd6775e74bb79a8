//! Numbers as people read them.

/// Up to four significant digits, with thousands separators: `0.4`, `3,001`, `1.234`.
pub(super) fn format_number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "no number".to_owned()
        } else {
            "infinite".to_owned()
        };
    }
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        return group_thousands(value);
    }
    // Digits before the point count among the four.
    let before = value.abs().log10().floor().clamp(-9.0, 3.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 12"
    )]
    let after = (3.0 - before) as usize;
    let text = format!("{value:.after$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn group_thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// `820 ms`, `1.25 s`.
pub(super) fn format_seconds(value: f64) -> String {
    if value.abs() < 1.0 {
        format!("{} ms", format_number(value * 1000.0))
    } else {
        format!("{} s", format_number(value))
    }
}

/// `1 line`, `3 lines`.
pub(super) fn format_line_count(count: u64) -> String {
    if count == 1 {
        "1 line".to_owned()
    } else {
        format!("{count} lines")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let table = [
            (0.0, "0"),
            (0.4, "0.4"),
            (3001.0, "3,001"),
            (1_234_567.0, "1,234,567"),
            (1.23456, "1.235"),
            (0.000_123_4, "0.0001234"),
        ];
        for (value, expected) in table {
            assert_eq!(format_number(value), expected);
        }
        assert_eq!(
            (
                format_number(-12.5),
                format_number(-1500.0),
                format_number(f64::NAN)
            ),
            (
                "-12.5".to_owned(),
                "-1,500".to_owned(),
                "no number".to_owned()
            )
        );
        assert_eq!(
            [0.82, 1.0, 1.25].map(format_seconds),
            ["820 ms", "1 s", "1.25 s"]
        );
    }
}
