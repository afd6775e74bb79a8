//! What people see while it runs: plain lines, in colour where the terminal has it.

use std::io::{self, IsTerminal, Write};

use super::viewer::{LineStyle, LogLine};

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    colour: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Shown,
    None,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "1;31";
const YELLOW: &str = "33";
const CYAN: &str = "1;36";

impl Screen {
    /// In colour on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            colour: if wanted && io::stdout().is_terminal() {
                Colour::Shown
            } else {
                Colour::None
            },
        }
    }

    /// A line as it is.
    pub fn print(self, text: &str) {
        // Nobody is there to read: the rehearsal continues, and its exit code has the result.
        let _ = writeln!(io::stdout(), "{text}");
    }

    /// A new part, with a blank line before it.
    pub fn print_heading(self, title: &str) {
        self.print("");
        self.print_coloured(CYAN, &format!("━━ {title}"));
    }

    /// A line that matters less.
    pub fn print_dim(self, text: &str) {
        self.print_coloured(DIM, text);
    }

    /// A line that matters more.
    pub fn print_bold(self, text: &str) {
        self.print_coloured(BOLD, text);
    }

    /// Something went wrong.
    pub fn print_error(self, text: &str) {
        self.print_coloured(RED, text);
    }

    /// A line of the log.
    pub fn print_log_line(self, shown: &LogLine) {
        match shown.style {
            LineStyle::Plain => self.print(&shown.text),
            LineStyle::Heading => self.print_coloured(BOLD, &shown.text),
            LineStyle::Error => self.print_coloured(RED, &shown.text),
            LineStyle::Warning => self.print_coloured(YELLOW, &shown.text),
        }
    }

    fn print_coloured(self, paint: &str, text: &str) {
        match self.colour {
            Colour::Shown => self.print(&format!("\u{1b}[{paint}m{text}\u{1b}[0m")),
            Colour::None => self.print(text),
        }
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}
