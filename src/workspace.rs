//! The job's files: where a path in an input leads.
//!
//! The runner translates a path only when it is the whole value, and mounts its temporary folder only since 2.329;
//! so a path that cannot be read is looked for by its name there and in the workspace, and an error says what was tried.

use std::io;
use std::path::{Path, PathBuf};

/// The folders a path may mean.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// `GITHUB_WORKSPACE`, or the current folder.
    pub root: PathBuf,
    /// `RUNNER_TEMP`, where there is one.
    pub runner_temp: Option<PathBuf>,
}

/// A file that could not be read, and where it was looked for.
#[derive(Debug, thiserror::Error)]
#[error("cannot be read ({why}); tried {tried}")]
pub struct Unreadable {
    tried: String,
    why: String,
}

impl Workspace {
    /// The path in the workspace, or the absolute path itself.
    pub fn path(&self, text: &str) -> PathBuf {
        self.root.join(text)
    }

    /// The file's text.
    ///
    /// # Errors
    /// None of the places it may be in has a readable text file.
    pub fn read(&self, text: &str) -> Result<String, Unreadable> {
        self.first(text, |place| std::fs::read_to_string(place))
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// None of the places it may be in has a readable file.
    pub fn bytes(&self, text: &str) -> Result<Vec<u8>, Unreadable> {
        self.first(text, |place| std::fs::read(place))
    }

    /// What is read at the first place that has it.
    fn first<T>(&self, text: &str, read: impl Fn(&Path) -> io::Result<T>) -> Result<T, Unreadable> {
        let places = self.places(text);
        let mut why = None;
        for place in &places {
            match read(place) {
                Ok(content) => return Ok(content),
                Err(error) => why = why.or(Some(sentence(&error))),
            }
        }
        let tried = places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ");
        Err(Unreadable { tried, why: why.unwrap_or_default() })
    }

    /// Whether the path leads to a file.
    pub fn has(&self, text: &str) -> bool {
        self.path(text).is_file()
    }

    fn places(&self, text: &str) -> Vec<PathBuf> {
        let given = self.path(text);
        let name = Path::new(text).file_name().map(PathBuf::from);
        let elsewhere = [self.runner_temp.as_ref(), Some(&self.root)];
        let fallbacks =
            elsewhere.into_iter().flatten().filter_map(|folder| Some(folder.join(name.as_ref()?))).filter(|place| *place != given);
        std::iter::once(given.clone()).chain(Path::new(text).is_absolute().then_some(fallbacks).into_iter().flatten()).collect()
    }
}

fn sentence(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_read_as_bytes_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("picture"), [0, 255]).unwrap();
        let workspace = Workspace { root: folder.path().into(), runner_temp: None };
        assert_eq!(workspace.bytes("picture").unwrap(), [0, 255]);
        assert!(workspace.read("picture").unwrap_err().to_string().contains("it is not UTF-8 text"));
    }

    #[test]
    fn a_host_path_is_found_by_its_name_in_the_runner_s_temporary_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("task.json"), "{}").unwrap();
        let workspace = Workspace { root: "/nowhere".into(), runner_temp: Some(folder.path().into()) };
        assert_eq!(workspace.read("/home/runner/work/_temp/task.json").unwrap(), "{}");
        let error = workspace.read("/home/runner/work/_temp/other.json").unwrap_err().to_string();
        assert!(error.contains("there is no such file") && error.contains("/nowhere/other.json"), "{error}");
    }
}
