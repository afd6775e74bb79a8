//! Workflow commands, escaped; and text from outside, sanitized.
//!
//! The runner honours `::name::` at the start of a line, `##[name]` anywhere in one, and treats a
//! lone carriage return as the end of a line. Nothing that comes from AWS, a file or an HTTP body
//! may reach it unsanitized.

use crate::event::FilePlace;
use crate::scrub::{is_maskable, is_unsafe_to_show};

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
const MAX_ANNOTATION_LENGTH: usize = 4096;

/// An annotation with a title.
pub fn annotation(level: Level, title: &str, message: &str) -> String {
    annotation_at(level, title, None, &[message.to_owned()])
}

/// An annotation of several lines, with a place in a file if there is one. The runner also shows
/// the lines in the log.
pub fn annotation_at(
    level: Level,
    title: &str,
    at: Option<&FilePlace>,
    lines: &[String],
) -> String {
    let lines: Vec<String> = lines.iter().map(|line| sanitize(line)).collect();
    let message: String = lines
        .join("\n")
        .chars()
        .take(MAX_ANNOTATION_LENGTH)
        .collect();
    let place = at.map(|FilePlace { file, line, column }| {
        let file = sanitize(file.strip_prefix("./").unwrap_or(file));
        format!(",file={},line={line},col={column}", escape_property(&file))
    });
    format!(
        "::{} title={}{}::{}",
        level.word(),
        escape_property(&sanitize(title)),
        place.unwrap_or_default(),
        escape_data(&message)
    )
}

/// Whether an annotation can hold all of these lines.
pub fn fits_annotation(lines: &[String]) -> bool {
    lines
        .iter()
        .map(|line| line.chars().count() + 1)
        .sum::<usize>()
        <= MAX_ANNOTATION_LENGTH
}

/// The command that starts a group of log lines.
pub fn start_group(title: &str) -> String {
    format!("::group::{}", escape_data(title))
}

/// The command that ends a group.
pub const END_GROUP: &str = "::endgroup::";

/// The commands that make the runner mask a text. Short texts and punctuation are not masked,
/// because that would make every log unreadable. `is_in_outputs` finds texts of our outputs: if
/// they were masked, the runner would not pass the output to the next job.
pub fn mask_commands(secret: &str, is_in_outputs: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = secret
        .lines()
        .map(str::trim)
        .filter(|line| is_maskable(line) && !is_in_outputs(line));
    lines
        .map(|line| format!("::add-mask::{}", escape_data(line)))
        .collect()
}

/// Text from outside as one safe line: no control characters, and no command anywhere in the line.
pub fn sanitize(text: &str) -> String {
    let line: String = text.chars().map(visible_char).collect();
    let line = line.replace("##[", "# #[");
    if line.trim_start().starts_with("::") {
        format!("| {}", line.trim_start())
    } else {
        line
    }
}

