//! A container's log as the engine streams it → lines. Pure.
//!
//! Docker Engine API, "attach": without a terminal every piece has a header of eight bytes: the
//! stream (0, 1 or 2), three zeros, and the length, big-endian. Standard output and standard error
//! are separated, so that no line of one splits a line of the other.

use std::mem;

/// The most bytes that are kept of a line without an end. Secrets are masked before a line is cut
/// for people.
const MAX_LINE: usize = 16 * 1024;

/// Takes a stream apart, however it was cut into pieces on its way.
#[derive(Debug, Default)]
pub(super) struct Demultiplexer {
    header: Vec<u8>,
    remaining: usize,
    is_error: bool,
    output: PartialLine,
    errors: PartialLine,
}

#[derive(Debug, Default)]
struct PartialLine(Vec<u8>);

/// The data are not a log stream of an engine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log does not have the form in which Docker streams logs")]
pub struct InvalidLogStream;

impl Demultiplexer {
    /// The lines that end in this piece of the stream.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<Vec<String>, InvalidLogStream> {
        let mut lines = Vec::new();
        while !piece.is_empty() {
            let taken = if self.remaining == 0 {
                self.take_header(piece)?
            } else {
                self.take_content(piece, &mut lines)
            };
            piece = &piece[taken..];
        }
        Ok(lines)
    }

    /// The lines that had no end.
    pub(super) fn finish(&mut self) -> Vec<String> {
        [&mut self.output, &mut self.errors]
            .into_iter()
            .filter_map(PartialLine::finish)
            .collect()
    }

    fn take_header(&mut self, piece: &[u8]) -> Result<usize, InvalidLogStream> {
        let taken = piece.len().min(8 - self.header.len());
        self.header.extend_from_slice(&piece[..taken]);
        if let Ok([stream, 0, 0, 0, length @ ..]) = <[u8; 8]>::try_from(self.header.as_slice())
            && stream <= 2
        {
            self.remaining = u32::from_be_bytes(length) as usize;
            self.is_error = stream == 2;
            self.header.clear();
        }
        if self.header.len() < 8 {
            Ok(taken)
        } else {
            Err(InvalidLogStream)
        }
    }

    fn take_content(&mut self, piece: &[u8], lines: &mut Vec<String>) -> usize {
        let taken = piece.len().min(self.remaining);
        self.remaining -= taken;
        let partial = if self.is_error {
            &mut self.errors
        } else {
            &mut self.output
        };
        partial.push(&piece[..taken], lines);
        taken
    }
}

impl PartialLine {
    fn push(&mut self, content: &[u8], lines: &mut Vec<String>) {
        let mut parts = content.split(|byte| *byte == b'\n');
        self.append(parts.next().unwrap_or_default());
        for part in parts {
            lines.push(self.take_line());
            self.append(part);
        }
    }

    fn append(&mut self, content: &[u8]) {
        let room = MAX_LINE - self.0.len();
        self.0
            .extend_from_slice(&content[..content.len().min(room)]);
    }

    fn take_line(&mut self) -> String {
        String::from_utf8_lossy(&mem::take(&mut self.0))
            .trim_end_matches('\r')
            .to_owned()
    }

    fn finish(&mut self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.take_line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0], length.as_slice(), content].concat()
    }

    fn lines(stream: &[u8], pieces: usize) -> Vec<String> {
        let mut log = Demultiplexer::default();
        let mut lines: Vec<String> = stream
            .chunks(pieces)
            .flat_map(|piece| log.push(piece).unwrap())
            .collect();
        lines.extend(log.finish());
        lines
    }

    #[test]
    fn lines_come_out_whole_however_the_stream_is_cut() {
        let stream = [
            frame(1, b"one\ntw"),
            frame(2, b"err"),
            frame(1, b"o\r\n\n"),
            frame(2, b"or\n"),
            frame(1, b""),
            frame(1, "thrée".as_bytes()),
        ];
        for pieces in [1, 2, 3, 7, 8, 9, 1000] {
            assert_eq!(
                lines(&stream.concat(), pieces),
                ["one", "two", "", "error", "thrée"],
                "in pieces of {pieces}"
            );
        }
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let stream: Vec<u8> = (0..100)
            .flat_map(|_| frame(1, &[b'x'; 10_000]))
            .chain(frame(1, b"\nnext\n"))
            .collect();
        let lines = lines(&stream, 4096);
        assert_eq!(
            (lines[0].len(), lines[1].as_str(), lines.len()),
            (MAX_LINE, "next", 2)
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(
            lines(&frame(2, b"a\xff\xfeb\n"), 100),
            ["a\u{fffd}\u{fffd}b"]
        );
    }

    #[test]
    fn what_is_no_log_of_an_engine_is_refused() {
        for stream in [
            b"hello world".as_slice(),
            &[3, 0, 0, 0, 0, 0, 0, 1],
            &[1, 1, 0, 0, 0, 0, 0, 1],
        ] {
            assert_eq!(Demultiplexer::default().push(stream), Err(InvalidLogStream));
        }
        assert_eq!(lines(b"", 1), Vec::<String>::new());
    }
}
