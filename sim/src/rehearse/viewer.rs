//! The log as GitHub's viewer shows it: workflow commands become headings, indentation and coloured
//! lines; masks are kept. Pure.

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
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
pub struct Shown {
    /// How it looks.
    pub look: Look,
    /// Its words.
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
    pub fn line(&mut self, line: &str) -> Option<Shown> {
        if let Some(end) = &self.stopped {
            if line == format!("::{end}::") {
                self.stopped = None;
                return None;
            }
            return Some(self.plain(line));
        }
        let Some((name, value)) = command(line) else {
            return Some(self.plain(line));
        };
        self.obey(name, &decoded(value), line)
    }

    fn obey(&mut self, name: &str, value: &str, line: &str) -> Option<Shown> {
        match name {
            "group" => {
                self.in_group = true;
                Some(Shown {
                    look: Look::Heading,
                    text: self.masked(&format!("▼ {value}")),
                })
            }
            "endgroup" => {
                self.in_group = false;
                None
            }
            "error" => Some(self.annotation(Look::Error, &format!("Error: {value}"))),
            "warning" => Some(self.annotation(Look::Warning, &format!("Warning: {value}"))),
            "notice" => Some(self.annotation(Look::Plain, &format!("Notice: {value}"))),
            "add-mask" => {
                self.masks.push(value.to_owned());
                None
            }
            "stop-commands" => {
                self.stopped = Some(value.to_owned());
                None
            }
            "debug" => None,
            _ => Some(self.plain(line)),
        }
    }

    fn annotation(&self, look: Look, text: &str) -> Shown {
        Shown {
            look,
            ..self.plain(text)
        }
    }

    fn plain(&self, text: &str) -> Shown {
        let indent = if self.in_group { "    " } else { "" };
        Shown {
            look: Look::Plain,
            text: self.masked(&format!("{indent}{text}")),
        }
    }

    fn masked(&self, text: &str) -> String {
        self.masks
            .iter()
            .filter(|mask| !mask.is_empty())
            .fold(text.to_owned(), |text, mask| text.replace(mask, "***"))
    }
}

/// `::name properties::value`. A name that the runner does not know makes the line an ordinary one.
fn command(line: &str) -> Option<(&str, &str)> {
    let (head, value) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    Some((head.split(' ').next().unwrap_or_default(), value))
}

fn decoded(value: &str) -> String {
    value
        .replace("%0D", "\r")
        .replace("%0A", "\n")
        .replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(log: &[&str]) -> Vec<String> {
        let mut viewer = Viewer::default();
        log.iter()
            .filter_map(|line| viewer.line(line))
            .map(|shown| shown.text)
            .collect()
    }

    #[test]
    fn a_group_is_a_heading_over_indented_lines() {
        assert_eq!(
            shown(&["::group::Survey", "read", "::endgroup::", "done"]),
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
        assert_eq!(shown(&log), ["Error: no ***, 5 %", "Warning: w", "***"]);
    }

    #[test]
    fn between_stop_and_resume_commands_are_text() {
        assert_eq!(
            shown(&[
                "::stop-commands::x1",
                "::error::quoted",
                "::x1::",
                "::endgroup::"
            ]),
            ["::error::quoted"]
        );
    }
}
