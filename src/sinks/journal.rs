//! The journal: every event as a line of JSON, from which the log and the summary can be rendered
//! again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read as _, Write as _};
use std::path::Path;

use crate::event::Stamped;
use crate::sinks::sink::{Sink, SinkError};

/// Limits for reading: a run writes some hundred events, far below both.
const MAX_LINE_BYTES: u64 = 1 << 20;
const MAX_JOURNAL_BYTES: usize = 64 << 20;

/// The journal of a run, in the runner's temporary folder.
pub struct Journal {
    file: Option<File>,
}

impl Journal {
    /// A journal in a folder, where there is one that can be written to.
    pub fn create(folder: Option<&Path>) -> Self {
        let path = folder.map(|folder| folder.join("ecs-bluegreen.jsonl"));
        let file = path.and_then(|path| {
            OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(true)
                .open(path)
                .ok()
        });
        Self { file }
    }
}

impl Sink for Journal {
    fn name(&self) -> &'static str {
        "ecs-bluegreen.jsonl"
    }

    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(to_line(stamped).as_bytes())
            .map_err(|error| SinkError::from_io(&error))
    }
}

/// An event as a line.
pub fn to_line(stamped: &Stamped) -> String {
    let mut line = serde_json::to_string(stamped).unwrap_or_default();
    line.push('\n');
    line
}

/// The events of a journal.
///
/// # Errors
///
/// A line that cannot be read, is not an event, or is longer than any event. The last line of a
/// killed process may be cut off, and is then left out.
pub fn read(mut journal: impl BufRead) -> io::Result<Vec<Stamped>> {
    let (mut events, mut size, mut broken) = (Vec::new(), 0, None);
    for number in 1.. {
        let mut bytes = Vec::new();
        size += journal
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            break;
        }
        if let Some(why) = broken {
            return Err(why);
        }
        if size > MAX_JOURNAL_BYTES {
            return Err(invalid_data("it is larger than 64 MiB"));
        }
        // Invalid UTF-8 becomes U+FFFD.
        match serde_json::from_str(&String::from_utf8_lossy(&bytes)) {
            Ok(event) => events.push(event),
            Err(error) => {
                broken = Some(invalid_data(&format!("line {number} is no event: {error}")));
            }
        }
    }
    Ok(events)
}

fn invalid_data(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    fn noted_line(sentence: &str) -> String {
        to_line(&Stamped {
            at_ms: 1,
            event: Event::Noted {
                sentence: sentence.into(),
            },
        })
    }

    #[test]
    fn the_last_line_may_be_cut_and_no_other() {
        let whole = noted_line("one") + &noted_line("two");
        assert_eq!(read(whole.as_bytes()).unwrap().len(), 2);
        assert_eq!(read(&whole.as_bytes()[..whole.len() - 9]).unwrap().len(), 1);
        let garbled = whole.replacen("noted", "nothing", 1);
        assert!(
            read(garbled.as_bytes())
                .unwrap_err()
                .to_string()
                .starts_with("line 1 is no event: ")
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_read_all_the_same() {
        let mut bytes = noted_line("a~b").into_bytes();
        let at = bytes.iter().position(|byte| *byte == b'~').unwrap();
        bytes[at] = 0xff;
        assert_eq!(
            read(bytes.as_slice()).unwrap()[0].event,
            Event::Noted {
                sentence: "a\u{fffd}b".into()
            }
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_no_event() {
        let long = noted_line(&"x".repeat(3 << 20)) + &noted_line("two");
        assert!(
            read(long.as_bytes())
                .unwrap_err()
                .to_string()
                .starts_with("line 1 is no event: ")
        );
    }
}
