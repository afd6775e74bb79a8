//! The job's files: which file a path in an input means. Only regular files inside the workspace
//! and the runner's temporary folder are read.
//!
//! The runner translates a path only when it is the whole value, and mounts its temporary folder
//! only since 2.329; so an absolute path that cannot be read is translated here. A path that
//! contains neither is searched by its suffix, and a workspace file found this way is named in the
//! log ([`Workspace::describe_substitute`]). An error names the paths that were tried.
//!
//! One file, because the search for a path and the limits on it must be read together; its tests
//! are in it.

use std::path::{Component, Path, PathBuf};

use crate::checks::files::{self, FileError};

/// The folders that a path may lead to.
#[derive(Debug, Clone, Default)]
pub struct Workspace {
    /// `GITHUB_WORKSPACE`, or the current folder.
    pub root: PathBuf,
    /// `RUNNER_TEMP`, where there is one.
    pub runner_temp: Option<PathBuf>,
    /// The repository's name without its owner: on the host, the runner gives the workspace this
    /// name.
    pub repository: Option<String>,
}

/// The name of the runner's temporary folder on the host.
const HOST_TEMP_FOLDER: &str = "_temp";

/// How a file was found for a path that does not exist here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PathMatch {
    /// The path shows that it is in the workspace, and where.
    Translated,
    /// The runner's temporary folder has a file with this suffix.
    Temporary,
    /// The workspace has a file with this suffix.
    BySuffix,
}

/// A file that could not be read, and the paths that were tried.
#[derive(Debug, thiserror::Error)]
#[error("cannot be read ({why}); tried {tried}")]
pub struct Unreadable {
    tried: String,
    why: String,
}

impl Workspace {
    /// The path in the workspace, or the absolute path itself.
    fn join_root(&self, text: &str) -> PathBuf {
        self.root.join(text)
    }

    /// The text of an input's file.
    ///
    /// # Errors
    ///
    /// None of the places where it may be has a readable text file.
    pub fn read(&self, text: &str) -> Result<String, Unreadable> {
        self.read_first(text, &self.allowed_folders(), |place, folders| {
            decode_text(files::read_inside(place, folders))
        })
    }

    /// The bytes of a file that a document names. A document is trusted less than an input: it may
    /// only read the workspace.
    ///
    /// # Errors
    ///
    /// The workspace has no such readable file.
    pub fn read_document_file(&self, text: &str) -> Result<Vec<u8>, Unreadable> {
        let read_bytes = |place: &Path, folders: &[&Path]| {
            files::read_inside(place, folders).map_err(|error| error.to_string())
        };
        self.read_first(text, &[&self.root], read_bytes)
    }

    /// The real path of an input's file or folder.
    ///
    /// # Errors
    ///
    /// It is in none of the places where it may be.
    pub fn find(&self, text: &str) -> Result<PathBuf, Unreadable> {
        self.read_first(text, &self.allowed_folders(), |place, folders| {
            files::resolve(place, folders).map_err(|error| error.to_string())
        })
    }

    /// The text of a file that the job's environment names (`DOCKER_CONFIG`), at any path.
    ///
    /// # Errors
    ///
    /// It does not exist, or is not a readable text file.
    pub fn read_environment_file(path: &str) -> Result<String, String> {
        decode_text(files::read_regular(Path::new(path)))
    }

    /// Whether the path leads to a file.
    pub fn has_file(&self, text: &str) -> bool {
        self.join_root(text).is_file()
    }

    fn allowed_folders(&self) -> Vec<&Path> {
        self.runner_temp
            .as_deref()
            .into_iter()
            .chain([self.root.as_path()])
            .collect()
    }

