//! Which files of the workspace are JUnit reports of this run, and their cases.
//!
//! Files that existed before the tester ran and did not change belong to another run. A tester's
//! container writes into the workspace as it likes: links that lead out of it, pipes and huge files
//! are left alone.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::junit::Cases;
use crate::scrub::Scrubber;

/// The longest report that is read.
const MAX_REPORT_SIZE: u64 = 1024 * 1024;
/// Reports that are read of one tester.
const MAX_REPORTS: usize = 50;

/// A file of the workspace, or all files of a folder whose names have a given prefix and suffix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPath {
    written: String,
    folder: PathBuf,
    prefix: String,
    /// The part after the star, if there is one.
    suffix: Option<String>,
}

/// The reports that were there before a tester ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingReports(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl ReportPath {
    /// Reads `reports/junit.xml` or `reports/*.xml`; the error says what is wrong with it.
    pub(crate) fn parse(written: &str) -> Result<Self, &'static str> {
        if !is_inside(written) {
            return Err("is not a path inside the workspace");
        }
        let (folder, name) = written.rsplit_once('/').unwrap_or(("", written));
        if folder.contains('*') || name.matches('*').count() > 1 {
            return Err("has a star elsewhere than once in the file's name");
        }
        if name.is_empty() {
            return Err("names a folder");
        }
        let (prefix, suffix) = name
            .split_once('*')
            .map_or((name, None), |(begin, end)| (begin, Some(end.to_owned())));
        Ok(Self {
            written: written.to_owned(),
            folder: folder.into(),
            prefix: prefix.to_owned(),
            suffix,
        })
    }

    /// The folder they are in; empty for the workspace itself.
    pub fn folder(&self) -> &str {
        self.folder.to_str().unwrap_or_default()
    }

    /// The reports that are there now.
    pub fn find_existing(&self, workspace: &Path) -> ExistingReports {
        let found = self.find_files(workspace).into_iter().filter_map(|file| {
            let about = std::fs::metadata(&file).ok()?;
            Some((file, (about.len(), about.modified().ok())))
        });
        ExistingReports(found.collect())
    }

    /// The cases of the reports that were not there before, and what could not be read.
    pub fn read_new_cases(
        &self,
        workspace: &Path,
        before: &ExistingReports,
        scrubber: &Scrubber,
    ) -> (Cases, Option<String>) {
        let now = self.find_existing(workspace);
        let new: Vec<&PathBuf> = now
            .0
            .iter()
            .filter(|(file, about)| before.0.get(*file) != Some(about))
            .map(|(file, _)| file)
            .collect();
        let (mut cases, mut note) = (Cases::default(), None);
        if new.is_empty() {
            note = Some(format!("no JUnit report was written to {}", self.written));
        }
        for file in new.iter().take(MAX_REPORTS) {
            if let Err(why) = read_report(file).and_then(|text| {
                cases
                    .read(&text, scrubber)
                    .map_err(|error| error.to_string())
            }) {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                note.get_or_insert_with(|| {
                    format!(
                        "the JUnit report {} is left out: {why}",
                        name.escape_debug()
                    )
                });
            }
        }
        if new.len() > MAX_REPORTS {
            note.get_or_insert_with(|| {
                format!(
                    "{} JUnit reports are left out: {MAX_REPORTS} are read",
                    new.len() - MAX_REPORTS
                )
            });
        }
        (cases, note)
    }

    /// Regular files of the workspace, in the order of their names.
    fn find_files(&self, workspace: &Path) -> Vec<PathBuf> {
        let folder = workspace.join(&self.folder);
        // A folder that is a link out of the workspace is ignored.
        let stays_inside = || {
            Some(
                folder
                    .canonicalize()
                    .ok()?
                    .starts_with(workspace.canonicalize().ok()?),
            )
        };
        if stays_inside() != Some(true) {
            return Vec::new();
        }
        let names = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let named: Vec<PathBuf> = names
            .filter(|name| self.matches_name(name))
            .map(|name| folder.join(name))
            .collect();
        let mut files: Vec<PathBuf> = named
            .into_iter()
            .filter(|file| is_regular_file(file))
            .collect();
        files.sort();
        files
    }

    fn matches_name(&self, name: &str) -> bool {
        match &self.suffix {
            None => name == self.prefix,
            Some(end) => {
                name.len() >= self.prefix.len() + end.len()
                    && name.starts_with(&self.prefix)
                    && name.ends_with(end.as_str())
            }
        }
    }
}

