//! The job's files: where a path in an input leads. Only regular files inside the workspace and the runner's temporary folder are read.
//!
//! The runner translates a path only when it is the whole value, and mounts its temporary folder only since 2.329;
//! so an absolute path that cannot be read is looked for by its end there and in the workspace, and an error says what was tried.

use std::path::{Path, PathBuf};

use crate::checks::files::{self, FileError};

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
    fn path(&self, text: &str) -> PathBuf {
        self.root.join(text)
    }

    /// The text of an input's file.
    ///
    /// # Errors
    /// None of the places it may be in has a readable text file.
    pub fn read(&self, text: &str) -> Result<String, Unreadable> {
        self.first(text, &self.folders(), |place, folders| as_text(files::read_inside(place, folders)))
    }

    /// The bytes of a file that a document names. A document is trusted less than an input: the workspace is all it sees.
    ///
    /// # Errors
    /// The workspace has no such readable file.
    pub fn document_file(&self, text: &str) -> Result<Vec<u8>, Unreadable> {
        let reading = |place: &Path, folders: &[&Path]| files::read_inside(place, folders).map_err(|error| error.to_string());
        self.first(text, &[&self.root], reading)
    }

    /// Where the file or folder of an input really is.
    ///
    /// # Errors
    /// It is in none of the places it may be in.
    pub fn find(&self, text: &str) -> Result<PathBuf, Unreadable> {
        self.first(text, &self.folders(), |place, folders| files::resolve(place, folders).map_err(|error| error.to_string()))
    }

    /// The text of a file that the job's environment states (`DOCKER_CONFIG`), wherever it is.
    ///
    /// # Errors
    /// It is not there, or no readable text file.
    pub fn stated(path: &str) -> Result<String, String> {
        as_text(files::read_regular(Path::new(path)))
    }

    /// Whether the path leads to a file.
    pub fn has(&self, text: &str) -> bool {
        self.path(text).is_file()
    }

    fn folders(&self) -> Vec<&Path> {
        self.runner_temp.as_deref().into_iter().chain([self.root.as_path()]).collect()
    }

    /// What is read at the first place that has it.
    fn first<T>(&self, text: &str, folders: &[&Path], read: impl Fn(&Path, &[&Path]) -> Result<T, String>) -> Result<T, Unreadable> {
        let given = self.path(text);
        let why = match read(&given, folders) {
            Ok(content) => return Ok(content),
            Err(why) => why,
        };
        let ends = if Path::new(text).is_absolute() { ends(Path::new(text)) } else { Vec::new() };
        let elsewhere = || folders.iter().flat_map(|folder| ends.iter().map(|end| folder.join(end)));
        if let Some(content) = elsewhere().find_map(|place| read(&place, folders).ok()) {
            return Ok(content);
        }
        let by_name = folders.iter().filter_map(|folder| Some(folder.join(ends.last()?)));
        let tried = std::iter::once(given).chain(by_name).map(|place| place.display().to_string()).collect::<Vec<_>>();
        Err(Unreadable { tried: tried.join(", "), why })
    }
}

/// The ends of an absolute path of the host, the longest first: what comes after the folder that is mounted elsewhere here.
fn ends(path: &Path) -> Vec<PathBuf> {
    let parts: Vec<_> = path.components().skip(1).collect();
    (0..parts.len()).map(|from| parts[from..].iter().collect()).collect()
}

fn as_text(read: Result<Vec<u8>, FileError>) -> Result<String, String> {
    let bytes = read.map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> (tempfile::TempDir, Workspace) {
        let home = tempfile::tempdir().unwrap();
        let (root, temp) = (home.path().join("workspace"), home.path().join("temp"));
        std::fs::create_dir_all(root.join("dist/out")).unwrap();
        std::fs::create_dir(&temp).unwrap();
        (home, Workspace { root, runner_temp: Some(temp) })
    }

    #[test]
    fn bytes_that_are_no_text_are_read_as_bytes_only() {
        let (_home, workspace) = job();
        std::fs::write(workspace.root.join("picture"), [0, 255]).unwrap();
        assert_eq!(workspace.document_file("picture").unwrap(), [0, 255]);
        assert!(workspace.read("picture").unwrap_err().to_string().contains("it is not UTF-8 text"));
    }

    #[test]
    fn a_host_path_is_found_by_its_end_in_the_runner_s_temporary_folder_and_below_the_workspace() {
        let (home, workspace) = job();
        let at = |path: &str| home.path().join(path);
        std::fs::write(at("temp/task.json"), "{}").unwrap();
        std::fs::write(at("workspace/dist/out/index.json"), "[]").unwrap();
        assert_eq!(workspace.read("/home/runner/work/_temp/task.json").unwrap(), "{}");
        assert_eq!(workspace.read("/home/runner/work/api/api/dist/out/index.json").unwrap(), "[]");
        let found = workspace.find("/home/runner/work/api/api/dist/out").unwrap();
        assert_eq!(found, at("workspace/dist/out").canonicalize().unwrap());
        let error = workspace.read("/home/runner/work/_temp/other.json").unwrap_err().to_string();
        let expected = [at("temp/other.json"), at("workspace/other.json")].map(|place| place.display().to_string()).join(", ");
        assert_eq!(error, format!("cannot be read (there is no such file); tried /home/runner/work/_temp/other.json, {expected}"));
    }

    #[test]
    fn a_document_sees_the_workspace_only_and_an_input_the_temporary_folder_too() {
        let (home, workspace) = job();
        std::fs::write(home.path().join("temp/a"), "a").unwrap();
        std::fs::write(home.path().join("b"), "b").unwrap();
        assert_eq!(workspace.read("../temp/a").unwrap(), "a");
        assert!(workspace.document_file("../temp/a").unwrap_err().to_string().contains("it is outside the workspace"));
        assert!(workspace.read("../b").unwrap_err().to_string().contains("it is outside the workspace"));
        assert!(workspace.find("..").unwrap_err().to_string().contains("it is outside the workspace"));
    }
}
