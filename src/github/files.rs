//! The runner's command files: GITHUB_OUTPUT, GITHUB_STATE and GITHUB_STEP_SUMMARY.
//!
//! Every value is written between delimiters that nobody can predict, so that no value can end its
//! own block. Every write is appended and complete: what a killed process wrote before stays valid.

use std::collections::hash_map::RandomState;
use std::fs::OpenOptions;
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// GitHub does not upload a summary above this many bytes.
pub const SUMMARY_LIMIT: usize = 1_048_576;

/// The command files of this step; absent outside a runner.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// `GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
    /// `GITHUB_STATE`.
    pub state: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary: Option<PathBuf>,
}

/// Appends a name and its value, whatever the value is.
///
/// # Errors
/// The file cannot be written.
pub fn append_value(file: &Path, name: &str, value: &str) -> io::Result<()> {
    let delimiter = random_delimiter();
    append(
        file,
        &format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"),
    )
}

/// 128 random bits: the keys of the hash come from the system's random numbers, so a delimiter does
/// not follow from the clock or from an earlier one.
fn random_delimiter() -> String {
    let [left, right] = [0_u8, 1].map(|half| RandomState::new().hash_one(half));
    format!("ecs_bluegreen_{left:016x}{right:016x}")
}

/// Appends the text, cut at GitHub's limit for summaries at the end of a line.
///
/// # Errors
/// The file cannot be written.
pub fn append_summary(file: &Path, text: &str) -> io::Result<()> {
    append(file, truncate(text, SUMMARY_LIMIT - 1024))
}

fn truncate(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = text
        .char_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= limit)
        .last()
        .unwrap_or(0);
    let head = &text[..end];
    head.rfind('\n').map_or(head, |line_end| &head[..=line_end])
}

fn append(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)?
        .write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_delimiter_of_its_own() {
        let file = tempfile::NamedTempFile::new().unwrap();
        (0..50).for_each(|_| append_value(file.path(), "name", "value").unwrap());
        let text = std::fs::read_to_string(file.path()).unwrap();
        let delimiters: std::collections::BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("name<<"))
            .collect();
        assert_eq!(delimiters.len(), 50);
        assert!(
            delimiters
                .iter()
                .all(|delimiter| delimiter.len() == "ecs_bluegreen_".len() + 32),
            "{delimiters:?}"
        );
    }

    #[test]
    fn a_long_summary_is_cut_at_the_end_of_a_line() {
        assert_eq!(truncate("one\ntwo\nthree", 9), "one\ntwo\n");
        assert_eq!(truncate("short", 9), "short");
    }
}