    /// Reads from the first place that has the file.
    fn read_first<T>(
        &self,
        text: &str,
        folders: &[&Path],
        read: impl Fn(&Path, &[&Path]) -> Result<T, String>,
    ) -> Result<T, Unreadable> {
        let given = self.join_root(text);
        let why = match read(&given, folders) {
            Ok(content) => return Ok(content),
            Err(why) => why,
        };
        let candidates = self.candidate_places(text, folders);
        if let Some(content) = candidates
            .iter()
            .find_map(|(place, _)| read(place, folders).ok())
        {
            return Ok(content);
        }
        let mut tried = vec![given.display().to_string()];
        let shortest = |how| {
            candidates
                .iter()
                .rev()
                .find(|(_, other)| *other == how)
                .map(|(place, _)| place.display().to_string())
        };
        tried.extend(
            [
                PathMatch::Translated,
                PathMatch::Temporary,
                PathMatch::BySuffix,
            ]
            .into_iter()
            .filter_map(shortest),
        );
        Err(Unreadable {
            tried: tried.join(", "),
            why,
        })
    }

    /// The places where an absolute path of the host may be here, the most likely first.
    fn candidate_places(&self, text: &str, folders: &[&Path]) -> Vec<(PathBuf, PathMatch)> {
        let path = Path::new(text);
        if !path.is_absolute() {
            return Vec::new();
        }
        let suffixes = path_suffixes(path);
        let in_temporary = |end: &PathBuf| self.runner_temp.as_ref().map(|folder| folder.join(end));
        let is_read = |place: &PathBuf| folders.iter().any(|folder| place.starts_with(folder));
        let temporary = suffixes
            .iter()
            .filter_map(in_temporary)
            .filter(is_read)
            .map(|place| (place, PathMatch::Temporary));
        if let Some(rest) = self.strip_host_workspace(path) {
            return std::iter::once((self.root.join(rest), PathMatch::Translated))
                .chain(temporary)
                .collect();
        }
        // A path in the temporary folder does not mean a file of the workspace.
        let is_temporary = path
            .components()
            .any(|part| part.as_os_str() == HOST_TEMP_FOLDER);
        let by_end = suffixes
            .iter()
            .filter(|_| !is_temporary)
            .map(|end| (self.root.join(end), PathMatch::BySuffix));
        temporary.chain(by_end).collect()
    }

    /// The part of a host path below the workspace: `…/api/api/REST` of the repository `org/api`.
    fn strip_host_workspace(&self, path: &Path) -> Option<PathBuf> {
        let name = self.repository.as_deref()?;
        let parts: Vec<_> = path.components().map(Component::as_os_str).collect();
        let at = parts
            .windows(2)
            .position(|pair| pair.iter().all(|part| *part == name))?;
        Some(parts[at + 2..].iter().collect())
    }

    /// The file of the workspace that is used for an absolute path with the same suffix; none when
    /// the path itself shows where it is.
    pub fn describe_substitute(&self, text: &str) -> Option<String> {
        let folders = self.allowed_folders();
        if files::resolve(&self.join_root(text), &folders).is_ok() {
            return None;
        }
        let places = self.candidate_places(text, &folders);
        let (place, how) = places
            .into_iter()
            .find(|(place, _)| files::resolve(place, &folders).is_ok())?;
        (how == PathMatch::BySuffix).then(|| {
            let place = place
                .strip_prefix(&self.root)
                .unwrap_or(&place)
                .display()
                .to_string();
            format!("{text} is not there; {place} in the workspace is read instead")
        })
    }
}

/// The suffixes of an absolute path of the host, the longest first: without the folders above the
/// mount point.
fn path_suffixes(path: &Path) -> Vec<PathBuf> {
    let parts: Vec<_> = path.components().skip(1).collect();
    (0..parts.len())
        .map(|from| parts[from..].iter().collect())
        .collect()
}

