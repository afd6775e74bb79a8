//! botocore's service models judge every exchange of every story: what we send, and what the stage answers.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Fields of the stories about what is newer than every model.
const INVENTED: &[&str] = &["the unknown member quantumIsolation", "the unknown member warpFactor"];

/// The Python that has botocore; on a person's machine it may be missing, in continuous integration it may not.
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python");
    #[expect(clippy::disallowed_methods, reason = "a test asks its own environment")]
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(python.exists() || !is_ci, "{} is missing: make setup", python.display());
    python.exists().then_some(python)
}

/// What is wrong with a recording, in the judge's words; nothing where there is no judge.
pub(crate) fn offences(recording: &Path) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("sim/validate.py");
    let judged = Command::new(python()?).arg(script).arg(recording).output().expect("validate.py runs");
    let words = format!("{}{}", String::from_utf8_lossy(&judged.stdout), String::from_utf8_lossy(&judged.stderr));
    let offends = |line: &&str| !INVENTED.iter().any(|field| line.ends_with(field));
    let offences: Vec<&str> = words.lines().filter(|line| !line.contains(" kinds of offences")).filter(offends).collect();
    (!judged.status.success() && !offences.is_empty()).then(|| offences.join("\n"))
}

/// Whether there is a judge at all.
pub(crate) fn is_there() -> bool {
    python().is_some()
}
