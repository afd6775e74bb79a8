//! Puts text from outside on one line, without characters that change how the rest is shown.

/// The text on one line of at most `max_length` characters, without space at its ends. Characters
/// that change how others are shown become `\u{fffd}`; a text that is cut ends with `…`.
pub fn to_one_line(text: &str, max_length: usize) -> String {
    to_one_line_indented(text.trim(), max_length)
}

/// The same, with the space at its ends: in a log the indent has a meaning.
pub fn to_one_line_indented(text: &str, max_length: usize) -> String {
    let mut characters = text.chars().map(replace_control);
    let mut cut: String = characters.by_ref().take(max_length).collect();
    if characters.next().is_some() {
        cut.pop();
        cut.push('…');
    }
    cut
}

fn replace_control(character: char) -> char {
    match character {
        '\n' | '\r' | '\t' => ' ',
        trick if is_unsafe_to_show(trick) => '\u{fffd}',
        other => other,
    }
}

/// Whether a character changes how others are shown: it moves the cursor, ends a line, changes the
/// direction of writing, or is invisible.
pub fn is_unsafe_to_show(character: char) -> bool {
    let is_invisible = matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    is_invisible
        || matches!(character, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
        || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_on_one_line_and_not_longer_than_wanted() {
        let table = [
            (" a\tb\r\nc ", 9, "a b  c"),
            ("abcd", 4, "abcd"),
            ("abcde", 4, "abc…"),
            ("a\u{1b}[2Jb", 9, "a\u{fffd}[2Jb"),
        ];
        for (text, longest, expected) in table {
            assert_eq!(to_one_line(text, longest), expected, "{text:?}");
        }
        assert_eq!(to_one_line_indented("  a ", 9), "  a ");
    }

    #[test]
    fn what_changes_how_others_are_shown_is_told_from_letters() {
        for trick in [
            '\u{7}',
            '\u{200b}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(is_unsafe_to_show(trick), "{trick:?}");
        }
        for letter in ['a', 'é', '日', ' ', '\u{2070}'] {
            assert!(!is_unsafe_to_show(letter), "{letter:?}");
        }
    }
}
