//! An expression's text as tokens. Pure.

use super::MathError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Word(String),
    Operator(&'static str),
}

/// Longer ones first.
const OPERATORS: [&str; 19] = [
    "<=", ">=", "==", "!=", "&&", "||", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", "<", ">",
    "!",
];

pub(super) fn tokenize(text: &str) -> Result<Vec<Token>, MathError> {
    let (mut rest, mut found) = (text.trim_start(), Vec::new());
    while let Some(first) = rest.chars().next() {
        let (token, length) = next_token(rest, first)?;
        found.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

fn next_token(rest: &str, first: char) -> Result<(Token, usize), MathError> {
    let length_while =
        |fits: fn(char) -> bool| rest.find(|letter| !fits(letter)).unwrap_or(rest.len());
    if first.is_ascii_digit() || first == '.' {
        let length = length_while(|letter| letter.is_ascii_digit() || letter == '.');
        let text = rest.get(..length).unwrap_or_default();
        return text
            .parse()
            .map(|number| (Token::Number(number), length))
            .map_err(|_| MathError::Unexpected(text.to_owned()));
    }
    if first.is_ascii_alphabetic() {
        let length = length_while(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        return Ok((
            Token::Word(rest.get(..length).unwrap_or_default().to_owned()),
            length,
        ));
    }
    let operator = OPERATORS
        .into_iter()
        .find(|operator| rest.starts_with(operator));
    operator
        .map(|operator| (Token::Operator(operator), operator.len()))
        .ok_or_else(|| MathError::Unexpected(first.to_string()))
}
