//! What a plain YAML scalar is by the core schema of YAML 1.2: null, a boolean, a number or a text.
//!
//! Documents that go to AWS have their numbers as JavaScript would print them (`0.0` is `0`, `1e3`
//! is `1000`), because the official actions send such output to AWS and CodeDeploy hashes it. The
//! one difference: whole numbers above 2^53 are kept exactly.

use serde_json::Number;
use thiserror::Error;

use super::Content;

/// Beyond this a double no longer tells neighbouring whole numbers apart.
const MAX_EXACT_DOUBLE: f64 = 9_007_199_254_740_992.0;

/// A number that JSON cannot carry without changing it.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum NumberError {
    #[error("the number `{0}` is not finite, JSON has no such number")]
    NotFinite(String),
    #[error("the number `{0}` is too large to be kept exactly")]
    TooLarge(String),
}

/// The value of a plain scalar.
pub(super) fn resolve(text: &str) -> Result<Content, NumberError> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Content::Null),
        "true" | "True" | "TRUE" => Ok(Content::Boolean(true)),
        "false" | "False" | "FALSE" => Ok(Content::Boolean(false)),
        _ => parse_number(text).map_or_else(
            || Ok(Content::Text(text.to_owned())),
            |number| number.map(Content::Number),
        ),
    }
}

fn parse_number(text: &str) -> Option<Result<Number, NumberError>> {
    if let Some(digits) = text.strip_prefix("0o") {
        return parse_radix(text, digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return parse_radix(text, digits, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Err(NumberError::NotFinite(text.to_owned()))),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => {
            return Some(Err(NumberError::NotFinite(text.to_owned())));
        }
        _ => {}
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(parse_integer(text));
    }
    is_decimal(unsigned).then(|| parse_float(text))
}

fn parse_radix(text: &str, digits: &str, radix: u32) -> Option<Result<Number, NumberError>> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    Some(
        u64::from_str_radix(digits, radix)
            .map(Number::from)
            .map_err(|_| NumberError::TooLarge(text.to_owned())),
    )
}

fn parse_integer(text: &str) -> Result<Number, NumberError> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = digits.parse::<u64>() {
        return Ok(Number::from(number));
    }
    digits
        .parse::<i64>()
        .map(Number::from)
        .map_err(|_| NumberError::TooLarge(text.to_owned()))
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, each with an exponent or without.
fn is_decimal(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = !(before.is_empty() && after.is_empty());
    some_digits
        && digits(before)
        && digits(after)
        && exponent.is_none_or(|text| !text.is_empty() && digits(text))
}

fn parse_float(text: &str) -> Result<Number, NumberError> {
    text.parse()
        .ok()
        .and_then(Number::from_f64)
        .ok_or_else(|| NumberError::NotFinite(text.to_owned()))
}

/// The number that JavaScript prints: whole where it has no fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is whole and within the range that was just checked"
)]
pub(super) fn to_javascript(number: &Number) -> Number {
    match number.as_f64() {
        Some(double)
            if number.is_f64() && double.fract() == 0.0 && double.abs() <= MAX_EXACT_DOUBLE =>
        {
            Number::from(double as i64)
        }
        _ => number.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve_and_print(text: &str) -> String {
        match resolve(text) {
            Ok(Content::Number(number)) => to_javascript(&number).to_string(),
            Ok(other) => format!("{other:?}"),
            Err(unusable) => unusable.to_string(),
        }
    }

    #[test]
    fn numbers_are_printed_as_javascript_prints_them() {
        let table = [
            ("5", "5"),
            ("0.0", "0"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("0123", "123"),
            ("08", "8"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("1e3", "1000"),
            ("1.50", "1.5"),
            ("+5", "5"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1E+2", "100"),
            ("12e03", "12000"),
            ("-1", "-1"),
        ];
        for (text, expected) in table {
            assert_eq!(resolve_and_print(text), expected, "{text}");
        }
    }

    #[test]
    fn large_whole_numbers_are_kept_exactly_or_refused() {
        assert_eq!(resolve_and_print("9007199254740993"), "9007199254740993");
        assert_eq!(
            resolve_and_print("-9223372036854775808"),
            "-9223372036854775808"
        );
        assert_eq!(
            resolve_and_print("18446744073709551615"),
            "18446744073709551615"
        );
        let refused = |text: &str| resolve(text).unwrap_err();
        assert_eq!(
            refused("18446744073709551616"),
            NumberError::TooLarge("18446744073709551616".into())
        );
        assert_eq!(refused("1e309"), NumberError::NotFinite("1e309".into()));
        assert_eq!(refused("-.INF"), NumberError::NotFinite("-.INF".into()));
    }

    #[test]
    fn what_only_looks_like_something_else_is_a_text() {
        for text in [
            "yes", "on", "nUll", "tRue", "1_000", "0b11", "0o8", "0x", "0o", "e5", "1e", ".", "-",
            "+", "-x", "nan", "NaN", "-.nan", "1.2.3", "1:30", "0xG", "-0x1",
        ] {
            assert_eq!(
                resolve_and_print(text),
                format!("{:?}", Content::Text(text.to_owned()))
            );
        }
    }
}
