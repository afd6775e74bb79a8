//! The runner's side: the folders and command files of a step, and how it reads them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The folders of a job, gone when dropped.
pub(super) struct Job {
    home: TempDir,
    steps: usize,
}

/// The command files of one step.
pub(super) struct Files {
    pub(super) output: PathBuf,
    pub(super) state: PathBuf,
    pub(super) summary: PathBuf,
}

impl Job {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        for folder in ["workspace", "temp", "commands"] {
            std::fs::create_dir(home.path().join(folder)).expect("a folder");
        }
        Self { home, steps: 0 }
    }

    /// `GITHUB_WORKSPACE`.
    pub(super) fn workspace(&self) -> PathBuf {
        self.home.path().join("workspace")
    }

    /// `RUNNER_TEMP`.
    pub(super) fn temp(&self) -> PathBuf {
        self.home.path().join("temp")
    }

    /// The files of the next step, which exist and are empty, as the runner makes them.
    pub(super) fn step(&mut self) -> Files {
        self.steps += 1;
        let file = |name: &str| {
            let path = self
                .home
                .path()
                .join("commands")
                .join(format!("{name}-{}", self.steps));
            std::fs::write(&path, "").expect("a file");
            path
        };
        Files {
            output: file("output"),
            state: file("state"),
            summary: file("summary"),
        }
    }
}

impl Files {
    pub(super) fn variables(&self) -> [(String, String); 3] {
        let named = |name: &str, path: &Path| (name.to_owned(), path.display().to_string());
        [
            named("GITHUB_OUTPUT", &self.output),
            named("GITHUB_STATE", &self.state),
            named("GITHUB_STEP_SUMMARY", &self.summary),
        ]
    }
}

/// Names and values of a command file by the runner's rules: `K=V`, or `K<<D` up to the line `D`;
/// the last one of a name holds.
///
/// A line that is neither fails the step, as it does with the runner. Only a killed process may
/// leave its last block open.
pub(crate) fn values(file: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).expect("a command file");
    let (mut values, mut lines) = (BTreeMap::new(), text.lines());
    while let Some(line) = lines.next() {
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            _ if line.is_empty() => {}
            (equals, Some(at)) if equals.is_none_or(|equals| at < equals) => {
                let (name, delimiter) = (&line[..at], &line[at + 2..]);
                let value: Vec<&str> = lines
                    .by_ref()
                    .take_while(|line| *line != delimiter)
                    .collect();
                values.insert(name.to_owned(), value.join("\n"));
            }
            (Some(at), _) => drop(values.insert(line[..at].to_owned(), line[at + 1..].to_owned())),
            (None, _) => panic!("{} has a bad line: {line}", file.display()),
        }
    }
    values
}