/// A character that is safe to show: line ends and cursor movements become spaces, invisible and
/// bidirectional characters become U+FFFD.
fn visible_char(letter: char) -> char {
    match letter {
        end if end.is_control() || matches!(end, '\u{2028}' | '\u{2029}') => ' ',
        trick if is_unsafe_to_show(trick) => '\u{fffd}',
        other => other,
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogStyle {
    /// With groups and annotations, which the runner shows.
    WorkflowCommands,
    /// For a person at a terminal.
    #[default]
    PlainText,
}

impl LogStyle {
    /// The lines as they are printed.
    pub fn render(self, lines: Vec<String>) -> Vec<String> {
        match self {
            Self::WorkflowCommands => lines,
            Self::PlainText => lines.iter().flat_map(|line| plain_lines(line)).collect(),
        }
    }
}

/// The lines of a command's text.
fn plain_lines(line: &str) -> Vec<String> {
    // Other runners take commands from the log as well, such as `##vso[…]`.
    let line = &line.replace("##", "# #");
    if !line.starts_with("::") {
        return vec![sanitize(line)];
    }
    let mut parts = line.split("%0A");
    let first = parts.next().and_then(as_text);
    let others = parts.map(|part| sanitize(&unescape(part)));
    first.into_iter().chain(others).collect()
}

/// A log line without its workflow command: the text that the command shows. None where it shows
/// nothing.
pub fn as_text(line: &str) -> Option<String> {
    let Some(command) = line.strip_prefix("::") else {
        return Some(sanitize(line));
    };
    let (head, message) = command.split_once("::").unwrap_or((command, ""));
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let title = properties
        .split(',')
        .find_map(|property| property.strip_prefix("title="));
    let title = title
        .map(|title| format!("{name}: {}: ", unescape(title)))
        .unwrap_or_default();
    let shown = sanitize(&format!("{title}{}", unescape(message)));
    (!shown.is_empty()).then_some(shown)
}

fn unescape(text: &str) -> String {
    let text = text
        .replace("%0D", " ")
        .replace("%0A", " ")
        .replace("%3A", ":")
        .replace("%2C", ",");
    text.replace("%25", "%")
}

fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
        .replace("##[", "# #[")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_in_a_title_does_not_end_the_properties() {
        assert_eq!(
            annotation(Level::Error, "arn:aws:iam::1", "50 %\nnext"),
            "::error title=arn%3Aaws%3Aiam%3A%3A1::50 %25 next"
        );
    }

    #[test]
    fn an_annotation_has_its_lines_and_its_place() {
        let at = FilePlace {
            file: "./deploy/a,b:c\n.yml".into(),
            line: 3,
            column: 9,
        };
        let lines = ["bad\n::error::x".to_owned(), "  hint: 100 %".to_owned()];
        let line = annotation_at(Level::Error, "input refused", Some(&at), &lines);
        assert_eq!(
            line,
            "::error title=input refused,file=deploy/a%2Cb%3Ac .yml,line=3,col=9::bad ::error::x%0A  hint: 100 %25"
        );
        assert_eq!(
            as_text(&line).unwrap(),
            "error: input refused: bad ::error::x   hint: 100 %"
        );
        assert!(fits_annotation(&lines) && !fits_annotation(&["x".repeat(5000)]));
    }

    #[test]
    fn nothing_from_outside_is_a_command() {
        for attack in [
            "::error::x",
            "  ::set-output name=a::b",
            "x\r::add-mask::y",
            "a ##[error]b",
            "x\n::error::y",
        ] {
            let line = sanitize(attack);
            assert!(
                !line.trim_start().starts_with("::")
                    && !line.contains("##[")
                    && !line.contains(['\r', '\n']),
                "{line}"
            );
        }
    }

    #[test]
    fn a_command_is_told_without_being_one() {
        for (line, text) in [
            (
                "::group::Smoke tests on green",
                Some("Smoke tests on green"),
            ),
            (END_GROUP, None),
            ("plain", Some("plain")),
            ("", Some("")),
            ("::group::::error::x", Some("| ::error::x")),
        ] {
            assert_eq!(as_text(line).as_deref(), text);
        }
        let line = annotation(Level::Error, "a, b: c", "100 % ::stop-commands::x");
        assert_eq!(
            as_text(&line).unwrap(),
            "error: a, b: c: 100 % ::stop-commands::x"
        );
    }

    #[test]
    fn a_secret_of_several_lines_is_masked_line_by_line() {
        assert_eq!(
            mask_commands("first\n\n second", |_| false),
            ["::add-mask::first", "::add-mask::second"]
        );
    }

    #[test]
    fn the_runner_is_never_told_to_mask_what_is_short_or_punctuation_or_in_our_outputs() {
        let none: [&str; 0] = [];
        for secret in ["", "abc", "1", "{\n}\n", "----", "***", "  ab  ", "deploy"] {
            assert_eq!(
                mask_commands(secret, |line| "deployed".contains(line)),
                none,
                "{secret}"
            );
        }
        assert_eq!(
            mask_commands("hunter2", |line| "deployed".contains(line)),
            ["::add-mask::hunter2"]
        );
    }
}
