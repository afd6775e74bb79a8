//! Prints the first lines of a tester's log as they arrive and keeps the last ones for a failure.
//! All lines are scrubbed of secrets.

use std::collections::VecDeque;

use super::lines::{Demultiplexer, InvalidLogStream};
use crate::scrub::Scrubber;
use crate::scrub::to_one_line_indented;

/// Lines that are printed while a tester runs: a verbose tool must not fill the job's log.
const MAX_PRINTED_LINES: usize = 500;
/// Lines that are kept for a failure, and their bytes.
const MAX_TAIL_LINES: usize = 200;
const MAX_TAIL_BYTES: usize = 64 * 1024;
/// The longest line that people are shown.
const MAX_LINE: usize = 1000;

/// Prints the lines of a log, and keeps the last ones.
pub struct Transcript<'a> {
    scrubber: &'a Scrubber,
    on_line: &'a (dyn Fn(&str) + Send + Sync),
    stream: Demultiplexer,
    tail: VecDeque<String>,
    tail_bytes: usize,
    line_count: usize,
}

impl<'a> Transcript<'a> {
    /// A transcript that passes each line to `on_line` as it will be shown.
    pub fn new(scrubber: &'a Scrubber, on_line: &'a (dyn Fn(&str) + Send + Sync)) -> Self {
        Self {
            scrubber,
            on_line,
            stream: Demultiplexer::default(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            line_count: 0,
        }
    }

    /// Takes a piece of the engine's stream.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), InvalidLogStream> {
        let lines = self.stream.push(piece)?;
        for line in &lines {
            self.push_line(line);
        }
        Ok(())
    }

    /// Ends the stream: a rest without a line end is a line too.
    pub fn finish(&mut self) {
        let lines = self.stream.finish();
        for line in &lines {
            self.push_line(line);
        }
    }

    /// Takes a whole line.
    pub fn push_line(&mut self, line: &str) {
        // Colour codes are removed before scrubbing: one in the middle of a secret would hide it.
        let line = to_one_line_indented(
            self.scrubber.scrub(&strip_colors(line)).trim_end(),
            MAX_LINE,
        );
        self.line_count += 1;
        if self.line_count <= MAX_PRINTED_LINES {
            (self.on_line)(&line);
        }
        self.push_tail(line);
    }

    fn push_tail(&mut self, line: String) {
        self.tail_bytes += line.len();
        self.tail.push_back(line);
        while self.tail.len() > MAX_TAIL_LINES || self.tail_bytes > MAX_TAIL_BYTES {
            self.tail_bytes -= self.tail.pop_front().map_or(0, |line| line.len());
        }
    }

    /// The last lines, oldest first.
    pub fn last_lines(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    /// How many lines were not printed.
    pub fn omitted_count(&self) -> usize {
        self.line_count.saturating_sub(MAX_PRINTED_LINES)
    }
}

/// The line without terminal colour codes.
pub fn strip_colors(line: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(line.len()), line);
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after
            .find(|letter: char| ('@'..='~').contains(&letter))
            .map_or(after.len(), |at| at + 1);
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::secret::Secret;

    fn run_transcript(
        lines: impl IntoIterator<Item = String>,
        secret: &str,
    ) -> (Vec<String>, Vec<String>, usize) {
        let (scrubber, printed) = (
            Scrubber::new([&Secret::new(secret)]),
            Mutex::new(Vec::new()),
        );
        let on_line = |line: &str| printed.lock().unwrap().push(line.to_owned());
        let mut transcript = Transcript::new(&scrubber, &on_line);
        lines
            .into_iter()
            .for_each(|line| transcript.push_line(&line));
        let (last, omitted) = (transcript.last_lines(), transcript.omitted_count());
        (printed.into_inner().unwrap(), last, omitted)
    }

    #[test]
    fn no_line_holds_a_secret_or_moves_the_cursor() {
        let lines = [
            "token \u{1b}[31mhun\u{1b}[0mter22",
            "\u{1b}[2K  indented\ttext  ",
            "\u{1b}]0;title\u{7}",
        ]
        .map(str::to_owned);
        assert_eq!(
            run_transcript(lines, "hunter22").0,
            ["token ***", "  indented text", "\u{fffd}]0;title\u{fffd}"]
        );
        let long = run_transcript(
            [format!("{}hunter22{}", "a".repeat(995), "b".repeat(100))],
            "hunter22",
        )
        .0
        .remove(0);
        assert!(
            long.ends_with("aaa***b…") && long.chars().count() == MAX_LINE,
            "{long}"
        );
    }

    #[test]
    fn a_chatty_tester_is_printed_from_the_start_and_kept_from_the_end() {
        let (printed, last, omitted) = run_transcript(
            (0..2_000).map(|number| format!("line {number}")),
            "none at all",
        );
        assert_eq!(
            (printed.len(), printed[0].as_str(), omitted),
            (MAX_PRINTED_LINES, "line 0", 1_500)
        );
        assert_eq!(
            (last.len(), last[0].as_str(), last[199].as_str()),
            (MAX_TAIL_LINES, "line 1800", "line 1999")
        );
        let (_, last, _) = self::run_transcript((0..100).map(|_| "x".repeat(1_000)), "none at all");
        assert_eq!(last.len(), MAX_TAIL_BYTES / MAX_LINE);
    }
}
