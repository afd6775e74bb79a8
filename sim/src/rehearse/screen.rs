//! What people see while it goes on: plain lines, in colour where the terminal has it.

use std::io::{self, IsTerminal, Write};

use super::viewer::{Look, Shown};

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
    pub fn line(self, text: &str) {
        // Nobody is there to read: the rehearsal goes on and its exit code tells.
        let _ = writeln!(io::stdout(), "{text}");
    }

    /// A new part, with a blank line before it.
    pub fn part(self, title: &str) {
        self.line("");
        self.painted(CYAN, &format!("━━ {title}"));
    }

    /// A line that matters less.
    pub fn aside(self, text: &str) {
        self.painted(DIM, text);
    }

    /// A line that matters more.
    pub fn strong(self, text: &str) {
        self.painted(BOLD, text);
    }

    /// Something went wrong.
    pub fn wrong(self, text: &str) {
        self.painted(RED, text);
    }

    /// A line of the log.
    pub fn log(self, shown: &Shown) {
        match shown.look {
            Look::Plain => self.line(&shown.text),
            Look::Heading => self.painted(BOLD, &shown.text),
            Look::Error => self.painted(RED, &shown.text),
            Look::Warning => self.painted(YELLOW, &shown.text),
        }
    }

    fn painted(self, paint: &str, text: &str) {
        match self.colour {
            Colour::Shown => self.line(&format!("\u{1b}[{paint}m{text}\u{1b}[0m")),
            Colour::None => self.line(text),
        }
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}