fn decode_text(read: Result<Vec<u8>, FileError>) -> Result<String, String> {
    let bytes = read.map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job_workspace() -> (tempfile::TempDir, Workspace) {
        let home = tempfile::tempdir().unwrap();
        let (root, temp) = (home.path().join("workspace"), home.path().join("temp"));
        std::fs::create_dir_all(root.join("dist/out")).unwrap();
        std::fs::create_dir(&temp).unwrap();
        (
            home,
            Workspace {
                root,
                runner_temp: Some(temp),
                repository: Some("api".to_owned()),
            },
        )
    }

    #[test]
    fn bytes_that_are_no_text_are_read_as_bytes_only() {
        let (_home, workspace) = job_workspace();
        std::fs::write(workspace.root.join("picture"), [0, 255]).unwrap();
        assert_eq!(workspace.read_document_file("picture").unwrap(), [0, 255]);
        assert!(
            workspace
                .read("picture")
                .unwrap_err()
                .to_string()
                .contains("it is not UTF-8 text")
        );
    }

    #[test]
    fn a_host_path_is_found_by_its_end_in_the_runner_s_temporary_folder_and_below_the_workspace() {
        let (home, workspace) = job_workspace();
        let at = |path: &str| home.path().join(path);
        std::fs::write(at("temp/task.json"), "{}").unwrap();
        std::fs::write(at("workspace/dist/out/index.json"), "[]").unwrap();
        assert_eq!(
            workspace.read("/home/runner/work/_temp/task.json").unwrap(),
            "{}"
        );
        assert_eq!(
            workspace
                .read("/home/runner/work/api/api/dist/out/index.json")
                .unwrap(),
            "[]"
        );
        let found = workspace
            .find("/home/runner/work/api/api/dist/out")
            .unwrap();
        assert_eq!(found, at("workspace/dist/out").canonicalize().unwrap());
        let error = workspace
            .read("/home/runner/work/_temp/other.json")
            .unwrap_err()
            .to_string();
        let expected = at("temp/other.json").display().to_string();
        assert_eq!(
            error,
            format!(
                "cannot be read (there is no such file); tried /home/runner/work/_temp/other.json, {expected}"
            )
        );
    }

    #[test]
    fn another_file_of_the_same_name_is_never_read_in_silence() {
        let (home, workspace) = job_workspace();
        std::fs::write(home.path().join("workspace/td.json"), "top").unwrap();
        for path in [
            "/home/runner/work/api/api/deploy/prod/td.json",
            "/home/runner/work/_temp/td.json",
            "deploy/td.json",
        ] {
            assert!(
                workspace
                    .read(path)
                    .unwrap_err()
                    .to_string()
                    .contains("there is no such file"),
                "{path}"
            );
            assert_eq!(workspace.describe_substitute(path), None, "{path}");
        }
        assert_eq!(
            workspace.read("/home/runner/work/api/api/td.json").unwrap(),
            "top"
        );
        assert_eq!(
            workspace.describe_substitute("/home/runner/work/api/api/td.json"),
            None
        );
        assert_eq!(workspace.read("/builds/org/td.json").unwrap(), "top");
        let expected = "/builds/org/td.json is not there; td.json in the workspace is read instead";
        assert_eq!(
            workspace
                .describe_substitute("/builds/org/td.json")
                .unwrap(),
            expected
        );
        assert_eq!(workspace.describe_substitute("td.json"), None);
    }

    #[test]
    fn a_document_sees_the_workspace_only_and_an_input_the_temporary_folder_too() {
        let (home, workspace) = job_workspace();
        std::fs::write(home.path().join("temp/a"), "a").unwrap();
        std::fs::write(home.path().join("b"), "b").unwrap();
        assert_eq!(workspace.read("../temp/a").unwrap(), "a");
        assert!(
            workspace
                .read_document_file("../temp/a")
                .unwrap_err()
                .to_string()
                .contains("it is outside the workspace")
        );
        assert!(
            workspace
                .read("../b")
                .unwrap_err()
                .to_string()
                .contains("it is outside the workspace")
        );
        assert!(
            workspace
                .find("..")
                .unwrap_err()
                .to_string()
                .contains("it is outside the workspace")
        );
    }
}
