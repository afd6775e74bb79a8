//! The log as GitHub's viewer shows it: workflow commands become headings, indentation and coloured
//! lines; masks are kept. Pure.

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStyle {
    /// As it is.
    Plain,
    /// The heading of a group.
    Heading,
    /// An error annotation.
    Error,
    /// A warning annotation.
    Warning,
}

/// A line as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its style.
    pub style: LineStyle,
    /// Its text, without workflow commands.
    pub text: String,
}

/// Reads a log line by line.
#[derive(Debug, Default)]
pub struct Viewer {
    in_group: bool,
    masks: Vec<String>,
    stopped: Option<String>,
}

impl Viewer {
    /// What is shown of a line; none for a command that shows nothing.
    pub fn render_line(&mut self, line: &str) -> Option<LogLine> {
        if let Some(end) = &self.stopped {
            if line == format!("::{end}::") {
                self.stopped = None;
                return None;
            }
            return Some(self.plain_line(line));
        }
        let Some((name, value)) = parse_command(line) else {
            return Some(self.plain_line(line));
        };
        self.run_command(name, &decode(value), line)
    }

    fn run_command(&mut self, name: &str, value: &str, line: &str) -> Option<LogLine> {
        match name {
            "group" => {
                self.in_group = true;
                Some(LogLine {
                    style: LineStyle::Heading,
                    text: self.apply_masks(&format!("▼ {value}")),
                })
            }
            "endgroup" => {
                self.in_group = false;
                None
            }
            "error" => Some(self.annotation_line(LineStyle::Error, &format!("Error: {value}"))),
            "warning" => {
                Some(self.annotation_line(LineStyle::Warning, &format!("Warning: {value}")))
            }
            "notice" => Some(self.annotation_line(LineStyle::Plain, &format!("Notice: {value}"))),
            "add-mask" => {
                self.masks.push(value.to_owned());
                None
            }
            "stop-commands" => {
                self.stopped = Some(value.to_owned());
                None
            }
            "debug" => None,
            _ => Some(self.plain_line(line)),
        }
    }

    fn annotation_line(&self, style: LineStyle, text: &str) -> LogLine {
        LogLine {
            style,
            ..self.plain_line(text)
        }
    }

    fn plain_line(&self, text: &str) -> LogLine {
        let indent = if self.in_group { "    " } else { "" };
        LogLine {
            style: LineStyle::Plain,
            text: self.apply_masks(&format!("{indent}{text}")),
        }
    }

    fn apply_masks(&self, text: &str) -> String {
        self.masks
            .iter()
            .filter(|mask| !mask.is_empty())
            .fold(text.to_owned(), |text, mask| text.replace(mask, "***"))
    }
}

/// `::name properties::value`. A name that the runner does not know makes the line an ordinary one.
fn parse_command(line: &str) -> Option<(&str, &str)> {
    let (head, value) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    Some((head.split(' ').next().unwrap_or_default(), value))
}

fn decode(value: &str) -> String {
    value
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_lines(log: &[&str]) -> Vec<String> {
        let mut viewer = Viewer::default();
        log.iter()
            .filter_map(|line| viewer.render_line(line))
            .map(|shown| shown.text)
            .collect()
    }

    #[test]
    fn a_group_is_a_heading_over_indented_lines() {
        assert_eq!(
            shown_lines(&["::group::Survey", "read", "::endgroup::", "done"]),
            ["▼ Survey", "    read", "done"]
        );
    }

    #[test]
    fn annotations_say_their_level_and_masked_values_are_not_shown() {
        let log = [
            "::add-mask::hush",
            "::error title=a%3Ab::no hush, 5 %25",
            "::warning::w",
            "hush",
        ];
        assert_eq!(
            shown_lines(&log),
            ["Error: no ***, 5 %", "Warning: w", "***"]
        );
    }

    #[test]
    fn between_stop_and_resume_commands_are_text() {
        assert_eq!(
            shown_lines(&[
                "::stop-commands::x1",
                "::error::quoted",
                "::x1::",
                "::endgroup::"
            ]),
            ["::error::quoted"]
        );
    }
}
