//! Filter patterns of `CloudWatch` Logs for lines of text: `term "quoted text" ?either ?or -without
//! %regular expression%`. Pure.
//!
//! As documented in "Filter pattern syntax": terms are case-sensitive and all of them must be
//! there; of optional ones one must; beside others, optional terms are ignored. Patterns for JSON
//! and for columns are refused: the stage does not play them.

use regex_lite::Regex;

#[derive(Debug)]
pub(super) struct Pattern {
    terms: Vec<Term>,
}

#[derive(Debug)]
struct Term {
    role: Role,
    text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Required,
    Optional,
    Excluded,
}

#[derive(Debug)]
enum Text {
    Plain(String),
    Expression(Regex),
}

impl Text {
    fn is_in(&self, line: &str) -> bool {
        match self {
            Self::Plain(text) => line.contains(text.as_str()),
            Self::Expression(expression) => expression.is_match(line),
        }
    }
}

impl Pattern {
    /// Reads a pattern; none when it cannot be one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut terms) = (text.trim(), Vec::new());
        if rest.starts_with(['{', '[']) {
            return None;
        }
        while !rest.is_empty() {
            let (term, after) = parse_term(rest)?;
            terms.push(term);
            rest = after.trim_start();
        }
        Some(Self { terms })
    }

    /// Whether a line fits. An empty pattern fits everything.
    pub(super) fn matches(&self, line: &str) -> bool {
        let with_role = |role: Role| self.terms.iter().filter(move |term| term.role == role);
        let is_plain = self.terms.iter().all(|term| term.role == Role::Optional);
        let optional = with_role(Role::Optional).any(|term| term.text.is_in(line));
        let required = with_role(Role::Required).all(|term| term.text.is_in(line));
        let excluded = with_role(Role::Excluded).any(|term| term.text.is_in(line));
        self.terms.is_empty()
            || if is_plain {
                optional
            } else {
                required && !excluded
            }
    }
}

fn parse_term(rest: &str) -> Option<(Term, &str)> {
    let (role, rest) = match rest.strip_prefix('?') {
        Some(rest) => (Role::Optional, rest),
        None => rest
            .strip_prefix('-')
            .map_or((Role::Required, rest), |rest| (Role::Excluded, rest)),
    };
    let (text, after) = if let Some(quoted) = rest.strip_prefix('"') {
        parse_quoted(quoted)?
    } else if let Some(expression) = rest.strip_prefix('%') {
        let (expression, after) = expression.split_once('%')?;
        (Text::Expression(Regex::new(expression).ok()?), after)
    } else {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // What is not of letters, digits and underscores has to be quoted.
        let is_word = !word.is_empty()
            && word
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_');
        (Text::Plain(is_word.then(|| word.to_owned())?), after)
    };
    Some((Term { role, text }, after))
}

/// To the next quote that no backslash is before.
fn parse_quoted(rest: &str) -> Option<(Text, &str)> {
    let mut text = String::new();
    let mut letters = rest.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((Text::Plain(text), rest.get(at + 1..)?)),
            '\\' => text.push(letters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_as_cloudwatch_documents() {
        let table = [
            ("", "anything", true),
            ("ERROR", "[ERROR 400] BAD REQUEST", true),
            ("ERROR", "[error 400]", false),
            ("ERROR REQUEST", "[ERROR 400] BAD REQUEST", true),
            ("ERROR ARGUMENT", "[ERROR 400] BAD REQUEST", false),
            ("?ERROR ?FATAL", "FATAL: gone", true),
            ("?ERROR ?FATAL", "INFO: here", false),
            ("ERROR -EXITING", "ERROR and EXITING", false),
            ("ERROR -EXITING", "ERROR and going on", true),
            ("-INFO", "WARN", true),
            ("ERROR ?FATAL", "ERROR", true),
            (r#""BAD REQUEST""#, "[ERROR 400] BAD REQUEST", true),
            (r#""BAD REQUEST""#, "REQUEST BAD", false),
            (r#""\"level\":\"error\"""#, r#"{"level":"error"}"#, true),
            ("%4[0-9]{2}%", "[ERROR 404]", true),
            ("%4[0-9]{2}%", "[ERROR 50]", false),
            (r#"-"health check" GET"#, "GET health check", false),
        ];
        for (pattern, line, expected) in table {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(line),
                expected,
                "{pattern} on {line}"
            );
        }
    }

    #[test]
    fn what_is_no_pattern_of_terms_is_refused() {
        for pattern in [
            "{ $.level = \"error\" }",
            "[ip, user]",
            "\"open",
            "%open",
            "%[%",
            "a-b",
            "level:error",
        ] {
            assert!(Pattern::parse(pattern).is_none(), "{pattern}");
        }
    }
}
