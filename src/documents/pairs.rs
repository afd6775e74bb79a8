//! `NAME=value` lines, as the render inputs write environment variables, secrets, labels and log
//! options.
//!
//! A value of several lines is written as GitHub's own files write it, which no line of the
//! official form can mean:
//!
//! ```text
//! CERTIFICATE<<END
//! first line
//! second line
//! END
//! ```

use crate::problem::{Position, Problem};
use crate::secret::Secret;

/// A name and its value. The value is not shown: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name, as written before the first `=`.
    pub name: String,
    /// Everything after the first `=`.
    pub value: Secret,
}

/// Reads the lines of an input; `noun` says what one line is. Later lines with the same name come
/// later in the list.
pub(super) fn parse_pairs(text: &str, input: &str, noun: &str) -> Result<Vec<Pair>, Vec<Problem>> {
    let mut lines = text.lines().enumerate();
    let (mut pairs, mut problems) = (Vec::new(), Vec::new());
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let pair = match parse_block_start(line) {
            Some((name, end)) => read_block(name, end, &mut lines),
            None => line
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .map(|(name, value)| new_pair(name, value)),
        };
        match pair {
            Some(pair) => pairs.push(pair),
            None => problems.push(not_a_pair_problem(input, noun, index + 1, line)),
        }
    }
    if problems.is_empty() {
        Ok(pairs)
    } else {
        Err(problems)
    }
}

fn new_pair(name: &str, value: &str) -> Pair {
    Pair {
        name: name.to_owned(),
        value: Secret::new(value),
    }
}

/// `NAME<<END`, where no `=` stands before the `<<`: with one it is an ordinary pair.
fn parse_block_start(line: &str) -> Option<(&str, &str)> {
    let (name, end) = line.split_once("<<")?;
    let is_block = !name.is_empty() && !name.contains('=') && !end.is_empty();
    is_block.then_some((name, end))
}

/// The lines up to the end word; none when the end word is missing.
fn read_block<'a>(
    name: &str,
    end: &str,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Option<Pair> {
    let mut value = Vec::new();
    for (_, line) in lines {
        if line.trim() == end {
            return Some(new_pair(name, &value.join("\n")));
        }
        value.push(line);
    }
    None
}

fn not_a_pair_problem(input: &str, noun: &str, line: usize, text: &str) -> Problem {
    let position = Position {
        origin: "inline".to_owned(),
        line,
        column: 1,
    };
    let remedy = "Write NAME=value, one a line; for a value of several lines NAME<<END, the lines, and END alone on a line";
    let message = if is_name(text) {
        format!("Cannot parse the {noun}: `{text}` has no `=` and no value")
    } else if parse_block_start(text).is_some() {
        format!("Cannot parse the {noun}: the value that begins on this line never ends")
    } else if let Some((name, _)) = text.split_once(": ").filter(|(name, _)| is_name(name)) {
        format!("Cannot parse the {noun}: `{name}` is followed by `:` and not by `=`")
    } else if text.starts_with('=') {
        format!("Cannot parse the {noun}: the line has no name before its `=`")
    } else {
        format!(
            "Cannot parse the {noun}: the line has no `=` (it is not shown, because it may be part of a secret)"
        )
    };
    Problem::new(input, message, remedy).at_position(position)
}

/// A line that is no more than the name of a variable: capitals and underscores, digits only at its
/// end. Anything else may be a secret, or a line of one.
fn is_name(line: &str) -> bool {
    let letters = line.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = line.len() - letters.len();
    (1..=64).contains(&letters.len())
        && digits <= 2
        && letters
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_pairs(text: &str) -> Vec<(String, String)> {
        let pairs = parse_pairs(text, "environment-variables", "environment variable").unwrap();
        pairs
            .into_iter()
            .map(|pair| (pair.name, pair.value.expose().to_owned()))
            .collect()
    }

    fn refused_lines(text: &str) -> Vec<usize> {
        parse_pairs(text, "secrets", "secret")
            .unwrap_err()
            .iter()
            .filter_map(|problem| problem.position.as_ref())
            .map(|at| at.line)
            .collect()
    }

    #[test]
    fn lines_are_split_at_the_first_equals_sign() {
        let table = [
            (
                "A=1\n\n  B=two words  \r\n",
                vec![("A", "1"), ("B", "two words")],
            ),
            ("k=v=w", vec![("k", "v=w")]),
            ("EMPTY=", vec![("EMPTY", "")]),
            ("A=x<<END", vec![("A", "x<<END")]),
            (
                "URL=postgres://u:p@h/db?a=b",
                vec![("URL", "postgres://u:p@h/db?a=b")],
            ),
            ("", vec![]),
        ];
        for (text, expected) in table {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            assert_eq!(read_pairs(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_may_have_several_lines() {
        let text = "A=1\nCERT<<END\n-----BEGIN-----\n  x=y\n-----END-----\nEND\nB=2";
        let expected = [
            ("A", "1"),
            ("CERT", "-----BEGIN-----\n  x=y\n-----END-----"),
            ("B", "2"),
        ];
        assert_eq!(
            read_pairs(text),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn lines_that_are_no_pair_are_reported_by_their_number_and_never_shown() {
        assert_eq!(
            refused_lines("A=1\nhunter2\n=x\n\nB<<END\nnever closed"),
            [2, 3, 5]
        );
        let table = [
            ("FOO", "`FOO` has no `=` and no value"),
            ("DB_HOST_2", "`DB_HOST_2` has no `=`"),
            (
                "LOG_LEVEL: info",
                "`LOG_LEVEL` is followed by `:` and not by `=`",
            ),
            ("hunter2", "the line has no `=` (it is not shown"),
            ("JBSWY3DPEHPK3PXP", "the line has no `=` (it is not shown"),
            (
                "-----BEGIN PRIVATE KEY-----",
                "the line has no `=` (it is not shown",
            ),
            ("=x", "no name before its `=`"),
            ("A<<END\nx", "the value that begins on this line never ends"),
        ];
        for (text, expected) in table {
            let problem = parse_pairs(text, "secrets", "secret")
                .unwrap_err()
                .remove(0);
            assert!(problem.message.contains(expected), "{problem}");
            assert!(
                expected.contains('`') || !problem.message.contains(text),
                "{problem}"
            );
        }
    }
}
