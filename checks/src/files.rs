//! Files that inputs and documents name: regular files inside the job's folders, after all links
//! are resolved.
//!
//! Only the resolved path counts: `../`, absolute paths and symbolic links are followed first.
//! Pipes and devices are refused before they are opened, because opening or reading one may never
//! end.

use std::fs::{File, FileType, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Documents and request bodies are held in memory as a whole; real ones are far smaller.
pub const LARGEST: u64 = 16 * 1024 * 1024;

/// `actions/checkout` stores the job's token here unless `persist-credentials` is false.
const GIT: &str = ".git";

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It resolves to a place outside of the folders.
    #[error("it is outside the workspace")]
    Outside,
    /// It is in a `.git` folder.
    #[error("it is in .git, where checkouts keep credentials")]
    Git,
    /// It is something else than a regular file.
    #[error("it is {0}")]
    NotRegular(&'static str),
    /// It is larger than [`LARGEST`].
    #[error("it is larger than {} MiB", LARGEST / 1024 / 1024)]
    TooLarge,
    /// An I/O error.
    #[error(transparent)]
    Unreadable(io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            _ => Self::Unreadable(error),
        }
    }
}

/// The absolute path without links, if it is inside one of the folders.
///
/// # Errors
/// Nothing is there, or it is outside of the folders.
pub fn resolve(path: &Path, folders: &[&Path]) -> Result<PathBuf, FileError> {
    let resolved = path.canonicalize()?;
    let mut roots = folders
        .iter()
        .filter_map(|folder| folder.canonicalize().ok());
    let inside = roots.find_map(|root| resolved.strip_prefix(root).ok().map(Path::to_owned));
    match inside {
        None => Err(FileError::Outside),
        Some(rest) if rest.iter().any(|part| part.eq_ignore_ascii_case(GIT)) => Err(FileError::Git),
        Some(_) => Ok(resolved),
    }
}

/// The bytes of a regular file inside one of the folders.
///
/// # Errors
/// It is not there, outside, no regular file, or too large.
pub fn read_inside(path: &Path, folders: &[&Path]) -> Result<Vec<u8>, FileError> {
    read_regular(&resolve(path, folders)?)
}

/// The bytes of a regular file, without a folder restriction: only for paths from the job's
/// environment.
///
/// # Errors
/// It is not there, no regular file, or too large.
pub fn read_regular(path: &Path) -> Result<Vec<u8>, FileError> {
    let before = check_metadata(std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    let opened = check_metadata(file.metadata()?)?;
    if (before.dev(), before.ino()) != (opened.dev(), opened.ino()) {
        return Err(FileError::Unreadable(io::Error::other(
            "it was replaced while it was read",
        )));
    }
    let mut bytes = Vec::new();
    let length = file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if length as u64 > LARGEST {
        Err(FileError::TooLarge)
    } else {
        Ok(bytes)
    }
}

fn check_metadata(metadata: Metadata) -> Result<Metadata, FileError> {
    if let Some(kind) = irregular_kind(metadata.file_type()) {
        return Err(FileError::NotRegular(kind));
    }
    if metadata.len() > LARGEST {
        Err(FileError::TooLarge)
    } else {
        Ok(metadata)
    }
}

/// The name of the kind of a file that is not regular.
fn irregular_kind(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind if kind.is_fifo() => Some("a pipe"),
        kind if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Job {
        home: tempfile::TempDir,
    }

    impl Job {
        fn new() -> Self {
            let job = Self {
                home: tempfile::tempdir().unwrap(),
            };
            for folder in ["workspace/deploy", "workspace/.git", "temp", "elsewhere"] {
                std::fs::create_dir_all(job.path(folder)).unwrap();
            }
            for file in [
                "workspace/a",
                "workspace/deploy/b",
                "workspace/.git/config",
                "temp/c",
                "elsewhere/secret",
            ] {
                std::fs::write(job.path(file), file).unwrap();
            }
            job
        }

        fn path(&self, path: &str) -> PathBuf {
            self.home.path().join(path)
        }

        fn symlink_to(&self, name: &str, target: impl AsRef<Path>) {
            symlink(target, self.path("workspace").join(name)).unwrap();
        }

        /// The result of reading a path of the workspace.
        fn read(&self, path: &str) -> String {
            let (workspace, temp) = (self.path("workspace"), self.path("temp"));
            match read_inside(&workspace.join(path), &[&workspace, &temp]) {
                Ok(bytes) => format!("read {}", String::from_utf8_lossy(&bytes)),
                Err(error) => error.to_string(),
            }
        }
    }

    #[test]
    fn what_a_path_leads_to_must_be_inside_whatever_it_says() {
        let job = Job::new();
        job.symlink_to("in", "deploy/b");
        job.symlink_to("out", "../elsewhere/secret");
        job.symlink_to("out-folder", job.path("elsewhere"));
        job.symlink_to("self", "/proc/self/environ");
        job.symlink_to("loop", "loop");
        job.symlink_to("git", ".git/config");
        let (absolute, secret) = (
            job.path("workspace/a").display().to_string(),
            job.path("elsewhere/secret").display().to_string(),
        );
        let table = [
            ("a", "read workspace/a"),
            ("./deploy/../a", "read workspace/a"),
            (absolute.as_str(), "read workspace/a"),
            ("in", "read workspace/deploy/b"),
            ("../temp/c", "read temp/c"),
            ("../elsewhere/secret", "it is outside the workspace"),
            (
                "deploy/../../elsewhere/secret",
                "it is outside the workspace",
            ),
            (secret.as_str(), "it is outside the workspace"),
            ("out", "it is outside the workspace"),
            ("out-folder/secret", "it is outside the workspace"),
            ("self", "it is outside the workspace"),
            ("/proc/self/environ", "it is outside the workspace"),
            ("/etc/passwd", "it is outside the workspace"),
            ("/dev/zero", "it is outside the workspace"),
            (
                ".git/config",
                "it is in .git, where checkouts keep credentials",
            ),
            ("git", "it is in .git, where checkouts keep credentials"),
            ("nowhere", "there is no such file"),
            ("a/b", "there is no such file"),
            ("deploy", "it is a folder"),
        ];
        for (path, expected) in table {
            assert_eq!(job.read(path), expected, "{path}");
        }
        assert!(
            job.read("loop").contains("symbolic links"),
            "{}",
            job.read("loop")
        );
    }

    #[test]
    fn pipes_sockets_and_devices_are_refused_at_once_and_large_files_are_not_read() {
        let job = Job::new();
        let made = std::process::Command::new("mkfifo")
            .arg(job.path("workspace/pipe"))
            .status()
            .unwrap();
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(job.path("workspace/socket")).unwrap();
        File::create(job.path("workspace/huge"))
            .unwrap()
            .set_len(LARGEST + 1)
            .unwrap();
        File::create(job.path("workspace/largest"))
            .unwrap()
            .set_len(LARGEST)
            .unwrap();
        assert_eq!(job.read("pipe"), "it is a pipe");
        assert_eq!(job.read("socket"), "it is a socket");
        assert_eq!(job.read("huge"), "it is larger than 16 MiB");
        assert!(job.read("largest").starts_with("read"));
        assert_eq!(
            read_regular(Path::new("/dev/zero"))
                .unwrap_err()
                .to_string(),
            "it is a device"
        );
    }
}
