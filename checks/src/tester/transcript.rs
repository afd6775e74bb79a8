//! How much of a tester's log is told as it comes, and how much is kept for a failure. No secret
//! passes.

use std::collections::VecDeque;

use super::lines::{Demultiplexer, Garbled};
use crate::scrub::Scrubber;
use crate::scrub::one_line_with_indent;

/// Lines that are told while a tester runs: a chatty tool must not fill the job's log.
const TOLD: usize = 500;
/// Lines that are kept for a failure, and their bytes.
const KEPT: usize = 200;
const KEPT_BYTES: usize = 64 * 1024;
/// The longest line that people are shown.
const LONGEST: usize = 1000;

/// Takes a log and tells its lines.
pub struct Transcript<'a> {
    scrubber: &'a Scrubber,
    tell: &'a (dyn Fn(&str) + Send + Sync),
    stream: Demultiplexer,
    kept: VecDeque<String>,
    bytes: usize,
    count: usize,
}

impl<'a> Transcript<'a> {
    /// A transcript that tells each line as it will be shown.
    pub fn new(scrubber: &'a Scrubber, tell: &'a (dyn Fn(&str) + Send + Sync)) -> Self {
        Self {
            scrubber,
            tell,
            stream: Demultiplexer::default(),
            kept: VecDeque::new(),
            bytes: 0,
            count: 0,
        }
    }

    /// Takes a piece of the engine's stream.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Garbled> {
        let lines = self.stream.push(piece)?;
        for line in &lines {
            self.line(line);
        }
        Ok(())
    }

    /// The stream is over: what stands there without an end of line is a line too.
    pub fn finish(&mut self) {
        let lines = self.stream.finish();
        for line in &lines {
            self.line(line);
        }
    }

    /// Takes a whole line.
    pub fn line(&mut self, line: &str) {
        // First the colours go: they could stand in the middle of a secret.
        let line = one_line_with_indent(self.scrubber.scrub(&plain(line)).trim_end(), LONGEST);
        self.count += 1;
        if self.count <= TOLD {
            (self.tell)(&line);
        }
        self.keep(line);
    }

    fn keep(&mut self, line: String) {
        self.bytes += line.len();
        self.kept.push_back(line);
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            self.bytes -= self.kept.pop_front().map_or(0, |line| line.len());
        }
    }

    /// The last lines, oldest first.
    pub fn last(&self) -> Vec<String> {
        self.kept.iter().cloned().collect()
    }

    /// How many lines were not told.
    pub fn untold(&self) -> usize {
        self.count.saturating_sub(TOLD)
    }
}

/// Without the sequences by which terminals are told colours.
fn plain(line: &str) -> String {
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

    fn told(
        lines: impl IntoIterator<Item = String>,
        secret: &str,
    ) -> (Vec<String>, Vec<String>, usize) {
        let (scrubber, told) = (
            Scrubber::new([&Secret::new(secret)]),
            Mutex::new(Vec::new()),
        );
        let tell = |line: &str| told.lock().unwrap().push(line.to_owned());
        let mut transcript = Transcript::new(&scrubber, &tell);
        lines.into_iter().for_each(|line| transcript.line(&line));
        let (last, untold) = (transcript.last(), transcript.untold());
        (told.into_inner().unwrap(), last, untold)
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
            told(lines, "hunter22").0,
            ["token ***", "  indented text", "\u{fffd}]0;title\u{fffd}"]
        );
        let long = told(
            [format!("{}hunter22{}", "a".repeat(995), "b".repeat(100))],
            "hunter22",
        )
        .0
        .remove(0);
        assert!(
            long.ends_with("aaa***b…") && long.chars().count() == LONGEST,
            "{long}"
        );
    }

    #[test]
    fn a_chatty_tester_is_told_from_the_begin_and_kept_from_the_end() {
        let (told, last, untold) = told(
            (0..2_000).map(|number| format!("line {number}")),
            "none at all",
        );
        assert_eq!(
            (told.len(), told[0].as_str(), untold),
            (TOLD, "line 0", 1_500)
        );
        assert_eq!(
            (last.len(), last[0].as_str(), last[199].as_str()),
            (KEPT, "line 1800", "line 1999")
        );
        let (_, last, _) = self::told((0..100).map(|_| "x".repeat(1_000)), "none at all");
        assert_eq!(last.len(), KEPT_BYTES / LONGEST);
    }
}
