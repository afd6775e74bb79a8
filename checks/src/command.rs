//! A text → the words of a command.
//!
//! White space separates words, and quotes keep words together (the official action splits at each
//! single space and leaves the quotes in). A backslash is an ordinary character except before a
//! quote, white space or, in double quotes, another backslash, so that what has no quotes means
//! what it always meant. A JSON list of texts is taken as it is.

use std::iter::Peekable;
use std::str::Chars;

/// What to do about a quote that is not closed.
pub const UNCLOSED: &str =
    "Close the quote, write \\' or \\\" for the character itself, or give a JSON list of texts";

/// The words of a command; none when a quote in it is not closed.
pub fn split_words(command: &str) -> Option<Vec<String>> {
    if let Ok(words) = serde_json::from_str::<Vec<String>>(command) {
        return Some(words);
    }
    let mut characters = command.chars().peekable();
    let mut words = Vec::new();
    while let Some(next) = characters.peek() {
        if next.is_whitespace() {
            characters.next();
        } else {
            words.push(read_word(&mut characters)?);
        }
    }
    Some(words)
}

fn read_word(characters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut word = String::new();
    while let Some(next) = characters.next_if(|next| !next.is_whitespace()) {
        match next {
            '\'' | '"' => read_quoted(next, characters, &mut word)?,
            '\\' => word.push(
                characters
                    .next_if(|next| matches!(next, '\'' | '"') || next.is_whitespace())
                    .unwrap_or('\\'),
            ),
            other => word.push(other),
        }
    }
    Some(word)
}

fn read_quoted(quote: char, characters: &mut Peekable<Chars<'_>>, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            next if next == quote => return Some(()),
            '\\' if quote == '"' => word.push(
                characters
                    .next_if(|next| matches!(next, '"' | '\\'))
                    .unwrap_or('\\'),
            ),
            next => word.push(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        let table = [
            ("npm start", vec!["npm", "start"]),
            ("a  b\tc\nd", vec!["a", "b", "c", "d"]),
            (r#"a "b c""#, vec!["a", "b c"]),
            (
                r#"sh -c 'echo "x" && y'"#,
                vec!["sh", "-c", r#"echo "x" && y"#],
            ),
            (r#"--name="a b" ''"#, vec!["--name=a b", ""]),
            (r#""say \"hi\" \\ \n""#, vec![r#"say "hi" \ \n"#]),
            (
                r"C:\app\run.exe a\ b it\'s",
                vec![r"C:\app\run.exe", "a b", "it's"],
            ),
            (r#"["sh", "-c", "a b"]"#, vec!["sh", "-c", "a b"]),
            ("[ -f x ]", vec!["[", "-f", "x", "]"]),
        ];
        for (command, expected) in table {
            assert_eq!(split_words(command).unwrap(), expected, "{command}");
        }
    }

    #[test]
    fn an_open_quote_is_a_problem() {
        for command in ["it's", "\"a", r#"'a" b"#] {
            assert_eq!(split_words(command), None);
        }
    }
}
