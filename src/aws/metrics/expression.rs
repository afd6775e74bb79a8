//! PURE: metric math. Ids are made unique so that several expressions can share a request, and it
//! is decided whether an expression's value depends on the window.

use std::borrow::Cow;

/// Functions whose value at a point depends only on that point or the one before it. Any other
/// function may sum or average over the whole requested window, so it needs a request of its own.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>
const POINTWISE: &[&str] = &[
    "ABS",
    "CEIL",
    "DIFF",
    "DIFF_TIME",
    "FILL",
    "FLOOR",
    "IF",
    "LOG",
    "LOG10",
    "PERIOD",
    "RATE",
];

/// Words that are operators.
const OPERATORS: &[&str] = &["AND", "OR", "NOT"];

/// Replaces each word for which `new` returns another. Quoted texts stay unchanged.
pub(super) fn rename_ids(expression: &str, new: impl Fn(&str) -> Option<String>) -> String {
    let exchanged = split_pieces(expression)
        .into_iter()
        .map(|piece| match piece {
            Piece::Word(word) => new(word).map_or(Cow::Borrowed(word), Cow::Owned),
            Piece::Other(text) => Cow::Borrowed(text),
        });
    exchanged.collect()
}

/// Whether each point is the same in every window.
pub(super) fn is_pointwise(expression: &str) -> bool {
    let pieces = split_pieces(expression);
    let calls = pieces
        .iter()
        .enumerate()
        .filter_map(|(index, piece)| match piece {
            Piece::Word(word) => is_call(&pieces[index + 1..]).then_some(*word),
            Piece::Other(_) => None,
        });
    calls
        .filter(|word| !OPERATORS.contains(word))
        .all(|word| POINTWISE.contains(&word))
}

fn is_call(rest: &[Piece<'_>]) -> bool {
    matches!(rest.first(), Some(Piece::Other(text)) if text.trim_start().starts_with('('))
}

/// The parts of an expression that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'e> {
    /// An id or the name of a function.
    Word(&'e str),
    /// Anything else: numbers, quoted texts, signs.
    Other(&'e str),
}

fn split_pieces(expression: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), expression);
    while let Some(first) = rest.chars().next() {
        let length = piece_length(rest, first);
        let (piece, after) = rest.split_at(length);
        pieces.push(if is_start(first) {
            Piece::Word(piece)
        } else {
            Piece::Other(piece)
        });
        rest = after;
    }
    pieces
}

fn piece_length(text: &str, first: char) -> usize {
    let find_end = |end: &dyn Fn(char) -> bool| text.find(end).unwrap_or(text.len());
    match first {
        '"' | '\'' => text[1..].find(first).map_or(text.len(), |end| end + 2),
        start if is_start(start) => find_end(&|character| !is_inside(character)),
        // `1e3` has no id in it.
        digit if digit.is_ascii_digit() => {
            find_end(&|character| !is_inside(character) && character != '.')
        }
        _ => find_end(&|character| is_inside(character) || matches!(character, '"' | '\'')),
    }
}

fn is_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

fn is_inside(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_renamed_ids(expression: &str) -> String {
        rename_ids(expression, |word| {
            ["errors", "m1", "e3"]
                .contains(&word)
                .then(|| format!("q7_{word}"))
        })
    }

    #[test]
    fn ids_are_exchanged_and_nothing_else() {
        assert_eq!(
            with_renamed_ids("100 * errors / (m1 + m10)"),
            "100 * q7_errors / (q7_m1 + m10)"
        );
        assert_eq!(
            with_renamed_ids("IF(m1>0,errors/m1,0)"),
            "IF(q7_m1>0,q7_errors/q7_m1,0)"
        );
        assert_eq!(with_renamed_ids("1e3 * e3 - 2.5e3"), "1e3 * q7_e3 - 2.5e3");
        assert_eq!(
            with_renamed_ids("SEARCH('{AWS/X} m1', 'Sum', 60) + \"errors\" + m1"),
            "SEARCH('{AWS/X} m1', 'Sum', 60) + \"errors\" + q7_m1"
        );
        assert_eq!(with_renamed_ids("m1"), "q7_m1");
        assert_eq!(
            with_renamed_ids("ünïcode m1 'open m1"),
            "ünïcode q7_m1 'open m1"
        );
        assert_eq!(with_renamed_ids(""), "");
    }

    #[test]
    fn what_depends_on_the_window_is_known() {
        for pointwise in [
            "m1/m2",
            "FILL(m1, 0) + 1",
            "IF (m1 > 0 AND (m2 > 0), 1, 0)",
            "NOT (m1)",
            "'SUM(x)' m1",
        ] {
            assert!(is_pointwise(pointwise), "{pointwise}");
        }
        for over_the_window in [
            "m1/SUM(m1)",
            "m1 - AVG (m1)",
            "RUNNING_SUM(m1)",
            "SEARCH('x', 'Sum', 60)",
            "SOMETHING_NEW(m1)",
        ] {
            assert!(!is_pointwise(over_the_window), "{over_the_window}");
        }
    }
}