/// Whether a path is relative and has no `..`.
pub(crate) fn is_inside(path: &str) -> bool {
    !path.starts_with('/')
        && !path.split('/').any(|part| part == "..")
        && !path.contains(char::is_control)
}

fn is_regular_file(file: &Path) -> bool {
    std::fs::symlink_metadata(file).is_ok_and(|about| about.is_file())
}

fn read_report(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let length = opened
        .take(MAX_REPORT_SIZE + 1)
        .read_to_string(&mut text)
        .map_err(|_| "it is not UTF-8 text".to_owned())?;
    if length as u64 > MAX_REPORT_SIZE {
        Err("it is longer than 1 MiB".to_owned())
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "<testsuite name='s'><testcase name='a'/></testsuite>";

    fn cases(path: &str, workspace: &Path, before: &ExistingReports) -> (usize, Option<String>) {
        let (cases, note) = ReportPath::parse(path).unwrap().read_new_cases(
            workspace,
            before,
            &Scrubber::default(),
        );
        (cases.tally.total(), note)
    }

    #[test]
    fn reports_are_the_files_that_the_tester_wrote() {
        let workspace = tempfile::tempdir().unwrap();
        let folder = workspace.path().join("reports");
        std::fs::create_dir(&folder).unwrap();
        for name in ["old.xml", "same.xml"] {
            std::fs::write(folder.join(name), REPORT).unwrap();
        }
        let before = ReportPath::parse("reports/*.xml")
            .unwrap()
            .find_existing(workspace.path());
        assert_eq!(
            cases("reports/*.xml", workspace.path(), &before).1.unwrap(),
            "no JUnit report was written to reports/*.xml"
        );

        std::fs::write(
            folder.join("old.xml"),
            REPORT.replace("</testsuite>", "<testcase name='b'/></testsuite>"),
        )
        .unwrap();
        std::fs::write(folder.join("new.xml"), REPORT).unwrap();
        std::fs::write(folder.join("new.json"), "{}").unwrap();
        assert_eq!(cases("reports/*.xml", workspace.path(), &before), (3, None));
        assert_eq!(
            cases("reports/n*.xml", workspace.path(), &before),
            (1, None)
        );
        assert_eq!(
            cases(
                "reports/new.xml",
                workspace.path(),
                &ExistingReports::default()
            ),
            (1, None)
        );
        assert_eq!(cases("none/*.xml", workspace.path(), &before).0, 0);
    }

    #[test]
    fn what_leads_out_of_the_workspace_or_is_too_much_is_left_alone() {
        let (workspace, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let inside = |name: &str| workspace.path().join(name);
        std::fs::write(elsewhere.path().join("a.xml"), REPORT).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), inside("out")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path().join("a.xml"), inside("link.xml")).unwrap();
        assert_eq!(
            cases("out/*.xml", workspace.path(), &ExistingReports::default()).0,
            0
        );
        assert_eq!(
            cases("*.xml", workspace.path(), &ExistingReports::default()).0,
            0
        );
        std::fs::write(inside("huge.xml"), " ".repeat(1024 * 1024 + 1)).unwrap();
        let note = cases("*.xml", workspace.path(), &ExistingReports::default())
            .1
            .unwrap();
        assert_eq!(
            note,
            "the JUnit report huge.xml is left out: it is longer than 1 MiB"
        );
    }

    #[test]
    fn a_path_stays_in_the_workspace_and_has_one_star() {
        for path in ["junit.xml", "a/b/*.xml", "a/TEST-*.xml", "./r/*"] {
            assert!(ReportPath::parse(path).is_ok(), "{path}");
        }
        for path in [
            "/tmp/a.xml",
            "../a.xml",
            "a/../../b.xml",
            "*/a.xml",
            "**.xml",
            "reports/",
            "",
        ] {
            assert!(ReportPath::parse(path).is_err(), "{path}");
        }
    }
}
