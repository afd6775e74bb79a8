//! What a task wrote: its last lines, with the time each was read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::world::now;

/// More than any story looks at; a chatty task must not fill the memory.
const MAX_LINES: usize = 10_000;
/// The limit of one event of Amazon's log service.
const MAX_LINE_BYTES: usize = 256 * 1024;

/// The lines of one task, shared between those who read and those who write.
#[derive(Debug, Clone, Default)]
pub(super) struct Logs {
    lines: Arc<Mutex<VecDeque<(i64, String)>>>,
}

impl Logs {
    fn lines(&self) -> MutexGuard<'_, VecDeque<(i64, String)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let line = line.get(..MAX_LINE_BYTES).unwrap_or(line);
        let text = String::from_utf8_lossy(line)
            .trim_end_matches(['\n', '\r'])
            .to_owned();
        let mut lines = self.lines();
        if lines.len() == MAX_LINES {
            lines.pop_front();
        }
        lines.push_back((now::milliseconds(), text));
    }

    /// The last lines, oldest first.
    pub(super) fn last_lines(&self, count: usize) -> Vec<(i64, String)> {
        let lines = self.lines();
        lines
            .iter()
            .skip(lines.len().saturating_sub(count))
            .cloned()
            .collect()
    }

    /// Reads a child's stdout and stderr; the set is empty when both have ended.
    pub(super) fn follow(&self, child: &mut Child) -> JoinSet<()> {
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            readers.spawn(self.clone().read(stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(self.clone().read(stderr));
        }
        readers
    }

    async fn read(self, stream: impl AsyncRead + Unpin) {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream
            .read_until(b'\n', &mut line)
            .await
            .is_ok_and(|length| length > 0)
        {
            self.push(&line);
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let logs = Logs::default();
        for number in 0..=MAX_LINES {
            logs.push(format!("line {number}\n").as_bytes());
        }
        let texts: Vec<_> = logs
            .last_lines(2)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert_eq!(
            texts,
            [
                format!("line {}", MAX_LINES - 1),
                format!("line {MAX_LINES}")
            ]
        );
        assert_eq!(logs.last_lines(usize::MAX).len(), MAX_LINES);
    }
}
