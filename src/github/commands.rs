//! Workflow commands, escaped; and text from outside, made harmless.
//!
//! The runner honours `::name::` at the start of a line, `##[name]` anywhere in one, and takes a lone carriage
//! return for the end of a line. Nothing that comes from AWS, a file or an HTTP body may reach it unharmed.

/// The level of an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The run failed because of it.
    Error,
    /// The reader should know.
    Warning,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// GitHub shows at most this many characters of an annotation.
const ANNOTATION: usize = 4096;

/// An annotation with a title.
pub fn annotation(level: Level, title: &str, message: &str) -> String {
    let message: String = message.chars().take(ANNOTATION).collect();
    format!("::{} title={}::{}", level.word(), property(title), data(&message))
}

/// The head of a group of log lines.
pub fn group(title: &str) -> String {
    format!("::group::{}", data(title))
}

/// The end of a group.
pub const END_GROUP: &str = "::endgroup::";

/// Tells the runner never to show a text.
pub fn mask(secret: &str) -> Vec<String> {
    secret.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| format!("::add-mask::{}", data(line))).collect()
}

/// Text from outside as one harmless line: no control characters, no command, wherever it stands in the line.
pub fn harmless(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() || is_line_end(letter) { ' ' } else { letter }).collect();
    let line = line.replace("##[", "# #[");
    if line.trim_start().starts_with("::") { format!("| {}", line.trim_start()) } else { line }
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\u{2028}' | '\u{2029}' | '\u{85}')
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace("##[", "# #[")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_in_a_title_does_not_end_the_properties() {
        assert_eq!(annotation(Level::Error, "arn:aws:iam::1", "50 %\nnext"), "::error title=arn%3Aaws%3Aiam%3A%3A1::50 %25%0Anext");
    }

    #[test]
    fn nothing_from_outside_is_a_command() {
        for attack in ["::error::x", "  ::set-output name=a::b", "x\r::add-mask::y", "a ##[error]b", "x\n::error::y"] {
            let line = harmless(attack);
            assert!(!line.trim_start().starts_with("::") && !line.contains("##[") && !line.contains(['\r', '\n']), "{line}");
        }
    }

    #[test]
    fn a_secret_of_several_lines_is_masked_line_by_line() {
        assert_eq!(mask("one\n\n two"), ["::add-mask::one", "::add-mask::two"]);
    }
}
